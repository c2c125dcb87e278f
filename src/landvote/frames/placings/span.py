"""One view of a whole row of parts, such as a spine, unrolled, and of what lies before and beyond it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.data.points import Points, mean_points
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import Parts, lay
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.frames.strip import Strip
from landvote.runtime.arrays import load_arrays, save_arrays

_BEYOND = 6  # parts that a strip shows at each end, more than any view of it
_WIDER = 1.5  # times as wide as a view is a strip


@dataclass(frozen=True)
class SpanPlacing(Placing):
    """One view of a whole row, unrolled along the middles of its ``parts``: they follow each other straight down.

    The first landmark of each part stands for it. ``part`` is how many cells a part is long.
    """

    size: tuple[int, int]
    parts: Parts
    part: int
    places_look_alike: ClassVar[bool] = False

    @property
    def targets(self) -> Parts:  # type: ignore[override]  # read-only, as all of a frozen class
        """One target: the first landmark of each part."""
        return (tuple(part[0] for part in self.parts),)

    def strip(self, points: Points) -> Strip | None:
        """Lay a strip along the middles of the parts."""
        return self._along(self._centres(points))

    def training_strips(self, points: Points) -> Sequence[Strip | None]:
        """Lay strips on the true row, and on that shifted by a part either way, as a row that was found may be.

        Else the true row would be told by where its strip bends, and where it goes straight on.
        """
        c = self._centres(points)
        before, after = 2 * c[:1] - c[1:2], 2 * c[-1:] - c[-2:-1]
        rows = (c, np.concatenate([before, c[:-1]]), np.concatenate([c[1:], after]))
        return [self._along(row) for row in rows]

    def _centres(self, points: Points) -> Points:
        return np.stack([mean_points(points[list(part)][:, None], 1)[0] for part in self.parts])

    def _along(self, centres: Points) -> Strip | None:
        return Strip.along(centres, self.part, _BEYOND, round(_WIDER * self.size[0]))

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame that the parts define, each as far below the one before as a part is long."""
        place = np.arange(len(self.parts)) - (len(self.parts) - 1) / 2
        middle = (np.array(self.size) - 1) / 2
        layout = middle + np.column_stack([np.zeros(len(place)), self.part * place])
        return lay(points[list(self.targets[target])], layout, self.size, image_size)

    def save(self, folder: Path) -> list[Path]:
        """Write size, parts and the length of a part."""
        return [save_arrays(folder / FILE, size=self.size, parts=self.parts, part=self.part)]


class SpanSettings(PlacingSettings):
    """One view of a whole row, unrolled.

    ``size`` is across and along the row; ``border`` is free before the first part, and beyond the last one.
    """

    unrolls: ClassVar[bool] = True
    kind: Literal["span"] = "span"

    def applies(self, scheme: Scheme) -> bool:
        """Say whether the scheme's parts follow each other in a row; a single one places nothing."""
        return scheme.row and len(scheme.repeats) > 1

    def fit(self, shapes: TrainingShapes) -> SpanPlacing:
        """Return the placing; nothing is learned but how many parts there are."""
        parts = shapes.scheme.repeats
        return SpanPlacing(self.size, parts, max(1, int(self.size[1] * (1 - 2 * self.border) / len(parts))))

    def load(self, folder: Path, scheme: Scheme) -> SpanPlacing:
        """Read what was saved."""
        stored = load_arrays(folder / FILE, "size", "parts", "part")
        if not np.array_equal(stored["parts"], scheme.repeats):
            raise ModelError(f"{folder / FILE}: not for the scheme's row of {len(scheme.repeats)} parts")
        width, height = (int(v) for v in stored["size"])
        return SpanPlacing((width, height), scheme.repeats, int(stored["part"]))
