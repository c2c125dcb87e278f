"""The work on one cell: train, locate the test films, and say so; any of it goes on where a killed process was."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from landvote.errors import LandvoteError
from landvote.experiments.cells import Cell
from landvote.files import write_text
from landvote.localiser import Conditions
from landvote.models import Split, load_model, train_model
from landvote.prediction import Prediction, write_predictions
from landvote.readers import read_folder
from landvote.runtime.events import Event, FilmLocated, record
from landvote.runtime.provenance import machine, versions
from landvote.sample import Sample
from landvote.scheme import Scheme

_HEARTBEAT = 5.0  # seconds between notes of how far a cell has come


@dataclass(frozen=True)
class Place:
    """Where films come from and results go; all of it plain, so that it can be sent to another process or machine.

    Attributes:
        data: DATA folder.
        scheme: name or file, or None for the folder's own.
        results: folder of the results.
        device: for networks.
    """

    data: Path
    scheme: str | None
    results: Path
    device: str

    def cell(self, key: str) -> Path:
        """Return the folder of a cell."""
        return self.results / "cells" / key

    def finished(self, key: str) -> bool:
        """Say whether a cell is done; its ``cell.json`` is written last."""
        return (self.cell(key) / "cell.json").is_file()


def run_job(job: Sequence[Cell], place: Place) -> list[str]:
    """Work on cells that share their votes, one after the other; return what failed, in words.

    A cell that is finished is left alone. One that another process is working on is waited for. An error of landvote's
    ends the cell, not the job; anything else is a bug and ends both.
    """
    failures = []
    for cell in job:
        try:
            _run(cell, [c for c in job if c is not cell], place)
        except LandvoteError as error:
            failures.append(f"{cell.name}: {error}")
    return failures


def _run(cell: Cell, siblings: Sequence[Cell], place: Place) -> None:
    folder = place.cell(cell.key)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if place.finished(cell.key):
            return
        clock = Clock(folder / "progress.json")
        samples = _samples(place.data, place.scheme)
        shared = next((s for s in siblings if place.finished(s.key)), None)
        model = folder / "model"
        if not (model / "model.json").is_file():
            split = Split([samples[i] for i in cell.training], [samples[i] for i in cell.validation], [])
            voters = place.cell(shared.key) / "model" if shared else None
            conditions = Conditions(device=place.device, listener=clock)
            for stage in cell.recipe.stages_for(split.training[0].scheme):
                stage.voter.prepare_process()
            train_model(split, cell.recipe, model, conditions, resume=True, voters=voters)
        clock.mark("train_minutes")
        localiser = load_model(model, place.device)

        def located() -> Iterator[Prediction]:
            for number, identifier in enumerate(cell.test, 1):
                yield localiser.locate(samples[identifier].open())
                clock(FilmLocated(number, len(cell.test)))

        write_predictions(folder / "predictions.jsonl", located())
        clock.mark("minutes")
        write_text(folder / "cell.json", json.dumps(_told(cell, clock, shared, localiser.computed_on), indent=2) + "\n")


def _told(cell: Cell, clock: Clock, shared: Cell | None, computed_on: dict[str, str]) -> dict[str, Any]:
    named = {"method": cell.method, "size": cell.size, "fold": cell.fold, "seed": cell.seed, "films": cell.films}
    return {
        **named,
        **clock.marks,
        "votes_of": shared.method if shared else None,
        "computed_on": computed_on,
        "machine": machine(),
        "versions": versions(),
        "recipe": cell.recipe.model_dump(mode="json"),
        "training": cell.training,
        "validation": cell.validation,
        "test": cell.test,
    }


class Clock:
    """How long a cell has been worked on, over all processes that did, and how far it is; in a file, for all to see.

    A process that is killed loses what it did since its last note, at most some seconds.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        before: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        self.marks: dict[str, float] = before.get("marks", {})
        self._before = float(before.get("seconds", 0.0))
        self._start = time.monotonic()
        self._noted = -_HEARTBEAT

    @property
    def seconds(self) -> float:
        """Worked so far."""
        return self._before + time.monotonic() - self._start

    def __call__(self, event: Event) -> None:
        """Take an event; write it down if the last one is some seconds old."""
        now = time.monotonic()
        if now - self._noted >= _HEARTBEAT:
            self._noted = now
            self._write(record(event))

    def mark(self, what: str) -> None:
        """Note the minutes so far under a name, once; a resumed process does not note them again."""
        self.marks.setdefault(what, round(self.seconds / 60, 3))
        self._write({})

    def _write(self, state: dict[str, Any]) -> None:
        write_text(self.file, json.dumps({"seconds": self.seconds, "marks": self.marks, **state}))


@lru_cache(maxsize=1)
def _samples(data: Path, scheme: str | None) -> dict[str, Sample]:
    named = Scheme.named(scheme) if scheme else None
    return {s.identifier: s for s in read_folder(data, named, require_points=True)}
