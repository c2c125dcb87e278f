"""The strip: a film unrolled along a row of parts: a bent spine stands straight, and its parts are equally long."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from numpy.polynomial import Polynomial

from landvote.data.points import FloatArray, Points
from landvote.frames.view import Grid

_DEGREE = 5  # of the curve that the parts of a row lie on: a spine may have three bends
_END = 0.5  # parts from the end, where the direction is taken in which the curve goes on
_NEAR = 1.5  # parts: SD of the Gaussian within which contrast is evened out
_LEAST_CONTRAST = 0.02  # of the film's
_ROUNDING = 1e-4  # of the grey levels: differences as small as that are none


@dataclass(frozen=True)
class Strip:
    """Where the cells of a strip lie on the image.

    Attributes:
        middle: (height, 2) image coordinates of the middle of each row of cells.
        right: (height, 2) from a cell to the one on its right, image pixels.
        width: cells from side to side.
        part: cells that a part of the row is long.
    """

    middle: Points
    right: FloatArray
    width: int
    part: float

    @classmethod
    def along(cls, centres: Points, part: int, beyond: int, width: int) -> "Strip | None":
        """Lay a strip along (parts, 2) centres, image coordinates, and over ``beyond`` parts more at each end.

        A part is ``part`` cells long; across the row, cells are as wide as the median cell is long. None where fewer
        than two different centres are known.
        """
        given = np.flatnonzero(np.isfinite(centres).all(axis=1))
        if len(given) < 2 or not np.ptp(centres[given], axis=0).max() > 0:
            return None
        ends, degree = (0.0, len(centres) - 1.0), min(_DEGREE, len(given) - 1)
        x, y = (Polynomial.fit(given, centres[given, axis], degree, domain=ends) for axis in (0, 1))
        at = (np.arange((len(centres) + 2 * beyond) * part) + 0.5) / part - 0.5 - beyond
        inside = np.clip(at, *ends)
        middle = np.column_stack([x(inside), y(inside)])
        for outside, turn in ((np.minimum(at, 0), _END), (np.maximum(at - ends[1], 0), ends[1] - _END)):
            middle += outside[:, None] * [x.deriv()(turn), y.deriv()(turn)]
        ahead = cv2.GaussianBlur(np.gradient(middle, axis=0), (1, 0), sigmaX=0.1, sigmaY=part / 2)
        length = np.linalg.norm(ahead, axis=1, keepdims=True)
        right = np.column_stack([ahead[:, 1], -ahead[:, 0]]) / np.maximum(length, 1e-9) * float(np.median(length))
        return cls(middle, right, width, float(part))

    def warp(self, pixels: npt.NDArray[np.generic]) -> Grid:
        """Return (height, width) what the strip shows, its contrast evened out; NaN outside of the film."""
        away = (np.arange(self.width) - (self.width - 1) / 2)[None, :, None]
        at = (self.middle[:, None] + away * self.right[:, None]).astype(np.float32)
        cell = float(np.linalg.norm(self.right[0]))
        grey = pixels.astype(np.float32)
        if cell > 1:  # pixels that are finer than cells would alias
            grey = cv2.GaussianBlur(grey, (0, 0), cell / 2).astype(np.float32)
        seen = cv2.remap(grey, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=float("nan"))
        return _even(np.asarray(seen, np.float32), _NEAR * self.part)

    def to_grid(self, points: Points) -> Points:
        """Map (n, 2) image coordinates to those of the strip, by the row of cells that is nearest; NaN stays NaN."""
        given = np.isfinite(points).all(axis=1)
        out = np.full(points.shape, np.nan)
        nearest = ((points[given, None] - self.middle) ** 2).sum(axis=2).argmin(axis=1)
        away, right = points[given] - self.middle[nearest], self.right[nearest]
        size = (right**2).sum(axis=1)
        ahead = np.gradient(self.middle, axis=0)[nearest]
        along = (away * ahead).sum(axis=1) / np.maximum((ahead**2).sum(axis=1), 1e-9)
        out[given] = np.column_stack([(self.width - 1) / 2 + (away * right).sum(axis=1) / size, nearest + along])
        return out


def _even(grid: Grid, sd: float) -> Grid:
    """Return a grid with the mean about each cell taken off, in units of the SD there; NaN stays outside."""
    inside = np.isfinite(grid)
    if not inside.any():
        return grid

    def mean(values: Grid) -> Grid:
        return np.asarray(cv2.GaussianBlur(np.where(inside, values, 0), (0, 0), sd) / weight, np.float32)

    weight = np.maximum(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sd), 1e-6)
    level = float(np.nanmax(np.abs(grid)))
    away = grid - mean(grid)
    deviation = np.sqrt(np.maximum(mean(away**2), 0))
    least = _LEAST_CONTRAST * float(np.nanstd(grid)) + _ROUNDING * level
    return np.asarray(away / np.maximum(deviation + least, 1e-30), np.float32)
