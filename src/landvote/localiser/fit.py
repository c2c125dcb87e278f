"""Fitting: all stages learn, coarse to fine, from films with points; what comes of it is a complete localiser."""

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.polarity import Polarity
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.data.side import Side
from landvote.errors import PointsError, SettingError, ShapeError, TrainingError
from landvote.frames import Placing, Reading, TrainingLook
from landvote.frames.placings import TrainingShapes
from landvote.frames.placings.layout import CHOSEN_REFERENCES, spread_points
from landvote.localiser.assessor import Assessor, place_of
from landvote.localiser.choice import Choice
from landvote.localiser.conditions import Conditions
from landvote.localiser.films import decoded_once, facing, in_polarity
from landvote.localiser.judging import Fitted, Turn, calibrated, judge_all
from landvote.localiser.localiser import Localiser
from landvote.localiser.plan import Part, Plan, TimeLimit, plan_minutes
from landvote.localiser.stage import Stage, StageSettings
from landvote.runtime.events import Event, FilmRead, Note, StageBegun, StageEnded, StageLearned, ignore
from landvote.shapes import Evenness
from landvote.uncertainty import Judged
from landvote.votes import Lesson, Start

_SCRATCH = ".films."  # so begin the names of folders for decoded films, while a training runs
_TURN = "judged.npz"  # in the folder of a training that has left films out
_POLARITY = 200  # films are enough to learn their polarity from


