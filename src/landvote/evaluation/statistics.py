"""The one statistics: figures of a set of errors, with intervals over subjects and, where there are several, folds.

Errors come as (films,) or (films, k): NaN where there is nothing to measure, infinity where a landmark (or a whole
film) was not found. Infinite errors count in percentiles and success rates, so that a lost landmark never looks better
than a bad one; a mean can only be taken over the landmarks that were found.

A figure (a median, say) is taken in every run on its own, and averaged over the seeds of a fold and over folds. Two
things make it uncertain. Both are measured on the scale of logarithms, since errors are positive and skewed:

- *subjects*: a Bayesian bootstrap (Rubin, Annals of Statistics 9, 1981). The films of a subject, and their landmarks,
  share one weight, because they fail together; all runs share the weights. One subject more, unseen so far, is worse
  than all others for the upper end and better for the lower one. Without it the bootstrap never sees beyond the worst
  film, and its interval of a 99th percentile is far too short. With it the interval of a percentile of one run is the
  exact one by order statistics (Thompson, Annals of Mathematical Statistics 7, 1936), and that of a success rate is
  Clopper and Pearson's (Biometrika 26, 1934). An upper end may then be infinite: too few subjects bound the percentile.
- *folds*: Student's interval of the folds' figures.

Folds differ also because each errs differently on the same film. The bootstrap sees that part too; it is taken out
there, or it would count twice (as in the pigeonhole bootstrap; Owen, Annals of Applied Statistics 1, 2007). The two
half-lengths of an interval are then added as squares, lower and upper apart (Zou & Donner, Statistics in Medicine 27,
2008). The result covers as often as stated where one outweighs the other, and a little more often where they are alike.

Folds are draws from one pool of films, so the interval speaks of other draws from that pool. With one run it knows
nothing of folds: it says how the figure would change on other subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from landvote.evaluation.metrics import FloatArray

IntArray = npt.NDArray[np.intp]

FIGURES = ("median", "p90", "p95", "p99", "mean")
"""The figures of :func:`figures`, in their order; the mean is over errors that are finite."""

LEVEL = 0.95
RESAMPLES = 2000
TAIL = (1 - LEVEL) / 2

BLOCK = 2**22
"""Weights held at a time: single landmarks of many films would fill the memory."""

_PERCENTS = (50, 90, 95, 99)
_TINY = 1e-12  # errors below this are none


@dataclass(frozen=True)
class Draws:
    """Weights of subjects in each bootstrap sample.

    Attributes:
        subject: (films,) which subject each film belongs to.
        weights: (resamples, subjects).
        unseen: (resamples, 1) the weight of the subject unseen so far.
    """

    subject: IntArray
    weights: FloatArray
    unseen: FloatArray

    def of_films(self) -> FloatArray:
        """Return the weight of each film, (resamples, films)."""
        return self.weights[:, self.subject]

    def bearing(self, measured: npt.NDArray[np.bool_]) -> int:
        """Return how many subjects have one of the films marked in (films,) ``measured``."""
        return len(np.unique(self.subject[measured]))


@dataclass(frozen=True)
class Figures:
    """k figures of one run, or of the mean over several.

    Attributes:
        value: (k,) positive, infinite, or NaN where there is nothing to measure.
        low: (resamples, k) in each bootstrap sample, the unseen subject below all others.
        high: (resamples, k) the same, the unseen subject above all others.
        subjects: (k,) how many bear on each figure; fewer than two give no interval.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    subjects: IntArray


