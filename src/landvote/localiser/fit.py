"""Fitting: all stages learn, coarse to fine, from films with points; what comes of it is a complete localiser."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.polarity import Polarity
from landvote.data.prediction import LEVELS
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.survey import Facts, Survey
from landvote.errors import PointsError, SettingError
from landvote.frames import Placing, Reading, TrainingLook
from landvote.frames.placings import TrainingShapes
from landvote.frames.placings.layout import CHOSEN_REFERENCES, spread_points
from landvote.localiser.assessor import Assessor, place_of
from landvote.localiser.localiser import Localiser
from landvote.localiser.plan import TimeLimit, plan_minutes
from landvote.localiser.stage import Stage, StageSettings
from landvote.runtime.events import FilmLocated, FilmRead, Listener, Note, StageBegun, StageEnded, StageLearned, ignore
from landvote.runtime.stop import StopToken
from landvote.uncertainty import LEAST, Calibrator, Judged, contour_axes
from landvote.votes import Lesson, Start

_SCRATCH = ".films."  # so begin the names of folders for decoded films held out, while a training runs
_POLARITY = 200  # films are enough to learn their polarity from
_CALIBRATED = 5  # films held out, at least, that errors to expect are learned from, however late it is


@dataclass(frozen=True)
class Conditions:
    """Under which a localiser is fitted.

    Attributes:
        device: that networks learn on: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: of all that is random; :func:`train_model` takes that of the recipe.
        minutes: wall-clock minutes that all stages together may take, or None for as long as their settings say.
        listener: a function that is called with each event of :mod:`landvote.runtime.events`.
        stop: is asked after each film, step and tree.
        survey: tells of films without decoding them.
        start: a localiser whose voters learning begins from, stage by stage, or None.
        foretell: whether to measure beforehand, in some seconds, how long all will take, and tell the listener.
    """

    device: str = "auto"
    seed: int = 0
    minutes: float | None = None
    listener: Listener = ignore
    stop: StopToken = field(default_factory=StopToken)
    survey: Survey = field(default_factory=Survey)
    start: Localiser | None = None
    foretell: bool = False

    def surveyed(self, samples: Sequence[Sample]) -> list[Facts]:
        """Return the facts of all samples; the listener is told after each, and the stop token asked."""

        def seen(done: int) -> None:
            self.listener(FilmRead("survey", done, len(samples)))
            self.stop.check()

        return self.survey.all(samples, seen)


@dataclass(frozen=True)
class Fitted:
    """A localiser, its mean error on each film held out, image pixels, and how much its stages have learned."""

    localiser: Localiser
    held_out: list[float]
    learned: tuple[StageLearned, ...] = ()


def fit_localiser(
    scheme: Scheme, settings: Sequence[StageSettings], training: Sequence[Sample], validation: Sequence[Sample],
    folder: Path, conditions: Conditions | None = None,
) -> Fitted:  # fmt: skip
    """Learn every stage that applies to the scheme; ``settings`` are of the stages, coarse to fine.

    All samples have points; those of ``validation`` are never learned from: they judge the voters, and scale the
    expected errors. Each stage leaves in a folder of its name the state that a stopped or killed call goes on from.
    After the survey, each film is decoded once.

    Raises:
        PointsError: the points of a film lie in one place, and nothing can be laid on them; names the film.
        ShapeError: a stage has a shape model, and the films are too few or too alike to learn one from.
        SettingError: the time limit is too short for any training; names the least it takes. Or a voter cannot start
            from that of the localiser to start from.
        MissingExtraError: a voter needs packages that are not installed.
        StoppedError: the stop token asked for it; the same call goes on from there.
        TrainingError: training cannot go on.
    """
    under = conditions or Conditions()
    limit = TimeLimit(under.minutes)
    settings = [s for s in settings if s.applies_to(scheme)]
    for stage in settings:
        stage.voter.check_packages()
    begun = _stages_to_start_from(settings, under)
    if collapsed := next((s.identifier for s in (*training, *validation) if s.collapsed), None):
        raise PointsError(f"{collapsed}: its points, or reference points, lie in one place, expected different places")
    sides = tuple(sorted({s.side for s in training}, key=lambda side: (side.mirrored, side.name)))
    training, validation = _facing(training, under), _facing(validation, under)
    # placings and choices first: unusable shapes fail here, before hours of training
    polarity, placings = fit_placings(settings, training, under)
    choices = [s.choice.fit([sample.points for sample in training]) for s in settings]
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*"):  # by a call that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
        training, validation = in_polarity(training, polarity), in_polarity(validation, polarity)
        validation = [_decoded_once(s, Path(scratch) / f"{i}.npy") for i, s in enumerate(validation)]
        lessons = _lessons(settings, placings, training, validation, under)
        tell = under.listener if under.foretell else None
        plan = plan_minutes(settings, lessons, len(training), len(validation), folder, limit, tell)
        waiting, stages = lessons(folder), []
        shapes = [sample.points for sample in training]
        assessor = Assessor.fit(scheme, shapes, waiting[0].views, waiting[place_of(placings)].views)
        for stage, placing, choice in zip(settings, placings, choices, strict=True):
            under.listener(StageBegun(stage.name))
            start = _start(begun.get(stage.name), placing, scheme, under.start)
            lesson = replace(waiting.pop(0), minutes=plan.begin(stage.name), start=start)
            voter = stage.voter.fit(stage.training, lesson)
            under.listener(StageEnded(stage.name))
            stages.append(Stage.of(stage, placing, voter, choice, scheme))
        localiser = Localiser(scheme, tuple(stages), polarity, assessor, sides)
        return _calibrated(localiser, assessor, validation, under, limit)


def recalibrated(localiser: Localiser, samples: Sequence[Sample], conditions: Conditions | None = None) -> Fitted:
    """Return a localiser that expects the errors which it makes on samples; all have points, of none it has learned.

    Raises:
        SettingError: the localiser is of a landvote that knew one error alone, or does not know a sample's side.
        ImageError: a film cannot be read.
        StoppedError: the stop token asked for it.
    """
    under = conditions or Conditions()
    if not isinstance(localiser.errors, Assessor):
        raise SettingError("this model was made by a landvote that could not be calibrated, expected a newer model")
    sided = [replace(s, side=localiser.own_side(s.side)) for s in samples]
    facing = in_polarity(_facing(sided, under), localiser.polarity)
    return _calibrated(localiser, localiser.errors, facing, under, TimeLimit(under.minutes))


def _calibrated(
    localiser: Localiser, assessor: Assessor, held_out: Sequence[Sample], under: Conditions, limit: TimeLimit
) -> Fitted:
    """Return a localiser that expects the errors which it makes on films held out, as a model knows them."""
    judged = [film for film in _judge(localiser, assessor, held_out, under, limit) if film.told]
    calibrator = None
    if (subjects := len({film.subject for film in judged})) >= LEAST:
        calibrator = Calibrator.fit(judged)
        if told := [f"{level:.0%}" for level, q in zip(LEVELS, calibrator.quantiles, strict=True) if np.isnan(q)]:
            of = f"{subjects} subjects held out are too few"
            under.listener(Note(f"radii that hold the truth in {', '.join(told)} of cases are not known: {of}"))
    else:
        expected = f"{subjects} subjects were held out and located, expected {LEAST} at least"
        under.listener(Note(f"errors to expect are not known: {expected}"))
    localiser = replace(localiser, errors=assessor.calibrated(calibrator))
    return Fitted(localiser, [float(np.nanmean(film.distance)) for film in judged])


def _stages_to_start_from(settings: Sequence[StageSettings], under: Conditions) -> dict[str, Stage]:
    """Return, by name, the stages of the localiser to start from that have a counterpart; a SettingError if none do."""
    if under.start is None:
        return {}
    theirs = {stage.settings.name: stage for stage in under.start.stages}
    both = [stage for stage in settings if stage.name in theirs]
    if not both:
        found = f"the model to start from has the stages {', '.join(theirs)}"
        raise SettingError(f"{found}, expected one of {', '.join(s.name for s in settings)}")
    for stage in both:
        stage.voter.check_start(theirs[stage.name].settings.voter)
    if anew := [stage.name for stage in settings if stage.name not in theirs]:
        under.listener(Note(f"the model to start from has no stage {' or '.join(anew)}, which begins anew"))
    return {stage.name: theirs[stage.name] for stage in both}


def _start(stage: Stage | None, placing: Placing, scheme: Scheme, model: Localiser | None) -> Start | None:
    """Return what a stage begins from, given the stage of the ``model`` to start from that has its name."""
    if stage is None or model is None:
        return None
    same = model.scheme.sha256() == scheme.sha256() and stage.look.placing.targets == placing.targets
    return Start(stage.look.voter, same)


def _facing(samples: Sequence[Sample], under: Conditions) -> list[Sample]:
    """Return samples of which the other side's are mirror images; only these are surveyed, for their width."""
    others = [s for s in samples if s.side.mirrored]
    sizes = (known.film.size or (0, 0) for known in under.surveyed(others))
    facing = {s.identifier: s.facing(width) for s, (width, _) in zip(others, sizes, strict=True)}
    return [facing.get(s.identifier, s) for s in samples]


