"""Intervals over films and folds: what a figure would be on other films, and after training on other draws of films.

A figure (a median, say) is taken in every run on its own, and averaged over the seeds of a fold and over folds. Two
things make it uncertain. Both are measured on the scale of logarithms, since errors are positive and skewed:

- *films*: a Bayesian bootstrap over subjects (Rubin, Annals of Statistics 9, 1981), the same weights in all runs. One
  subject more, whom nobody has seen, is worse than all others for the upper end and better for the lower one. Without
  it the bootstrap never sees beyond the worst film, and its interval of a 99th percentile is far too short; with it the
  interval of a percentile of one run is the exact one by order statistics (Thompson, Annals of Mathematical Statistics
  7, 1936). An upper end may then be infinite: there are too few films to bound that percentile.
- *folds*: Student's interval of the folds' figures.

Folds differ also because each errs differently on the same film. The bootstrap sees that part too; it is taken out
there, or it would count twice (as in the pigeonhole bootstrap; Owen, Annals of Applied Statistics 1, 2007). The two
half-lengths of an interval are then added as squares, lower and upper apart (Zou & Donner, Statistics in Medicine 27,
2008), which covers as often as stated where one outweighs the other, and a little more often where they are alike.

Folds are draws from one pool of films, so the interval speaks of other draws from that pool. With one fold it knows
nothing of folds: it says what other films to measure on would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from landvote.evaluation.statistics import LEVEL, RESAMPLES, describe

FloatArray = npt.NDArray[np.float64]

FIGURES = ("median", "p95", "p99", "mean")
"""What is reported of film errors; the mean is over films that are not lost altogether."""

_PERCENTS = (50, 95, 99)
_TINY = 1e-12  # errors below this are none
_TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True)
class Draws:
    """Weights of films in each bootstrap sample.

    Attributes:
        weights: (resamples, films); films of one subject have one weight.
        unseen: (resamples, 1) that of the films of a subject nobody has seen.
        subjects: how many there are.
    """

    weights: FloatArray
    unseen: FloatArray
    subjects: int


@dataclass(frozen=True)
class Replicates:
    """Figures in each bootstrap sample, (..., k), with the unseen subject below all others and above them."""

    low: FloatArray
    high: FloatArray

    def first(self) -> Replicates:
        """Return the first figure alone."""
        return Replicates(self.low[:, :1], self.high[:, :1])


@dataclass(frozen=True)
class Estimates:
    """Figures and the ends of their 95 % intervals, (k,) each; an end is NaN where it is unknown."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def draw(subjects: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> Draws:
    """Draw the weights of (films,) films, given the subject of each; the same for the same films."""
    names, film = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(seed).standard_exponential((resamples, len(names) + 1))
    return Draws(drawn[:, 1:][:, film], drawn[:, :1] * (len(film) / max(len(names), 1)), len(names))


def figures(errors: FloatArray) -> FloatArray:
    """Return :data:`FIGURES` of (films,) errors; NaN left out, infinite ones counted in the percentiles."""
    found = describe(errors, np.ones((1, len(errors)), dtype=np.int64))
    return np.array([*(found.percentiles[p].value for p in _PERCENTS), found.mean.value])


def replicate(errors: FloatArray, draws: Draws) -> Replicates:
    """Return :data:`FIGURES` of (films,) errors in each bootstrap sample, (resamples, 4)."""
    order = np.argsort(np.where(np.isnan(errors), np.inf, errors), kind="stable")
    order = order[~np.isnan(errors[order])]
    values = np.append(errors[order], np.inf)
    weights = draws.weights[:, order]
    running = np.cumsum(weights, axis=1)
    total = draws.unseen + running[:, -1:] if len(order) else draws.unseen

    def percentiles(before: FloatArray) -> FloatArray:
        # the first value up to which a sample holds the share asked for, or the subject nobody has seen
        return np.column_stack([values[(running + before < p / 100 * total).sum(axis=1)] for p in _PERCENTS])

    mean = _means(errors[:, None], draws)
    return Replicates(
        np.column_stack([percentiles(draws.unseen), mean]), np.column_stack([percentiles(0 * draws.unseen), mean])
    )


def column_figures(errors: FloatArray, draws: Draws) -> tuple[FloatArray, Replicates]:
    """Return the mean of the finite errors in each column of (films, n), (n,), and in each bootstrap sample."""
    once = Draws(np.ones((1, len(errors))), np.ones((1, 1)), draws.subjects)
    means = _means(errors, draws)
    return _means(errors, once)[0], Replicates(means, means)


