"""Draw docs/images/review*.png, the review page with simulated films: `.venv/bin/python docs/images/make_review.py`.

Needs playwright and a Chromium of the system's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from landvote.data.prediction import Prediction
from landvote.formats.predictions import write_predictions
from landvote.formats.reading import read_points
from landvote.phantom import simulate_folder
from landvote.runtime.files import atomic_write

FOLDER = Path(__file__).parent
FILMS, SEED = 8, 3
COLOURS = 256


def main() -> None:
    """Write the pictures: the first start; a film whose first landmarks are accepted; the landmarks of a scheme."""
    with tempfile.TemporaryDirectory() as folder:
        data, proposals = Path(folder) / "hips", Path(folder) / "proposals.jsonl"
        simulate_folder(data, FILMS, SEED)
        table, rng = read_points(data / "truth.csv"), np.random.default_rng(SEED)
        write_predictions(proposals, (
            Prediction(row.image, row.points + rng.normal(0, 1.5, row.points.shape), np.full(len(row.points), 2.0),
                       table.landmarks) for row in table.rows
        ))  # fmt: skip
        (data / "landmarks.csv").unlink()
        (data / "truth.csv").unlink()
        (data / "scheme.toml").unlink(missing_ok=True)
        with opened(data, "--store", Path(folder) / "empty") as page:
            expect(page.locator("#scheme")).to_be_visible()
            shoot(page, "review-start.png")
        with opened(data, "--scheme", "femur", "--predictions", proposals) as page:
            expect(page.locator("#verdict")).to_have_text("proposed")
            for _ in range(26):
                page.keyboard.press("Enter")
            expect(page.locator("#saved")).to_have_text("saved")
            shoot(page, "review.png")
            page.keyboard.press("e")
            expect(page.locator("#relations-dialog")).to_be_visible()
            shoot(page, "review-landmarks.png")


@contextmanager
def opened(data: Path, *words: object) -> Iterator[Page]:
    """Yield the page of a review of its own, on which Ana has said her name."""
    command = [sys.executable, "-m", "landvote", "review", data, *words, "--no-browser", "--port", "0"]
    server = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None  # noqa: S101 - a pipe was asked for
        found = re.search(r"http\S+", server.stdout.readline())
        assert found is not None  # noqa: S101 - or the verb has said why
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(found[0])
            page.fill("#person-name", "Ana")
            page.keyboard.press("Enter")
            yield page
            browser.close()
    finally:
        server.terminate()
        server.wait()


def shoot(page: Page, name: str) -> None:
    """Write what a page looks like."""
    page.wait_for_timeout(1000)  # for small pictures
    with atomic_write(FOLDER / name) as temporary:
        page.screenshot(path=temporary)
        Image.open(temporary).convert("RGB").quantize(COLOURS).save(temporary, "PNG", optimize=True)


if __name__ == "__main__":
    main()
