"""Progress on a terminal: bars with the time left; plain lines now and then where there is no terminal."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from landvote.runtime.events import (
    Event,
    FilmLocated,
    FilmRead,
    FilmSimulated,
    ForestGrown,
    Listener,
    Note,
    RunsProgressed,
    StageBegun,
    StageEnded,
    StepTaken,
)
from landvote.runtime.rank import this_process

_LINE_SECONDS = 30.0


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar of ``total`` items; yield the function to call after each."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


@contextmanager
def training() -> Iterator[Listener]:
    """Show one bar per stage; yield the listener that takes the events of a training."""
    if not sys.stderr.isatty() or not this_process().is_rank_zero:  # rank 0 alone has the terminal
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def listener(event: Event) -> None:
            if isinstance(event, Note):
                bars.console.print(event.text)
            if (said := _said(event)) is None:
                return
            stage, done, state = said
            if stage not in tasks:
                tasks[stage] = bars.add_task(f"{stage:<7}", total=1.0, state="")
            bars.update(tasks[stage], completed=done, state=state)

        yield listener


@contextmanager
def locating() -> Iterator[Listener]:
    """Show one bar for films; yield the listener that takes the events of locating them."""
    columns = (TextColumn("locating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)

        def listener(event: Event) -> None:
            if isinstance(event, FilmLocated):
                bars.update(task, completed=event.done, total=event.films or None)

        yield listener


@contextmanager
def whole_grid() -> Iterator[Listener]:
    """Show one bar for all runs of a grid; yield the listener that takes the events of comparing them."""
    console = Console(stderr=True)
    columns = (TextColumn("runs"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    said = ("", 0.0)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=1.0, state="")

        def listener(event: Event) -> None:
            nonlocal said
            if isinstance(event, FilmSimulated):
                bars.update(task, completed=event.done / event.films, state=f"film {event.done} of {event.films}")
            if not isinstance(event, RunsProgressed):
                return
            hours = event.minutes_left / 60
            left = f", about {hours:.1f} h of one process left" if hours > 0 else ""
            state = f"{event.done} of {event.runs}{left}"
            bars.update(task, completed=event.progress, state=state)
            due = time.monotonic() - said[1] > _LINE_SECONDS or event.done == event.runs
            if not console.is_terminal and due and state != said[0]:
                said = (state, time.monotonic())
                print(f"runs: {state}", file=sys.stderr, flush=True)  # noqa: T201

        yield listener


class _Lines:
    """A listener that prints a line every half minute and one at the end of each stage, where there is no terminal."""

    def __init__(self) -> None:
        self._last = 0.0
        self._line = ""

    def __call__(self, event: Event) -> None:
        """Print the event, if it is due."""
        if isinstance(event, Note):
            self._print(event.text)
        if isinstance(event, StageEnded) and self._line:
            self._print(self._line)
        if isinstance(event, StepTaken | ForestGrown) and (said := _said(event)) is not None:
            stage, done, state = said
            self._line = f"{stage}: {done:.0%}, {state}"
            if time.monotonic() - self._last > _LINE_SECONDS:
                self._print(self._line)

    def _print(self, line: str) -> None:
        self._last, self._line = time.monotonic(), ""
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def _said(event: Event) -> tuple[str, float, str] | None:
    """Return the stage that an event is of, how much of it is done, 0 to 1, and its state in words."""
    match event:
        case StageBegun(stage, films):
            return stage, 0.0, f"reading {films} films"
        case FilmRead(stage, done, films):
            return stage, 0.0, f"films read: {done} of {films}"
        case ForestGrown(stage, done, landmarks):
            return stage, event.progress, f"landmark {done} of {landmarks}"
        case StepTaken(stage, step, progress, loss, error):
            judged = f", error on held-out films {error:.2f} cells" if math.isfinite(error) else ""
            return stage, progress, f"step {step}, loss {loss:.3g}{judged}"
        case FilmLocated(done, films):
            return "judging", done / max(films, 1), f"film {done} of {films}"
    return None
