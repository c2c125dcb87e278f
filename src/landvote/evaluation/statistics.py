"""What a set of errors amounts to: mean, percentiles and success rates, each with a bootstrap interval over films.

Errors come as (films, k): one row a film, NaN where there is nothing to measure, infinity where a landmark (or a whole
film) was not found. Infinite errors count in percentiles and success rates, so that not finding a landmark never looks
better than finding it badly; a mean can only be taken over what was found.

Films, not landmarks, are resampled: the landmarks of one film fail together, and treating them as independent would
make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PERCENTILES = (50, 90, 95, 99)
LEVEL = 0.95
RESAMPLES = 2000

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval; the ends are NaN where fewer than two films bear on it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Description:
    """The distribution of some errors.

    Attributes:
        count: errors measured, those not found among them.
        not_found: how many of them are infinite.
        mean: over the finite ones.
        percentiles: per percentile, e.g. 50 for the median; linear between neighbours, infinity if it falls there.
        within: per radius, the share of errors <= that radius, 0 to 1.
    """

    count: int
    not_found: int
    mean: Estimate
    percentiles: dict[int, Estimate]
    within: dict[float, Estimate]


def resample(films: int, seed: int, resamples: int = RESAMPLES) -> IntArray:
    """Return how often each film is drawn in each bootstrap sample, (resamples, films).

    The draw depends on the number of films and the seed alone, so figures of two methods on the same films, in the
    same order, are resampled in pairs.
    """
    return np.random.default_rng(seed).multinomial(films, np.full(films, 1.0 / films), size=resamples)


def describe(errors: FloatArray, draws: IntArray, radii: Sequence[float] = ()) -> Description:
    """Describe errors of shape (films, k), or (films,) for one figure per film.

    Intervals are bootstrap percentile intervals (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).

    Args:
        errors: NaN = nothing to measure, infinity = not found.
        draws: from :func:`resample`, for the same films.
        radii: for the success rates; an error equal to the radius is a success.
    """
    errors = errors.reshape(len(errors), -1)
    film, _ = np.nonzero(~np.isnan(errors))
    values = errors[~np.isnan(errors)]
    order = np.argsort(values, kind="stable")
    values, film = values[order], film[order]
    figures = _figures(values, np.ones(len(values), dtype=np.int64), radii)
    low, high = np.full((2, len(figures)), np.nan)
    if len(np.unique(film)) > 1:
        low, high = _interval(np.stack([_figures(values, draw[film], radii) for draw in draws]))
    estimates = [Estimate(*map(float, e)) for e in zip(figures, low, high, strict=True)]
    return Description(
        count=len(values),
        not_found=int(np.isinf(values).sum()),
        mean=estimates[0],
        percentiles=dict(zip(PERCENTILES, estimates[1:], strict=False)),
        within=dict(zip(map(float, radii), estimates[1 + len(PERCENTILES) :], strict=True)),
    )


def column_means(errors: FloatArray, draws: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean of the finite errors in each column of (films, n), and its interval's ends; (n,) each."""
    found = np.isfinite(errors)
    filled = np.where(found, errors, 0.0)
    mean = _ratio(filled.sum(axis=0), found.sum(axis=0))
    weights = draws.astype(np.float64)
    low, high = _interval(_ratio(weights @ filled, weights @ found))
    several = found.sum(axis=0) > 1
    return mean, np.where(several, low, np.nan), np.where(several, high, np.nan)


def cumulative(errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the empirical distribution of (m,) errors: the finite errors in order, and the share <= each of them.

    Infinite errors count in the share, so the curve of a method that missed films does not reach 1. NaN are left out.
    """
    values = np.sort(errors[~np.isnan(errors)])
    share = np.arange(1, len(values) + 1) / max(len(values), 1)
    return values[np.isfinite(values)], share[np.isfinite(values)]


def _figures(values: FloatArray, weights: IntArray, radii: Sequence[float]) -> FloatArray:
    """Mean, percentiles and success rates of sorted values, each standing in the sample ``weights`` times."""
    running = np.cumsum(weights)
    if not len(running) or running[-1] == 0:
        return np.full(1 + len(PERCENTILES) + len(radii), np.nan)
    total, finite = running[-1], int(np.searchsorted(values, np.inf))
    found = running[finite - 1] if finite else 0
    # Not as a dot product: BLAS would start threads for each of thousands of short sums.
    mean = (values[:finite] * weights[:finite]).sum() / found if found else np.nan
    below = np.concatenate([[0], running])
    within = below[np.searchsorted(values, np.asarray(radii, dtype=np.float64), side="right")] / total
    return np.concatenate([[mean], _percentiles(values, running), within])


def _percentiles(values: FloatArray, running: IntArray) -> FloatArray:
    """Linear percentiles, as in numpy, of sorted values with running counts, which may be infinite at the end."""
    position = np.asarray(PERCENTILES) / 100 * (running[-1] - 1)
    lower = values[np.searchsorted(running, np.floor(position), side="right")]
    upper = values[np.searchsorted(running, np.ceil(position), side="right")]
    reached = np.isfinite(upper)
    step = np.subtract(upper, lower, out=np.zeros_like(upper), where=reached)
    # An infinite upper neighbour makes anything but the lower value itself infinite.
    return np.where(reached | (upper == lower), lower + step * (position % 1), np.inf)


def _interval(replicates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the percentile interval of (resamples, f) figures, (f,) each; draws without any film are left out."""
    tail = (1 - LEVEL) / 2
    ends = np.full((2, replicates.shape[1]), np.nan)
    for column, figures in enumerate(replicates.T):
        known = figures[~np.isnan(figures)]
        if known.size:
            # Order statistics, not interpolation between them: a figure may be infinite.
            ends[:, column] = np.quantile(known, [tail, 1 - tail], method="inverted_cdf")
    return ends[0], ends[1]


def _ratio(total: FloatArray, count: npt.NDArray[Any]) -> FloatArray:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
