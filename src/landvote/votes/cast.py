"""Casting: every cell of the planes votes once per landmark; the votes are added up on an accumulator.

One compiled kernel, parallel over landmarks; ``tests/votes/oracle.py`` has the same in plain NumPy, slow and obvious.
"""

import threading

import numba
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]

FAST = {"contract", "reassoc", "nsz", "arcp"}
"""The liberties that compiled loops over votes may take with sums; NaN and infinity keep their meaning."""

PARALLEL = threading.Lock()
"""Held while a parallel kernel runs. One takes all threads anyway, and where there is no OpenMP numba falls back on a
threading layer that ends the process when two kernels run at once."""


@numba.njit(cache=True, fastmath=FAST)
def share(x, y, weight, width, height):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled into its callers
    """Return where a vote goes on a flat accumulator with a border of one cell, its weight, and its shares.

    The border lets each vote have its four cells without a question; there are no branches, so that the compiler makes
    vectors of a loop over votes. A vote that leaves the accumulator, is not a number, or weighs nothing, weighs 0.

    ``x`` and ``y`` count cells of the accumulator from its left and upper edge (not the middle of its first cell),
    float32 as ``weight``; ``width`` and ``height`` are those of the accumulator without its border.

    Returns:
        Index of the upper left of the four cells, weight, share of the right and of the lower ones.
    """
    half, zero = np.float32(0.5), np.float32(0)
    x, y = x + half, y + half  # one cell of border less half a cell to the middle
    counts = (x >= 0) & (y >= 0) & (x < np.float32(width + 1)) & (y < np.float32(height + 1)) & (weight > 0)
    x, y = x if counts else zero, y if counts else zero
    u, v = np.int32(x), np.int32(y)
    return v * np.int32(width + 2) + u, weight if counts else zero, x - np.float32(u), y - np.float32(v)


@numba.njit(cache=True, fastmath=FAST)
def deposit(votes, width, place, weight, right, below):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled into its callers
    """Add a vote, as :func:`share` describes it, to the flat accumulator with its border."""
    pitch = width + 2
    lower = weight * below
    upper = weight - lower
    votes[place] += upper - upper * right
    votes[place + 1] += upper * right
    votes[place + pitch] += lower - lower * right
    votes[place + pitch + 1] += lower * right


@numba.njit(parallel=True, cache=True, fastmath=FAST)
def _cast(dx, dy, weight, stride, cell, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Write the votes of each landmark to ``out``; for each row, one pass finds places and shares, one adds them up."""
    landmarks, rows, columns = weight.shape
    height, width = out.shape[1:]
    half = np.float32(0.5)
    for p in numba.prange(landmarks):
        votes = np.zeros((height + 2) * (width + 2), np.float32)
        place = np.empty(columns, np.int32)
        force, right, below = np.empty((3, columns), np.float32)
        for i in range(rows):
            for j in range(columns):
                # grid coordinate + 0.5 = distance from the grid's corner, for cells too
                x = (stride * (np.float32(j) + half) + dx[p, i, j]) / cell
                y = (stride * (np.float32(i) + half) + dy[p, i, j]) / cell
                place[j], force[j], right[j], below[j] = share(x, y, weight[p, i, j], width, height)
            for j in range(columns):
                deposit(votes, width, place[j], force[j], right[j], below[j])
        out[p] = votes.reshape(height + 2, width + 2)[1:-1, 1:-1]


def cast(dx: Planes, dy: Planes, weight: Planes, size: tuple[int, int], stride: float, cell: float) -> Planes:
    """Add up the votes of all plane cells, each split over its four nearest accumulator cells.

    Args:
        dx: (n, rows, columns) offsets towards the landmark along x, in grid cells.
        dy: (n, rows, columns) offsets along y.
        weight: (n, rows, columns); cells of zero or negative weight do not vote.
        size: width and height of the grid.
        stride: grid cells per plane cell; plane cell (i, j) stands at ``stride * (j + 0.5) - 0.5`` along x.
        cell: grid cells per accumulator cell.

    Returns:
        (n, ceil(height / cell), ceil(width / cell)) float32. Votes that leave the grid are lost.
    """
    height, width = accumulator_shape(size, cell)
    out = np.empty((len(weight), height, width), dtype=np.float32)
    dx, dy, weight = (np.ascontiguousarray(a, dtype=np.float32) for a in (dx, dy, weight))
    with PARALLEL:
        _cast(dx, dy, weight, np.float32(stride), np.float32(cell), out)
    return out


def accumulator_shape(size: tuple[int, int], cell: float) -> tuple[int, int]:
    """Return rows and columns of the accumulator of a grid of ``size`` (width, height)."""
    return int(np.ceil(size[1] / cell)), int(np.ceil(size[0] / cell))
