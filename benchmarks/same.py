"""Train every recipe on small data by few steps with fixed seeds, and keep what it finds; or hold it against that.

    python benchmarks/same.py keep DIR [--python OTHER/.venv/bin/python]
    python benchmarks/same.py compare DIR

``keep`` at one commit, ``compare`` at another, on one machine: a change that only moves code leaves every point within
1e-4 px. Networks are computed in fp32 by one thread. It trains by the command line and locates by the public Python
interface, so that it runs on any version from 0.1.0 on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np
from PIL import Image

import landvote

_TOLERANCE = 1e-4  # px
_NETWORK = (
    "network.width=4", "network.depth=3", "network.head_width=16", "network.precision=fp32", "training.steps=60",
    "training.batch=3", "training.judge_every=30", "training.rate=0.005",
)  # fmt: skip
_FOREST = ("forest.trees=3", "forest.pool=40", "forest.views=2", "forest.patches=6", "forest.jobs=1")
_SIZE = {"global": "size=[64, 64]", "local": "size=[64, 64]", "fine": "size=[96, 96]", "parts": "size=[32, 32]"}
_NETWORKS, _FORESTS = ("global", "local"), ("global", "local", "fine")
_ON_HIPS = {
    "whdv": _NETWORKS, "hdv": _NETWORKS, "ho": _NETWORKS, "paper": _NETWORKS, "whdv-shape": _NETWORKS,
    "rfrv": _FORESTS, "rfrv-clm": _FORESTS,
}  # fmt: skip
_ON_ROWS = {
    "whdv": ("global", "parts"), "whdv-shape": ("global", "parts"), "hdv": ("global", "parts"), "rfrv-clm": _FORESTS,
}  # fmt: skip
_ROW = """name = "row"
points = 20
groups = [["0-3"], ["4-7"], ["8-11"], ["12-15"], ["16-19"]]
order = "down"
"""


def hips(folder: Path) -> None:
    """Simulate hips."""
    _landvote("simulate", folder, "--films", 24, "--seed", 3)


def rows(folder: Path) -> None:
    """Draw films of five blocks below each other, and the corners of each."""
    (folder / "images").mkdir(parents=True)
    (folder / "scheme.toml").write_text(_ROW)
    lines = ["image," + ",".join(f"x{i},y{i}" for i in range(20))]
    for film in range(24):
        rng = np.random.default_rng(film)
        pixels = rng.uniform(30, 50, (200, 120))
        x, y, tall, wide = rng.uniform(45, 75), rng.uniform(18, 30), rng.uniform(18, 24), rng.uniform(26, 34)
        points = []
        for block in range(5):
            left, top = x + 3 * block * rng.uniform(-1, 1) - wide / 2, y + block * (tall + 8)
            pixels[round(top) : round(top + tall), round(left) : round(left + wide)] += 120
            points += [(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)]
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{film:02}.png")
        lines.append(f"{film:02}.png," + ",".join(f"{u:.3f},{v:.3f}" for u, v in points))
    (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")


def located(data: Path, recipe: str, stages: tuple[str, ...], model: Path) -> np.ndarray:
    """Train and locate; return (films, n, 3): points, and the error expected of each."""
    changes = [f"{s}.{c}" for s in stages for c in (*(_FOREST if "rfrv" in recipe else _NETWORK), _SIZE[s])]
    options = [part for change in (*changes, "validation=0.25") for part in ("--set", change)]
    shutil.rmtree(model, ignore_errors=True)
    _landvote("train", data, "--recipe", recipe, "--out", model, "--device", "cpu", *options)
    localiser = landvote.load_model(model, "cpu")
    found = [localiser.locate(landvote.read_image(film)) for film in sorted((data / "images").iterdir())[:12]]
    return np.stack([np.column_stack([p.points, p.expected_error]) for p in found])


def _landvote(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "landvote", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Keep or compare; the exit status is 1 where something has changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("keep", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="a part of the names of what is trained, such as hips-rfrv")
    chosen = parser.parse_args()
    changed = False
    for kind, draw, recipes in (("hips", hips, _ON_HIPS), ("rows", rows, _ON_ROWS)):
        data = chosen.folder / kind
        if not data.exists():
            draw(data)
        for recipe, stages in recipes.items():
            name = f"{kind}-{recipe}"
            if chosen.only not in name:
                continue
            found = located(data, recipe, stages, chosen.folder / f"{chosen.what}-{landvote.__version__}" / name)
            file = chosen.folder / f"{name}.npy"
            if chosen.what == "keep":
                np.save(file, found)
                print(f"{name}: kept", flush=True)
                continue
            away = np.abs(found - np.load(file))
            points, errors = np.nanmax(away[..., :2]), np.nanmax(away[..., 2])
            same = points <= _TOLERANCE and np.array_equal(np.isnan(found), np.isnan(np.load(file)))
            changed |= not same
            print(f"{name}: points {points:.1e} px, expected errors {errors:.1e} px, {'same' if same else 'CHANGED'}",
                  flush=True)  # fmt: skip
    return int(changed)


if __name__ == "__main__":
    raise SystemExit(main())
