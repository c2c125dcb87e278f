"""The assessor: tells what errors to expect of the points found on a film, and whether its kind is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.errors import ModelError, ShapeError
from landvote.frames import Placing, View, Views
from landvote.localiser.look import Candidate, Look
from landvote.shapes import ShapeModel
from landvote.uncertainty import Calibrator, Cues, Expected, Familiarity, LeftOut, contour_axes, cues_of, left_out
from landvote.uncertainty.familiarity import film_at, patches_at

_VIEWS = 400  # are enough to learn the look of places and films from


@dataclass(frozen=True)
class Assessor:
    """Tells errors from the shape found, the look of its places and of the film, and how the votes lie.

    Attributes:
        scheme: of the landmarks.
        shape: of the films learned from, or None where these are too few or too alike.
        patches: what the places of the landmarks look like, to the last stage whose targets look alike.
        films: what whole films look like.
        calibrator: fitted on films held out; None where there were too few, and nothing is expected.
    """

    scheme: Scheme
    shape: ShapeModel | None
    patches: Familiarity
    films: Familiarity
    calibrator: Calibrator | None = None

    @classmethod
    def fit(cls, scheme: Scheme, shapes: Sequence[Points], whole: Views, last: Views) -> "Assessor":
        """Learn from the training shapes, (n, 2) image coordinates each, and views of two stages.

        ``whole`` are those of the first stage, ``last`` those that :func:`place_of` names.
        """
        try:
            shape = ShapeModel.fit(np.stack(shapes))
        except ShapeError:  # fewer films than a shape model takes: its cues are not known then
            shape = None
        patches = Familiarity.fit([patches_at(view.pixels, view.points) for view in _some(last)])
        return cls(scheme, shape, patches, Familiarity.fit([film_at(view.pixels) for view in _some(whole)]))

    def cues(self, looks: Sequence[Look], radiograph: Radiograph, found: Candidate) -> Cues:
        """Return all that is known of the errors; ``found`` is what the ``looks``, coarse to fine, found on a film."""
        n, placing = len(found.points), looks[place_of([look.placing for look in looks])].placing
        oddness, cells = np.full(n, np.nan), []
        for target, frame in zip(placing.targets, placing.frames(radiograph.size, found.points), strict=True):
            if frame is not None:
                index = np.array(target)
                view = View.through(frame, radiograph.pixels, found.points[index])
                oddness[index] = self.patches.oddness(patches_at(view.pixels, view.points))
                cells.append(1 / frame.scale)
        whole = looks[0].placing.frame(0, radiograph.size, np.full((n, 2), np.nan))  # it needs no points
        seen = None if whole is None else film_at(View.through(whole, radiograph.pixels, found.points).pixels)
        odd = float("nan") if seen is None else float(self.films.oddness(seen)[0])
        nothing = LeftOut(np.full((n, 2), np.nan), np.full(n, np.nan), np.nan)
        told = nothing if self.shape is None else left_out(self.shape, found.points)
        cell = float(np.median(cells)) if cells else 1.0
        cues = cues_of(found.points, found.before, found.dispersion, found.evidence, told, oddness, odd, cell)
        return replace(cues, row=found.row)

    def expect(self, looks: Sequence[Look], radiograph: Radiograph, found: Candidate) -> Expected:
        """Return what errors to expect; nothing without a calibrator."""
        if self.calibrator is None:
            return Expected.only(np.full(len(found.points), np.nan))
        axes = contour_axes(self.scheme, found.points)
        return self.calibrator.expect(self.cues(looks, radiograph, found), axes)

    def calibrated(self, calibrator: Calibrator | None) -> "Assessor":
        """Return it with a calibrator."""
        return replace(self, calibrator=calibrator)

    def save(self, folder: Path) -> list[Path]:
        """Write what was learned into ``folder``, an existing one, and return the files written."""
        parts = {"patches": self.patches, "films": self.films, "calibrator": self.calibrator}
        files = [part.save(folder / f"{name}.npz") for name, part in parts.items() if part is not None]
        if self.shape is not None:
            self.shape.save(folder / "shape.npz")
            files.append(folder / "shape.npz")
        return files

    @classmethod
    def load(cls, folder: Path, scheme: Scheme, placings: Sequence[Placing]) -> "Assessor":
        """Read what :meth:`save` wrote; ``placings`` are those of the stages.

        Raises:
            ModelError: a file is missing, broken, or for other landmarks.
        """
        shape, calibrator = folder / "shape.npz", folder / "calibrator.npz"
        if shape.exists() and len((model := ShapeModel.load(shape)).mean) != len(scheme):
            raise ModelError(f"{shape}: for {len(model.mean)} landmarks, expected {len(scheme)}")
        return cls(
            scheme,
            model if shape.exists() else None,
            Familiarity.load(folder / "patches.npz", len(placings[place_of(placings)].targets[0])),
            Familiarity.load(folder / "films.npz", 1),
            Calibrator.load(calibrator, len(scheme)) if calibrator.exists() else None,
        )


def place_of(placings: Sequence[Placing]) -> int:
    """Return the number of the last placing whose targets look alike: the looks of places are learned there."""
    return max(i for i, placing in enumerate(placings) if placing.places_look_alike)


def _some(views: Views) -> Iterator[View]:
    """Yield views as the stage would see them, evenly taken from all films."""
    count = len(views.working)
    return (views.plain(index) for index in range(0, count, -(-count // _VIEWS)))
