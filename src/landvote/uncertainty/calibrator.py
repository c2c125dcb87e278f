"""The calibrator: what errors to expect, learned from films of which the truth is known and no voter has learned."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from landvote.data.points import FloatArray, Points
from landvote.data.prediction import ELLIPSE, LEVELS
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.uncertainty.conformal import conformal
from landvote.uncertainty.cues import FILM_CUES, Cues
from landvote.uncertainty.shift import fit_shift, shift_probability

LEAST = 2
"""Subjects, at least, that a calibrator is fitted on; for more of ``LEVELS`` it takes more, up to 19."""

_FOLDS = 10  # subjects are left out by tenths, or one by one where there are fewer
_RIDGES = (10.0, 30.0, 100.0, 300.0, np.inf)  # films that say cues tell nothing; without end, landmarks alone count
_BY_LANDMARK = 5.0  # films that say that a landmark's mean error is that of all
_BY_DIRECTION = 10.0  # films that say that a landmark's errors are directed as those of all
_MIXED = (0.0, 0.25, 0.5, 0.75)
_ROUNDS = 20  # of iteratively reweighted least squares
_SMALLEST = 1e-3  # of a grid cell: even an error of nothing counts as so much
_REACH = 4.0  # SDs: cues farther out count as so far; nothing was learned there
_STRANGE = ("film_oddness", "shape", "mean_spread", "mean_oddness")
_RARE = 1.5e-4  # how often a film like those calibrated on would be so far out by one of these, were they Gaussian


@dataclass(frozen=True)
class Judged:
    """A film whose landmarks were found and are known.

    Attributes:
        cues: of what was found.
        axes: (n, 2, 2) see :func:`contour_axes`.
        errors: (n, 2) from the true points to those found, image pixels; NaN where one of them is missing.
        subject: films of one subject are left out together.
        shifted: 1 if its row of parts was found shifted by a part or more, else 0; NaN where there is no row, or that
            is not known.
    """

    cues: Cues
    axes: FloatArray
    errors: Points
    subject: str
    shifted: float = float("nan")

    @property
    def distance(self) -> FloatArray:
        """The lengths of the errors, (n,)."""
        return np.asarray(np.linalg.norm(self.errors, axis=1))

    @property
    def told(self) -> bool:
        """Whether any error is known."""
        return bool(np.isfinite(self.errors).any())


@dataclass(frozen=True)
class Expected:
    """What errors to expect of one film; NaN for a landmark without a point.

    Attributes:
        error: (n,) mean distance from the truth, image pixels.
        radii: (n, ``LEVELS``) that hold the truth in so many cases; NaN for a level that takes more films to tell.
        covariance: (n, 3) xx, xy and yy in pixels squared, scaled so that :data:`ELLIPSE` holds the truth in 90 % of
            cases; NaN where that takes more films to tell.
        film_error: the mean distance over the film's landmarks, image pixels.
        film_log: mean and SD of the logarithm of the film's true mean error over ``film_error``, and how many subjects
            these come from.
        known: whether the film is of the kind calibrated on; None where that cannot be told.
        probability_of_shift: of its row of parts, by a part or more; NaN where there is none, or it is not known.
    """

    error: FloatArray
    radii: FloatArray
    covariance: FloatArray
    film_error: float
    film_log: tuple[float, float, int]
    known: bool | None
    probability_of_shift: float = float("nan")

    @classmethod
    def only(cls, error: FloatArray) -> Self:
        """Return it with (n,) errors to expect, and nothing else known."""
        nothing, n = float("nan"), len(error)
        return cls(
            error, np.full((n, len(LEVELS)), np.nan), np.full((n, 3), np.nan), nothing, (nothing, nothing, 0), None
        )

    def probability_of_failure(self, limit: float) -> float:
        """Return how probably the film's mean error is above ``limit``, image pixels; NaN where that is not known."""
        if not np.isfinite(self.film_error):
            return float("nan")
        mean, sd, subjects = self.film_log
        away = (np.log(limit / self.film_error) - mean) / (sd * np.sqrt(1 + 1 / subjects))
        return float(student.sf(away, subjects - 1))


