"""One patch over a whole row of parts, such as a spine, and what lies before and beyond it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.errors import ModelError, PointsError
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import Parts, lay, mean_layout
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import load_arrays, save_arrays


@dataclass(frozen=True)
class SpanPlacing(Placing):
    """One patch over a whole row, laid on the first landmark of each part, which stands for the part.

    ``layout``, (parts, 2), is where these lie on the grid on average.
    """

    size: tuple[int, int]
    targets: Parts
    layout: Points
    cell: float
    places_look_alike: ClassVar[bool] = False

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame that the parts define."""
        return lay(points[list(self.targets[target])], self.layout, self.size, image_size)

    def save(self, folder: Path) -> list[Path]:
        """Write size, targets, layout and cell."""
        own = {"targets": self.targets, "layout": self.layout, "cell": self.cell}
        return [save_arrays(folder / FILE, size=self.size, **own)]


class SpanSettings(PlacingSettings):
    """One patch over a whole row.

    ``size`` is across and along the row, and ``border`` the free share of its length before the first part and beyond
    the last one.
    """

    kind: Literal["span"] = "span"

    def applies(self, scheme: Scheme) -> bool:
        """Say whether the scheme's parts follow each other in a row; a single one places nothing."""
        return scheme.row and len(scheme.repeats) > 1

    def fit(self, shapes: TrainingShapes) -> SpanPlacing:
        """Learn from the training films how the parts follow each other.

        Raises:
            PointsError: no film has the first landmark of each part.
        """
        own = _first_of_each(shapes.scheme)
        points = np.stack(shapes.points)[:, list(own)]
        complete: npt.NDArray[np.bool_] = np.all(np.isfinite(points), axis=(1, 2))
        if not complete.any():
            raise PointsError(f"no training film has all of the landmarks {list(own)}, the first of each part")
        mean = mean_layout(points[complete], tuple(range(len(own))))
        length = np.ptp(mean, axis=0)
        across, along = self.size
        size = (across, along) if length[1] >= length[0] else (along, across)
        scale = along * (1 - 2 * self.border) / float(length.max())
        middle = (mean.min(axis=0) + mean.max(axis=0)) / 2
        layout = Frame.similarity(scale, 0.0, middle, (np.array(size) - 1) / 2, size).to_grid(mean)
        films = [film for film, whole in zip(shapes.sizes, complete, strict=True) if whole]
        cells = [
            1 / Frame.matching(known, layout, size).scale / max(film)
            for known, film in zip(points[complete], films, strict=True)
        ]
        return SpanPlacing(size, (own,), layout, float(np.quantile(cells, 0.005)))

    def load(self, folder: Path, scheme: Scheme) -> SpanPlacing:
        """Read what was saved."""
        stored, own = load_arrays(folder / FILE, "size", "targets", "layout", "cell"), _first_of_each(scheme)
        if not np.array_equal(stored["targets"], [own]):
            raise ModelError(f"{folder / FILE}: not for the scheme's row of {len(own)} parts")
        width, height = (int(v) for v in stored["size"])
        return SpanPlacing((width, height), (own,), stored["layout"], float(stored["cell"]))


def _first_of_each(scheme: Scheme) -> tuple[int, ...]:
    return tuple(part[0] for part in scheme.repeats)