@dataclass(frozen=True)
class Estimates:
    """Figures and the ends of their 95 % intervals, (k,) each; an end is NaN where it is unknown."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def draw(subjects: Sequence[str], seed: int = 0, resamples: int = RESAMPLES) -> Draws:
    """Draw the weights of subjects, given the subject of each film; the same for the same films."""
    names, film = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    drawn = np.random.default_rng(seed).standard_exponential((resamples, len(names) + 1))
    return Draws(film, drawn[:, 1:], drawn[:, :1])


def figures(errors: FloatArray, draws: Draws) -> Figures:
    """Return :data:`FIGURES` of errors, (films,) one a film, or (films, k) of single landmarks.

    Percentiles are linear between neighbours, as numpy's, and infinite where they fall on an infinite error.
    """
    errors = _by_film(errors)
    film, _ = np.nonzero(~np.isnan(errors))
    values = errors[~np.isnan(errors)]
    order = np.argsort(values, kind="stable")
    values = values[order]
    low, high = _drawn_percentiles(values, draws.subject[film[order]], draws)
    found = np.isfinite(errors)
    mean = quotients(np.where(found, errors, 0.0).sum(axis=1)[:, None], found.sum(axis=1)[:, None], draws)
    measured = np.full(len(_PERCENTS), draws.bearing(np.any(~np.isnan(errors), axis=1)))
    low, high = np.column_stack([low, mean.low]), np.column_stack([high, mean.high])
    return Figures(np.append(_percentiles(values), mean.value), low, high, np.append(measured, mean.subjects))


def column_means(errors: FloatArray, draws: Draws) -> Figures:
    """Return the mean of the finite errors in each column of (films, n): n figures."""
    found = np.isfinite(errors)
    return quotients(np.where(found, errors, 0.0), found, draws)


def quotients(sums: FloatArray, counts: npt.NDArray[Any], draws: Draws) -> Figures:
    """Return sums over counts, of each film's (films, n), such as means; the unseen subject has no say."""
    weights = draws.of_films()
    drawn = _ratio(weights @ sums, weights @ counts)
    bearing = np.array([draws.bearing(column > 0) for column in counts.T], dtype=np.intp)
    return Figures(_ratio(sums.sum(axis=0), counts.sum(axis=0)), drawn, drawn, bearing)


def within(errors: FloatArray, draws: Draws, radii: Sequence[float]) -> Estimates:
    """Return the share of errors <= each radius, 0 to 1, of errors (films,) or (films, k)."""
    errors = _by_film(errors)
    count = (~np.isnan(errors)).sum(axis=1, keepdims=True)
    hits = np.column_stack([np.zeros((len(errors), 0)), *((errors <= r).sum(axis=1) for r in radii)])
    bearing, weights = draws.bearing(count[:, 0] > 0), draws.of_films()
    value = _ratio(hits.sum(axis=0), count.sum())
    if bearing < 2:
        return Estimates(value, *np.full((2, len(value)), np.nan))
    unseen = draws.unseen * (count.sum() / bearing)  # a subject of as many landmarks as the others have
    hit, total = weights @ hits, weights @ count + unseen
    return Estimates(value, _quantile(hit / total, TAIL), _quantile((hit + unseen) / total, 1 - TAIL))


def average(parts: Sequence[Figures]) -> Figures:
    """Return the mean over runs (the seeds of a fold, or folds) of the same films."""
    value, low, high = (np.mean([getattr(p, name) for p in parts], axis=0) for name in ("value", "low", "high"))
    return Figures(value, low, high, np.min([p.subjects for p in parts], axis=0))


def estimate(folds: Sequence[Figures]) -> Estimates:
    """Return figures averaged over folds, with their intervals."""
    every = average(folds)
    logs = Figures(_log(every.value), _log(every.low), _log(every.high), every.subjects)
    low, high = _ends(logs, _log([f.value for f in folds]), _log([f.low for f in folds]))
    return Estimates(every.value, _exp(low), _exp(high))


def ratio(a: Sequence[Figures], b: Sequence[Figures]) -> Estimates:
    """Return how many times as large the figures of one method, of each fold, are as those of another.

    Both are of the same folds and films, from the same draws.
    """
    first, second = average(a), average(b)
    with np.errstate(invalid="ignore"):
        value, every = _log(first.value) - _log(second.value), _log(first.low) - _log(second.low)
        folds = _log([f.value for f in a]) - _log([f.value for f in b])
        drawn = _log([f.low for f in a]) - _log([f.low for f in b])
        subjects = np.minimum(first.subjects, second.subjects)
        low, high = _ends(Figures(value, every, every, subjects), folds, drawn)
    return Estimates(np.exp(value), np.exp(low), np.exp(high))