def fit_localiser(
    scheme: Scheme, settings: Sequence[StageSettings], training: Sequence[Sample], validation: Sequence[Sample],
    folder: Path, conditions: Conditions | None = None, left_out: Sequence[Collection[str]] = (),
) -> Fitted:  # fmt: skip
    """Learn every stage that applies to the scheme; ``settings`` are of the stages, coarse to fine.

    All samples have points; those of ``validation`` are never learned from: they judge the voters, and scale the
    expected errors. Each stage leaves in a folder of its name the state that a stopped or killed call goes on from.
    After the survey, each film is decoded once.

    ``left_out`` are the identifiers of the training films in two parts or more. Where there are such, further trainings
    come before, each without one part, and what they find on it scales the expected errors in place of ``validation``.
    Each has a folder called :data:`landvote.localiser.plan.LEFT_OUT` and its number, of which only a stopped or killed
    call makes use.

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
    training, validation = facing(training, under), facing(validation, under)
    # placings and choices first: unusable shapes fail here, before hours of training
    fitted = _fit_parts(settings, training, under)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*"):  # by a call that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
        if left_out:
            training = decoded_once(training, Path(scratch))
        else:
            validation = decoded_once(validation, Path(scratch))
        course = _Course(scheme, sides, settings, fitted, begun, training, validation, folder, under)
        tell = under.listener if under.foretell else None
        plan = plan_minutes(
            settings, course.lessons, len(training), len(validation), folder, limit, tell, turns=len(left_out)
        )
        turns = [
            _leave_out(course, names, Part(number, len(left_out)), plan, limit)
            for number, names in enumerate(left_out, 1)
        ]
        localiser, assessor, learned = course.run(plan)
        if left_out:
            judged = _as_of(turns, learned, under)
        else:
            judged = judge_all(localiser, assessor, in_polarity(validation, fitted.polarity), under, limit)
        return calibrated(localiser, assessor, judged, under, len(left_out))


def _leave_out(course: "_Course", names: Collection[str], part: Part, plan: Plan, limit: TimeLimit) -> Turn:
    """Train without some films, locate these, and keep what they tell; or return what an earlier call has kept."""
    folder, under = course.folder / part.folder, course.under
    file, films = folder / _TURN, [s for s in course.training if s.identifier in names]
    if file.exists():
        return Turn.load(file, films)
    rest = [s for s in course.training if s.identifier not in names]
    settings = [s.model_copy(update={"training": s.voter.brief(s.training)}) for s in course.settings]
    try:
        fitted = _fit_parts(settings, rest, replace(under, listener=ignore))
        shorter = replace(
            course, settings=settings, fitted=fitted, training=rest, held_out=[], folder=folder, part=part
        )
        localiser, assessor, learned = shorter.run(plan)
    except (PointsError, ShapeError, TrainingError) as error:  # too few are left; all of them may do
        under.listener(
            Note(f"{part}: without these films too little is left to learn from ({error}): they do not count")
        )
        return Turn([], ())
    judged = judge_all(localiser, assessor, in_polarity(films, fitted.polarity), under, limit.until(part))
    turn = Turn(judged, learned)
    turn.save(file)
    for stage in settings:
        shutil.rmtree(folder / stage.name)
    return turn


def _as_of(turns: Sequence[Turn], learned: tuple[str, ...], under: Conditions) -> list[Judged]:
    """Return what films left out tell of a training that ``learned`` so much: how votes lie, if it is as much."""
    judged = [film for turn in turns for film in turn.judged]
    if all(turn.learned == learned for turn in turns if turn.judged):
        return judged
    under.listener(Note("trainings of films left out were shorter, so how the votes lie does not count for errors"))
    return [replace(film, cues=film.cues.without_votes()) for film in judged]


@dataclass(frozen=True)
class _Fitted:
    """The parts of a localiser that points, sizes and thumbnails tell."""

    polarity: Polarity
    placings: list[Placing]
    choices: list[Choice]


def _fit_parts(settings: Sequence[StageSettings], training: Sequence[Sample], under: Conditions) -> _Fitted:
    polarity, placings = fit_placings(settings, training, under)
    return _Fitted(polarity, placings, [s.choice.fit([sample.points for sample in training]) for s in settings])


@dataclass(frozen=True)
class _Course:
    """A training, of all films, or of all but a part."""

    scheme: Scheme
    sides: tuple[Side, ...]
    settings: Sequence[StageSettings]
    fitted: _Fitted
    begun: Mapping[str, Stage]
    training: Sequence[Sample]
    held_out: Sequence[Sample]
    folder: Path
    under: Conditions
    part: Part | None = None

    @cached_property
    def lessons(self) -> Callable[..., list[Lesson]]:
        """The function that reads films and returns the lesson of each stage, see :func:`_lessons`."""
        polarity = self.fitted.polarity
        training, held_out = in_polarity(self.training, polarity), in_polarity(self.held_out, polarity)
        return _lessons(self.settings, self.fitted.placings, training, held_out, self.under)

    def run(self, plan: Plan) -> tuple[Localiser, Assessor, tuple[str, ...]]:
        """Return the localiser, what assesses it, and how much its stages have learned."""
        learned: list[str] = []

        def listener(event: Event) -> None:
            if isinstance(event, StageLearned):
                learned.append(str(replace(event, stage=event.stage.removeprefix(prefix), late=False)))
            if self.part is None or not isinstance(event, StageLearned):  # a model tells of its own training alone
                self.under.listener(event)

        prefix = "" if self.part is None else f"{self.part}, "
        waiting, stages = self.lessons(self.folder), []
        shapes = [sample.points for sample in self.training]
        assessor = Assessor.fit(self.scheme, shapes, waiting[0].views, waiting[place_of(self.fitted.placings)].views)
        for stage, placing, choice in zip(self.settings, self.fitted.placings, self.fitted.choices, strict=True):
            name = prefix + stage.name
            self.under.listener(StageBegun(name))
            start = _start(self.begun.get(stage.name), placing, self.scheme, self.under.start)
            minutes = plan.begin(stage.name, self.part)
            lesson = replace(waiting.pop(0), stage=name, minutes=minutes, start=start, listener=listener)
            voter = stage.voter.fit(stage.training, lesson)
            self.under.listener(StageEnded(name))
            evenness = Evenness.fit(self.scheme, shapes) if stage.even else None
            stages.append(Stage.of(stage, placing, voter, choice, self.scheme, evenness))
        localiser = Localiser(self.scheme, tuple(stages), self.fitted.polarity, assessor, self.sides)
        return localiser, assessor, tuple(learned)


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
            (folder / stage.name).mkdir(parents=True, exist_ok=True)
            lesson = Lesson(
                stage=stage.name, landmarks=len(placing.targets[0]), views=own, held_out=judging,
                folder=folder / stage.name, device=under.device, seed=under.seed, listener=under.listener,
                stop=under.stop,
            )  # fmt: skip
            made.append(lesson)
        return made

    return lessons


def _restrict(mirror: npt.NDArray[np.intp], target: tuple[int, ...]) -> npt.NDArray[np.intp] | None:
    """Return the mirror map among the landmarks of a target; None if a pair leaves it."""
    place = {landmark: i for i, landmark in enumerate(target)}
    partners = [place.get(int(mirror[landmark])) for landmark in target]
    return None if None in partners else np.array(partners, dtype=np.intp)