@dataclass(frozen=True)
class Calibrator:
    """Tells what errors to expect from cues; lengths are in grid cells, so that films of any pixel size will do.

    The error of a landmark is its mean over films times an exponential of weighted cues, each as far as it is from
    the landmark's mean: a Gamma regression under a ridge. The errors that radii and ellipses are scaled on are those of
    subjects left out in turn.

    Attributes:
        means: (n,) error of each landmark.
        centre: (n, cues) mean of each landmark's cues and its film's; NaN for cues of which nothing is learned.
        spread: (cues,) their SD about these.
        weights: (1 + cues,).
        quantiles: (``LEVELS``,) of errors over expected ones; NaN for a level that takes more films to tell.
        directions: (n, 2, 2) mean outer product of each landmark's errors in contour axes, trace 1.
        mixed: share of the votes' own covariance, trace 1, in that of a point.
        ellipse: the squared Mahalanobis distance that holds 90 % under a covariance of trace 1 times the squared error.
        film: mean and SD of the logarithm of films' mean errors over those expected.
        usual: (2, film cues) mean and SD of the film cues.
        subjects: how many were learned from.
        shift: see :func:`landvote.uncertainty.shift.fit_shift`.
    """

    means: FloatArray
    centre: FloatArray
    spread: FloatArray
    weights: FloatArray
    quantiles: FloatArray
    directions: FloatArray
    mixed: FloatArray
    ellipse: FloatArray
    film: FloatArray
    usual: FloatArray
    subjects: FloatArray
    shift: FloatArray

    @classmethod
    def fit(cls, films: Sequence[Judged]) -> Self:
        """Learn from films of at least :data:`LEAST` subjects; at least one point of each is known and was found."""
        table = np.stack([film.cues.both for film in films])
        turned = np.stack([np.einsum("nji,nj->ni", f.axes, f.errors) / f.cues.cell for f in films])
        votes = np.stack([_directions_of(f.cues.covariance, f.axes) for f in films])
        distance = np.maximum(np.linalg.norm(turned, axis=2), _SMALLEST)
        names, where = np.unique([film.subject for film in films], return_inverse=True)
        subject = where.astype(np.intp)
        fold = subject % min(_FOLDS, len(names))
        folds = [fold == k for k in range(fold.max() + 1)]

        def left_out(ridge: float) -> FloatArray:
            each = np.full(distance.shape, np.nan)
            for out in folds:
                each[out] = _Regression.fit(table[~out], distance[~out], ridge).expected(table[out])
            return each

        tried = {ridge: left_out(ridge) for ridge in _RIDGES}
        ridge = min(tried, key=lambda one: float(np.nanmean(np.log(tried[one]) + distance / tried[one])))
        expected = tried[ridge]
        scale = np.nansum(distance) / np.nansum(np.where(np.isfinite(distance), expected, np.nan))
        expected *= scale
        ratio, away = distance / expected, turned / expected[..., None]
        quantiles = np.array([conformal(ratio, subject, level) for level in LEVELS])
        prior = np.empty((*distance.shape, 2, 2))
        for out in folds:
            prior[out] = _directions(away[~out])
        mixed, ellipse = min((_ellipse(away, prior, votes, share, subject) for share in _MIXED), key=lambda m: m[2])[:2]
        log = np.log(
            np.nanmean(distance, axis=1) / np.nanmean(np.where(np.isfinite(distance), expected, np.nan), axis=1)
        )
        whole = _Regression.fit(table, distance, ridge)
        film = np.stack([f.cues.film for f in films])
        return cls(
            whole.means * scale, whole.centre, whole.spread, whole.weights, quantiles, _directions(away),
            np.array(mixed), np.array(ellipse), np.array([log.mean(), max(log.std(ddof=1), _SMALLEST)]),
            np.stack([_nanmean(film), _nansd(film)]), np.array(len(names)),
            fit_shift(np.stack([f.cues.row for f in films]), np.array([f.shifted for f in films]), fold),
        )  # fmt: skip

    def expect(self, cues: Cues, axes: FloatArray) -> Expected:
        """Return what errors to expect of a film; ``axes`` are those of :func:`contour_axes` at the points found."""
        found = np.isfinite(cues.landmarks).any(axis=1)
        model = _Regression(self.means, self.centre, self.spread, self.weights)
        error = np.where(found, model.expected(cues.both[None])[0], np.nan) * cues.cell
        shape = _mixture(self.directions, _directions_of(cues.covariance, axes), float(self.mixed))
        covariance = axes @ shape @ np.swapaxes(axes, 1, 2) * (error**2 * self.ellipse / ELLIPSE)[:, None, None]
        mean = float(error[found].mean()) if found.any() else float("nan")
        log = (float(self.film[0]), float(self.film[1]), int(self.subjects))
        rows = covariance.reshape(-1, 4)[:, [0, 1, 3]]
        shift = shift_probability(self.shift, cues.row)
        return Expected(error, np.outer(error, self.quantiles), rows, mean, log, self._known(cues), shift)

    def _known(self, cues: Cues) -> bool:
        """Say whether no cue of strangeness is farther from what is usual than one in a thousand films would be."""
        index = [FILM_CUES.index(name) for name in _STRANGE]
        mean, sd = self.usual[:, index]
        told = np.isfinite(mean)
        away = np.abs(cues.film[index] - mean)[told] / np.maximum(sd[told], 1e-3)
        n = int(self.subjects)
        return bool((away <= student.isf(_RARE, n - 1) * np.sqrt(1 + 1 / n)).all())  # NaN is no such film either

    def save(self, file: Path) -> Path:
        """Write the arrays as an npz, and return the file."""
        return save_arrays(file, **vars(self))

    @classmethod
    def load(cls, file: Path, landmarks: int) -> Self:
        """Read what :meth:`save` wrote; ModelError if it is missing, broken, or for another number of landmarks."""
        stored = load_arrays(file, *(field.name for field in fields(cls)))
        if stored["means"].shape != (landmarks,):
            raise ModelError(f"{file}: means of shape {stored['means'].shape}, expected ({landmarks},)")
        return cls(**stored)


