"""How well one number puts another in order: Spearman's correlation and the area under the ROC curve.

Points share the weight of their film's subject in the bootstrap samples of :mod:`landvote.evaluation.statistics`. The
ends of intervals are percentiles over the samples, on a scale without bounds, and wider by Student's factor.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.statistics import BLOCK, TAIL, Draws, Estimates, IntArray

_FEW = 10  # subjects with a large one: with 4 of them, intervals held the truth in 77 of 100 cases
_LEAST_DRAWS, _MOST_WEIGHTS = 400, 2**24  # of very many points not all samples are used: each has to be ranked
_NEAREST = 1 - 1e-9  # to a bound, which lies infinitely far away on the scale of intervals


def spearman(a: FloatArray, b: FloatArray, draws: Draws) -> Estimates:
    """Return Spearman's correlation, (1,), of (films,) or (films, k) pairs; those with a NaN are left out.

    It is unknown for fewer than three pairs, or where one side is constant.
    """
    film, (x, y) = _known(a, b)
    if len(x) < 3 or not np.ptp(x) or not np.ptp(y):
        return Estimates(*np.full((3, 1), np.nan))
    ties_x, ties_y = _ties(x), _ties(y)

    def correlation(weights: FloatArray) -> FloatArray:
        one, other = _ranks(weights, *ties_x), _ranks(weights, *ties_y)
        total = weights.sum(axis=1, keepdims=True)
        one -= (weights * one).sum(axis=1, keepdims=True) / total
        other -= (weights * other).sum(axis=1, keepdims=True) / total
        spread = (weights * one**2).sum(axis=1) * (weights * other**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights * one * other).sum(axis=1) / np.sqrt(spread))

    return _estimate(correlation, film, draws)


def roc_area(score: FloatArray, large: FloatArray, draws: Draws) -> Estimates:
    """Return the area under the ROC curve, (1,), of scores for what is ``large``: 1 or 0, or NaN for left out.

    Both are (films,) or (films, k). The area is the share of pairs, one large and one not, in which the large one has
    the higher score; half a pair counts where scores are equal. It is unknown where all are large, or none. There is no
    interval where large ones, or others, are of fewer than ten subjects.
    """
    film, (x, y) = _known(score, large)
    if not len(y) or not np.ptp(y):
        return Estimates(*np.full((3, 1), np.nan))
    order, begins = _ties(x)

    def excess(weights: FloatArray) -> FloatArray:
        high, low = weights * y, weights * (1 - y)
        below = _ranks(low, order, begins)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * (high * below).sum(axis=1) / (high.sum(axis=1) * low.sum(axis=1)) - 1)

    found = _estimate(excess, film, draws)
    if min(len(np.unique(draws.subject[film[y == flag]])) for flag in (0, 1)) < _FEW:
        found = Estimates(found.value, *np.full((2, 1), np.nan))
    return Estimates(*((end + 1) / 2 for end in (found.value, found.low, found.high)))


def _known(a: FloatArray, b: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the films of all pairs without NaN, (m,), and the pairs, (2, m)."""
    both = np.stack([a.reshape(len(a), -1), b.reshape(len(b), -1)])
    known = np.isfinite(both).all(axis=0)
    return np.nonzero(known)[0], both[:, known]


def _ties(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the order of (m,) values, and the index in it at which each new value begins."""
    order = np.argsort(values, kind="stable")
    return order, np.flatnonzero(np.diff(values[order], prepend=-np.inf))


def _ranks(weights: FloatArray, order: IntArray, begins: IntArray) -> FloatArray:
    """Return (rows, m) the weight of all values below each one, and half of the weight of those equal to it."""
    each = np.add.reduceat(weights[:, order], begins, axis=1)
    middle = np.cumsum(each, axis=1) - each / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, np.diff(begins, append=len(order)), axis=1)
    return ranks


def _estimate(figure: Callable[[FloatArray], FloatArray], film: IntArray, draws: Draws) -> Estimates:
    """Return a figure from -1 to 1, of (rows, m) weights of points of some films, with its interval."""
    value = figure(np.ones((1, len(film))))
    subject = draws.subject[film]
    subjects, rows = len(np.unique(subject)), max(1, BLOCK // len(film))
    if subjects < 2:
        return Estimates(value, *np.full((2, 1), np.nan))
    used = draws.weights[: max(_LEAST_DRAWS, _MOST_WEIGHTS // len(film))]
    parts = (used[start : start + rows] for start in range(0, len(used), rows))
    drawn = np.concatenate([figure(part[:, subject]) for part in parts])
    low, high = _scaled(np.nanquantile(drawn, [TAIL, 1 - TAIL]))
    wider, middle = stats.t.isf(TAIL, subjects - 1) / stats.norm.isf(TAIL), _scaled(value)
    ends = (middle + wider * away for away in (np.minimum(low - middle, 0), np.maximum(high - middle, 0)))
    return Estimates(value, *map(np.tanh, ends))


def _scaled(values: FloatArray) -> FloatArray:
    return np.arctanh(np.clip(values, -_NEAREST, _NEAREST))
