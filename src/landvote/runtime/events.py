"""Events: what happens while landvote trains, locates or compares. A terminal renders them, a page reads them.

The trainer, the locator and the experiment call a listener, a plain function of one event. :class:`EventLog` is one
that writes JSON lines, so that another process can watch.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from landvote.errors import DataError
from landvote.runtime.files import read_text, writing


@dataclass(frozen=True)
class Event:
    """Base of all events.

    Attributes:
        frequent: there may be thousands of these; a log keeps one a second.
    """

    frequent: ClassVar[bool] = False


@dataclass(frozen=True)
class Planned(Event):
    """A training will take about so many ``minutes`` from here on, by what was measured on a few films."""

    minutes: float


@dataclass(frozen=True)
class StageShortened(Event):
    """A time limit leaves a stage about ``within`` of the ``asked`` units, such as steps, of ``seconds`` each."""

    stage: str
    unit: str
    within: int
    asked: int
    seconds: float


@dataclass(frozen=True)
class StageBegun(Event):
    """A stage begins to learn."""

    stage: str


@dataclass(frozen=True)
class FilmRead(Event):
    """``done`` of ``films`` have been read: in the ``survey``, or for ``learning`` (by all stages at once)."""

    frequent: ClassVar[bool] = True
    purpose: str
    done: int
    films: int


@dataclass(frozen=True)
class StepTaken(Event):
    """A network has taken an optimiser step.

    ``progress`` of its training is 0 to 1, by steps or time, whichever is farther; ``loss`` is a running mean;
    ``validation`` is the mean error on films held out, grid cells, by the last look at them; NaN or infinite before.
    """

    frequent: ClassVar[bool] = True
    stage: str
    step: int
    progress: float
    loss: float
    validation: float


@dataclass(frozen=True)
class ForestGrown(Event):
    """Forests grow: ``done`` of ``landmarks`` are there; within a time limit, as far as trees or time have come."""

    frequent: ClassVar[bool] = True
    stage: str
    done: int
    landmarks: int

    @property
    def progress(self) -> float:
        """Of the stage's learning, 0 to 1."""
        return self.done / self.landmarks


@dataclass(frozen=True)
class StageLearned(Event):
    """A stage has learned ``done`` of the ``asked`` units, such as steps; ``late`` if a time limit ended it."""

    stage: str
    unit: str
    done: int
    asked: int
    late: bool

    def __str__(self) -> str:
        why = (", for want of time" if self.late else ", then nothing more was gained") * (self.done < self.asked)
        return f"{self.stage}: {self.done:,} of {self.asked:,} {self.unit}{why}"


@dataclass(frozen=True)
class StageEnded(Event):
    """A stage has learned all it will."""

    stage: str


@dataclass(frozen=True)
class FilmSimulated(Event):
    """``done`` of ``films`` have been simulated."""

    frequent: ClassVar[bool] = True
    done: int
    films: int


@dataclass(frozen=True)
class FilmLocated(Event):
    """``done`` of ``films`` have been located, or found to be unreadable."""

    frequent: ClassVar[bool] = True
    done: int
    films: int


@dataclass(frozen=True)
class FilmFailed(Event):
    """A film could not be read; ``message`` names it and says why."""

    image: str
    message: str


@dataclass(frozen=True)
class FilmUnknown(Event):
    """A film was located, and is not of the kind that the model was made from: its points are not to be trusted."""

    image: str


@dataclass(frozen=True)
class OverlayFailed(Event):
    """The points of a film were found, and its overlay could not be written; ``message`` says why."""

    image: str
    message: str


@dataclass(frozen=True)
class RunsProgressed(Event):
    """``done`` of the ``runs`` of an experiment are finished.

    ``progress`` is that of all work, 0 to 1, in minutes; begun runs count by those they have had. ``minutes_left`` are
    of one process; NaN until a run is finished.
    """

    frequent: ClassVar[bool] = True
    done: int
    runs: int
    progress: float
    minutes_left: float


@dataclass(frozen=True)
class Note(Event):
    """Something a person should know, in a sentence."""

    text: str


@dataclass(frozen=True)
class Ended(Event):
    """The work is finished, after ``minutes`` of this call."""

    minutes: float


@dataclass(frozen=True)
class Stopped(Event):
    """The work was stopped as asked; the same call goes on from here."""

    minutes: float


@dataclass(frozen=True)
class Failed(Event):
    """The work ended with an error; ``message`` is what it says."""

    message: str


Listener = Callable[[Event], None]
"""A function that the trainer, the locator or the experiment calls with each event."""


def ignore(_: Event) -> None:
    """Be told of an event, and do nothing."""


def record(event: Event) -> dict[str, Any]:
    """Return an event as plain JSON: its class name under ``event``, and its fields; what is not finite is null."""
    values = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(event).items()}
    return {"event": type(event).__name__, **values}


class EventLog:
    """A listener that appends events to a file as JSON lines, each with the seconds since 1970 under ``time``.

    Of frequent events it writes one a second and kind; the last ones that wait come before whatever is written next.
    The file is made if it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: dict[type[Event], str] = {}
        self._written: dict[type[Event], float] = {}

    def __call__(self, event: Event) -> None:
        """Write the event, or keep it until its kind is due again."""
        now, kind = time.time(), type(event)
        self._waiting.pop(kind, None)  # only the last of a kind waits, and it comes last
        self._waiting[kind] = json.dumps({"time": round(now, 3), **record(event)}) + "\n"
        if event.frequent and now - self._written.get(kind, 0.0) < 1:
            return
        self._written[kind] = now
        lines = "".join(self._waiting.values()).encode()
        self._waiting.clear()
        with writing(self._file), self._file.open("ab", buffering=0) as log:
            log.write(lines)  # one write: a reader never sees half of another's line


@dataclass(frozen=True)
class Logged:
    """An event as a log keeps it, with the seconds since 1970 at which it happened."""

    time: float
    event: Event

    @classmethod
    def read(cls, file: Path) -> Iterator[Self]:
        """Yield what :class:`EventLog` wrote, less a last line that is not whole; DataError if a line is no event."""
        text = read_text(file) if file.is_file() else ""
        for number, line in enumerate(text.split("\n")[:-1], 1):
            try:
                values = json.loads(line)
                kind, at = _KINDS[values.pop("event")], float(values.pop("time"))
                numbers = {f.name for f in fields(kind) if f.type is float}
                values = {k: math.nan if v is None and k in numbers else v for k, v in values.items()}
                yield cls(at, kind(**values))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise DataError(f"{file}, line {number}: not an event ({error!r}), found {line[:60]!r}") from error


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}
