"""One task of an experiment: train, locate the test films, write the result; it goes on where a call has stopped."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.errors import DataError, LandvoteError, StoppedError
from landvote.experiments.runs import RunPlan
from landvote.formats.predictions import prediction_line
from landvote.localiser import Conditions
from landvote.models import Split, load_model, remove_checkpoints, train_model
from landvote.runtime.events import Event, FilmLocated, record
from landvote.runtime.files import write_json
from landvote.runtime.form import Form
from landvote.runtime.journal import Journal
from landvote.runtime.provenance import machine, versions
from landvote.runtime.stop import StopToken

_HEARTBEAT = 5.0  # seconds between notes of how far a run has come
_MEASURED = 3  # films tell how long reading takes
_READ = 4  # times a film is read before the first step: for its hash, its polarity and the views of two stages


@dataclass(frozen=True)
class Workspace:
    """Where films come from and results go; all of it can be sent to another process or machine.

    ``scheme`` is a name or file, or None for that of the DATA. ``films``, ``kind`` and ``centre`` are of
    :func:`landvote.datasets.folder.read_folder`. Models outlast their runs if ``keep_models`` says
    so. The stop token is asked after each film, step and tree.
    """

    data: Path
    scheme: str | None
    results: Path
    device: str = "cpu"
    keep_models: bool = False
    stop: StopToken = field(default_factory=StopToken, compare=False)
    films: Path | None = None
    kind: str | None = None
    centre: float | None = None

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files and folders that are read."""
        return (self.data, *filter(None, [self.films]))

    def samples(self) -> list[Sample]:
        """Read the films and their points."""
        scheme = Scheme.named(self.scheme) if self.scheme else None
        return read_folder(
            self.data, scheme, films=self.films, kind=self.kind, centre=self.centre, require_points=True
        )  # fmt: skip

    def record(self, plan: RunPlan) -> Path:
        """Return the file on a finished run; it is written last."""
        return self.results / "runs" / f"{plan.key}.json"

    def predictions(self, plan: RunPlan) -> Path:
        """Return the file of a run's predictions on the test films."""
        return self.results / "runs" / f"{plan.key}.jsonl"

    def finished(self, plan: RunPlan) -> bool:
        """Say whether a run is finished."""
        return self.record(plan).is_file()

    def unfinished(self, plan: RunPlan) -> Path:
        """Return the folder from which an unfinished run goes on; those that share their votes lie in one folder."""
        return self.results / "unfinished" / plan.votes / plan.key

    def model(self, plan: RunPlan) -> Path:
        """Return the model folder of a run."""
        return self.results / "models" / plan.key if self.keep_models else self.unfinished(plan) / "model"


RUN = Form("runs of an experiment", 2, DataError, {1: lambda record: record})
"""Of the records of finished runs; only its number is new."""


def lock(results: Path, name: str) -> FileLock:
    """Return the lock of that name, which holds between all processes that see the folder of the results."""
    (results / "locks").mkdir(parents=True, exist_ok=True)
    return FileLock(results / "locks" / f"{name}.lock")


def run_task(task: Sequence[RunPlan], workspace: Workspace) -> list[str]:
    """Work on runs that share their votes, one after the other; return a message per run that failed.

    A finished run is left alone, and a task that another process is working on is waited for. An error of landvote's
    ends its run alone; any other error is a bug and ends the task. If the stop token asks for it, the task ends where
    the next call goes on.
    """
    failures = []
    with suppress(StoppedError), _locked(task, workspace):
        for plan in task:
            try:
                _run(plan, task, workspace)
            except StoppedError:
                raise
            except LandvoteError as error:
                failures.append(f"{plan.name}: {error}")
        for model in (m for plan in task if (m := workspace.model(plan)).exists() and not failures):
            remove_checkpoints(model)
        folder = workspace.unfinished(task[0]).parent
        if not failures and folder.exists():
            shutil.rmtree(folder)
    return failures


