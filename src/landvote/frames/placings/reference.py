"""A patch laid on the reference points, for all landmarks: the local searcher's (section 3 of the paper)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.data.points import Points, mean_points
from landvote.data.scheme import Scheme
from landvote.errors import ModelError, PointsError
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import lay, mean_layout, same_area
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import load_arrays, save_arrays


@dataclass(frozen=True)
class ReferencePlacing(Placing):
    """A patch laid on the reference points so that all landmarks of the training films fit in, with a border.

    The frame is the similarity that brings the reference points to where they lie on the grid on average: exactly for
    two of them, by robust least squares for more.

    ``reference`` are the landmarks that place it, and ``layout`` (n, 2) is where each lies on the grid on average.
    """

    size: tuple[int, int]
    reference: tuple[int, ...]
    layout: Points
    cell: float

    @property
    def targets(self) -> tuple[tuple[int, ...], ...]:  # type: ignore[override]  # read-only, as all of a frozen class
        """One target: all landmarks."""
        return (tuple(range(len(self.layout))),)

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:  # noqa: ARG002 - the only one
        """Return the frame that the reference points define."""
        chosen = list(self.reference)
        return lay(points[chosen], self.layout[chosen], self.size, image_size)

    def save(self, folder: Path) -> list[Path]:
        """Write size, reference, layout and cell."""
        file = folder / FILE
        return [save_arrays(file, size=self.size, reference=self.reference, layout=self.layout, cell=self.cell)]


class ReferenceSettings(PlacingSettings):
    """A patch laid on the reference points.

    Attributes:
        fit_aspect: keep the grid's area but give it the shape of what it must hold.
    """

    finds_all: ClassVar[bool] = True
    kind: Literal["reference"] = "reference"
    fit_aspect: bool = True

    def applies(self, scheme: Scheme) -> bool:
        """Say whether there are two landmarks; one point places nothing."""
        return len(scheme) > 1

    def fit(self, shapes: TrainingShapes) -> ReferencePlacing:
        """Learn layout and size; the border is beyond the outermost landmark of 99.5 % of the films.

        Raises:
            PointsError: no film has all reference points.
        """
        chosen = list(shapes.reference)
        both = zip(shapes.points, shapes.sizes, strict=True)
        complete = [(p, film) for p, film in both if np.isfinite(p[chosen]).all()]
        if not complete:
            raise PointsError(f"no training film has all reference points {chosen}; choose others in the scheme")
        points = np.stack([p for p, _ in complete])
        mean = mean_layout(points, shapes.reference)
        laid = np.stack([Frame.matching(p[chosen], mean[chosen], self.size).to_grid(p) for p in points])
        low = np.quantile(np.nanmin(laid, axis=1), 0.005, axis=0)
        high = np.quantile(np.nanmax(laid, axis=1), 0.995, axis=0)
        size = same_area(self.size, high - low, shapes.multiple) if self.fit_aspect else self.size
        scale = float(np.min(np.array(size) * (1 - 2 * self.border) / np.maximum(high - low, 1e-6)))
        fitted = Frame.similarity(scale, 0.0, (low + high) / 2, (np.array(size) - 1) / 2, size)
        layout = fitted.to_grid(mean_points(laid, laid.shape[1]))
        cells = [1 / Frame.matching(p[chosen], layout[chosen], size).scale / max(film) for p, film in complete]
        return ReferencePlacing(size, shapes.reference, layout, float(np.quantile(cells, 0.005)))

    def load(self, folder: Path, scheme: Scheme) -> ReferencePlacing:
        """Read what was saved."""
        stored = load_arrays(folder / FILE, "size", "reference", "layout", "cell")
        if stored["layout"].shape != (len(scheme), 2):
            raise ModelError(f"{folder / FILE}: not for {len(scheme)} landmarks")
        width, height = (int(v) for v in stored["size"])
        reference = tuple(int(i) for i in stored["reference"])
        return ReferencePlacing((width, height), reference, stored["layout"], float(stored["cell"]))
