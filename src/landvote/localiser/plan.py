"""The plan of a training: measured on a few films before it begins; with a time limit, kept for calls that go on."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from landvote.errors import ModelError, SettingError
from landvote.localiser.stage import StageSettings
from landvote.runtime.events import Listener, Planned, StageShortened
from landvote.runtime.files import write_json
from landvote.votes import Estimate, Lesson

PLAN = "plan.json"
"""The file that keeps the plan of a training that is not finished."""

LEFT_OUT = "left-out-"
"""So begin the names of the folders of trainings that leave films out, while they last."""

_USED = 0.9  # of the minutes are planned for reading and learning; the rest is for judging and saving
_LATE = 1.1  # times the minutes: later than that no more films are judged
_PARTS = 0.5  # of the minutes are for all trainings that leave films out, with judging these films
_TURNS = 0.75  # times its weight in time has a stage in all trainings together that leave films out
_MEASURED = 3  # films tell how long reading and a step or tree take


@dataclass(frozen=True)
class Part:
    """The part of the films that a training leaves out: ``number`` of ``parts``, from 1 on."""

    number: int
    parts: int

    def __str__(self) -> str:
        return f"left out {self.number} of {self.parts}"

    @property
    def folder(self) -> str:
        """The name of the folder of that training."""
        return f"{LEFT_OUT}{self.number}"

    def key(self, stage: str) -> str:
        """Return by which the plan knows a stage of that training."""
        return f"{self.folder}/{stage}"


class TimeLimit:
    """A limit in wall-clock minutes, or None, from when this was made."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes = minutes
        self._begun = time.monotonic()

    @property
    def spent(self) -> float:
        """Minutes since the beginning."""
        return (time.monotonic() - self._begun) / 60

    @property
    def over(self) -> bool:
        """Whether it is late."""
        return self.minutes is not None and self.spent > _LATE * self.minutes

    def until(self, part: Part) -> "TimeLimit":
        """Return the limit for judging the films of a part, so that the training of all films keeps its time."""
        made = TimeLimit(None if self.minutes is None else _PARTS * part.number / part.parts * self.minutes)
        made._begun = self._begun
        return made


@dataclass
class Share:
    """The share of a stage in the time, in minutes.

    Attributes:
        learning: of its lesson; the time that stages before it have left over is added when it begins.
        weight: of the stage, where stages share what is left over.
        begun: whether the stage has begun to learn; from then on ``learning`` stands.
    """

    learning: float
    weight: float
    begun: bool = False


class Plan:
    """The minutes of each stage; kept in ``plan.json`` of a folder, where the plan of an earlier call stands."""

    def __init__(self, folder: Path, limit: TimeLimit, shares: dict[str, Share]) -> None:
        self._file, self._limit, self._shares = folder / PLAN, limit, shares

    def begin(self, stage: str, part: Part | None = None) -> float | None:
        """Return the minutes that a stage may learn for, which begins now; None without a limit.

        ``part`` is that of the films which its training leaves out, if it does.
        """
        if self._limit.minutes is None:
            return None
        share = self._shares[part.key(stage) if part else stage]
        if not share.begun:
            waiting = [other for other in self._shares.values() if not other.begun]
            share.learning = _due(share, waiting, _USED * self._limit.minutes - self._limit.spent)
            share.begun = True
            write_json(self._file, {name: asdict(share) for name, share in self._shares.items()})
        return share.learning


def plan_minutes(
    settings: Sequence[StageSettings], measure: Callable[[Path, int], Sequence[Lesson]], films: int, held_out: int,
    folder: Path, limit: TimeLimit, tell: Listener | None = None, turns: int = 0,
) -> Plan:  # fmt: skip
    """Plan the minutes that each stage may learn for: the least that is useful, and its share of the rest.

    ``measure`` returns the lessons of all stages, given a folder to work in, and how many of the ``films`` to learn
    from, and of those ``held_out``, to read. ``tell`` is told of how long all will take, and of each stage that the
    limit leaves less than its whole; without a limit it is measured for that alone. A call that goes on measures
    nothing. The films are left out in turn by ``turns`` trainings, which come first and are shorter.

    Raises:
        SettingError: the limit is less than the least that reading the films and learning take; names that.
        ModelError: the plan of an earlier call cannot be read.
    """
    if limit.minutes is not None and (folder / PLAN).exists():
        return Plan(folder, limit, _read(folder / PLAN))
    if limit.minutes is None and (tell is None or _goes_on(folder, settings)):
        return Plan(folder, limit, {})
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as elsewhere:
        lessons = measure(Path(elsewhere), _MEASURED)
        few = min(_MEASURED, films) + min(_MEASURED, held_out)
        reading = (time.monotonic() - start) / 60 / few * (films + held_out - few)
        found = [s.voter.estimate(s.training, lesson, films, held_out)
                 for s, lesson in zip(settings, lessons, strict=True)]  # fmt: skip
        learned = films - films // max(turns, 1)
        brief = [s.voter.estimate(s.voter.brief(s.training), lesson, learned, 0)
                 for s, lesson in zip(settings, lessons, strict=True) if turns]  # fmt: skip
    reading *= 1 + turns
    every = [*(brief * turns), *found]
    whole = (reading + sum(each.whole for each in every)) / _USED
    if limit.minutes is not None:
        needed = (limit.spent + reading + sum(each.least for each in every)) / _USED
        if needed > limit.minutes:
            raise SettingError(
                f"{limit.minutes:.4g} minutes: too few for {films} films to learn from; reading them and the least "
                f"useful training take about {needed:.3g} minutes on this machine, expected that or more"
            )
        whole = min(whole, limit.minutes - limit.spent)
    shares = {
        Part(number, turns).key(s.name): Share(each.least, s.share * _TURNS / turns)
        for number in range(1, turns + 1)
        for s, each in zip(settings, brief, strict=True)
    } | {s.name: Share(each.least, s.share) for s, each in zip(settings, found, strict=True)}
    if tell is not None:
        tell(Planned(whole))
        if limit.minutes is not None:
            _tell_shortened(shares, every, _USED * limit.minutes - limit.spent - reading, tell)
    return Plan(folder, limit, shares)


def _goes_on(folder: Path, settings: Sequence[StageSettings]) -> bool:
    """Say whether an earlier call has begun in a folder."""
    return any((folder / s.name).exists() for s in settings) or any(folder.glob(f"{LEFT_OUT}*"))


def _due(share: Share, waiting: Sequence[Share], left: float) -> float:
    """Return the minutes of a stage, of those ``left`` to it and to the others that wait."""
    spare = left - sum(other.learning for other in waiting)
    return share.learning + max(0.0, spare) * share.weight / sum(other.weight for other in waiting)


def _tell_shortened(shares: dict[str, Share], found: Sequence[Estimate], left: float, tell: Listener) -> None:
    """Tell of each stage whose minutes are fewer than its whole; a stage that needs fewer leaves them to the next.

    Of stages that learn without some films nothing is told.
    """
    waiting = list(shares.values())
    for (name, share), each in zip(shares.items(), found, strict=True):
        due = _due(share, waiting, left)
        if each.amount and due < each.whole and not name.startswith(LEFT_OUT):
            seconds = 60 * each.whole / each.amount
            tell(StageShortened(name, each.unit, int(each.amount * due / each.whole), each.amount, seconds))
        left -= min(due, each.whole)
        waiting = waiting[1:]


def _read(file: Path) -> dict[str, Share]:
    try:
        return TypeAdapter(dict[str, Share]).validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        raise ModelError(f"{file}: cannot be read ({wrong}), expected minutes by stage") from error
