"""The localiser: stages from coarse to fine, each placing a frame, asking a voter, choosing points.

It knows neither networks nor forests; :mod:`landvote.recipes` puts voters into stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from landvote.errors import ModelError
from landvote.files import whole
from landvote.frames import Augmentation, FilmPlacing, PartPlacing, Placing, ReferencePlacing, View, Views
from landvote.frames.placing import same_area, spread_points
from landvote.prediction import Prediction
from landvote.sample import Points, Radiograph, Sample
from landvote.scheme import Scheme
from landvote.shapes import ShapeModel, ShapeSettings, plausible
from landvote.votes import VoteMap, Voter

Report = Callable[[dict[str, Any]], None]
_SAME = 0.01  # of the film: candidates closer together are one
_ASKEW = (0.04, 4.0)  # how a frame is laid askew: of its width and height, and degrees; training has seen as much
_DIGITS = 9  # after the point: compiled loops may differ in their last one from run to run, files should not
_CHOSEN_REFERENCES = 6  # where a scheme names none: enough to outvote one that went astray


class StageSettings(BaseModel):
    """Where a stage looks and for what.

    Attributes:
        look: at the whole ``film``, at a patch laid on the ``reference`` points, or at one patch for each of the
            scheme's ``parts`` (left out where the scheme has no groups).
        find: ``all`` landmarks, or only the ``reference`` points (a stage that looks at the film).
        size: width and height of the grid.
        fit_aspect: keep the grid's area but give it the shape of what it must hold.
        border: free share of the grid on each side.
        rounds: how often to look again, from where the last look found the landmarks.
        angles, scales: poses to try, degrees (positive is clockwise on screen) and factors: each look is taken once for
            each angle and scale, as the global searcher of Lindner et al. 2013 does. Networks need one, (0) and (1).
        keep: how many of the places found go on to the next look; the one whose landmarks have most votes there wins.
        augmentation: how the training views are varied.
        shape: the shape model that chooses points under the votes; without one each landmark's peak is its point.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    look: Literal["film", "reference", "parts"]
    find: Literal["all", "reference"] = "all"
    size: tuple[PositiveInt, PositiveInt]
    fit_aspect: bool = True
    border: float = Field(default=0.1, ge=0, lt=0.45)
    rounds: PositiveInt = 1
    angles: tuple[float, ...] = Field(default=(0.0,), min_length=1)
    scales: tuple[PositiveFloat, ...] = Field(default=(1.0,), min_length=1)
    keep: PositiveInt = 1
    augmentation: Augmentation = Augmentation()
    shape: ShapeSettings | None = None

    @model_validator(mode="after")
    def _shape_sees_all(self) -> StageSettings:
        if self.shape and (self.look == "parts" or self.find == "reference"):
            raise ValueError("a shape model needs a stage that finds all landmarks in one look")
        return self


