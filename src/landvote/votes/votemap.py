"""The vote map: per landmark, the votes in each grid cell. What both rivals pay in, and what points are chosen from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

from landvote.sample import Points

Votes = npt.NDArray[np.float32]

_ROUNDS = 8  # mean shift stands still well before


@dataclass(frozen=True)
class VoteMap:
    """Votes for n landmarks over a grid.

    Attributes:
        votes: (n, rows, columns) float32, not smoothed.
        cell: grid cells per accumulator cell; cell (i, j) stands at ``cell * (j + 0.5) - 0.5`` along x.
        smoothing: SD of the Gaussian in grid cells that :meth:`smooth` and :meth:`peaks` use.
        floor: the smallest total of votes that counts as having seen a landmark.
    """

    votes: Votes
    cell: float
    smoothing: float
    floor: float = 1e-6

    def smooth(self) -> Votes:
        """Return the votes blurred with a Gaussian of SD ``smoothing`` (the paper: SD 4)."""
        return blur(self.votes, self.smoothing / self.cell)

    def peaks(self) -> tuple[Points, npt.NDArray[np.float64]]:
        """Return where most votes meet and how far the votes lie from there.

        The maximum of the smoothed accumulator is only as fine as its cells; from there mean shift (a Gaussian window
        of the smoothing's SD, at least 1.5 cells, over the unsmoothed votes) climbs to the mode between them. Splitting
        a vote over four cells keeps its mean, so this is the mode of the votes themselves.

        Returns:
            (n, 2) grid coordinates and (n,) the votes' mean distance from the peak, grid cells. A landmark with fewer
            votes than ``floor`` has NaN for both.
        """
        coarse = self.smooth()
        found = np.empty((len(self.votes), 4))
        _climb(self.votes, coarse, max(self.smoothing / self.cell, 1.5), found)
        points = (found[:, :2] + 0.5) * self.cell - 0.5
        spread = found[:, 2] * self.cell
        lost = found[:, 3] < self.floor
        points[lost], spread[lost] = np.nan, np.nan
        return points, spread


def blur(votes: Votes, sd: float) -> Votes:
    """Return (n, rows, columns), each plane blurred with a Gaussian of ``sd`` cells; beyond the border is nothing."""
    if sd < 0.2:  # narrower than a cell can show
        return votes
    size = 2 * int(np.ceil(3 * sd)) + 1  # what lies beyond 3 SD moves no peak
    out = np.empty_like(votes)
    for plane, target in zip(votes, out, strict=True):
        cv2.GaussianBlur(plane, (size, size), sd, dst=target, borderType=cv2.BORDER_CONSTANT)
    return out


@numba.njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _climb(votes, coarse, sd, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Write x, y of each landmark's mode, the mean distance of all votes from it, in cells, and how many there are."""
    landmarks, rows, columns = votes.shape
    reach = int(np.ceil(3 * sd))
    for p in numba.prange(landmarks):
        by, bx = divmod(coarse[p].argmax(), columns)
        x, y = float(bx), float(by)
        window = np.empty(2 * reach + 1, np.float32)  # the Gaussian is separable
        for _ in range(_ROUNDS):
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
        total = distance = 0.0
        for i in range(rows):
            count = far = np.float32(0)
            for j in range(columns):
                count += votes[p, i, j]
                far += votes[p, i, j] * np.sqrt(np.float32((j - x) ** 2 + (i - y) ** 2))
            total += float(count)
            distance += float(far)
        found[p, 0], found[p, 1], found[p, 2], found[p, 3] = x, y, distance / max(total, 1e-12), total