def contour_axes(scheme: Scheme, points: Points) -> FloatArray:
    """Return (n, 2, 2) the directions along and across its outline at each of (n, 2) points, as columns.

    Those of the image where a landmark is on no outline, or too little of that is known.
    """
    axes = np.tile(np.eye(2), (len(points), 1, 1))
    for outline in scheme.outlines[::-1]:  # of several, the first named counts
        ring = points[list(outline.points)]
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        if not outline.closed:
            before[0], after[-1] = ring[0], ring[-1]
        along = np.where(np.isfinite(after), after, ring) - np.where(np.isfinite(before), before, ring)
        length = np.linalg.norm(along, axis=1, keepdims=True)
        sure = (length > 0).ravel()
        x, y = (along[sure] / length[sure]).T
        axes[np.array(outline.points)[sure]] = np.stack([np.stack([x, -y], axis=1), np.stack([y, x], axis=1)], axis=1)
    return axes


@dataclass(frozen=True)
class _Regression:
    """Expected distances from cues; see :class:`Calibrator`."""

    means: FloatArray
    centre: FloatArray
    spread: FloatArray
    weights: FloatArray

    @classmethod
    def fit(cls, table: FloatArray, distance: FloatArray, ridge: float) -> Self:
        """Learn from (films, n, cues) and (films, n) distances; NaN where unknown."""
        known = np.isfinite(distance)
        count, total = known.sum(axis=0), np.where(known, distance, 0).sum(axis=0)
        means = (total + _BY_LANDMARK * total.sum() / count.sum()) / (count + _BY_LANDMARK)
        centre = _nanmean(table)
        spread = np.maximum(np.nan_to_num(_nansd((table - centre).reshape(-1, table.shape[2]))), 1e-3)
        weights = np.zeros(1 + table.shape[2])
        self = cls(means, centre, spread, weights)
        if np.isinf(ridge):
            return self
        a = self._standard(table)[known]
        y = (distance / means)[known]
        penalty = np.r_[0.0, np.full(table.shape[2], ridge * len(means))]
        system = a.T @ a + np.diag(penalty)
        for _ in range(_ROUNDS):
            step = np.linalg.solve(system, a.T @ (y / np.exp(a @ weights) - 1) - penalty * weights)
            weights = weights + np.clip(step, -0.5, 0.5)
        return cls(means, centre, spread, weights)

    def expected(self, table: FloatArray) -> FloatArray:
        """Return (films, n) of (films, n, cues)."""
        return np.asarray(self.means * np.exp(self._standard(table) @ self.weights))

    def _standard(self, table: FloatArray) -> FloatArray:
        away = np.clip(np.nan_to_num((table - self.centre) / self.spread), -_REACH, _REACH)
        return np.concatenate([np.ones((*table.shape[:2], 1)), away], axis=2)


