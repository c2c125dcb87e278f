"""Annotators: each sees the outline with a bias of their own and an error that is larger along it than across it."""

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.phantom.curves import DENSE, arc_length, interpolated, normals, smooth
from landvote.phantom.settings import PhantomSettings

BIAS_SHARE = 0.4  # of the standard deviation is the annotator's own, the same on every film
BIAS_REACH = 5.0  # landmarks over which an annotator's bias is alike
ERROR_REACH = 2.0  # the same for the errors made anew on every film
POOL = 1 << 32  # stream of random numbers of the annotators, beyond the number of any film


def annotator_name(number: int) -> str:
    """Return the name of annotator ``number`` of the pool, counting from 0."""
    return f"annotator {number + 1:02d}"


def annotate(
    points: Points, size: tuple[int, int], spacing: float, seed: int,
    settings: PhantomSettings, rng: np.random.Generator,
) -> dict[str, Points]:  # fmt: skip
    """Return the outlines two annotators of the pool draw: annotator -> (n, 2) points, pixels.

    ``points`` (n, 2) are the true outline, pixels; ``size`` is the film's width and height, and no annotator points
    outside it; ``spacing`` is mm per pixel, as the errors are in millimetres. ``seed``, of the data set, also fixes the
    pool and so each annotator's bias; ``rng`` is of the film.
    """
    drawn = {}
    for number in sorted(int(k) for k in rng.choice(settings.annotators, 2, replace=False)):
        own = np.random.default_rng([seed, POOL, number])
        bias = np.stack([_smooth_errors(own, len(points), BIAS_REACH) for _ in range(2)])
        error = np.stack([_smooth_errors(rng, len(points), ERROR_REACH) for _ in range(2)])
        along, across = BIAS_SHARE * bias + np.sqrt(1.0 - BIAS_SHARE**2) * error
        slid = _slid(points, along * settings.along_sd / spacing, across * settings.across_sd / spacing)
        drawn[annotator_name(number)] = np.clip(slid, 0.0, np.array(size) - 1.0)
    return drawn


def _slid(points: Points, along: FloatArray, across: FloatArray) -> Points:
    """Slide points along their own curve, in order, and then move them off it; both (n,) pixels."""
    ends = 2 * points[[0, -1]] - points[[1, -2]]  # the shaft goes on beyond its last landmarks
    curve = smooth(np.concatenate([ends[:1], points, ends[1:]]))
    length = arc_length(curve)
    at = np.sort(length[DENSE:-DENSE:DENSE] + along)  # no annotator draws an outline out of order
    outward = interpolated(at, length, normals(curve))
    return np.asarray(interpolated(at, length, curve) + across[:, None] * outward)


def _smooth_errors(rng: np.random.Generator, n: int, reach: float) -> FloatArray:
    """Return n errors of unit variance, alike over about ``reach`` neighbours."""
    offsets = np.arange(-int(3 * reach), int(3 * reach) + 1)
    kernel = np.exp(-0.5 * (offsets / reach) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    return np.convolve(rng.standard_normal(n + len(offsets) - 1), kernel, mode="valid")
