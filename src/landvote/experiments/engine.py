"""Who works on the jobs of a grid, in which order, and how far they have come."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from landvote.errors import SettingError, nearest
from landvote.experiments.cells import Cell
from landvote.experiments.work import Place, run_job
from landvote.workers import Work, choose_workers

_ENGINES = ("local", "ray", "none")
Engine = Callable[[Sequence[Sequence[Cell]], Place], Iterator[list[str]]]
"""Takes jobs, yields what failed in each as it ends, in any order."""


def jobs(todo: Sequence[Cell]) -> list[list[Cell]]:
    """Return cells in jobs, those that share their votes in one, the smallest trainings first: a first answer soon."""
    together: dict[str, list[Cell]] = defaultdict(list)
    for cell in todo:
        together[cell.votes].append(cell)
    return sorted(together.values(), key=lambda job: job[0].films)


def choose_engine(name: str, jobs: int = 0, device: str = "cpu") -> Engine:
    """Return who works on a grid.

    Args:
        name: ``local``, processes of this machine; ``ray``, a Ray cluster; or ``none``, nobody: a report is written on
            what there is, such as while others work.
        jobs: how many cells at a time; 0: one per processor.
        device: of networks; with ``cuda`` a cell takes one graphics card of a cluster.

    Raises:
        SettingError: there is no such engine.
    """
    if name == "none":
        return lambda work, place: iter(())  # noqa: ARG005 - nobody does it
    if name not in _ENGINES:
        raise SettingError(f"engine {name!r}: expected {', '.join(_ENGINES)}{nearest(name, _ENGINES)}")
    workers = choose_workers(name, jobs)

    def engine(work: Sequence[Sequence[Cell]], place: Place) -> Iterator[list[str]]:
        gpus = 1.0 if device.startswith("cuda") else 0.0
        return workers(Work(partial(run_job, place=place), work, len(work), (place.data,), place.results, gpus))

    return engine


@dataclass(frozen=True)
class Standing:
    """How far a grid has come.

    Attributes:
        done: finished cells, of ``total``.
        share: of all work that is done, 0 to 1, in minutes; begun cells count by those they have had.
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
