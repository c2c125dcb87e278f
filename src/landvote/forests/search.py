"""Searching: each tree looks at each position of a grid and votes for where the landmark is.

One compiled kernel, parallel over landmarks, that goes from the integral image to the votes and computes no feature
that is not on a tree's path.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.forests.features import COEFFICIENTS, CORNERS, Indices, Integral, corners
from landvote.forests.forest import Forest
from landvote.votes.cast import PARALLEL, accumulator_shape, deposit, share


@dataclass(frozen=True)
class Positions:
    """Where to look for each landmark: a grid of ``count`` (n, 2) positions along x and y from ``first`` (n, 2) on."""

    first: Indices
    count: Indices
    step: int


def around(centres: Points, half: FloatArray, step: int, size: tuple[int, int]) -> Positions:
    """Lay a grid of positions, ``step`` cells apart, around each centre, as far as there are cells.

    ``centres`` are (n, 2) grid coordinates, each nearest to the cell in the middle of its grid of positions; ``half``,
    (n, 2), is how far to look along x and y, and ``size`` width and height of the view.
    """
    middle = np.rint(centres)
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, np.array(size) - 1)
    first = middle - step * np.floor((middle - low) / step)
    count = np.maximum(np.floor((high - first) / step) + 1, 0)
    first = np.where(count > 0, first, 0)  # a centre may lie anywhere, also where no int32 reaches
    return Positions(first.astype(np.int32), count.astype(np.int32), step)


def search(
    image: Integral, forest: Forest, weights: npt.NDArray[np.float32], positions: Positions, size: tuple[int, int],
    cell: float,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """Return the votes for each landmark on a view of ``size`` (width, height), ``image`` being its integral image.

    ``weights``, (leaves,), are what a vote of each leaf weighs; ``cell`` is grid cells per accumulator cell.

    Returns:
        (n, ceil(height / cell), ceil(width / cell)) float32. Weights are divided by the number of votes, so those of a
        landmark add up to their mean weight; votes that leave the grid are lost.
    """
    out = np.empty((len(forest.roots), *accumulator_shape(size, cell)), np.float32)
    with PARALLEL:
        _search(
            image.ravel(), image.shape[1],
            forest.features, forest.pools, forest.nodes, forest.leaves, weights, forest.roots,
            positions.first, positions.count, positions.step, np.float32(cell), out,
        )  # fmt: skip
    return out


@numba.njit(parallel=True, cache=True)
def _search(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917 - compiled as one
    image, pitch, features, pools, nodes, leaves, weights, roots, first, count, step, cell, out  # noqa: ANN001
):  # fmt: skip
    """Write the votes of each landmark to ``out``; added up with a border of one cell, see :func:`deposit`."""
    height, width = out.shape[1:]
    for p in numba.prange(len(roots)):
        # laid out anew for each view: what is read next lies in the cache, a table of all landmarks would not
        own = features[pools[p, 0] : pools[p, 1]]
        offsets = corners(own, pitch)
        votes = np.zeros((height + 2) * (width + 2), np.float32)
        columns, total = count[p, 0], count[p, 0] * count[p, 1]
        at, active, origins = np.empty((3, total), np.uint32)
        for i in range(total):
            row, column = divmod(i, columns)
            origins[i] = (first[p, 1] + step * row) * pitch + first[p, 0] + step * column
        for t in range(roots.shape[1]):
            _descend(image, origins, own, offsets, nodes, roots[p, t], at, active)
            for i in range(total):
                leaf = nodes[at[i], 2]
                row, column = divmod(i, columns)
                x = (np.float32(first[p, 0] + step * column) + np.float32(0.5) + leaves[leaf, 0]) / cell
                y = (np.float32(first[p, 1] + step * row) + np.float32(0.5) + leaves[leaf, 1]) / cell
                weight = weights[leaf] / np.float32(total * roots.shape[1])
                place, force, right, below = share(x, y, weight, width, height)
                deposit(votes, width, place, force, right, below)
        out[p] = votes.reshape(height + 2, width + 2)[1:-1, 1:-1]


@numba.njit(cache=True)
def _descend(image, origins, features, offsets, nodes, root, at, active):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Write to ``at`` the leaf that each position comes to.

    All positions go down one level of the tree at a time, and those that have come to a leaf drop out of ``active``.
    No step waits for the one before it, and there is no branch that a processor could guess wrong.
    """
    left = 0
    for i in range(len(at)):
        at[i] = root
        active[left] = i
        left += nodes[root, 0] >= 0
    while left > 0:
        kept = 0
        for a in range(left):
            i = active[a]
            node = at[i]
            feature, origin, value = np.uint32(nodes[node, 0]), origins[i], np.int32(0)
            kind = np.uint32(features[feature, 0])
            for c in range(CORNERS):
                value += np.int32(COEFFICIENTS[kind, c] * image[origin + offsets[feature, c]])
            node = np.uint32(nodes[node, 2 + (value > nodes[node, 1])])
            at[i] = node
            active[kept] = i
            kept += nodes[node, 0] >= 0
        left = kept
