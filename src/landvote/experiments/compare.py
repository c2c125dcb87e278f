"""Run a grid: films, runs, tasks, results, report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from landvote.data.sample import Sample
from landvote.errors import DataError, SettingError
from landvote.experiments.engine import progress, tasks
from landvote.experiments.grid import Grid, read_grid
from landvote.experiments.runs import RunPlan, plan_runs
from landvote.experiments.work import Workspace, lock, run_task
from landvote.phantom import simulate_folder
from landvote.runtime.events import FilmSimulated, Listener, ignore
from landvote.runtime.executor import Executor, Job, relayed, repeated
from landvote.runtime.files import expect_folder
from landvote.runtime.stop import StopToken

_DATA = "data"  # folder of simulated films in that of the results
_LOOK = 5.0  # seconds between looks at how far the runs are
_STOPPING = 5.0  # seconds of a time limit are kept for last steps and checkpoints
_REPORTING = (0.1, 15.0)  # of a time limit is kept for the report: a share, and seconds at least


@dataclass(frozen=True)
class Comparison:
    """The outcome of one call of :func:`compare_grid`.

    Attributes:
        report: the page; None if none was asked for, or a stop came before the first run was finished.
        failures: a message per run that failed.
        stopped: how many runs of this call a stop has left; the same call goes on with them.
    """

    report: Path | None
    failures: tuple[str, ...]
    stopped: int


def compare_grid(  # noqa: PLR0913 - the settings of an experiment's call
    file: Path, out: Path, executor: Executor | None, *, scale: str = "paper", shard: str = "1/1",
    data: Path | None = None, films: Path | None = None, kind: str | None = None, centre: float | None = None,
    device: str = "cpu", keep_models: bool = False, report: bool = True,
    listener: Listener = ignore, stop: StopToken | None = None,
) -> Comparison:  # fmt: skip
    """Run a grid file, or go on with it, and write the report on all runs that are finished.

    Calls with the same or other grids may share the folder ``out``, at once or one after the other (see
    docs/experiments.md): finished runs are used, and unfinished ones gone on with. Without an executor none is worked
    on. Of ``shard`` i/n this call works on every n-th task only; the report is on all there is. ``scale`` is one of
    :meth:`landvote.experiments.grid.Grid.at`, ``data`` other DATA than the grid's own, read with ``films``, ``kind``
    and ``centre`` as by :func:`landvote.datasets.folder.read_folder`; ``keep_models`` keeps the models of finished
    runs, in ``models/``. The listener is told of
    :class:`landvote.runtime.events.RunsProgressed` now and then. The stop token stops all runs of this call, in other
    processes too, where a later call goes on; if by a time, some of it is kept for the report.

    Raises:
        SettingError: the grid, the scale or the shard is not one.
        MissingExtraError: a run that is to be worked on needs packages that are not installed.
        DataError: there are no films, not enough of them, or a report is asked for and no run is finished.
        StoppedError: the stop came while films were simulated.
    """
    expect_folder(out)
    grid, part, stop = read_grid(file).at(scale), _shard(shard), stop or StopToken()
    folder, scheme = find_data(grid, file.resolve().parent, out, data, listener, stop)
    workspace = Workspace(
        folder, scheme, out.resolve(), device, keep_models, films=films and films.resolve(), kind=kind, centre=centre
    )  # fmt: skip
    samples, plans = lay_out(grid, workspace)
    failures: list[str] = []
    left, until = 0, stop.until
    if executor is not None:
        if until is not None:
            until -= max(_REPORTING[0] * (until - time.time()), _REPORTING[1]) if report else _STOPPING
        with relayed(stop, workspace.results, until) as token:
            failures, left = run_plans(plans, replace(workspace, stop=token), executor, part, listener)
    if not report or (left and not any(map(workspace.finished, plans))):
        return Comparison(None, tuple(failures), left)
    from landvote.experiments.report import write_comparison  # noqa: PLC0415 - no process that works needs its charts
    from landvote.experiments.results import gather  # noqa: PLC0415 - likewise

    with lock(out, "report"):  # of shards that end at once, the last one gathers what all have found
        page = write_comparison(gather(grid, plans, samples, workspace), out / "report")
    return Comparison(page, tuple(failures), left)


def _shard(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return int(number), int(of)
    raise SettingError(f"shard {text!r}: expected I/N with I from 1 to N, such as 2/8")


def find_data(
    grid: Grid, beside: Path, results: Path, given: Path | None, listener: Listener, stop: StopToken
) -> tuple[Path, str | None]:
    """Return the DATA of a grid, or that ``given``, and its scheme; simulate it where the grid says so.

    Folders that the grid names are sought ``beside`` it. Simulated films go to ``results``; the listener is told of
    each, and the stop token asked after it.

    Raises:
        DataError: there is no such folder.
        StoppedError: the stop token asked for it; the next call simulates all films anew.
    """
    source = grid.data
    if given is not None:
        folder = given
    elif source.simulate is None:
        folder = beside / str(source.folder)
    else:
        folder = results / _DATA
        with lock(results, "data"):  # several shards may begin at once
            if not folder.exists():
                done = count(1)

                def simulated(_: int) -> None:
                    listener(FilmSimulated(next(done), source.simulate or 0))
                    stop.check()

                simulate_folder(folder, source.simulate, source.seed, progress=simulated)
    if not folder.exists():
        raise DataError(f"{folder}: no such folder, expected the films of {grid.title!r}")
    return folder.resolve(), source.scheme


def lay_out(grid: Grid, workspace: Workspace) -> tuple[list[Sample], list[RunPlan]]:
    """Return the films of a grid and its runs."""
    samples = workspace.samples()
    simulated = grid.data.simulate is not None and workspace.data == workspace.results / _DATA
    return samples, plan_runs(grid, samples, None if simulated else workspace.data)


def run_plans(
    plans: Sequence[RunPlan], workspace: Workspace, executor: Executor, shard: tuple[int, int] = (1, 1),
    listener: Listener = ignore,
) -> tuple[list[str], int]:  # fmt: skip
    """Work on all runs of a grid that are not finished; return a message per run that failed, and how many are left.

    The stop token of the workspace reaches other processes by time and file alone. ``shard`` is (i, n): only every n-th
    task from the i-th on, 1 <= i <= n; other calls work on the rest. The listener is told now and then how far all are.
    """
    own = tasks(plans)[shard[0] - 1 :: shard[1]]
    # whole tasks: finished runs of a task have votes to share with those that are not
    todo = [t for t in own if not all(map(workspace.finished, t)) or workspace.unfinished(t[0]).parent.exists()]
    for plan in (p for task in todo for p in task if not workspace.finished(p)):
        for stage in plan.recipe.stages:
            stage.voter.check_packages()
    gpus = 1.0 if workspace.device.startswith("cuda") else 0.0
    job = Job(partial(run_task, workspace=workspace), todo, len(todo), workspace.sources, workspace.results, gpus)

    def look() -> None:
        listener(progress(plans, workspace))

    try:
        with repeated(look, _LOOK):
            failures = [failure for failed in executor(job) for failure in failed]
    finally:
        look()
    return failures, sum(not workspace.finished(plan) for task in own for plan in task) - len(failures)