def fit_placings(
    settings: Sequence[StageSettings], training: Sequence[Sample], under: Conditions
) -> tuple[Polarity, list[Placing]]:
    """Survey the films, and return the polarity of most of them and the placing of each stage."""
    facts = under.surveyed(training)
    polarity = Polarity.learn([known.thumbnail for known in facts[:: -(-len(training) // _POLARITY)]])
    scheme, points = training[0].scheme, [s.points for s in training]
    sizes = [known.film.size or (0, 0) for known in facts]
    reference = scheme.reference or spread_points(np.stack(points), CHOSEN_REFERENCES)
    shapes = [TrainingShapes(scheme, reference, points, sizes, s.voter.multiple) for s in settings]
    return polarity, [s.placing.fit(known) for s, known in zip(settings, shapes, strict=True)]


def looks_of(settings: Sequence[StageSettings], placings: Sequence[Placing], scheme: Scheme) -> list[TrainingLook]:
    """Return how each stage reads films; see :class:`landvote.frames.Reading`."""
    mirrors = [_restrict(scheme.mirror(), p.targets[0]) if scheme.mirrored else None for p in placings]
    return [(p, s.augmentation, mirror) for p, s, mirror in zip(placings, settings, mirrors, strict=True)]


def _lessons(
    settings: Sequence[StageSettings], placings: Sequence[Placing], training: Sequence[Sample],
    validation: Sequence[Sample], under: Conditions,
) -> Callable[..., list[Lesson]]:  # fmt: skip
    """Return the function that reads films and returns the lesson of each stage.

    It is given the model folder, and of how many films at most, to learn from and held out each; then it reads on where
    it had come to.
    """
    read = count(1)

    def seen() -> None:
        under.listener(FilmRead("learning", next(read), len(training) + len(validation)))
        under.stop.check()

    looks = looks_of(settings, placings, training[0].scheme)
    readings = [Reading(samples, looks, seen) for samples in (training, validation)]

    def lessons(folder: Path, most: int | None = None) -> list[Lesson]:
        views, held_out = (reading.views(most) for reading in readings)
        made = []
        for stage, placing, own, judging in zip(settings, placings, views, held_out, strict=True):
            (folder / stage.name).mkdir(exist_ok=True)
            lesson = Lesson(
                stage=stage.name, landmarks=len(placing.targets[0]), views=own, held_out=judging,
                folder=folder / stage.name, device=under.device, seed=under.seed, listener=under.listener,
                stop=under.stop,
            )  # fmt: skip
            made.append(lesson)
        return made

    return lessons


def _judge(
    localiser: Localiser, assessor: Assessor, validation: Sequence[Sample], conditions: Conditions, limit: TimeLimit
) -> list[Judged]:
    """Return what is known of the errors on films held out, and what they are."""
    judged = []
    for number, sample in enumerate(validation, 1):
        if number > _CALIBRATED and limit.over:
            used = f"{number - 1} of {len(validation)} films held out"
            conditions.listener(Note(f"errors to expect are learned from {used}, for want of time"))
            break
        judged.append(judge(localiser, assessor, sample))
        conditions.listener(FilmLocated(number, len(validation)))
        conditions.stop.check()
    return judged


def judge(localiser: Localiser, assessor: Assessor, sample: Sample) -> Judged:
    """Locate a sample as a model knows it; return what is known of the errors, and what they are."""
    radiograph = sample.open()
    found = localiser.search(radiograph)
    axes = contour_axes(localiser.scheme, found.points)
    cues = assessor.cues(localiser.looks, radiograph, found)
    return Judged(cues, axes, found.points - sample.points, sample.subject)


def _decoded_once(sample: Sample, file: Path) -> Sample:
    """Return a sample whose pixels lie in ``file``, as they are in memory, once it has been opened."""
    rest: list[Radiograph] = []

    def opened() -> Radiograph:
        if rest:
            return replace(rest[0], pixels=np.load(file))
        radiograph = sample.open()
        np.save(file, radiograph.pixels)
        rest.append(replace(radiograph, pixels=radiograph.pixels[:1, :1]))
        return radiograph

    return replace(sample, open=opened)


def in_polarity(samples: Sequence[Sample], polarity: Polarity) -> list[Sample]:
    """Return samples whose films are opened in the polarity of most."""
    return [replace(s, open=partial(_normalised, s.open, polarity)) for s in samples]


def _normalised(opened: Callable[[], Radiograph], polarity: Polarity) -> Radiograph:
    return polarity.normalise(opened())[0]


def _restrict(mirror: npt.NDArray[np.intp], target: tuple[int, ...]) -> npt.NDArray[np.intp] | None:
    """Return the mirror map among the landmarks of a target; None if a pair leaves it."""
    place = {landmark: i for i, landmark in enumerate(target)}
    partners = [place.get(int(mirror[landmark])) for landmark in target]
    return None if None in partners else np.array(partners, dtype=np.intp)
