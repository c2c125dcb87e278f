"""A review of a few small films, a server of it on loopback, and a browser that shows its page."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from landvote.review.opening import open_review
from reviewing import THREE, TOKEN, served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture
def films(tmp_path):
    """Return a bare folder of four films, 40 wide and 30 high."""
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(4):
        pixels = (np.add.outer(np.arange(30), np.arange(40)) * 500 + i).astype(np.uint16)
        Image.fromarray(pixels).save(folder / f"film-{i}.png")
    return folder


@pytest.fixture
def review(films):
    opened = open_review(films, "Ana", scheme=THREE)
    yield opened
    opened.store.close()


@pytest.fixture
def client(review):
    with served(review) as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield found
        found.close()


@pytest.fixture
def show(browser):
    """Return a function that opens the page of a server in a new window, as a person who has given a name."""
    contexts, faults = [], []

    def opened(client, name="Ana"):
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "requestfinished", lambda request: faults.append(request.url) if client.host not in request.url else None
        )
        page.goto(f"http://{client.host}/?token={TOKEN}")
        page.fill("#person-name", name)
        page.keyboard.press("Enter")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
