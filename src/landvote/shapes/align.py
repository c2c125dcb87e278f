"""Alignment: what is left of shapes without position, size and rotation (generalised Procrustes analysis)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points, apart, mean_points
from landvote.errors import ShapeError
from landvote.frames import Frame

_ROUNDS = 100
_STILL = 1e-9  # of the mean's size
_COLLINEAR = 1e-6  # width over length of a shape


@dataclass(frozen=True)
class Aligned:
    """Shapes laid on their mean.

    Attributes:
        shapes: (m, n, 2), the shapes that could be laid, in the coordinates of ``mean``; NaN where a point is missing.
        mean: (n, 2), its centroid at 0, its size the median size of the shapes, upright as the shapes are on average.
        kept: (m,) which of the shapes given these are.
    """

    shapes: FloatArray
    mean: Points
    kept: npt.NDArray[np.intp]


def align(shapes: FloatArray) -> Aligned:
    """Lay shapes on their mean by similarities, and find that mean.

    Generalised Procrustes analysis (Gower 1975): lay each shape on the mean, average, until the mean stands still. The
    similarity is the one that brings the *mean* closest to the shape, undone: what is left of the shape then holds no
    trace of scale or rotation (it lies in the mean's tangent space, Cootes et al. 1995).

    Shapes are (m, n, 2), NaN where missing; those with fewer than three points, or with all in one place, are left out.

    Raises:
        ShapeError: fewer than two shapes are left, a landmark is missing in all of them, or all lie on a line.
    """
    if shapes.ndim != 3 or shapes.shape[2] != 2:
        raise ShapeError(f"shapes have dimensions {shapes.shape}, expected (films, landmarks, 2)")
    kept = np.flatnonzero([_can_be_laid(s) for s in shapes])
    if len(kept) < 2:
        raise ShapeError(
            f"{len(kept)} of {len(shapes)} shapes have three points or more in different places, expected two at least"
        )
    chosen = shapes[kept]
    missing = np.flatnonzero(~np.isfinite(chosen).all(axis=2).any(axis=0))
    if len(missing):
        raise ShapeError(f"landmarks {missing.tolist()} are missing in all {len(chosen)} shapes")
    mean = _start(chosen)
    for _ in range(_ROUNDS):
        before = mean
        laid = np.stack([pose(before, s).to_image(s) for s in chosen])
        mean = _normal(mean_points(laid, shapes.shape[1]), before)
        if np.abs(mean - before).max() < _STILL:
            break
    spread = np.linalg.svd(mean, compute_uv=False)
    if spread[1] < _COLLINEAR * spread[0]:
        raise ShapeError(f"all {shapes.shape[1]} landmarks lie on one line: there is no shape to learn")
    mean *= float(np.median([pose(mean, s).scale for s in chosen]))
    mean = mean @ _upright(mean, chosen)
    return Aligned(np.stack([pose(mean, s).to_image(s) for s in chosen]), mean, kept)


def pose(shape: Points, points: Points, weights: FloatArray | None = None) -> Frame:
    """Return the similarity that brings ``shape`` closest to ``points``; (n, 2) each, missing ones left out.

    ``to_grid`` of the answer goes from the shape's coordinates to those of the points, ``to_image`` back.
    """
    return Frame.matching(shape, points, (1, 1), weights)


def _can_be_laid(shape: Points) -> bool:
    given = shape[np.isfinite(shape).all(axis=1)]
    return len(given) >= 3 and apart(given)


def _start(shapes: FloatArray) -> Points:
    """Return the shape with most points; where it has none, the mean of the others laid on it."""
    first = shapes[np.isfinite(shapes).all(axis=2).sum(axis=1).argmax()]
    shared = np.isfinite(shapes).all(axis=2) & np.isfinite(first).all(axis=1)
    laid = [pose(first, s).to_image(s) for s, both in zip(shapes, shared, strict=True) if both.sum() >= 2]
    mean = mean_points(laid, len(first))
    if not np.isfinite(mean).all():
        raise ShapeError("the shapes have too few landmarks in common to be laid on each other")
    return _normal(mean, mean)


def _normal(mean: Points, before: Points) -> Points:
    """Move the centroid to 0, make the root mean square radius 1, and turn as ``before``: else the mean may drift."""
    centred = mean - mean.mean(axis=0)
    centred /= np.sqrt((centred**2).sum() / len(centred))
    axes = np.array([1, 1j])
    turn = np.vdot(centred @ axes, before @ axes)
    turn /= abs(turn)
    return np.asarray(centred @ np.array([[turn.real, turn.imag], [-turn.imag, turn.real]]))


def _upright(mean: Points, shapes: FloatArray) -> FloatArray:
    """Return what turns the mean, as (2, 2) from the right, to the direction that the shapes have on average."""
    turns = [pose(mean, s).matrix[:, 0] for s in shapes]
    c, s = np.sum([t / np.linalg.norm(t) for t in turns], axis=0)
    length = np.hypot(c, s)
    c, s = (c / length, s / length) if length > 0 else (1.0, 0.0)
    return np.array([[c, s], [-s, c]])
