"""The view: one sample through one frame; what voters learn from and look at."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.radiograph import Pixels
from landvote.frames.frame import Frame

Grid = npt.NDArray[np.float32]

_SAMPLED = 10_000  # cells that are enough to estimate a grey-level percentile


@dataclass(frozen=True)
class View:
    """A film (or part of it) on a grid, its landmarks in grid coordinates.

    Attributes:
        pixels: (height, width) float32, standardised grey levels; 0 where the grid lies outside the film.
        points: (n, 2) grid coordinates; NaN where missing or unknown.
        frame: how the grid lies on the image.
        identifier: the film's.
        body: from the image to the body, whose landmarks lie from -1 to 1, or None where its place is not known.
    """

    pixels: Grid
    points: Points
    frame: Frame
    identifier: str = ""
    body: Frame | None = None

    @classmethod
    def through(
        cls, frame: Frame, pixels: Pixels, points: Points, identifier: str = "", body: Frame | None = None
    ) -> "View":
        """Move pixels and points (image coordinates) through one frame together."""
        return cls(standardise(frame.warp(pixels)), frame.to_grid(points), frame, identifier, body)

    def layers(self) -> Grid:
        """Return (1, height, width) the pixels; with a body (3, height, width), x and y of each cell on it as well."""
        if self.body is None:
            return self.pixels[None]
        height, width = self.pixels.shape
        inverse = np.linalg.inv(self.frame.matrix[:, :2])
        linear = (self.body.matrix[:, :2] @ inverse).astype(np.float32)
        origin = (self.body.matrix[:, 2] - linear @ self.frame.matrix[:, 2]).astype(np.float32)
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        return np.stack([self.pixels, *(row[0] * x + row[1] * y + at for row, at in zip(linear, origin, strict=True))])


def standardise(grid: Grid) -> Grid:
    """Map the 1st and 99th percentile of the grey levels to -1 and 1, clip at +-1.5; NaN (no film there) becomes 0."""
    step = max(1, int(np.sqrt(grid.size / _SAMPLED)))
    seen = grid[::step, ::step]
    seen = seen[np.isfinite(seen)]
    if seen.size == 0:
        return np.zeros_like(grid)
    low, high = np.percentile(seen, [1, 99])
    out = grid - np.float32((low + high) / 2)
    out *= np.float32(2 / max(high - low, 1e-6))
    np.clip(out, -1.5, 1.5, out=out)
    out[np.isnan(out)] = 0
    return out
