"""The localiser: stages from coarse to fine, each placing a frame, asking a voter, choosing points.

It knows neither networks nor forests; :mod:`landvote.recipes` puts voters into stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError
from landvote.files import atomic_write
from landvote.frames import FilmPlacing, PartPlacing, Placing, ReferencePlacing, Views
from landvote.frames.placing import same_area, spread_points
from landvote.polarity import Polarity, picture
from landvote.prediction import Prediction
from landvote.row import settled, walk
from landvote.sample import Points, Radiograph, Sample
from landvote.scheme import Scheme
from landvote.shapes import ShapeModel
from landvote.stage import DIGITS, Candidate, Stage, StageSettings, best, look, moved, poses

Report = Callable[[dict[str, Any]], None]
_LEARNED = {"film": (), "reference": ("layout", "cell"), "parts": ("layouts", "middle", "spread")}
_SAME = 0.01  # of the film: candidates closer together are one
_CHOSEN_REFERENCES = 6  # where a scheme names none: enough to outvote one that went astray
_TELLING = 200  # films are enough to learn their polarity from


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
        self.polarity: Polarity  # learned, as what the stages learn
        self.calibration = np.ones(2)  # expected error per spread of the votes, and per pixel moved in a frame askew
        self.held_out: list[float] = []

    @property
    def computed_on(self) -> dict[str, str]:
        """What computes the votes of each stage, and how exactly."""
        return {stage.name: stage.voter.computed_on for stage in self.stages}

    def locate(self, radiograph: Radiograph) -> Prediction:
        """Return all landmarks of a film and the error to expect of each, in image coordinates and pixels."""
        radiograph, inverted = self.polarity.righted(radiograph)
        found = self._find(radiograph)
        error = self.calibration @ [found.error, moved(self.stages[-1], radiograph, found)]
        details = {**_film(radiograph), "inverted": inverted, "looks": list(found.looks)}
        return Prediction(radiograph.identifier, found.points, error, self.scheme.landmarks, details)

    def _find(self, radiograph: Radiograph) -> Candidate:
        """Look, stage by stage, from where the look before has led."""
        n = len(self.scheme)
        candidates = [Candidate(np.full((n, 2), np.nan), np.full(n, np.nan))]
        for stage in self.stages:
            for _ in range(stage.settings.rounds):
                seen = [s for c in candidates for s in self._look(stage, radiograph, c)]
                candidates = best(seen, stage.settings.keep, _SAME * max(radiograph.size))
            if stage.settings.look == "parts":
                candidates = [settled(stage, radiograph, c) for c in candidates]
        return candidates[0]

    @staticmethod
    def _look(stage: Stage, radiograph: Radiograph, known: Candidate) -> list[Candidate]:
        """Look once: at parts one after the other, or at one place in each pose."""
        if stage.settings.look == "parts":
            return [walk(stage, radiograph, known)]
        return [look(stage, pose, radiograph, known) for pose in poses(stage.settings)]

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
        some = training[:: -(-len(training) // _TELLING)]
        self.polarity = Polarity.learn([picture(s.open()) for s in some])
        training, validation = self._righted(training), self._righted(validation)
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
            varied, seen = stage.settings.augmentation, partial(tell, {"event": "film"})
            views = Views.gather(training, stage.placing, varied, swap, seen)
            held_out = Views.gather(validation, stage.placing, varied, swap, seen)
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
        own = {"reference": np.array(self.reference), "calibration": self.calibration}
        _save_arrays(folder / "localiser.npz", polarity=self.polarity.weights.round(DIGITS), **own)

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: a file is missing or not what it should be.
        """
        own = _load_arrays(folder / "localiser.npz", "reference", "calibration", "polarity")
        self.polarity = Polarity(own["polarity"])
        self.reference = tuple(int(i) for i in own["reference"])
        self.calibration = own["calibration"]
        if self.calibration.shape != (2,):
            raise ModelError(f"{folder / 'localiser.npz'}: calibration has another form, expected two numbers")
        for stage in self.stages:
            keys = _LEARNED[stage.settings.look]
            state = _load_arrays(folder / stage.name / "placing.npz", "size", *keys)
            size = (int(state["size"][0]), int(state["size"][1]))
            if keys and state[keys[0]].shape[-2:] != (len(self.scheme), 2):
                raise ModelError(f"{folder / stage.name / 'placing.npz'}: not for {len(self.scheme)} landmarks")
            if stage.settings.look == "film":
                stage.placing = FilmPlacing(size, stage.settings.border, self._found_by(stage.settings))
            elif stage.settings.look == "reference":
                stage.placing = ReferencePlacing(size, self.reference, state["layout"], state["cell"])
            else:
                learned = (state["layouts"], state["middle"], state["spread"])
                stage.placing = PartPlacing(size, self.scheme.groups, *learned)
            stage.voter = stage.make_voter(len(stage.placing.parts[0]))
            stage.voter.load(folder / stage.name)
            if stage.settings.shape:
                stage.shape = ShapeModel.load(folder / stage.name / "shape.npz")
                if len(stage.shape.mean) != len(self.scheme):
                    raise ModelError(f"{folder / stage.name / 'shape.npz'}: not for {len(self.scheme)} landmarks")

    def _righted(self, samples: Sequence[Sample]) -> list[Sample]:
        """Return samples whose films are opened in the polarity of most."""

        def righted(opened: Callable[[], Radiograph]) -> Radiograph:
            return self.polarity.righted(opened())[0]

        return [replace(s, open=partial(righted, s.open)) for s in samples]

    def _found_by(self, settings: StageSettings) -> tuple[int, ...]:
        return self.reference if settings.find == "reference" else tuple(range(len(self.scheme)))

    def _place(self, settings: StageSettings, training: Sequence[Sample], shapes: list[Points]) -> Placing:
        size, fit_aspect, border = settings.size, settings.fit_aspect, settings.border
        if settings.look == "film":
            if fit_aspect:
                some = training[:: max(1, len(training) // 20)]
                size = same_area(size, np.median([s.open().size for s in some], axis=0))
            return FilmPlacing(size, border, self._found_by(settings))
        films = [s.open().size for s in training]
        if settings.look == "reference":
            return ReferencePlacing.fit(shapes, films, size, self.reference, border, fit_aspect=fit_aspect)
        return PartPlacing.fit(shapes, films, size, self.scheme.groups, border)

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
            known = np.stack([found.error, moved(self.stages[-1], radiograph, found), distance])
            both = np.isfinite(known).all(axis=0)
            total += known[:, both].sum(axis=1)
            if both.any():
                self.held_out.append(float(distance[both].mean()))
        spread, movement, error = total
        if spread > 0:
            in_full = min(1.0, error / movement) if movement > 0 else 1.0
            self.calibration = np.array([(error - in_full * movement) / spread, in_full]).round(DIGITS)


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
    with atomic_write(file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]  # the stubs take the names for allow_pickle


def _load_arrays(file: Path, *keys: str) -> dict[str, npt.NDArray[np.float64]]:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return {key: stored[key] for key in keys}
    except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
        raise ModelError(f"{file}: not a part of a localiser ({error}), expected arrays {', '.join(keys)}") from error
