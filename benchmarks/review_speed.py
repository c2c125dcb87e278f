"""The review page at its limits: large films in a browser, edits among 10,000 films, memory over many films.

    python benchmarks/review_speed.py films | edits | memory

``films`` needs playwright and a Chromium on the path. Films are 4,000 x 4,000 pixels of 16 bits, made here; those of
``edits`` are small, and 9,000 of the 10,000 are approved before.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from landvote.data.scheme import Scheme
from review_server import Server

SIDE, MANY, APPROVED, EDITS, CHANGES = 4000, 10_000, 9_000, 300, 300
WINDOW = {"width": 1280, "height": 720}
FRAMES = """() => {
  window.gaps = [];
  let before = performance.now();
  const look = (now) => { window.gaps.push(now - before); before = now; window.looking = requestAnimationFrame(look); };
  window.looking = requestAnimationFrame(look);
}"""
FILM_SHOWN = """(name) => new Promise((resolve) => {
  const film = document.getElementById("film");
  const small = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const look = () => {
    small.drawImage(film, 0, 0, 30, 15);
    const lit = small.getImageData(0, 0, 30, 15).data.some((v, i) => i % 4 < 3 && v > 20);
    if (lit && document.getElementById("name").textContent === name) resolve(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})"""


def make_large(folder: Path, count: int) -> None:
    """Write films as large as radiographs get: smooth, with noise, so that they compress as such do."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    for i in range(count):
        grey = 20_000 + 15_000 * np.sin(x / (300 + i)) * np.cos(y / 400) + rng.normal(0, 150, (SIDE, SIDE))
        cv2.imwrite(str(folder / f"film-{i:03}.png"), grey.astype(np.uint16))


def spread(times: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum of milliseconds."""
    ordered = sorted(times)
    middle, high = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {middle:.0f} ms, 95 % {high:.0f} ms, longest {ordered[-1]:.0f} ms ({len(ordered)})"


def films(folder: Path) -> None:
    """Measure in a browser how long films take to be on the screen, and frames while one is moved."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the other measurements need none

    make_large(folder, 12)
    Scheme.named("cephalogram").write(folder / "scheme.toml")
    server = Server(folder, "--no-learning")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
        page.goto(server.address)
        page.fill("#person-name", "Ana")
        began = page.evaluate("performance.now()")
        page.keyboard.press("Enter")
        print(f"first film on the screen: {page.evaluate(FILM_SHOWN, 'film-000.png') - began:.0f} ms")
        page.evaluate(FRAMES)
        taken: list[float] = []
        for number in range(1, 12):
            if number < 8:
                page.wait_for_timeout(3000)  # a person looks at a film for a while
            began = page.evaluate("performance.now()")
            page.keyboard.press("j")
            taken.append(page.evaluate(FILM_SHOWN, f"film-{number:03}.png") - began)
        print(f"next film on the screen, after 3 s on the one before: {spread(taken[:7])}")
        print(f"next film on the screen, asked for at once: {spread(taken[7:])}")
        print(f"frames meanwhile: {spread(page.evaluate('window.gaps'))}")
        box = page.locator("#marks").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) if box else (0, 0)
        page.wait_for_timeout(3000)
        for what in ("zoom", "pan", "levels"):
            page.evaluate("window.gaps.length = 0")
            _move(page, what, middle)
            print(f"frames, {what}: {spread(page.evaluate('window.gaps'))}")
        browser.close()
    server.end()


def _move(page, what: str, middle: tuple[float, float]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - playwright's
    page.mouse.move(*middle)
    if what == "zoom":
        for step in range(60):
            page.mouse.wheel(0, -100 if step % 40 < 30 else 100)
            page.wait_for_timeout(16)
        return
    page.mouse.down(button="middle" if what == "pan" else "right")
    for step in range(120):
        turn = step / 10
        page.mouse.move(middle[0] + 250 * np.sin(turn), middle[1] + 200 * np.sin(1.7 * turn))
        page.wait_for_timeout(16)
    page.mouse.up(button="middle" if what == "pan" else "right")


def edits(folder: Path) -> None:
    """Measure edits, one after the other, among very many films while points.csv is written behind them."""
    scheme = Scheme.named("cephalogram")
    scheme.write(folder / "scheme.toml")
    picture = cv2.imencode(".png", (np.add.outer(np.arange(60), np.arange(80)) * 400).astype(np.uint16))[1].tobytes()
    for i in range(MANY):
        (folder / f"film-{i:05}.png").write_bytes(picture)
    rng = np.random.default_rng(0)
    lines = ["image,landmark,x,y"]
    for i in range(APPROVED):
        places = rng.uniform(0, 60, (len(scheme.landmarks), 2)).round(2).tolist()
        lines += [f"film-{i:05}.png,{name},{x},{y}" for name, (x, y) in zip(scheme.landmarks, places, strict=True)]
    (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")
    server = Server(folder, "--no-learning")
    began = time.perf_counter()
    server.ask("GET", "/api/films?who=Ana")
    print(f"list of {MANY} films: {1000 * (time.perf_counter() - began):.0f} ms")
    taken, revisions = [], dict[int, int]()
    for step in range(EDITS):
        number = APPROVED + step % 20
        if number not in revisions:
            revisions[number] = server.film(number, "Ana")["revision"]
        began = time.perf_counter()
        place = {"state": "placed", "x": 1 + step / 10, "y": 5}
        status, film = server.edit(number, "Ana", revisions[number], "set", **{scheme.landmarks[step % 19]: place})
        taken.append(1000 * (time.perf_counter() - began))
        if status != 200:
            raise SystemExit(f"{status}: {film}")
        revisions[number] = film["revision"]
        time.sleep(0.05)
    print(f"edits: {spread(taken)}")
    print(f"memory of the server: {server.memory():.0f} MB")
    server.end()


def memory(folder: Path) -> None:
    """Measure the memory of a server while a page opens film after film."""
    make_large(folder, 12)
    server = Server(folder, "--no-learning")
    for change in range(CHANGES + 1):
        if change in (0, 10, 30, 100, 200, 300):
            print(f"after {change} changes of film: {server.memory():.0f} MB")
        number = change % 12
        server.film(number, "Ana")
        server.ask("GET", f"/api/films/{number}/pixels")
        server.ask("GET", f"/api/films/{(number + 1) % 12}/pixels")
    server.end()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        {"films": films, "edits": edits, "memory": memory}[sys.argv[1]](Path(made))
