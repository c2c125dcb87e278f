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
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from landvote.errors import ModelError
from landvote.files import whole
from landvote.frames import Augmentation, FilmPlacing, PartPlacing, Placing, ReferencePlacing, View, Views
from landvote.frames.placing import same_area, spread_points
from landvote.prediction import Prediction
from landvote.sample import Points, Radiograph, Sample
from landvote.scheme import Scheme
from landvote.votes import Voter

Report = Callable[[dict[str, Any]], None]
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
        augmentation: how the training views are varied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    look: Literal["film", "reference", "parts"]
    find: Literal["all", "reference"] = "all"
    size: tuple[PositiveInt, PositiveInt]
    fit_aspect: bool = True
    border: float = Field(default=0.1, ge=0, lt=0.45)
    rounds: PositiveInt = 1
    augmentation: Augmentation = Augmentation()


@dataclass
class Stage:
    """One look: ``placing`` says where, ``voter`` votes. Both are made when the localiser is fitted or loaded."""

    name: str
    settings: StageSettings
    make_voter: Callable[[int], Voter]
    placing: Placing = field(init=False)
    voter: Voter = field(init=False)


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
        self.calibration = 1.0  # expected error per spread of the votes
        self.held_out: list[float] = []

    def locate(self, radiograph: Radiograph) -> Prediction:
        """Return all landmarks of a film and the error to expect of each, in image coordinates and pixels."""
        points = np.full((len(self.scheme), 2), np.nan)
        error = np.full(len(self.scheme), np.nan)
        looks: list[dict[str, Any]] = []
        for stage in self.stages:
            for _ in range(stage.settings.rounds):
                frames = stage.placing.frames(radiograph.size, points)
                for frame, part in zip(frames, stage.placing.parts, strict=True):
                    if frame is None:  # too little was found to know where to look
                        continue
                    looks.append({"stage": stage.name, "size": list(frame.size), "matrix": frame.matrix.tolist()})
                    view = View.through(frame, radiograph.pixels, points[list(part)], radiograph.identifier)
                    found, spread = stage.voter.vote(view).peaks()
                    seen = np.isfinite(spread)  # a landmark without votes stays where the stage before saw it
                    points[np.array(part)[seen]] = frame.to_image(found[seen])
                    error[np.array(part)[seen]] = spread[seen] / frame.scale * self.calibration
        details = {**_film(radiograph), "looks": looks}
        return Prediction(radiograph.identifier, points, error, self.scheme.landmarks, details)

    def fit(self, training: Sequence[Sample], validation: Sequence[Sample], folder: Path, report: Report) -> None:
        """Learn every stage, coarse to fine.

        Args:
            training: samples with points.
            validation: samples with points, never learned from: they are judged by, and scale the expected errors.
            folder: each stage keeps its checkpoint in a folder of its name; a killed call goes on from there.
            report: is given rows of progress, with the stage's name under ``stage``.
        """
        shapes = [s.points for s in training]
        if not self.reference:
            self.reference = spread_points(np.stack(shapes), _CHOSEN_REFERENCES)
        mirror = _mirror(self.scheme)
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
            _save_arrays(
                folder / stage.name / "placing.npz", size=np.array(stage.placing.size), **stage.placing.state()
            )
        _save_arrays(
            folder / "localiser.npz", reference=np.array(self.reference), calibration=np.array(self.calibration)
        )

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: a file is missing or not what it should be.
        """
        own = _load_arrays(folder / "localiser.npz", "reference", "calibration")
        self.reference = tuple(int(i) for i in own["reference"])
        self.calibration = float(own["calibration"])
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

    def _calibrate(self, validation: Sequence[Sample]) -> None:
        """Scale the spread of the votes so that on films not learned from it equals the error, on average.

        Their mean errors, one a film in image pixels, are kept as ``held_out``.
        """
        expected, actual = [], []
        for sample in validation:
            prediction = self.locate(sample.open())
            distance = np.linalg.norm(prediction.points - sample.points, axis=1)
            both = np.isfinite(distance) & np.isfinite(prediction.expected_error)
            expected.append(prediction.expected_error[both])
            actual.append(distance[both])
            if both.any():
                self.held_out.append(float(distance[both].mean()))
        if expected and (total := float(np.concatenate(expected).sum())) > 0:
            self.calibration *= float(np.concatenate(actual).sum()) / total


def _mirror(scheme: Scheme) -> npt.NDArray[np.intp] | None:
    """Return which landmark takes each one's place in a mirror, or None where the scheme names no pairs."""
    if not scheme.mirrored:
        return None
    swap = np.arange(len(scheme))
    for a, b in scheme.mirrored:
        swap[a], swap[b] = b, a
    return swap


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
