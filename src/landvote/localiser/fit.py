"""Fitting: all stages learn, coarse to fine, from films with points; what comes of it is a complete localiser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray
from landvote.data.polarity import Polarity, thumbnail
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.frames import Placing, Views
from landvote.frames.placings import TrainingShapes
from landvote.frames.placings.layout import spread_points
from landvote.localiser.expected_error import Calibration, cues
from landvote.localiser.localiser import Localiser
from landvote.localiser.look import Look
from landvote.localiser.plan import TimeLimit, plan_minutes
from landvote.localiser.stage import Stage, StageSettings
from landvote.runtime.events import FilmLocated, FilmRead, Listener, Note, StageBegun, StageEnded, ignore
from landvote.runtime.stop import StopToken
from landvote.votes import Lesson

_CHOSEN_REFERENCES = 6  # where a scheme names none: enough to outvote one that went astray
_POLARITY = 200  # films are enough to learn their polarity from
_CALIBRATED = 5  # films held out, at least, that errors to expect are scaled on, however late it is


@dataclass(frozen=True)
class Conditions:
    """Under which a localiser is fitted: the settings of each :class:`Lesson`, ``minutes`` for all stages together."""

    device: str = "auto"
    seed: int = 0
    minutes: float | None = None
    listener: Listener = ignore
    stop: StopToken = field(default_factory=StopToken)


@dataclass(frozen=True)
class Fitted:
    """A localiser, and its mean error on each film held out, image pixels."""

    localiser: Localiser
    held_out: list[float]


def fit_localiser(
    scheme: Scheme, settings: Sequence[StageSettings], training: Sequence[Sample], validation: Sequence[Sample],
    folder: Path, conditions: Conditions | None = None,
) -> Fitted:  # fmt: skip
    """Learn every stage that applies to the scheme; ``settings`` are of the stages, coarse to fine.

    All samples have points; those of ``validation`` are never learned from: they judge the voters, and scale the
    expected errors. Each stage leaves in a folder of its name what a stopped or killed call goes on from.

    Raises:
        ShapeError: a stage has a shape model, and the films are too few or too alike to learn one from.
        SettingError: the time limit is too short for any training; names the least it takes.
        MissingExtraError: a voter needs packages that are not installed.
        StoppedError: the stop token asked for it; the same call goes on from there.
        TrainingError: training cannot go on.
    """
    under = conditions or Conditions()
    limit = TimeLimit(under.minutes)
    settings = [s for s in settings if s.applies_to(scheme)]
    for stage in settings:
        stage.voter.check_packages()
    polarity = Polarity.learn([thumbnail(s.open()) for s in training[:: -(-len(training) // _POLARITY)]])
    training, validation = _in_polarity(training, polarity), _in_polarity(validation, polarity)
    points = [s.points for s in training]
    sizes = _sizes(training, under)
    reference = scheme.reference or spread_points(np.stack(points), _CHOSEN_REFERENCES)
    # placings and choices first: unusable shapes fail here, before hours of training
    begun = []
    for stage in settings:
        placing = stage.placing.fit(TrainingShapes(scheme, reference, points, sizes, stage.voter.multiple))
        begun.append((stage, placing, stage.choice.fit(points), partial(_lesson, stage, placing, scheme, under)))
    plan = plan_minutes([(stage, gather) for stage, _, _, gather in begun], training, validation, folder, limit)
    stages = []
    for stage, placing, choice, gather in begun:
        under.listener(StageBegun(stage.name, len(training) + len(validation)))
        (folder / stage.name).mkdir(parents=True, exist_ok=True)
        lesson = gather(training, validation, folder / stage.name, plan.begin(stage.name))
        voter = stage.voter.fit(stage.training, lesson)
        under.listener(StageEnded(stage.name))
        stages.append(Stage(stage, Look(stage.name, placing, voter, choice)))
    unscaled = Localiser(scheme, tuple(stages), polarity, Calibration.fit(()))
    judged = _judge(unscaled, validation, under, limit)
    errors = [distance[np.isfinite(found).all(axis=0) & np.isfinite(distance)] for found, distance in judged]
    return Fitted(replace(unscaled, calibration=Calibration.fit(judged)), [float(e.mean()) for e in errors if len(e)])


def _sizes(training: Sequence[Sample], under: Conditions) -> list[tuple[int, int]]:
    """Read all films for their width and height, which placings learn from."""
    sizes = []
    for number, sample in enumerate(training, 1):
        sizes.append(sample.open().size)
        under.listener(FilmRead("sizes", number, len(training)))
        under.stop.check()
    return sizes


def _lesson(
    stage: StageSettings, placing: Placing, scheme: Scheme, under: Conditions,
    training: Sequence[Sample], validation: Sequence[Sample], folder: Path, minutes: float | None = None,
) -> Lesson:  # fmt: skip
    """Read the films, and return what the stage's voter learns from."""
    read = count(1)

    def seen() -> None:
        under.listener(FilmRead(stage.name, next(read), len(training) + len(validation)))
        under.stop.check()

    mirror = _restrict(scheme.mirror(), placing.targets[0]) if scheme.mirrored else None
    views, held_out = (Views.gather(s, placing, stage.augmentation, mirror, seen) for s in (training, validation))
    return Lesson(
        stage=stage.name, landmarks=len(placing.targets[0]), views=views, held_out=held_out, folder=folder,
        device=under.device, seed=under.seed, minutes=minutes, listener=under.listener, stop=under.stop,
    )  # fmt: skip


def _judge(
    localiser: Localiser, validation: Sequence[Sample], conditions: Conditions, limit: TimeLimit
) -> list[tuple[FloatArray, FloatArray]]:
    """Return per film held out what is known of its errors, (2, n), and what they are, (n,), image pixels."""
    judged = []
    for number, sample in enumerate(validation, 1):
        if number > _CALIBRATED and limit.over:
            used = f"{number - 1} of {len(validation)} films held out"
            conditions.listener(Note(f"expected errors are scaled on {used}, for want of time"))
            break
        radiograph = sample.open()
        found = localiser.search(radiograph)
        distance = np.linalg.norm(found.points - sample.points, axis=1)
        judged.append((cues(localiser.stages[-1].look, radiograph, found), distance))
        conditions.listener(FilmLocated(number, len(validation)))
        conditions.stop.check()
    return judged


def _in_polarity(samples: Sequence[Sample], polarity: Polarity) -> list[Sample]:
    """Return samples whose films are opened in the polarity of most."""
    return [replace(s, open=partial(_normalised, s.open, polarity)) for s in samples]


def _normalised(opened: Callable[[], Radiograph], polarity: Polarity) -> Radiograph:
    return polarity.normalise(opened())[0]


def _restrict(mirror: npt.NDArray[np.intp], target: tuple[int, ...]) -> npt.NDArray[np.intp] | None:
    """Return the mirror map among the landmarks of a target; None if a pair leaves it."""
    place = {landmark: i for i, landmark in enumerate(target)}
    partners = [place.get(int(mirror[landmark])) for landmark in target]
    return None if None in partners else np.array(partners, dtype=np.intp)