def _locked(task: Sequence[RunPlan], workspace: Workspace) -> AbstractContextManager[object]:
    """Take the lock of a task, which ends with the context; raise StoppedError if it is to stop before."""
    while True:
        try:
            return lock(workspace.results, task[0].votes).acquire(timeout=0.5)
        except Timeout:
            workspace.stop.check()


def _run(plan: RunPlan, task: Sequence[RunPlan], workspace: Workspace) -> None:
    if workspace.finished(plan):
        return
    workspace.stop.check()
    folder, model = workspace.unfinished(plan), workspace.model(plan)
    folder.mkdir(parents=True, exist_ok=True)
    clock = Clock(folder / "progress.json")
    samples = _samples(workspace)
    trained = (p for p in task if workspace.finished(p) and (workspace.model(p) / "model.json").is_file())
    shared = next(trained, None)
    try:
        if not (model / "model.json").is_file():
            split = Split([samples[i] for i in plan.training], [samples[i] for i in plan.validation], [])
            _check_time(split, workspace.stop)
            conditions = Conditions(device=workspace.device, listener=clock, stop=workspace.stop)
            for stage in plan.recipe.stages_for(split.training[0].scheme):
                stage.voter.prepare_process()
            voters = workspace.model(shared) if shared else None
            train_model(split, plan.recipe, model, conditions, resume=True, voters=voters, keep_checkpoints=True)
        clock.mark("train_minutes")
        localiser = load_model(model, workspace.device)
        journal = Journal(folder / "predictions.part")
        for identifier in plan.test[journal.lines :]:
            workspace.stop.check()
            sample = samples[identifier]
            found = replace(localiser.locate(sample.open(), sample.side), identifier=identifier)
            journal.append(prediction_line(found))
            clock(FilmLocated(journal.lines, len(plan.test)))
    except StoppedError:
        clock.note()
        raise
    clock.mark("minutes")
    workspace.record(plan).parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / "predictions.part", workspace.predictions(plan))
    content = {
        "method": plan.method, "size": plan.size, "fold": plan.fold, "seed": plan.seed, "films": plan.films,
        **clock.marks, "votes_of": shared.method if shared else None, "computed_on": localiser.computed_on,
        "machine": machine(), "versions": versions(), "recipe": plan.recipe.model_dump(mode="json"),
        "training": plan.training, "validation": plan.validation, "test": plan.test,
    }  # fmt: skip
    write_json(workspace.record(plan), RUN.stamp(content))


def _check_time(split: Split, stop: StopToken) -> None:
    """Raise StoppedError if there is no time to read the films, as every call does anew, and as much again to learn."""
    if stop.until is None:
        return
    films = [*split.training, *split.validation]
    start = time.time()
    for sample in films[:_MEASURED]:
        sample.open()
    now = time.time()
    reading = (now - start) / min(_MEASURED, len(films)) * len(films) * _READ
    StopToken(stop.until - 2 * reading).check()


class Clock:
    """A listener that keeps in a file how far a run is, and for how long all calls together have worked on it.

    A process that is killed loses what it did since its last note, at most some seconds.
    """

    def __init__(self, file: Path) -> None:
        before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        self._file, self.marks, self._noted = file, dict(before.get("marks", {})), -_HEARTBEAT
        self._start = time.monotonic() - before.get("seconds", 0.0)  # of all calls, had they followed each other

    def __call__(self, event: Event) -> None:
        """Take an event; write it down if the last one is some seconds old."""
        now = time.monotonic()
        if now - self._noted >= _HEARTBEAT:
            self._noted = now
            self.note(**record(event))

    def mark(self, name: str) -> None:
        """Note the minutes so far under a name, once; a resumed process does not note them again."""
        self.marks.setdefault(name, round((time.monotonic() - self._start) / 60, 3))
        self.note()

    def note(self, **state: Any) -> None:  # noqa: ANN401 - an event as JSON
        """Write the file."""
        write_json(self._file, {"seconds": time.monotonic() - self._start, "marks": self.marks, **state})


@lru_cache(maxsize=1)
def _samples(workspace: Workspace) -> dict[str, Sample]:
    return {s.identifier: s for s in workspace.samples()}
