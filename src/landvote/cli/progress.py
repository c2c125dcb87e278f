"""Progress on a terminal: bars with the time left; plain lines now and then where there is no terminal."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from landvote.runtime import events
from landvote.runtime.events import Event, FilmLocated, FilmSimulated, Listener, Note, RunsProgressed, StageEnded
from landvote.runtime.rank import this_process

_LINE_SECONDS = 30.0
_PACE_SECONDS = 3600.0  # by which the time left is told: shards take minutes each
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of items; yield the function that is told how many are done, and how many there are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console, lines = Console(stderr=True), _Lines(time.monotonic())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=_PACE_SECONDS
    ) as bars:
        task = bars.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)
            if not console.is_terminal:
                left = bars.tasks[0].time_remaining
                lines.say(f"{what}: {done} of {total}" + (f", about {in_words(left / 60)} left" if left else ""))

        yield update


@contextmanager
def locating() -> Iterator[Listener]:
    """Show one bar for films; yield the listener that takes the events of locating them."""
    with counting("locating") as update:

        def listener(event: Event) -> None:
            if isinstance(event, FilmLocated):
                update(event.done, event.films)

        yield listener


@contextmanager
def training() -> Iterator[Listener]:
    """Show one bar per stage; yield the listener that takes the events of a training."""
    if not sys.stderr.isatty() or not this_process().is_rank_zero:  # rank 0 alone has the terminal
        yield partial(_training_in_lines, _Lines())
        return
    with Progress(
        TextColumn("{task.description}"), *_COLUMNS, TimeRemainingColumn(), console=Console(stderr=True)
    ) as bars:
        tasks: dict[str, Any] = {}

        def listener(event: Event) -> None:
            if text := _sentence(event):
                bars.console.print(text)
            if (said := _said(event)) is None:
                return
            stage, done, state = said
            if stage not in tasks:
                tasks[stage] = bars.add_task(f"{stage:<7}", total=1.0, state="")
            bars.update(tasks[stage], completed=done, state=state)

        yield listener


@contextmanager
def whole_grid() -> Iterator[Listener]:
    """Show one bar for all runs of a grid; yield the listener that takes the events of comparing them."""
    console, lines = Console(stderr=True), _Lines()
    with Progress(*_COLUMNS, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("runs", total=1.0, state="")

        def listener(event: Event) -> None:
            if isinstance(event, FilmSimulated):
                bars.update(task, completed=event.done / event.films, state=f"film {event.done} of {event.films}")
            if isinstance(event, RunsProgressed):
                hours = event.minutes_left / 60
                left = f", about {hours:.1f} h of one process left" if hours > 0 else ""
                state = f"{event.done} of {event.runs}{left}"
                bars.update(task, completed=event.progress, state=state)
                if not console.is_terminal:
                    lines.say(f"runs: {state}", due=event.done == event.runs)

        yield listener


class _Lines:
    """Prints a line if it is due, or half a minute after the last one, or the time ``since``; keeps the newest else."""

    def __init__(self, since: float = -math.inf) -> None:
        self._time, self._last, self._waiting = since, "", ""

    def say(self, line: str = "", *, due: bool = False) -> None:
        """Print the line, or the one that waits, if it is new."""
        self._waiting = line or self._waiting
        if self._waiting not in ("", self._last) and (due or time.monotonic() - self._time > _LINE_SECONDS):
            self._time, self._last, self._waiting = time.monotonic(), self._waiting, ""
            print(self._last, file=sys.stderr, flush=True)  # noqa: T201


def _training_in_lines(lines: _Lines, event: Event) -> None:
    if text := _sentence(event):
        lines.say(text, due=True)
    if isinstance(event, StageEnded):
        lines.say(due=True)
    if not isinstance(event, events.StageBegun) and (said := _said(event)) is not None:
        lines.say("{}: {:.0%}, {}".format(*said))


def _sentence(event: Event) -> str:
    """Return what is said of an event at once and stays to be read; empty for most."""
    match event:
        case Note(text):
            return text
        case events.Planned(minutes):
            return f"this takes about {in_words(minutes)} on this machine"
        case events.StageShortened(stage, unit, within, asked, seconds):
            return f"the time limit leaves {stage} about {within:,} of {asked:,} {unit} ({seconds:.2g} s each)"
    return ""


def in_words(minutes: float) -> str:
    """Return a length of time as a person says it."""
    if minutes >= 90:
        return f"{minutes / 60:.1f} hours"
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes"


def _said(event: Event) -> tuple[str, float, str] | None:
    """Return the stage that an event is of, how much of it is done, 0 to 1, and its state in words."""
    match event:
        case events.StageBegun(stage):
            return stage, 0.0, "begins"
        case events.FilmRead(purpose, done, films):
            return {"survey": "survey", "learning": "reading"}[purpose], done / films, f"film {done} of {films}"
        case events.ForestGrown(stage, done, landmarks):
            return stage, event.progress, f"landmark {done} of {landmarks}"
        case events.StepTaken(stage, step, progress, loss, error):
            judged = f", error on held-out films {error:.2f} cells" if math.isfinite(error) else ""
            return stage, progress, f"step {step}, loss {loss:.3g}{judged}"
        case FilmLocated(done, films):
            return "judging", done / max(films, 1), f"film {done} of {films}"
    return None
