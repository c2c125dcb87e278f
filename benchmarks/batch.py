"""Very many films: memory and time a film of ``landvote locate --films-per-shard`` for 10,000 films against 100.

    python benchmarks/batch.py [--films 10000] [--turns 3]

The model is tiny, so that what is measured is everything else, and the films are a few under many names. A process
locates 100 films, in several turns, and the many once, amidst them. Time is the median over the shards; memory is the
most that a process ever had, of the one that locates and of the one that hands out the shards. Linux only. The exit
status is 1 if a ratio is over its limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from hips import simulated
from landvote.localiser import Conditions
from landvote.models import divide, train_model
from landvote.recipes import recipe

LIMIT = 1.1
FEW = 100
_PER_SHARD = 20
_SIMULATED = 6
_STAGE = (
    "network.width=4",
    "network.depth=2",
    "network.stride=2",
    "network.head_width=8",
    "training.steps=4",
    "training.batch=2",
    "training.judge_every=4",
    "size=[48, 48]",
)
_COMMAND = "from landvote.cli import main; main()"


@dataclass(frozen=True)
class Measured:
    """What a run took.

    Attributes:
        seconds: a film, median over the shards.
        worker, parent: most memory that the process that locates, and the one that started it, had, MiB.
    """

    seconds: float
    worker: float
    parent: float


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description="Memory and time a film, for many films against few.")
    parser.add_argument("--films", type=int, default=10_000, help=f"against {FEW}")
    parser.add_argument("--turns", type=int, default=3, help=f"of {FEW} films before the many, and after them")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepare(place, (FEW, asked.films))
        few = [measure(place, FEW, f"before{turn}") for turn in range(asked.turns)]
        many = measure(place, asked.films, "many")
        few += [measure(place, FEW, f"after{turn}") for turn in range(asked.turns)]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    over = False
    for what, unit in (("seconds", "s a film"), ("worker", "MiB, who locates"), ("parent", "MiB, who hands out")):
        against = statistics.median(getattr(m, what) for m in few)
        ratio = getattr(many, what) / against
        over |= ratio > LIMIT
        verdict = "yes" if ratio <= LIMIT else "NO"
        print(f"{asked.films} films {getattr(many, what):8.4g}, {FEW} films {against:8.4g} {unit:20s} {ratio:.3f}x  "
              f"<= {LIMIT:g} {verdict}")  # fmt: skip
    sys.exit(over)


def prepare(place: Path, numbers: tuple[int, ...]) -> None:
    """Train a tiny model, and give a few simulated films many names."""
    with simulated(_SIMULATED) as samples:
        chosen = recipe("whdv", [f"{stage}.{change}" for stage in ("global", "local", "outline") for change in _STAGE])
        train_model(divide(samples, chosen), chosen, place / "model", Conditions(device="cpu"))
        for i, sample in enumerate(samples):
            Image.fromarray(sample.open().pixels).save(place / f"{i}.png")
    for number in numbers:
        (place / str(number)).mkdir()
        for i in range(number):
            os.link(place / f"{i % _SIMULATED}.png", place / str(number) / f"{i:07}.png")


def measure(place: Path, films: int, name: str) -> Measured:
    """Locate films, and watch how much memory is in use."""
    out = place / name
    words = (place / "model", place / str(films), "--out", out, "--films-per-shard", _PER_SHARD, "--jobs", 1)
    running = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "locate", *map(str, words), "--device", "cpu"],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    worker = parent = 0.0
    while running.poll() is None:
        parent = max(parent, peak(running.pid))
        worker = max([worker, *map(peak, children(running.pid))])
        time.sleep(0.05)
    if running.returncode:
        raise RuntimeError(f"locate ended with status {running.returncode}")
    ended = sorted(p.stat().st_mtime for p in out.glob("predictions-*.jsonl"))
    return Measured(statistics.median(b - a for a, b in pairwise(ended)) / _PER_SHARD, worker, parent)


def peak(pid: int) -> float:
    """Return the most memory a process ever had, MiB; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0.0)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    try:
        found = [task.read_text() for task in Path(f"/proc/{parent}/task").glob("*/children")]
    except OSError:
        return []
    return [int(pid) for text in found for pid in text.split()]


if __name__ == "__main__":
    main()