@dataclass
class Stage:
    """One look: ``placing`` says where, ``voter`` votes, ``shape`` says what is plausible.

    All three are made when the localiser is fitted or loaded; ``shape`` is None where the settings name none.
    """

    name: str
    settings: StageSettings
    make_voter: Callable[[int], Voter]
    placing: Placing = field(init=False)
    voter: Voter = field(init=False)
    shape: ShapeModel | None = field(init=False, default=None)

    def choose(self, votes: VoteMap) -> tuple[Points, npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
        """Return (n, 2) points under the votes, grid coordinates, how far votes lie from each, and shape parameters."""
        found = plausible(votes, self.shape, self.settings.shape) if self.shape and self.settings.shape else None
        if found is None:
            return *votes.peaks(), None
        return found.points, found.spread, found.parameters


@dataclass(frozen=True)
class Candidate:
    """Where the landmarks may be, after some looks.

    Attributes:
        points: (n, 2) image coordinates; NaN if unknown.
        error: (n,) expected error in pixels, not yet scaled.
        looks: what was looked at, as it goes into the prediction.
        votes: how many votes the points of the last look have, summed over its landmarks.
    """

    points: Points
    error: npt.NDArray[np.float64]
    looks: tuple[dict[str, Any], ...] = ()
    votes: float = 0.0


class Localiser:
    """Finds a scheme's landmarks in a radiograph, stage by stage.

    Args:
        scheme: the landmarks.
        stages: coarse to fine; the first must look at the whole film.
    """

    def __init__(self, scheme: Scheme, stages: Sequence[Stage]) -> None:
        self.scheme = scheme
        needed = {"film": True, "reference": len(scheme) > 1, "parts": bool(scheme.groups)}  # one point places nothing
        self.stages = [s for s in stages if needed[s.settings.look]]
        self.reference = scheme.reference
        self.calibration = np.ones(2)  # expected error per spread of the votes, and per pixel moved in a frame askew
        self.held_out: list[float] = []

    def locate(self, radiograph: Radiograph) -> Prediction:
        """Return all landmarks of a film and the error to expect of each, in image coordinates and pixels."""
        found = self._find(radiograph)
        error = self.calibration @ [found.error, moved(self._stays(), radiograph, found)]
        details = {**_film(radiograph), "looks": list(found.looks)}
        return Prediction(radiograph.identifier, found.points, error, self.scheme.landmarks, details)

    def _find(self, radiograph: Radiograph) -> Candidate:
        """Look, stage by stage, from where the look before has led."""
        n = len(self.scheme)
        candidates = [Candidate(np.full((n, 2), np.nan), np.full(n, np.nan))]
        for stage in self.stages:
            for _ in range(stage.settings.rounds):
                seen = [look(stage, pose, radiograph, c) for c in candidates for pose in poses(stage.settings)]
                candidates = best(seen, stage.settings.keep, _SAME * max(radiograph.size))
        return candidates[0]

    def fit(self, training: Sequence[Sample], validation: Sequence[Sample], folder: Path, report: Report) -> None:
        """Learn every stage, coarse to fine.

        Args:
            training: samples with points.
            validation: samples with points, never learned from: they are judged by, and scale the expected errors.
            folder: each stage keeps its checkpoint in a folder of its name; a killed call goes on from there.
            report: is given rows of progress, with the stage's name under ``stage``.

        Raises:
            ShapeError: a stage has a shape model, and the films are too few or too alike to learn one from.
        """
        shapes = [s.points for s in training]
        if not self.reference:
            self.reference = spread_points(np.stack(shapes), _CHOSEN_REFERENCES)
        mirror = self.scheme.mirror() if self.scheme.mirrored else None
        for stage in self.stages:  # all of them first: shapes that teach nothing are told of before hours of training
            if rules := stage.settings.shape:
                stage.shape = ShapeModel.fit(np.stack(shapes), rules.share, rules.accept)
        for stage in self.stages:

            def tell(row: dict[str, Any], name: str = stage.name) -> None:
                report({"stage": name, **row})

            tell({"event": "gather", "films": len(training) + len(validation)})
            stage.placing = self._place(stage.settings, training, shapes)
            swap = None if mirror is None else _within(mirror, stage.placing.parts)
            look, seen = stage.settings.augmentation, partial(tell, {"event": "film"})
            views = Views.gather(training, stage.placing, look, swap, seen)
            held_out = Views.gather(validation, stage.placing, look, swap, seen)
            stage.voter = stage.make_voter(len(stage.placing.parts[0]))
            stage.voter.fit(views, held_out, folder / stage.name, tell)
        self._calibrate(validation)

    def save(self, folder: Path) -> None:
        """Write every stage into a folder of its name, and what the localiser learned into ``localiser.npz``."""
        for stage in self.stages:
            (folder / stage.name).mkdir(parents=True, exist_ok=True)
            stage.voter.save(folder / stage.name)
            if stage.shape:
                stage.shape.save(folder / stage.name / "shape.npz")
            _save_arrays(
                folder / stage.name / "placing.npz", size=np.array(stage.placing.size), **stage.placing.state()
            )
        _save_arrays(folder / "localiser.npz", reference=np.array(self.reference), calibration=self.calibration)

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: a file is missing or not what it should be.
        """
        own = _load_arrays(folder / "localiser.npz", "reference", "calibration")
        self.reference = tuple(int(i) for i in own["reference"])
        self.calibration = own["calibration"]
        if self.calibration.shape != (2,):
            raise ModelError(f"{folder / 'localiser.npz'}: calibration has another form, expected two numbers")
        for stage in self.stages:
            keys = {"film": (), "reference": ("layout",), "parts": ("layouts",)}[stage.settings.look]
            state = _load_arrays(folder / stage.name / "placing.npz", "size", *keys)
            size = (int(state["size"][0]), int(state["size"][1]))
            if keys and state[keys[0]].shape[-2:] != (len(self.scheme), 2):
                raise ModelError(f"{folder / stage.name / 'placing.npz'}: not for {len(self.scheme)} landmarks")
            if stage.settings.look == "film":
                stage.placing = FilmPlacing(size, stage.settings.border, self._found_by(stage.settings))
            elif stage.settings.look == "reference":
                stage.placing = ReferencePlacing(size, self.reference, state["layout"])
            else:
                stage.placing = PartPlacing(size, self.scheme.groups, state["layouts"])
            stage.voter = stage.make_voter(len(stage.placing.parts[0]))
            stage.voter.load(folder / stage.name)
            if stage.settings.shape:
                stage.shape = ShapeModel.load(folder / stage.name / "shape.npz")
                if len(stage.shape.mean) != len(self.scheme):
                    raise ModelError(f"{folder / stage.name / 'shape.npz'}: not for {len(self.scheme)} landmarks")

    def _found_by(self, settings: StageSettings) -> tuple[int, ...]:
        return self.reference if settings.find == "reference" else tuple(range(len(self.scheme)))

    def _place(self, settings: StageSettings, training: Sequence[Sample], shapes: list[Points]) -> Placing:
        size, fit_aspect, border = settings.size, settings.fit_aspect, settings.border
        if settings.look == "film":
            if fit_aspect:
                some = training[:: max(1, len(training) // 20)]
                size = same_area(size, np.median([s.open().size for s in some], axis=0))
            return FilmPlacing(size, border, self._found_by(settings))
        if settings.look == "reference":
            return ReferencePlacing.fit(shapes, size, self.reference, border, fit_aspect=fit_aspect)
        return PartPlacing.fit(shapes, size, self.scheme.groups, border)

    def _stays(self) -> Stage:
        """Return the stage that is asked whether points stay where they are: the last one that sees all in one look."""
        return [s for s in self.stages if s.settings.look != "parts"][-1]

    def _calibrate(self, validation: Sequence[Sample]) -> None:
        """Scale what is known of errors so that on films not learned from it equals the error, on average.

        How far points move in a frame askew counts in full, or less if that alone were more than the errors are; the
        spread of the votes makes up the rest. Mean errors, one a film in image pixels, are kept as ``held_out``.
        """
        total = np.zeros(3)  # of spread, movement, error
        self.calibration = np.ones(2)
        for sample in validation:
            radiograph = sample.open()
            found = self._find(radiograph)
            distance = np.linalg.norm(found.points - sample.points, axis=1)
            known = np.stack([found.error, moved(self._stays(), radiograph, found), distance])
            both = np.isfinite(known).all(axis=0)
            total += known[:, both].sum(axis=1)
            if both.any():
                self.held_out.append(float(distance[both].mean()))
        spread, movement, error = total
        if spread > 0:
            in_full = min(1.0, error / movement) if movement > 0 else 1.0
            self.calibration = np.array([(error - in_full * movement) / spread, in_full]).round(_DIGITS)


def poses(settings: StageSettings) -> list[tuple[float, float]]:
    """Return the scales and angles (radians) to look at."""
    return [(scale, float(np.deg2rad(angle))) for scale in settings.scales for angle in settings.angles]


def best(candidates: Sequence[Candidate], keep: int, same: float) -> list[Candidate]:
    """Return up to ``keep`` candidates, most votes first; of those within ``same`` pixels of each other one alone."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: -c.votes):
        away = [np.linalg.norm(one.points - other.points, axis=1) for other in kept]
        if all(np.isfinite(d).any() and np.nanmax(d) > same for d in away):
            kept.append(one)
        if len(kept) == keep:
            break
    return kept


def look(stage: Stage, pose: tuple[float, float], radiograph: Radiograph, known: Candidate) -> Candidate:
    """Look at each part of the film that what is known so far leads to; return what is known then."""
    points, error = known.points.copy(), known.error.copy()
    looks, total = list(known.looks), 0.0
    for laid, part in zip(stage.placing.frames(radiograph.size, known.points), stage.placing.parts, strict=True):
        if laid is None:  # too little was found to know where to look
            continue
        frame, index = laid.then(*pose, (0, 0)), np.array(part)
        view = View.through(frame, radiograph.pixels, known.points[index], radiograph.identifier)
        votes = stage.voter.vote(view)
        found, spread, parameters = stage.choose(votes)
        seen = np.isfinite(spread)  # a landmark without votes stays where the stage before saw it
        points[index[seen]] = frame.to_image(found[seen])
        error[index[seen]] = spread[seen] / frame.scale
        total += float(np.nansum(votes.strength(found)))
        looks.append({"stage": stage.name, "size": list(frame.size), "matrix": frame.matrix.round(_DIGITS).tolist()})
        if parameters is not None:
            looks[-1]["shape"] = parameters.round(_DIGITS).tolist()
    return Candidate(points, error, tuple(looks), total)


def moved(stage: Stage, radiograph: Radiograph, found: Candidate) -> npt.NDArray[np.float64]:
    """Look once more, through a frame laid askew; return (n,) how far each landmark has moved on the film, pixels.

    What is seen stays where it is on the film. What is guessed, from where in a view it usually lies, goes with the
    frame: that is how a voter answers for a film unlike any it has learned from. A voter that searches around known
    points is told the ones that the frame would bring there.

    A landmark that has followed the frame by more than half its way begins to count as guessed, and may be anywhere in
    the view (half its diagonal); so may one that is not found again. One that was not found before has NaN, and one
    that nothing places a view for has 0.
    """
    distance = np.zeros(len(found.points))
    shift, angle = _ASKEW
    for laid, part in zip(stage.placing.frames(radiograph.size, found.points), stage.placing.parts, strict=True):
        if laid is None:
            continue
        index = np.array(part)
        askew = laid.then(1.0, np.deg2rad(angle), shift * np.array(laid.size))
        brought = askew.to_image(laid.to_grid(found.points[index]))
        view = View.through(askew, radiograph.pixels, brought, radiograph.identifier)
        again, _, _ = stage.choose(stage.voter.vote(view))
        away = np.linalg.norm(askew.to_image(again) - found.points[index], axis=1)
        followed = away / np.linalg.norm(brought - found.points[index], axis=1)
        guessed = np.where(np.isnan(away), 1, np.clip(2 * followed - 1, 0, 1))
        anywhere = np.hypot(*laid.size) / 2 / laid.scale
        distance[index] = (1 - guessed) * np.nan_to_num(away) + guessed * anywhere
    return np.where(np.isnan(found.points[:, 0]), np.nan, distance)


def _within(mirror: npt.NDArray[np.intp], parts: tuple[tuple[int, ...], ...]) -> npt.NDArray[np.intp] | None:
    """Return the mirror map among the landmarks of the first part; None if a pair leaves it."""
    place = {landmark: i for i, landmark in enumerate(parts[0])}
    partners = [place.get(int(mirror[landmark])) for landmark in parts[0]]
    return None if None in partners else np.array(partners, dtype=np.intp)


def _film(radiograph: Radiograph) -> dict[str, Any]:
    spacing = radiograph.spacing
    known = {"x": spacing.x, "y": spacing.y, "source": spacing.source} if spacing else None
    return {"size": list(radiograph.size), "spacing": known}


def _save_arrays(file: Path, **arrays: npt.NDArray[Any]) -> None:
    with whole(file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]  # the stubs take the names for allow_pickle


def _load_arrays(file: Path, *keys: str) -> dict[str, npt.NDArray[np.float64]]:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return {key: stored[key] for key in keys}
    except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
        raise ModelError(f"{file}: not a part of a localiser ({error}), expected arrays {', '.join(keys)}") from error
