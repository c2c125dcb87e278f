"""Casting: every cell of the planes votes once per landmark; the votes are added up on an accumulator.

One compiled kernel, parallel over landmarks. :func:`cast_reference` is the same in plain NumPy: slow, obvious, the
oracle for this kernel and for the GPU path.
"""

from __future__ import annotations

import os

import numba
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]

_WISHED = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()


@numba.njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _cast(dx, dy, weight, stride, cell, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, C901 - compiled as one
    landmarks, rows, columns = weight.shape
    height, width = out.shape[1], out.shape[2]
    half = np.float32(0.5)
    for p in numba.prange(landmarks):
        for i in range(rows):
            y0 = stride * (np.float32(i) + half)
            for j in range(columns):
                w = weight[p, i, j]
                if not w > 0:  # NaN does not vote either
                    continue
                # grid coordinate + 0.5 = distance from the grid's corner; the same holds for the accumulator's cells
                x = (stride * (np.float32(j) + half) + dx[p, i, j]) / cell - half
                y = (y0 + dy[p, i, j]) / cell - half
                if not (x > -1 and y > -1 and x < width and y < height):
                    continue
                u, v = int(np.floor(x)), int(np.floor(y))
                fx, fy = x - np.float32(u), y - np.float32(v)
                if v >= 0:
                    if u >= 0:
                        out[p, v, u] += w * (1 - fx) * (1 - fy)
                    if u + 1 < width:
                        out[p, v, u + 1] += w * fx * (1 - fy)
                if v + 1 < height:
                    if u >= 0:
                        out[p, v + 1, u] += w * (1 - fx) * fy
                    if u + 1 < width:
                        out[p, v + 1, u + 1] += w * fx * fy


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
    out = np.zeros((len(weight), *accumulator_shape(size, cell)), dtype=np.float32)
    dx, dy, weight = (np.ascontiguousarray(a, dtype=np.float32) for a in (dx, dy, weight))
    keep_to_threads()
    _cast(dx, dy, weight, np.float32(stride), np.float32(cell), out)
    return out


def keep_to_threads() -> None:
    """Let the compiled kernels use no more threads than OMP_NUM_THREADS says; numba knows its own variable alone."""
    if _WISHED.isdigit():
        most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # made when numba is imported
        numba.set_num_threads(max(1, min(int(_WISHED), most)))


def accumulator_shape(size: tuple[int, int], cell: float) -> tuple[int, int]:
    """Return rows and columns of the accumulator of a grid of ``size`` (width, height)."""
    return int(np.ceil(size[1] / cell)), int(np.ceil(size[0] / cell))


def cast_reference(dx: Planes, dy: Planes, weight: Planes, size: tuple[int, int], stride: float, cell: float) -> Planes:
    """Do what :func:`cast` does, with ``numpy.add.at``; the oracle of the tests and the benchmark."""
    rows, columns = weight.shape[1:]
    shape = accumulator_shape(size, cell)
    out = np.zeros((len(weight), *shape))
    x = (stride * (np.arange(columns) + 0.5) + dx.astype(float)) / cell - 0.5
    y = (stride * (np.arange(rows)[:, None] + 0.5) + dy.astype(float)) / cell - 0.5
    votes = np.where(weight > 0, weight, 0).astype(float)
    p = np.broadcast_to(np.arange(len(weight))[:, None, None], weight.shape)
    for u, share_x in ((np.floor(x), 1 - (x - np.floor(x))), (np.floor(x) + 1, x - np.floor(x))):
        for v, share_y in ((np.floor(y), 1 - (y - np.floor(y))), (np.floor(y) + 1, y - np.floor(y))):
            inside = (u >= 0) & (u < shape[1]) & (v >= 0) & (v < shape[0])
            target = (p[inside], v[inside].astype(int), u[inside].astype(int))
            np.add.at(out, target, (votes * share_x * share_y)[inside])
    return out.astype(np.float32)
