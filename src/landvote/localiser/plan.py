"""The plan of a training with a time limit: measured on a few films before it begins, kept for calls that go on."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from landvote.data.sample import Sample
from landvote.errors import ModelError, SettingError
from landvote.localiser.stage import StageSettings
from landvote.runtime.files import write_json
from landvote.votes import Lesson

_FILE = "plan.json"
_USED = 0.9  # of the minutes are planned for reading and learning; the rest is for judging and saving
_LATE = 1.1  # times the minutes: later than that no more films are judged
_MEASURED = 3  # films tell how long reading and a step or tree take


Gather = Callable[[Sequence[Sample], Sequence[Sample], Path], Lesson]
"""Makes the lesson of a stage from films to learn from, films to judge by, and the folder to work in."""


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


@dataclass
class Share:
    """What a stage has of the time, in minutes.

    Attributes:
        reading: until the films are read for it.
        learning: of its lesson; what stages before it have left over is added when it begins.
        weight: of the stage, where stages share what is left over.
        begun: whether the stage has begun to learn; from then on ``learning`` stands.
    """

    reading: float
    learning: float
    weight: float
    begun: bool = False


class Plan:
    """The minutes of each stage; kept in ``plan.json`` of a folder, where the plan of an earlier call stands."""

    def __init__(self, folder: Path, limit: TimeLimit, shares: dict[str, Share]) -> None:
        self._file, self._limit, self._shares = folder / _FILE, limit, shares

    def begin(self, stage: str) -> float | None:
        """Return the minutes that a stage may learn for, which begins now; None without a limit."""
        if self._limit.minutes is None:
            return None
        share = self._shares[stage]
        if not share.begun:
            waiting = [other for other in self._shares.values() if not other.begun]
            planned = sum(other.reading + other.learning for other in waiting)
            spare = _USED * self._limit.minutes - self._limit.spent - planned
            share.learning += max(0.0, spare) * share.weight / sum(other.weight for other in waiting)
            share.begun = True
            write_json(self._file, {name: asdict(share) for name, share in self._shares.items()})
        return share.learning


def plan_minutes(
    stages: Sequence[tuple[StageSettings, Gather]], training: Sequence[Sample], validation: Sequence[Sample],
    folder: Path, limit: TimeLimit,
) -> Plan:  # fmt: skip
    """Plan the minutes that each stage may learn for: the least that is useful, and its share of the rest.

    ``stages`` are the settings of each, and how its lesson is gathered.

    Raises:
        SettingError: the limit is less than the least that reading the films and learning take; names that.
        ModelError: the plan of an earlier call cannot be read.
    """
    if limit.minutes is None:
        return Plan(folder, limit, {})
    if (folder / _FILE).exists():
        return Plan(folder, limit, _read(folder / _FILE))
    shares = {}
    films = len(training) + len(validation)
    few = (training[:_MEASURED], validation[:_MEASURED])
    for stage, gather in stages:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as elsewhere:
            lesson = gather(*few, Path(elsewhere))
            reading = (time.monotonic() - start) / 60 / sum(map(len, few)) * films
            least = stage.voter.least_minutes(stage.training, lesson, len(training))
            shares[stage.name] = Share(reading, least, stage.share)
    needed = (limit.spent + sum(share.reading + share.learning for share in shares.values())) / _USED
    if needed > limit.minutes:
        raise SettingError(
            f"{limit.minutes:.4g} minutes: too few for {len(training)} films to learn from; reading them and the least "
            f"useful training take about {needed:.3g} minutes on this machine, expected that or more"
        )
    return Plan(folder, limit, shares)


def _read(file: Path) -> dict[str, Share]:
    try:
        return TypeAdapter(dict[str, Share]).validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        raise ModelError(f"{file}: cannot be read ({wrong}), expected minutes by stage") from error
