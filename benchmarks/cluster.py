"""The engines of a grid: Ray on two nodes of one core against one, and what the local engine costs beside its cells.

    python benchmarks/cluster.py [--turns 3] [--seconds 10]

Cells are stood in for by tasks that keep one processor busy for some seconds of its time, so that what is measured is
the engine. One and two nodes take turns. What the local engine costs is its wall-clock time with one process, less that
of its tasks. Only two idle cores can be twice as fast as one: the load is stated. The exit status is 1 if a limit is
missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from landvote.runtime.executor import Job, choose_executor
from nodes import cluster

FASTER = 1.7  # at least, with two nodes
OVERHEAD = 0.05  # at most, of the wall-clock time
_TASKS = 8


def main() -> None:
    """Measure, and print the ratios; or work, called by itself with an engine's name, and print the seconds."""
    parser = argparse.ArgumentParser(description="Ray on two nodes against one; what the local engine costs.")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a processor's time, a task")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        print(*work(asked.work, asked.seconds))
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {_TASKS} tasks of {asked.seconds:g} s")
    with cluster(1) as (one, _), cluster(2) as (two, _):
        pairs = [(called("ray", asked.seconds, on)[0] for on in (one, two)) for _ in range(asked.turns)]
        faster = statistics.median(alone / both for alone, both in pairs)
    print(f"Ray, two nodes against one: {faster:.2f}x, >= {FASTER} {'yes' if faster >= FASTER else 'NO'}")
    turns = [called("local", asked.seconds, dict(os.environ)) for _ in range(asked.turns)]
    overhead = statistics.median(1 - tasks / wall for wall, tasks in turns)
    print(f"local engine beside its tasks: {overhead:.1%}, <= {OVERHEAD:.0%} {'yes' if overhead <= OVERHEAD else 'NO'}")
    sys.exit(faster < FASTER or overhead > OVERHEAD)


def called(engine: str, seconds: float, environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds that :func:`work` took in a process of its own."""
    words = [sys.executable, __file__, "--work", engine, "--seconds", str(seconds)]
    said = subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    wall, tasks = said.splitlines()[-1].split()
    return float(wall), float(tasks)


def work(engine: str, seconds: float) -> tuple[float, float]:
    """Return the wall-clock seconds of an engine, and of its tasks in all."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(partial(keep_busy, seconds), range(_TASKS), _TASKS, (), Path(folder))
        start = time.perf_counter()
        took = sum(choose_executor(engine, 1 if engine == "local" else 0)(job))
        return time.perf_counter() - start, took


def keep_busy(seconds: float, _task: int) -> float:
    """Use that many seconds of a processor; return how many it took by the clock."""
    start, until = time.perf_counter(), time.process_time() + seconds
    while time.process_time() < until:
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
