"""The vote map: per landmark, the votes in each grid cell. Voters return vote maps; choices take points from them."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numba
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.votes.cast import FAST, PARALLEL
from landvote.votes.evidence import NEAR, Evidence, read_off

Votes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VoteMap:
    """Votes for n landmarks over a grid.

    Attributes:
        votes: (n, rows, columns) float32, not smoothed.
        cell: grid cells per accumulator cell; cell (i, j) stands at ``cell * (j + 0.5) - 0.5`` along x.
        smoothing: SD of the Gaussian in grid cells that :attr:`smooth` and :meth:`peaks` use.
        floor: the smallest total of votes that counts as having seen a landmark.
        full: the total of a landmark that was seen for certain, or 0 where such a total is not known. The dispersion
            counts votes that are missing from this total as votes from anywhere.
    """

    votes: Votes
    cell: float
    smoothing: float
    floor: float = 1e-6
    full: float = 0.0

    @cached_property
    def smooth(self) -> Votes:
        """The votes blurred with a Gaussian of SD ``smoothing`` (the paper: SD 4)."""
        return blur(self.votes, self.smoothing / self.cell)

    def peaks(self) -> tuple[Points, FloatArray]:
        """Return where most votes meet and how far the votes lie from there.

        The maximum of the smoothed accumulator is only as fine as its cells; from there mean shift (a Gaussian window
        of the smoothing's SD, at least 1.5 cells, over the unsmoothed votes) climbs to the mode between them. Splitting
        a vote over four cells keeps its mean, so this is the mode of the votes themselves.

        Returns:
            (n, 2) grid coordinates and (n,) the votes' mean distance from the peak, grid cells. A landmark with fewer
            votes than ``floor`` has NaN for both.
        """
        smooth = self.smooth
        highest = smooth.reshape(len(smooth), -1).argmax(axis=1)
        return self.climb(self.to_grid(np.column_stack(np.divmod(highest, smooth.shape[2])[::-1])))

    def climb(self, start: Points, rounds: int = 8) -> tuple[Points, FloatArray]:
        """Return the modes of the votes that lie uphill from ``start``, (n, 2) grid coordinates; as :meth:`peaks`.

        Mean shift stands still well before its 8 ``rounds`` are over.
        """
        found = np.empty((len(self.votes), 4))
        with PARALLEL:
            _climb(self.votes, self.to_cells(start), max(self.smoothing / self.cell, 1.5), rounds, found)
        points, distance, total = self.to_grid(found[:, :2]), found[:, 2], found[:, 3]
        seen = np.clip(total / self.full, 0, 1) if self.full else 1.0
        anywhere = np.hypot(*self.votes.shape[1:]) / 2  # where votes that are missing count as being
        dispersion = np.where(total < self.floor, np.nan, self.cell * (seen * distance + (1 - seen) * anywhere))
        points[~np.isfinite(dispersion)] = np.nan
        return points, dispersion

    def dispersion(self, points: Points) -> FloatArray:
        """Return the (n,) mean distance of the votes from ``points``, (n, 2), both in grid cells; NaN without votes."""
        return self.climb(points, rounds=0)[1]

    def evidence(self, points: Points) -> Evidence:
        """Return how the votes lie about (n, 2) ``points``, in grid cells as they are; see :class:`Evidence`."""
        out = np.zeros((len(self.votes), 8))
        given: npt.NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
        with PARALLEL:
            near = NEAR * max(self.smoothing / self.cell, 0.5)
            read_off(self.votes, self.smooth, self.to_cells(np.where(given[:, None], points, 0)), near, out)
        out[~given | (out[:, 1] < self.floor)] = np.nan
        peak, total, close = out[:, 0], out[:, 1], out[:, 2]
        square = out[:, [3, 4, 4, 5]].reshape(-1, 2, 2) / np.maximum(close, self.floor)[:, None, None]
        second = out[:, 6] / np.maximum(peak, self.floor)
        return Evidence(peak, total, close / total, square * self.cell**2, second, out[:, 7] * self.cell)

    def to_cells(self, points: Points) -> Points:
        """Map grid coordinates to those of the accumulator."""
        return (points + 0.5) / self.cell - 0.5

    def to_grid(self, places: FloatArray | npt.NDArray[np.intp]) -> Points:
        """Map coordinates of the accumulator, x before y, to those of the grid."""
        return np.asarray((places + 0.5) * self.cell - 0.5)


def blur(votes: Votes, sd: float) -> Votes:
    """Return (n, rows, columns), each plane blurred with a Gaussian of ``sd`` cells; beyond the border is nothing."""
    if sd < 0.2:  # narrower than a cell can show
        return votes
    size = 2 * int(np.ceil(3 * sd)) + 1  # what lies beyond 3 SD moves no peak
    out = np.empty_like(votes)
    for plane, target in zip(votes, out, strict=True):
        cv2.GaussianBlur(plane, (size, size), sd, dst=target, borderType=cv2.BORDER_CONSTANT)
    return out


@numba.njit(cache=True, fastmath=FAST)
def _distance(votes, x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Return the mean distance of (rows, columns) votes from (x, y), and how many there are."""
    rows, columns = votes.shape
    across = ((np.arange(columns) - x) ** 2).astype(np.float32)
    total = distance = 0.0
    for i in range(rows):
        count = far = np.float32(0)
        for j in range(columns):
            count += votes[i, j]
        if count == 0:  # forests vote in a few rows alone, and votes weigh 0 at least
            continue
        down = np.float32((i - y) ** 2)
        for j in range(columns):
            far += votes[i, j] * np.sqrt(across[j] + down)
        total += float(count)
        distance += float(far)
    return distance / max(total, 1e-12), total


@numba.njit(parallel=True, cache=True, fastmath=FAST)
def _climb(votes, start, sd, rounds, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Write x, y of each landmark's mode, the mean distance of all votes from it, in cells, and how many there are."""
    landmarks, rows, columns = votes.shape
    reach = int(np.ceil(3 * sd))
    for p in numba.prange(landmarks):
        x, y = start[p]
        window = np.empty(2 * reach + 1, np.float32)  # the Gaussian is separable
        for _ in range(rounds):
            total = sum_x = sum_y = 0.0
            left, right = max(0, round(x) - reach), min(columns, round(x) + reach + 1)
            for j in range(left, right):
                window[j - left] = np.exp(-((j - x) ** 2) / (2 * sd * sd))
            for i in range(max(0, round(y) - reach), min(rows, round(y) + reach + 1)):
                row = along = np.float32(0)
                for j in range(left, right):
                    g = votes[p, i, j] * window[j - left]
                    row += g
                    along += g * np.float32(j - left)
                g = np.exp(-((i - y) ** 2) / (2 * sd * sd))
                total += g * row
                sum_x += g * (along + left * row)
                sum_y += g * i * row
            if total <= 0:
                break
            x, y = sum_x / total, sum_y / total
        found[p, 0], found[p, 1] = x, y
        found[p, 2], found[p, 3] = _distance(votes[p], x, y)
