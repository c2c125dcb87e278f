"""Run a grid: films, cells, jobs, results, report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from landvote.errors import DataError, SettingError
from landvote.experiments.cells import Cell, cells
from landvote.experiments.engine import Engine, Standing, jobs, standing
from landvote.experiments.grid import Grid, read_grid
from landvote.experiments.report import write_comparison
from landvote.experiments.results import gather
from landvote.experiments.work import Place
from landvote.phantom import simulate_folder
from landvote.progress import counting
from landvote.readers import read_folder
from landvote.sample import Sample
from landvote.scheme import Scheme

_LOOK = 5.0  # seconds between looks at how far the cells have come


def compare_grid(
    file: Path,
    out: Path,
    engine: Engine,
    *,
    scale: str = "paper",
    shard: str = "1/1",
    data: Path | None = None,
    device: str = "cpu",
    tell: Callable[[Standing], None] = lambda _: None,
) -> tuple[Path, list[str]]:
    """Run a grid file, or go on with it, and write the report on what is finished.

    Args:
        file: the grid.
        out: folder of the results: ``cells/`` with one folder per cell, ``report/``, and ``data/`` where films are
            simulated. It belongs to whoever calls with the same grid; finished cells in it are kept and used.
        engine: who works.
        scale: see :meth:`landvote.experiments.grid.Grid.at`.
        shard: ``"i/n"``: this call works on every n-th job only; the report is on all that is there.
        data: a DATA folder instead of the grid's own.
        device: for networks.
        tell: is told now and then how far the grid is.

    Returns:
        The report, and what failed, in words.

    Raises:
        SettingError: the grid, the scale or the shard is not one.
        DataError: there are no films, not enough of them, or no cell is finished.
    """
    grid = read_grid(file).at(scale)
    part = _shard(shard)
    folder, scheme = find_data(grid, file.resolve().parent, out, data)
    place = Place(folder, scheme, out.resolve(), device)
    samples, every = lay_out(grid, place)
    failures = run_cells(every, place, engine, part, tell)
    with FileLock(out / "report.lock"):  # of shards that end at once, the last one gathers what all have found
        return write_comparison(gather(grid, every, samples, place), out / "report"), failures


def _shard(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return int(number), int(of)
    raise SettingError(f"shard {text!r}: expected I/N with I from 1 to N, such as 2/8")


def find_data(grid: Grid, beside: Path, results: Path, given: Path | None) -> tuple[Path, str | None]:
    """Return the DATA folder of a grid and its scheme; simulate it into ``results`` where the grid says so.

    Args:
        grid: whose data.
        beside: where folders named in it are sought.
        results: where simulated films go.
        given: a folder to use instead.

    Raises:
        DataError: there is no such folder.
    """
    source = grid.data
    if given is not None:
        folder = given
    elif source.simulate is None:
        folder = beside / str(source.folder)
    else:
        folder = results / "data"
        results.mkdir(parents=True, exist_ok=True)
        with FileLock(results / "data.lock"):  # several shards may begin at once
            if not folder.exists():
                with counting("simulating", source.simulate) as advance:
                    simulate_folder(folder, source.simulate, source.seed, progress=lambda *_: advance())
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected the films of {grid.title!r}")
    return folder.resolve(), source.scheme


def run_cells(
    every: Sequence[Cell],
    place: Place,
    engine: Engine,
    shard: tuple[int, int] = (1, 1),
    tell: Callable[[Standing], None] = lambda _: None,
) -> list[str]:
    """Work on all cells of a grid that are not finished; return what failed, in words.

    Args:
        every: the cells of the grid.
        place: where films come from and results go.
        engine: who works.
        shard: (i, n): only every n-th job from the i-th on, 1 <= i <= n; others work on the rest.
        tell: is told now and then how far the grid is.
    """
    own = jobs(every)[shard[0] - 1 :: shard[1]]
    # whole jobs: finished cells of a job have votes to share with those that are not
    work = [job for job in own if not all(place.finished(c.key) for c in job)]
    failures: list[str] = []
    with _watched(every, place, tell):
        for failed in engine(work, place):
            failures += failed
    return failures


def lay_out(grid: Grid, place: Place) -> tuple[list[Sample], list[Cell]]:
    """Return the films of a grid and its cells."""
    scheme = Scheme.named(place.scheme) if place.scheme else None
    samples = read_folder(place.data, scheme, require_points=True)
    return samples, cells(grid, samples, place.data)


@contextmanager
def _watched(every: Sequence[Cell], place: Place, tell: Callable[[Standing], None]) -> Iterator[None]:
    """Tell how far the cells are, now and then, while the body runs, and once it is through."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK):
            tell(standing(every, place))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        tell(standing(every, place))
