"""Progress on a terminal: bars with the time left; plain lines now and then where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from landvote.process import this_process

_LINE_SECONDS = 30.0


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar of ``total`` items; yield the function to call after each, or with how many more, and of how many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=total)
        yield lambda more=1, of=None: bars.update(task, advance=more, total=of)


@contextmanager
def training() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show one bar per stage; yield the function that takes rows of progress."""
    if not sys.stderr.isatty() or not this_process().lead:  # the lead alone has the terminal
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}
        read = 0

        def report(row: dict[str, Any]) -> None:
            nonlocal read
            stage = row["stage"]
            if stage not in tasks:
                tasks[stage] = bars.add_task(f"{stage:<7}", total=1.0, state="reading films")
                read = 0
            if row.get("event") == "film":
                read += 1
                bars.update(tasks[stage], state=f"films read: {read}")
            if "progress" in row:
                bars.update(tasks[stage], completed=row["progress"], state=_state(row))

        yield report


@contextmanager
def whole_grid() -> Iterator[Callable[[Any], None]]:
    """Show one bar for all cells of a grid; yield the function that takes a ``Standing`` of theirs."""
    console = Console(stderr=True)
    columns = (TextColumn("cells"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    said = ("", 0.0)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("cells", total=1.0, state="")

        def tell(standing: Any) -> None:  # noqa: ANN401 - of landvote.experiments, which stands above this module
            nonlocal said
            hours = standing.minutes_left / 60
            left = f", about {hours:.1f} h of one process left" if hours > 0 else ""
            state = f"{standing.done} of {standing.total}{left}"
            bars.update(task, completed=standing.share, state=state)
            due = time.monotonic() - said[1] > _LINE_SECONDS or standing.done == standing.total
            if not console.is_terminal and due and state != said[0]:
                said = (state, time.monotonic())
                print(f"cells: {state}", file=sys.stderr, flush=True)  # noqa: T201

        yield tell


class _Lines:
    """Rows of progress as lines, one every half minute and one at the end of each stage."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, row: dict[str, Any]) -> None:
        due = time.monotonic() - self._last > _LINE_SECONDS
        if "progress" in row and (due or row["progress"] >= 1):
            self._last = time.monotonic()
            print(f"{row['stage']}: {row['progress']:.0%}, {_state(row)}", file=sys.stderr, flush=True)  # noqa: T201


def _state(row: dict[str, Any]) -> str:
    if "landmark" in row:
        return f"landmark {row['landmark']}"
    error = row["validation"]
    judged = f", error on held-out films {error:.2f} cells" if error < float("inf") else ""
    return f"step {row['step']}, loss {row['loss']:.3g}{judged}"
