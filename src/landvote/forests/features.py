"""Haar-like features: sums of neighbouring rectangles, some counted negative, from the corners of an integral image.

The five kinds, their geometry and their sign are those of :mod:`skimage.feature` (``haar_like_feature``), which is the
oracle of the tests. Grey levels are whole numbers here, so every sum is exact: learning, searching and the oracle see
the same numbers, and a threshold cannot fall between two roundings of one value.
"""

import numba
import numpy as np
import numpy.typing as npt

from landvote.frames.view import Grid

Features = npt.NDArray[np.int16]
Integral = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int32]

KINDS = ("type-2-x", "type-2-y", "type-3-x", "type-3-y", "type-4")
CORNERS = 9

# Standardised grey levels lie within +-1.5, varied ones may go beyond. With steps of 1/512 up to +-2, the sum over a
# grid of 1024 x 1024 fits into 32 bits, and the sum over a patch of 128 x 128 is exact in the float32 of scikit-learn.
_STEPS, _BRIGHTEST = 512, 2.0

_ACROSS = np.array([2, 1, 3, 1, 2], np.int16)  # rectangles along x, by kind
_DOWN = np.array([1, 2, 1, 3, 2], np.int16)
_PROFILES = {1: (-1, 1), 2: (1, -2, 1), 3: (1, -2, 2, -1)}  # coefficients of the edges of +, of -+ and of -+-
_BLOCK = 16  # float32 in a cache line


def _corner_table() -> npt.NDArray[np.int32]:
    """Return (3, kinds, 9): the edge each corner lies on, along x and along y, and its coefficient (0 for none)."""
    out = np.zeros((3, len(KINDS), CORNERS), np.int32)
    for kind, (across, down) in enumerate(zip(_ACROSS, _DOWN, strict=True)):
        sign = -1 if kind == KINDS.index("type-4") else 1  # the first of all rectangles counts negative
        along, below = enumerate(_PROFILES[int(across)]), list(enumerate(_PROFILES[int(down)]))
        terms = [(u, v, sign * a * b) for u, a in along for v, b in below]
        out[:, kind, : len(terms)] = np.array(terms).T
    return out


_ALONG, _BELOW, COEFFICIENTS = _corner_table()


def draw(rng: np.random.Generator, count: int, patch: int) -> Features:
    """Draw features at random: each kind as often, each size as often, then anywhere in the patch.

    Returns:
        (count, 5): kind, x and y of the top-left corner in the patch, width and height of *one* of its rectangles.
    """
    kind = rng.integers(0, len(KINDS), count)
    width = rng.integers(1, patch // _ACROSS[kind] + 1)
    height = rng.integers(1, patch // _DOWN[kind] + 1)
    x = rng.integers(0, patch - width * _ACROSS[kind] + 1)
    y = rng.integers(0, patch - height * _DOWN[kind] + 1)
    return np.column_stack([kind, x, y, width, height]).astype(np.int16)


def fit_into(features: Features, patch: int) -> bool:
    """Say whether all of them are features of a patch of that side."""
    kind, x, y, width, height = features.T.astype(int)
    if not ((kind >= 0) & (kind < len(KINDS))).all():
        return False
    inside = (x >= 0) & (y >= 0) & (x + width * _ACROSS[kind] <= patch) & (y + height * _DOWN[kind] <= patch)
    return bool((inside & (width > 0) & (height > 0)).all())


@numba.njit(nogil=True, cache=True)
def corners(features, pitch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled as one
    """Return where (count, 5) ``features`` read an integral image that is ``pitch`` wide.

    Returns:
        (count, 9) uint32 offsets from the patch's own corner in the flat integral image; ``COEFFICIENTS`` of their kind
        say how each reading counts, and kinds of fewer corners repeat the first. Unsigned: with an index that may be
        negative, the compiled loops would take twice the time.
    """
    out = np.empty((len(features), CORNERS), np.uint32)
    for f in range(len(features)):
        kind, x, y, width, height = features[f]
        for c in range(CORNERS):
            out[f, c] = (y + _BELOW[kind, c] * height) * pitch + x + _ALONG[kind, c] * width
    return out


def integral(pixels: Grid, patch: int) -> Integral:
    """Return the integral image of (height, width) standardised grey levels: (height + patch, width + patch) int32.

    The ``patch`` of a cell (x, y) covers ``x - patch // 2`` to ``x - patch // 2 + patch - 1``, and the same along y.
    Around the grid lies as much of nothing (0, as outside the film) as a patch at its border needs, so that the corner
    of that patch is entry (y, x) of the result.
    """
    height, width = pixels.shape
    out = np.zeros((height + patch, width + patch), np.int32)
    first = 1 + patch // 2
    levels = np.rint(np.clip(pixels, -_BRIGHTEST, _BRIGHTEST) * np.float32(_STEPS))
    out[first : first + height, first : first + width] = levels
    np.cumsum(out, axis=0, out=out)
    np.cumsum(out, axis=1, out=out)
    return out


def table(integrals: Integral, which: Indices, origins: Indices, features: Features) -> npt.NDArray[np.float32]:
    """Compute (count, 5) features of n patches; the other arguments are as in :class:`landvote.forests.forest.Patches`.

    Returns:
        (n, count) float32 without rounding, its columns contiguous (scikit-learn reads them one by one).
    """
    out = np.empty((len(features), len(which)), np.float32)
    _fill(integrals.reshape(len(integrals), -1), which, origins, features, corners(features, integrals.shape[2]), out)
    return out.T


@numba.njit(nogil=True, cache=True)
def _fill(integrals, which, origins, features, offsets, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - compiled as one
    """Go through the patches in blocks, so that both what is read and what is written stays in the cache."""
    count, n = out.shape
    for start in range(0, n, _BLOCK):
        for f in range(count):
            kind = features[f, 0]
            for i in range(start, min(start + _BLOCK, n)):
                image, origin, value = integrals[which[i]], np.uint32(origins[i]), np.int32(0)
                for c in range(CORNERS):
                    value += np.int32(COEFFICIENTS[kind, c] * image[origin + offsets[f, c]])
                out[f, i] = np.float32(value)
