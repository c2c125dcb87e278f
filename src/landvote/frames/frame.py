"""The frame: a similarity map between an image and a fixed grid. Nothing but it, and the strip, moves coordinates.

Convention, for every coordinate in landvote: x points right, y points down, and (0, 0) is the *centre* of the
top-left pixel. A pixel is a square with its coordinate in the middle, so an image of width w spans -0.5 to w - 0.5,
and scaling by s about the image's corner maps x to ``s * (x + 0.5) - 0.5``: the half-pixel term belongs to it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.data.radiograph import Pixels

ComplexArray = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Frame:
    """Where a grid of fixed size lies on an image.

    Attributes:
        matrix: (2, 3) similarity from image to grid: ``grid = matrix[:, :2] @ image + matrix[:, 2]``.
        size: width and height of the grid in cells.
    """

    matrix: FloatArray
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Grid cells per image pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @classmethod
    def whole(cls, image_size: tuple[int, int], size: tuple[int, int], margin: float = 0.0) -> "Frame":
        """Fit a whole image into the grid, both (width, height), centred, its aspect ratio kept.

        ``margin`` is an empty border on every side, a share of the grid, so that the film's edge can be voted for.
        """
        image, grid = np.array(image_size, float), np.array(size, float)
        scale = float(np.min(grid * (1 - 2 * margin) / image))
        return cls.similarity(scale, 0.0, (image - 1) / 2, (grid - 1) / 2, size)

    @classmethod
    def similarity(
        cls, scale: float, angle: float, image_point: npt.ArrayLike, grid_point: npt.ArrayLike, size: tuple[int, int]
    ) -> "Frame":
        """Scale and turn so that ``image_point`` falls on ``grid_point``, both (x, y), on a grid of ``size``.

        ``scale`` is grid cells per image pixel; ``angle`` is radians, and a positive one turns the picture clockwise as
        seen on screen (x right, y down).
        """
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[c, -s], [s, c]])
        offset = np.asarray(grid_point, float) - linear @ np.asarray(image_point, float)
        return cls(np.column_stack([linear, offset]), size)

    @classmethod
    def matching(
        cls, image_points: Points, grid_points: Points, size: tuple[int, int],
        weights: FloatArray | None = None,
    ) -> "Frame":  # fmt: skip
        """Lay ``image_points`` on ``grid_points`` as well as a similarity can (least squares; exact for two points).

        Rows with a missing point on either side are left out; ``weights`` (n,) say how much each of the others counts.

        Raises:
            ValueError: fewer than two different points remain.
        """
        given = np.isfinite(image_points).all(axis=1) & np.isfinite(grid_points).all(axis=1)
        source = image_points[given] @ np.array([1, 1j])  # a similarity is one complex multiplication and a shift
        target = grid_points[given] @ np.array([1, 1j])
        if len(source) < 2 or not np.abs(source - source[0]).max() > 0:
            raise ValueError("a similarity needs two different points")
        turn, shift = similarities(source, target, np.ones(len(source)) if weights is None else weights[given])
        return cls.turning(turn[0], shift[0], size)

    @classmethod
    def turning(cls, turn: complex, shift: complex, size: tuple[int, int]) -> "Frame":
        """Return the frame that multiplies points x + iy by ``turn``, and then adds ``shift``."""
        return cls(np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]), size)

    def then(self, scale: float, angle: float, shift: npt.ArrayLike) -> "Frame":
        """Scale and turn (radians) about the middle of the grid, then shift by grid cells."""
        centre = (np.array(self.size, float) - 1) / 2
        return self.into(Frame.similarity(scale, angle, centre, centre + np.asarray(shift, float), self.size))

    def stretched(self, factor: float) -> "Frame":
        """Make the picture wider by ``factor`` than high, about the middle of the grid; it is no similarity then."""
        across, (x, y) = np.sqrt(factor), (np.array(self.size, float) - 1) / 2
        wider = np.array([[across, 0.0, x - across * x], [0.0, 1 / across, y - y / across]])
        return self.into(Frame(wider, self.size))

    def mirrored(self) -> "Frame":
        """Swap left and right of the grid."""
        return self.into(Frame(np.array([[-1.0, 0.0, self.size[0] - 1], [0.0, 1.0, 0.0]]), self.size))

    def into(self, further: "Frame") -> "Frame":
        """Return the frame from the image to the grid of ``further``, a frame on the grid of this one."""
        offset = np.column_stack([np.zeros((2, 2)), further.matrix[:, 2]])
        return Frame(further.matrix[:, :2] @ self.matrix + offset, further.size)

    def to_grid(self, points: Points) -> Points:
        """Map (n, 2) image coordinates to grid coordinates."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def to_image(self, points: Points) -> Points:
        """Map (n, 2) grid coordinates to image coordinates."""
        inverse = np.asarray(np.linalg.inv(self.matrix[:, :2]), dtype=np.float64)
        return (points - self.matrix[:, 2]) @ inverse.T

    def warp(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return the picture on the grid, (height, width) float32; NaN where the grid lies outside the image.

        Shrinking averages over the pixels that fall into a cell, so fine texture does not alias.
        """
        height, width = pixels.shape
        left, top, image = self._visible(pixels)
        matrix: npt.NDArray[Any] = self.matrix @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
        step = max(1, int(1 / max(self.scale, 1e-9)))
        if step > 1:
            small = (max(1, image.shape[1] // step), max(1, image.shape[0] // step))
            whole = image[: small[1] * step, : small[0] * step]  # whole steps are averaged four times as fast
            image = cv2.resize(whole, small, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
            fx, fy = small[0] / whole.shape[1], small[1] / whole.shape[0]
            # image -> small maps x to fx (x + 0.5) - 0.5; undo that before the matrix is applied
            undo: npt.NDArray[Any] = np.array([[1 / fx, 0, 0.5 / fx - 0.5], [0, 1 / fy, 0.5 / fy - 0.5], [0, 0, 1]])
            matrix = np.asarray(matrix @ undo)
        warped: npt.NDArray[np.float32] = cv2.warpAffine(
            image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32, copy=False)
        warped[~self._inside((width, height))] = np.nan
        return warped

    def _visible(self, pixels: Pixels) -> tuple[int, int, npt.NDArray[np.float32]]:
        """Return left, top and pixels of the part of the image that the grid can show, with room to interpolate."""
        width, height = self.size
        corners = np.array([[-1, -1], [width, -1], [-1, height], [width, height]], float)
        seen = self.to_image(corners)
        room = 2 + 2 / max(self.scale, 1e-9)
        last = np.array(pixels.shape[::-1]) - 1
        left, top = np.clip(np.floor(seen.min(axis=0) - room), 0, last).astype(int)
        right, bottom = np.clip(np.ceil(seen.max(axis=0) + room), 0, last).astype(int) + 1
        return int(left), int(top), np.ascontiguousarray(pixels[top:bottom, left:right], dtype=np.float32)

    def _inside(self, image_size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return which grid cells have their centre on an image of that size, (height, width)."""
        inverse = np.linalg.inv(self.matrix[:, :2])
        u, v = np.arange(self.size[0]) - self.matrix[0, 2], np.arange(self.size[1])[:, None] - self.matrix[1, 2]
        x, y = (row[0] * u + row[1] * v for row in inverse)
        return np.asarray((x >= -0.5) & (x <= image_size[0] - 0.5) & (y >= -0.5) & (y <= image_size[1] - 0.5))


def similarities(source: ComplexArray, target: ComplexArray, weights: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Return the turn and the shift, (..., 1), that bring (..., n) points closest to their targets, in least squares.

    A point (x, y) is x + iy; ``weights`` say how much each counts.
    """
    total = weights.sum(axis=-1, keepdims=True)
    middle, goal = ((weights * each).sum(axis=-1, keepdims=True) / total for each in (source, target))
    arm = source - middle
    pull = weights * arm.conj()
    turn = (pull * (target - goal)).sum(axis=-1, keepdims=True) / (pull * arm).sum(axis=-1, keepdims=True).real
    return turn, goal - turn * middle
