"""One patch for each part of a row, such as the vertebrae of a spine; a part and its neighbours place it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.data.scheme import Scheme
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import Parts, lay, load_layouts, patch_layouts
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import save_arrays

_LEAST_END = 0.003  # share of a film; the part of a row beyond its edge counts as so much
_LEAST_VARIANCE = 0.01  # of the logarithm, so that films all framed alike forbid nothing
_TAILS = 4.0  # degrees of freedom


@dataclass(frozen=True)
class RowPlacing(Placing):
    """One patch per part of a row, laid on the part and its neighbours.

    Four corners of one vertebra are too few to turn and scale a patch by; with the vertebrae above and below they are
    twelve.

    Radiographers frame the whole row, so the distances to the film's edges reveal a row that is off by one part:
    ``middle`` (2,), a median, and ``covariance`` (2, 2) describe :func:`ends` in training.

    ``layouts``, (parts, n, 2), are where all landmarks lie on each part's grid on average.
    """

    size: tuple[int, int]
    targets: Parts
    layouts: Points
    middle: FloatArray
    covariance: FloatArray

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame of one part."""
        near = list(_neighbours(self.targets, target))
        return lay(points[near], self.layouts[target][near], self.size, image_size)

    def log_likelihood(self, image_size: tuple[int, int], points: Points) -> float:
        """Return how likely a row begins and ends there; 0 if either end is missing.

        A t-distribution: films that are framed otherwise than most are rare, but not as rare as a Gaussian has them.
        """
        away = ends(points, self.targets, image_size) - self.middle
        if not np.isfinite(away).all():
            return 0.0
        distance = away @ np.linalg.solve(self.covariance, away)
        return -float(np.log1p(distance / _TAILS) * (_TAILS + len(away)) / 2)

    def save(self, folder: Path) -> list[Path]:
        """Write size, layouts, middle and covariance; the parts are the scheme's."""
        own = {"layouts": self.layouts, "middle": self.middle, "covariance": self.covariance}
        return [save_arrays(folder / FILE, size=self.size, **own)]


class RowSettings(PlacingSettings):
    """One patch per part of a scheme whose parts follow each other in a row."""

    kind: Literal["row"] = "row"

    def applies(self, scheme: Scheme) -> bool:
        """Say whether the scheme's parts follow each other in a row."""
        return scheme.row

    def fit(self, shapes: TrainingShapes) -> RowPlacing:
        """Learn layouts and framing from the training films.

        Raises:
            PointsError: no film has all landmarks of some part and of its neighbours.
        """
        parts = shapes.scheme.repeats
        anchors = tuple(_neighbours(parts, g) for g in range(len(parts)))
        layouts = patch_layouts(shapes.points, self.size, parts, anchors, self.border)
        seen = np.stack([ends(points, parts, film) for points, film in zip(shapes.points, shapes.sizes, strict=True)])
        seen = seen[np.isfinite(seen).all(axis=1)]
        covariance = np.cov(seen.T) if len(seen) > 1 else np.eye(2)
        usual = np.median(seen, axis=0) if len(seen) else np.zeros(2)
        return RowPlacing(self.size, parts, layouts, usual, covariance + _LEAST_VARIANCE * np.eye(2))

    def load(self, folder: Path, scheme: Scheme) -> RowPlacing:
        """Read what was saved."""
        size, layouts, stored = load_layouts(folder / FILE, scheme, "middle", "covariance")
        return RowPlacing(size, scheme.repeats, layouts, stored["middle"], stored["covariance"])


def ends(points: Points, parts: Parts, film: tuple[int, int]) -> FloatArray:
    """Return (2,) how much of the film lies before the first part's centre and beyond the last one's.

    Along the axis, x or y, that the row follows; logarithms of shares of the film. NaN where either part is missing.
    """
    first, last = (points[list(part)].mean(axis=0) for part in (parts[0], parts[-1]))
    if not np.isfinite(first + last).all():
        return np.full(2, np.nan)
    axis = int(np.abs(last - first)[1] >= np.abs(last - first)[0])
    before, after = first[axis] + 0.5, film[axis] - 0.5 - last[axis]
    if first[axis] > last[axis]:
        before, after = film[axis] - 0.5 - first[axis], last[axis] + 0.5
    return np.asarray(np.log(np.maximum(np.array([before, after]) / film[axis], _LEAST_END)))


def _neighbours(parts: Parts, g: int) -> tuple[int, ...]:
    return tuple(i for part in parts[max(0, g - 1) : g + 2] for i in part)
