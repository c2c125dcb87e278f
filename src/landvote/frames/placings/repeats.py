"""One patch for each part of the scheme that repeats, such as two hips; one voter serves them all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import Parts, lay, load_layouts, patch_layouts
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import save_arrays


@dataclass(frozen=True)
class RepeatPlacing(Placing):
    """One patch per repeated part, laid on the part's own points as the stage before found them.

    ``layouts``, (parts, n, 2), are where all landmarks lie on each part's grid on average.
    """

    size: tuple[int, int]
    targets: Parts
    layouts: Points
    cell: float

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame that the part's own points define."""
        own = list(self.targets[target])
        return lay(points[own], self.layouts[target][own], self.size, image_size)

    def save(self, folder: Path) -> list[Path]:
        """Write size, layouts and cell; the parts are the scheme's."""
        return [save_arrays(folder / FILE, size=self.size, layouts=self.layouts, cell=self.cell)]


class RepeatSettings(PlacingSettings):
    """One patch per repeated part of the scheme, each placed by its own points."""

    kind: Literal["repeats"] = "repeats"

    def applies(self, scheme: Scheme) -> bool:
        """Say whether the scheme has parts that repeat, of two points at least; one point places nothing."""
        return bool(scheme.repeats) and len(scheme.repeats[0]) > 1

    def fit(self, shapes: TrainingShapes) -> RepeatPlacing:
        """Learn the layouts from the training films.

        Raises:
            PointsError: no film has all landmarks of some part.
        """
        parts = shapes.scheme.repeats
        layouts = patch_layouts(shapes.points, self.size, parts, parts, self.border)
        cells = [
            1 / Frame.matching(points[own], layout[own], self.size).scale / max(film)
            for points, film in zip(shapes.points, shapes.sizes, strict=True)
            for own, layout in zip(map(list, parts), layouts, strict=True)
            if np.isfinite(points[own]).all()
        ]
        return RepeatPlacing(self.size, parts, layouts, float(np.quantile(cells, 0.005)))

    def load(self, folder: Path, scheme: Scheme) -> RepeatPlacing:
        """Read what was saved."""
        size, layouts, stored = load_layouts(folder / FILE, scheme, "cell")
        return RepeatPlacing(size, scheme.repeats, layouts, float(stored["cell"]))