def _means(errors: FloatArray, draws: Draws) -> FloatArray:
    found = np.isfinite(errors)
    with np.errstate(invalid="ignore"):
        return np.asarray((draws.weights @ np.where(found, errors, 0.0)) / (draws.weights @ found))


def over(parts: Sequence[Replicates]) -> Replicates:
    """Return the mean over runs (the seeds of a fold)."""
    return Replicates(np.mean([p.low for p in parts], axis=0), np.mean([p.high for p in parts], axis=0))


def estimate(folds: FloatArray, drawn: Sequence[Replicates], subjects: int) -> Estimates:
    """Return figures averaged over folds, with their intervals.

    Args:
        folds: (F, k) figures of each fold: positive, infinite, or NaN where there is nothing to measure.
        drawn: of each fold, (resamples, k).
        subjects: how many were resampled; fewer than two give no interval.
    """
    value, every = folds.mean(axis=0), over(drawn)
    low, high = _ends(
        _log(value), Replicates(_log(every.low), _log(every.high)), _log(folds), _log([d.low for d in drawn]), subjects
    )
    return Estimates(value, np.exp(low), np.exp(high))


def ratio(
    a: FloatArray, drawn_a: Sequence[Replicates], b: FloatArray, drawn_b: Sequence[Replicates], subjects: int
) -> Estimates:
    """Return how many times as large figures of one method are as those of another, on the same folds and films.

    Args:
        a: (F, k) figures of each fold, as in :func:`estimate`.
        drawn_a: of each fold, (resamples, k).
        b: those of the other method.
        drawn_b: the same, from the same draws.
        subjects: how many were resampled.
    """
    with np.errstate(invalid="ignore"):
        value = _log(a.mean(axis=0)) - _log(b.mean(axis=0))
        every = _log(over(drawn_a).low) - _log(over(drawn_b).low)
        runs = _log([d.low for d in drawn_a]) - _log([d.low for d in drawn_b])
        low, high = _ends(value, Replicates(every, every), _log(a) - _log(b), runs, subjects)
    return Estimates(np.exp(value), np.exp(low), np.exp(high))


def _ends(
    value: FloatArray, every: Replicates, folds: FloatArray, drawn: FloatArray, subjects: int
) -> tuple[FloatArray, FloatArray]:
    """Return the ends, all on the scale of logarithms; ``drawn`` is (F, resamples, k)."""
    if subjects < 2:
        return np.full_like(value, np.nan), np.full_like(value, np.nan)
    with np.errstate(invalid="ignore"):
        below = np.maximum(value - _quantile(every.low, _TAIL), 0.0)
        above = np.maximum(_quantile(every.high, 1 - _TAIL) - value, 0.0)
        # percentile intervals are short by this on few films (Hesterberg, American Statistician 69, 2015)
        few = stats.t.isf(_TAIL, subjects - 1) / stats.norm.isf(_TAIL)
        below, above = few * below, few * above
        if len(folds) > 1:
            share = np.sqrt(_shared(every.low, drawn))
            fold = stats.t.isf(_TAIL, len(folds) - 1) * folds.std(axis=0, ddof=1) / np.sqrt(len(folds))
            below, above = (
                np.hypot(share * below, fold),
                np.where(np.isinf(above), above, np.hypot(share * above, fold)),
            )
        # below a figure that is itself infinite, films and folds say nothing
        return np.where(np.isfinite(value), value - below, np.nan), np.where(np.isinf(value), value, value + above)


def _shared(every: FloatArray, drawn: FloatArray) -> FloatArray:
    """Return which part of the films' variance (k,) the folds have in common, 0 to 1; the rest they show by differing.

    The variance of the mean over F folds is shared + own / F, and the folds' spread within a bootstrap sample is own.
    """
    total = np.ma.masked_invalid(every).var(axis=0)
    own = np.ma.masked_invalid(drawn - drawn.mean(axis=0)).var(axis=1).sum(axis=0) / (len(drawn) - 1)
    shared = np.ma.clip(1 - own / len(drawn) / np.ma.masked_equal(total, 0.0), 0.0, 1.0)
    return np.ma.filled(shared, 1.0)


def _quantile(values: FloatArray, level: float) -> FloatArray:
    """Return order statistics of (resamples, k), no interpolation between them: a figure may be infinite."""
    known = np.where(np.isnan(values), np.inf, values)
    chosen = np.quantile(known, level, axis=0, method="inverted_cdf")
    return np.where(np.isnan(values).all(axis=0), np.nan, chosen)


def _log(values: npt.ArrayLike) -> FloatArray:
    return np.log(np.maximum(np.asarray(values, dtype=np.float64), _TINY))
