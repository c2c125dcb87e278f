"""Measure every scored film in one unit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.evaluation.matching import Matching, ScoredFilm
from landvote.evaluation.metrics import FloatArray, annotator_difference, point_to_curve, point_to_point
from landvote.evaluation.statistics import rank_correlation

METRICS = {"point_to_point": "Point-to-point", "point_to_curve": "Point-to-curve"}
"""The kinds of error, and how they are called."""

ANNOTATORS = "annotators"
"""The name of the differences between annotators in tables and curves."""


@dataclass(frozen=True)
class Errors:
    """All distances of one set of predictions in one unit.

    Attributes:
        unit: ``"px"``, ``"mm"`` or ``"%"``.
        landmarks: kind of error -> (films, n); NaN where there is nothing to measure, infinity where a landmark was
            not found. ``point_to_point`` always; ``point_to_curve`` where the scheme has outlines, NaN for landmarks
            on none.
        annotators: kind of error -> (films,) annotators against their mean, averaged; NaN with fewer than two
            annotators. A kind that no film has is left out.
        expected: (films, n) errors that the predictions expect; NaN where they say nothing.
    """

    unit: str
    landmarks: Mapping[str, FloatArray]
    annotators: Mapping[str, FloatArray]
    expected: FloatArray

    def of_films(self, rows: npt.NDArray[np.intp]) -> "Errors":
        """Return the errors of some of the films, by their rows."""
        landmarks = {metric: errors[rows] for metric, errors in self.landmarks.items()}
        annotators = {metric: apart[rows] for metric, apart in self.annotators.items()}
        known = {metric: apart for metric, apart in annotators.items() if not np.isnan(apart).all()}
        return Errors(self.unit, landmarks, known, self.expected[rows])

    def means(self, metric: str) -> FloatArray:
        """Return the mean error of each film, (films,), as :func:`film_means` takes it."""
        return film_means(self.landmarks[metric])

    @property
    def measured(self) -> npt.NDArray[np.bool_]:
        """Whether there is a distance to measure, (films, n)."""
        return ~np.isnan(self.landmarks["point_to_point"])

    @property
    def missed(self) -> npt.NDArray[np.bool_]:
        """Whether a landmark was not found, (films, n)."""
        return np.isinf(self.landmarks["point_to_point"])

    def expectation(self) -> tuple[FloatArray, FloatArray]:
        """Return expected and actual point-to-point errors, (films, n) each, of landmarks that have both; else NaN."""
        actual = self.landmarks["point_to_point"]
        both = np.isfinite(self.expected) & np.isfinite(actual)
        return np.where(both, self.expected, np.nan), np.where(both, actual, np.nan)


def measure(matching: Matching, unit: str, scale: FloatArray) -> Errors:
    """Measure all films in one unit; ``scale`` is (films, 2), see :func:`landvote.evaluation.units.scales`."""
    kinds: dict[str, Callable[..., FloatArray]] = {"point_to_point": point_to_point}
    if matching.scheme.outlines:
        kinds["point_to_curve"] = partial(point_to_curve, outlines=matching.scheme.outlines)
    landmarks, annotators = {}, {}
    for metric, distance in kinds.items():
        scaled = [partial(distance, scale=(float(x), float(y))) for x, y in scale]
        rows = [_measure_film(f, matching.modelled, d) for f, d in zip(matching.films, scaled, strict=True)]
        landmarks[metric], between = np.stack([errors for errors, _ in rows]), np.array([apart for _, apart in rows])
        if not np.isnan(between).all():
            annotators[metric] = between
    expected = np.stack([f.expected_error for f in matching.films]) * scale.mean(axis=1, keepdims=True)
    return Errors(unit, landmarks, annotators, expected)


def _measure_film(
    film: ScoredFilm, modelled: npt.NDArray[np.bool_], distance: Callable[[Points, Points], FloatArray]
) -> tuple[FloatArray, float]:
    def known(points: Points, truth: Points) -> FloatArray:
        return np.where(modelled, distance(points, truth), np.nan)

    # A landmark that was not found is infinitely far off wherever the truth itself could have been measured.
    missed = ~np.isfinite(film.predicted).all(axis=1) & np.isfinite(known(film.truth, film.truth))
    errors = np.where(missed, np.inf, known(film.predicted, film.truth))
    return errors, annotator_difference(list(film.sample.annotations.values()), known)


def film_means(errors: FloatArray) -> FloatArray:
    """Return the mean error per film over the landmarks found, from (films, n) to (films,).

    Infinity where a film has landmarks to find and not one was found; NaN where it has none.
    """
    found = np.isfinite(errors)
    count = found.sum(axis=1)
    mean = np.where(found, errors, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.where(np.isinf(errors).any(axis=1), np.inf, np.nan))


def calibration(errors: Errors) -> dict[str, float]:
    """Return how many films have expected and actual errors, their means over these, and Spearman's correlations.

    Means are over the means of films; a figure that is undefined is NaN.
    """
    expected, actual = errors.expectation()
    of_films = np.stack([film_means(expected), film_means(actual)])
    both = of_films[:, np.isfinite(of_films).all(axis=0)]
    mean_expected, mean_actual = both.mean(axis=1) if both.size else (np.nan, np.nan)
    return {
        "films": both.shape[1], "mean_expected": float(mean_expected), "mean_actual": float(mean_actual),
        "spearman_film_means": rank_correlation(*both),
        "spearman_landmarks": rank_correlation(expected.ravel(), actual.ravel()),
    }  # fmt: skip
