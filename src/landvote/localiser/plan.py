"""The plan of a training with a time limit: measured on a few films before it begins, kept for calls that go on."""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from landvote.data.sample import Sample
from landvote.errors import ModelError, SettingError
from landvote.localiser.stage import StageSettings
from landvote.runtime.files import write_json
from landvote.votes import Lesson

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


def plan_minutes(
    stages: Sequence[tuple[StageSettings, Gather]], training: Sequence[Sample], validation: Sequence[Sample],
    folder: Path, limit: TimeLimit,
) -> dict[str, float]:  # fmt: skip
    """Return the minutes that each stage may learn for, by name; none without a limit.

    Each stage gets the least that is useful, and its share of the rest. The plan of an earlier call, kept in
    ``folder``, stands. ``stages`` are the settings of each, and how its lesson is gathered.

    Raises:
        SettingError: the limit is less than the least that reading the films and learning take; names that.
    """
    if limit.minutes is None:
        return {}
    file = folder / "plan.json"
    if file.exists():
        return _read(file)
    reading, least = 0.0, {}
    films = len(training) + len(validation)
    few = (training[:_MEASURED], validation[:_MEASURED])
    for stage, gather in stages:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as elsewhere:
            lesson = gather(*few, Path(elsewhere))
            reading += (time.monotonic() - start) / 60 / sum(map(len, few)) * films
            least[stage.name] = stage.voter.least_minutes(stage.training, lesson, len(training))
    needed = (limit.spent + reading + sum(least.values())) / _USED
    if needed > limit.minutes:
        raise SettingError(
            f"{limit.minutes:.4g} minutes: too few for {len(training)} films to learn from; reading them and the least "
            f"useful training take about {needed:.3g} minutes on this machine, expected that or more"
        )
    rest = _USED * (limit.minutes - needed)
    shares = {stage.name: stage.share for stage, _ in stages}
    minutes = {name: least[name] + rest * share / sum(shares.values()) for name, share in shares.items()}
    write_json(file, minutes)
    return minutes


def _read(file: Path) -> dict[str, float]:
    try:
        return {str(name): float(minutes) for name, minutes in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{file}: cannot be read ({error}), expected minutes by stage") from error
