"""Evidence: how the votes lie about the points that were taken from them, read off where the points are taken."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numba
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray
from landvote.votes.cast import FAST

NEAR = 8.0
"""SDs of the smoothing: votes farther from a point than this do not count as being about it."""


@dataclass(frozen=True)
class Evidence:
    """How the votes lie about n points; NaN for a landmark without votes, 0 where there is no second peak.

    Lengths are in grid cells, or in image pixels after :meth:`to_image`.

    Attributes:
        peak: (n,) smoothed votes at the point.
        total: (n,) all votes for the landmark, wherever they lie.
        near: (n,) the share of these that lies about the point, see :data:`NEAR`.
        covariance: (n, 2, 2) mean of the outer products of the offsets from the point, of the votes about it.
        second: (n,) height of the highest peak that is not about the point, as a share of ``peak``.
        second_distance: (n,) how far that peak is from the point.
    """

    peak: FloatArray
    total: FloatArray
    near: FloatArray
    covariance: FloatArray
    second: FloatArray
    second_distance: FloatArray

    @classmethod
    def none(cls, n: int) -> Self:
        """Return the evidence of n landmarks that nothing has voted for."""
        nothing = np.full(n, np.nan)
        return cls(nothing, nothing, nothing, np.full((n, 2, 2), np.nan), nothing, nothing)

    def to_image(self, linear: FloatArray) -> Self:
        """Return it in image pixels; ``linear`` (2, 2) is the linear part of the frame, image to grid."""
        back = np.linalg.inv(linear)
        distance = self.second_distance * np.sqrt(np.abs(np.linalg.det(back)))
        return type(self)(
            self.peak, self.total, self.near, back @ self.covariance @ back.T, self.second, distance
        )  # fmt: skip

    def updated(self, index: npt.NDArray[np.intp], other: "Evidence") -> Self:
        """Return it with the landmarks ``index`` taken from ``other``, in that order."""
        found = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, values in found.items():
            values[index] = getattr(other, name)
        return type(self)(**found)

    def of(self, chosen: npt.NDArray[np.bool_] | Sequence[int]) -> Self:
        """Return the evidence of some of the landmarks."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@numba.njit(cache=True, fastmath=FAST)
def _about(votes, x, y, near):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled into its caller
    """Return how many (rows, columns) votes lie within ``near`` cells of (x, y), and their sums of x², xy and y²."""
    rows, columns = votes.shape
    close = xx = xy = yy = 0.0
    for i in range(max(0, int(np.ceil(y - near))), min(rows - 1, int(np.floor(y + near))) + 1):
        for j in range(max(0, int(np.ceil(x - near))), min(columns - 1, int(np.floor(x + near))) + 1):
            dx, dy = j - x, i - y
            if dx * dx + dy * dy <= near * near:
                close += votes[i, j]
                xx += votes[i, j] * dx * dx
                xy += votes[i, j] * dx * dy
                yy += votes[i, j] * dy * dy
    return close, xx, xy, yy


@numba.njit(cache=True, fastmath=FAST)
def _second(smooth, x, y, near):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled into its caller
    """Return the height of the highest peak farther than ``near`` cells from (x, y), and how far it is; 0 if none."""
    rows, columns = smooth.shape
    height = away = 0.0
    for i in range(rows):
        for j in range(columns):
            if smooth[i, j] <= height:
                continue
            square = (j - x) ** 2 + (i - y) ** 2
            if square > near * near and smooth[i, j] >= smooth[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].max():
                height, away = smooth[i, j], np.sqrt(square)
    return height, away


@numba.njit(parallel=True, cache=True, fastmath=FAST)
def read_off(votes, smooth, places, near, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled as one
    """Write the evidence about finite ``places`` (n, 2), in cells, to ``out`` (n, 8); ``near`` is a radius in cells.

    Of each landmark: peak, total, votes near, sums of their x², xy and y², the second peak, and how far that is.
    """
    landmarks, rows, columns = votes.shape
    for p in numba.prange(landmarks):
        x, y = places[p]
        j, i = round(x), round(y)
        out[p, 0] = smooth[p, i, j] if 0 <= i < rows and 0 <= j < columns else 0.0  # beside the grid are no votes
        out[p, 1] = votes[p].sum()
        out[p, 2:6] = _about(votes[p], x, y, near)
        out[p, 6:8] = _second(smooth[p], x, y, near)
