"""The deformation: a smooth displacement of a grid, by which a film becomes one of another shape; points move along."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.frames.frame import Frame

_KNOTS = 5  # along each side, of random displacements, between which it is smooth
_ROUNDS = 6  # of finding where a point has gone to


@dataclass(frozen=True)
class Deformation:
    """The picture at cell q of the grid is that which was at ``q + displacement[q]``.

    ``displacement`` is (height, width, 2), grid cells along x and y.
    """

    displacement: npt.NDArray[np.float32]

    @classmethod
    def draw(cls, size: tuple[int, int], sd: float, rng: np.random.Generator) -> "Deformation":
        """Draw one for a grid of ``size``, (width, height); ``sd`` is that of each knot's displacement, grid cells."""
        knots = rng.normal(0.0, sd, (_KNOTS, _KNOTS, 2)).astype(np.float32)
        smooth: npt.NDArray[Any] = cv2.resize(knots, size, interpolation=cv2.INTER_CUBIC)
        return cls(smooth.astype(np.float32, copy=False))

    def warp(self, pixels: npt.NDArray[np.float32], frame: Frame) -> npt.NDArray[np.float32]:
        """Return what is seen of pixels through ``frame`` once it is deformed, (height, width); NaN outside of them."""
        height, width = self.displacement.shape[:2]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        inverse = np.linalg.inv(frame.matrix[:, :2]).astype(np.float32)
        u = x + self.displacement[..., 0] - np.float32(frame.matrix[0, 2])
        v = y + self.displacement[..., 1] - np.float32(frame.matrix[1, 2])
        at = [row[0] * u + row[1] * v for row in inverse]
        seen: npt.NDArray[Any] = cv2.remap(
            pixels, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
        )
        return seen.astype(np.float32, copy=False)

    def move(self, points: Points) -> Points:
        """Return where (n, 2) points of the grid have gone to, by fixed-point iteration; NaN stays NaN."""
        height, width = self.displacement.shape[:2]
        given = np.isfinite(points).all(axis=1)
        moved = points[given].astype(np.float32)
        for _ in range(_ROUNDS):
            at = np.clip(moved, 0, np.array([width - 1, height - 1], dtype=np.float32))
            there: npt.NDArray[Any] = cv2.remap(
                self.displacement, at[:, :1], at[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            moved = (points[given] - there[:, 0]).astype(np.float32)
        out = np.full_like(points, np.nan)
        out[given] = moved
        return out
