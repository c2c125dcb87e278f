"""The engine of one machine: jobs in worker processes of one thread each, and how far they have come."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import cpu_count
from joblib.externals.loky import as_completed, get_reusable_executor

from landvote.experiments.cells import Cell
from landvote.experiments.work import Place, end_with, run_job

Engine = Callable[[Sequence[Sequence[Cell]], Place], Iterator[list[str]]]
"""Takes jobs, yields what failed in each as it ends, in any order."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
_ONE_THREAD = dict.fromkeys(_THREADS, "1")  # the last one is for forests, which are grown by threads of joblib's


def jobs(todo: Sequence[Cell]) -> list[list[Cell]]:
    """Return cells in jobs, those that share their votes in one, the smallest trainings first: a first answer soon."""
    together: dict[str, list[Cell]] = defaultdict(list)
    for cell in todo:
        together[cell.votes].append(cell)
    return sorted(together.values(), key=lambda job: job[0].films)


def local(work: Sequence[Sequence[Cell]], place: Place, processes: int = 0) -> Iterator[list[str]]:
    """Work on jobs in ``processes`` processes of this machine (0: one per processor), each with one thread.

    One thread each, whatever the number of processes: sums in another order have other last digits, and a result must
    not depend on how busy a machine was.
    """
    if not work:
        return
    executor = get_reusable_executor(
        min(processes or cpu_count(), len(work)), env=_ONE_THREAD, initializer=end_with, initargs=(os.getpid(),)
    )
    try:
        for job in as_completed([executor.submit(run_job, job, place) for job in work]):
            yield job.result()
    finally:
        executor.shutdown(wait=True, kill_workers=True)


@dataclass(frozen=True)
class Standing:
    """How far a grid has come.

    Attributes:
        done: finished cells, of ``total``.
        share: of all work that is done, 0 to 1, begun cells counted by their progress.
        minutes_left: of one process; NaN until a cell is finished.
    """

    done: int
    total: int
    share: float
    minutes_left: float


def standing(cells: Sequence[Cell], place: Place) -> Standing:
    """Look at the folders of all cells, whoever works on them.

    A cell that is not finished is expected to take as long as finished ones of its method and size did on average; of
    its method, where there is none; of any.
    """
    taken: dict[object, list[float]] = defaultdict(list)
    unfinished = []
    for cell in cells:
        if place.finished(cell.key):
            minutes = float(_read(place.cell(cell.key) / "cell.json")["minutes"])
            for like in ((cell.method, cell.size), cell.method, None):
                taken[like].append(minutes)
        else:
            unfinished.append(cell)
    spent, left = sum(taken[None]), 0.0
    for cell in unfinished:
        expected = taken[cell.method, cell.size] or taken[cell.method] or taken[None]
        each = sum(expected) / len(expected) if expected else float("nan")
        begun = float(_read(place.cell(cell.key) / "progress.json").get("seconds", 0)) / 60
        spent += begun
        left += max(each - begun, 0.05 * each)
    done = len(cells) - len(unfinished)
    share = spent / (spent + left) if spent and taken[None] else done / max(len(cells), 1)
    return Standing(done, len(cells), share, left)


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