def _directions(away: FloatArray) -> FloatArray:
    """Return (n, 2, 2) mean outer products of (films, n, 2), trace 1; those of few films lean on those of all."""
    known: npt.NDArray[np.bool_] = np.all(np.isfinite(away), axis=2)
    away = np.where(known[..., None], away, 0)
    away = away / np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1.0)  # far ones tell of their direction alone
    outer = np.einsum("fni,fnj->nij", away, away)
    every = _unit(outer.sum(axis=0) + 1e-9 * np.eye(2))
    own = _unit(outer + 1e-9 * every)
    count = known.sum(axis=0)[:, None, None]
    return np.asarray((count * own + _BY_DIRECTION * every) / (count + _BY_DIRECTION))


def _directions_of(covariance: FloatArray, axes: FloatArray) -> FloatArray:
    """Return covariances (n, 2, 2) in contour axes, trace 1; NaN where there is none."""
    return _unit(np.swapaxes(axes, 1, 2) @ covariance @ axes)


def _unit(covariance: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(covariance / np.trace(covariance, axis1=-2, axis2=-1)[..., None, None])


def _mixture(prior: FloatArray, votes: FloatArray, share: float) -> FloatArray:
    return np.where(np.isfinite(votes), (1 - share) * prior + share * votes, prior)


def _ellipse(
    away: FloatArray, prior: FloatArray, votes: FloatArray, share: float, subject: npt.NDArray[np.intp]
) -> tuple[float, float, float]:
    """Return the share, the squared distance that holds 90 %, and the logarithm of the mean area that this makes."""
    shape = _mixture(prior, votes, share)
    squared = np.einsum("fni,fni->fn", away, np.linalg.solve(shape, np.nan_to_num(away)[..., None])[..., 0])
    quantile = conformal(squared, subject, 0.9)
    area = np.log(np.nanmean(np.sqrt(np.linalg.det(shape)))) + np.log(quantile)
    return share, quantile, float(area) if np.isfinite(area) else share


def _nanmean(rows: FloatArray) -> FloatArray:
    """Return the mean over the first axis of what is known; NaN where nothing is."""
    count = np.isfinite(rows).sum(axis=0)
    return np.asarray(np.nansum(rows, axis=0) / np.where(count > 0, count, np.nan))


def _nansd(rows: FloatArray) -> FloatArray:
    count = np.isfinite(rows).sum(axis=0)
    return np.asarray(np.sqrt(np.nansum((rows - _nanmean(rows)) ** 2, axis=0) / np.where(count > 1, count - 1, np.nan)))
