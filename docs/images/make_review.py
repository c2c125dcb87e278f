"""Draw docs/images/review.png, the review page with simulated films: `.venv/bin/python docs/images/make_review.py`.

Needs playwright and a Chromium of the system's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from landvote.data.prediction import Prediction
from landvote.formats.predictions import write_predictions
from landvote.formats.reading import read_points
from landvote.phantom import simulate_folder
from landvote.runtime.files import atomic_write

PICTURE = Path(__file__).with_name("review.png")
FILMS, SEED = 8, 3
COLOURS = 256


def main() -> None:
    """Write the picture: a film whose first landmarks are accepted, and the others proposed."""
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
        words = ["review", data, "--scheme", "femur", "--predictions", proposals, "--no-browser", "--port", "0"]
        server = subprocess.Popen([sys.executable, "-m", "landvote", *words], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            found = re.search(r"http\S+", server.stdout.readline())
            assert found is not None  # noqa: S101 - or the verb has said why
            shoot(found[0])
        finally:
            server.terminate()
            server.wait()


def shoot(address: str) -> None:
    """Open the page, accept some points, and write what it looks like."""
    with sync_playwright() as started, atomic_write(PICTURE) as temporary:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        page.fill("#person-name", "Ana")
        page.keyboard.press("Enter")
        expect(page.locator("#verdict")).to_have_text("proposed")
        for _ in range(26):
            page.keyboard.press("Enter")
        expect(page.locator("#saved")).to_have_text("saved")
        page.wait_for_timeout(1000)  # for small pictures
        page.screenshot(path=temporary)
        browser.close()
        Image.open(temporary).convert("RGB").quantize(COLOURS).save(temporary, "PNG", optimize=True)


if __name__ == "__main__":
    main()