def cumulative(errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the empirical distribution of (m,) errors: the finite errors in order, and the share <= each of them.

    Infinite errors count in the share, so the curve of a method that missed films does not reach 1. NaN are left out.
    """
    values = np.sort(errors[~np.isnan(errors)])
    share = np.arange(1, len(values) + 1) / max(len(values), 1)
    return values[np.isfinite(values)], share[np.isfinite(values)]


def rank_correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Spearman's of the pairs that are finite; NaN for fewer than three, or where one side is constant."""
    a, b = np.stack([a, b])[:, np.isfinite(a) & np.isfinite(b)]
    return np.nan if len(a) < 3 or not np.ptp(a) or not np.ptp(b) else float(stats.spearmanr(a, b).statistic)


def _by_film(errors: FloatArray) -> FloatArray:
    return errors[:, None] if errors.ndim == 1 else errors


def _percentiles(values: FloatArray) -> FloatArray:
    """Return the percentiles of (m,) sorted values."""
    if not len(values):
        return np.full(len(_PERCENTS), np.nan)
    place = np.asarray(_PERCENTS) / 100 * (len(values) - 1)
    lower, upper = values[np.floor(place).astype(int)], values[np.ceil(place).astype(int)]
    with np.errstate(invalid="ignore"):
        # An infinite upper neighbour makes anything but the lower value itself infinite.
        return np.asarray(np.where(lower == upper, lower, lower + (upper - lower) * (place % 1)))


def _drawn_percentiles(values: FloatArray, subject: IntArray, draws: Draws) -> tuple[FloatArray, FloatArray]:
    """Return the first values up to which samples hold each share, the unseen subject below all others and above."""
    share = np.asarray(_PERCENTS) / 100
    ends = np.full((len(draws.unseen), 2 * len(share)), np.nan)
    if len(values):
        values = np.append(values, np.inf)  # the unseen subject's
        unseen = draws.unseen * (len(subject) / len(np.unique(subject)))
        rows = max(1, BLOCK // len(subject))
        for part in (slice(start, start + rows) for start in range(0, len(ends), rows)):
            running = np.cumsum(draws.weights[part][:, subject], axis=1)
            wanted = share * (unseen[part] + running[:, -1:])
            wanted = np.column_stack([wanted - unseen[part], wanted])
            ends[part] = values[[np.searchsorted(*row) for row in zip(running, wanted, strict=True)]]
    return ends[:, : len(share)], ends[:, len(share) :]


def _ends(every: Figures, folds: FloatArray, drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends of intervals, (k,) each, all on the scale of logarithms.

    ``every`` are averages over folds, ``folds`` (F, k) the figures of each, ``drawn`` (F, resamples, k) in each sample.
    """
    value, few = every.value, every.subjects < 2
    with np.errstate(invalid="ignore"):
        # Percentile intervals are short by this on few subjects (Hesterberg, American Statistician 69, 2015).
        wider = stats.t.isf(TAIL, np.where(few, 1, every.subjects - 1)) / stats.norm.isf(TAIL)
        below = wider * np.maximum(value - _quantile(every.low, TAIL), 0.0)
        above = wider * np.maximum(_quantile(every.high, 1 - TAIL) - value, 0.0)
        if len(folds) > 1:
            share = np.sqrt(_shared(every.low, drawn))
            fold = stats.t.isf(TAIL, len(folds) - 1) * folds.std(axis=0, ddof=1) / np.sqrt(len(folds))
            below = np.hypot(share * below, fold)
            above = np.where(np.isinf(above), above, np.hypot(share * above, fold))
        # Below a figure that is itself infinite, subjects and folds say nothing.
        low = np.where(few | ~np.isfinite(value), np.nan, value - below)
        high = np.where(few, np.nan, np.where(np.isinf(value), value, value + above))
    return low, high


def _shared(every: FloatArray, drawn: FloatArray) -> FloatArray:
    """Return the part of the subjects' variance (k,) that folds have in common, 0 to 1; the rest shows between folds.

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


def _ratio(total: FloatArray, count: npt.NDArray[Any]) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan))


def _log(values: npt.ArrayLike) -> FloatArray:
    return np.log(np.maximum(np.asarray(values, dtype=np.float64), _TINY))


def _exp(logs: FloatArray) -> FloatArray:
    ends = np.exp(logs)
    return np.where(ends <= 1.001 * _TINY, 0.0, ends)
