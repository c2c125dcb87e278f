"""Measure every scored film in one unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.evaluation.matching import Matching, ScoredFilm
from landvote.evaluation.metrics import Distances, Scale, annotator_difference, point_to_curve, point_to_point
from landvote.sample import Points

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """All distances in one unit.

    Attributes:
        unit: ``"px"``, ``"mm"`` or ``"%"``.
        point_to_point: (films, n); NaN where there is nothing to measure, infinity where a landmark was not found.
        point_to_curve: likewise; NaN also for landmarks on no outline.
        annotators_to_point: (films,) annotators against their mean, averaged; NaN with fewer than two annotators.
        annotators_to_curve: likewise against the outlines of their mean.
    """

    unit: str
    point_to_point: FloatArray
    point_to_curve: FloatArray
    annotators_to_point: FloatArray
    annotators_to_curve: FloatArray


def measure(matching: Matching, unit: str, scale: FloatArray) -> Errors:
    """Measure all films in one unit; ``scale`` is (films, 2), see :func:`landvote.evaluation.units.scales`."""
    rows = [_measure_film(f, matching, (float(x), float(y))) for f, (x, y) in zip(matching.films, scale, strict=True)]
    points, curves, to_point, to_curve = zip(*rows, strict=True)
    return Errors(unit, np.stack(points), np.stack(curves), np.array(to_point), np.array(to_curve))


def _measure_film(film: ScoredFilm, matching: Matching, scale: Scale) -> tuple[Distances, Distances, float, float]:
    outlines = matching.scheme.outlines

    def to_point(points: Points, truth: Points) -> Distances:
        return np.where(matching.modelled, point_to_point(points, truth, scale), np.nan)

    def to_curve(points: Points, truth: Points) -> Distances:
        return np.where(matching.modelled, point_to_curve(points, truth, outlines, scale), np.nan)

    missed = ~np.isfinite(film.predicted).all(axis=1)
    annotations = list(film.sample.annotations.values())
    # A landmark that was not found is infinitely far off wherever the truth itself could have been measured.
    return (
        np.where(missed & np.isfinite(to_point(film.truth, film.truth)), np.inf, to_point(film.predicted, film.truth)),
        np.where(missed & np.isfinite(to_curve(film.truth, film.truth)), np.inf, to_curve(film.predicted, film.truth)),
        annotator_difference(annotations, to_point),
        annotator_difference(annotations, to_curve),
    )


def film_means(errors: FloatArray) -> FloatArray:
    """Return the mean error per film over the landmarks found, from (films, n) to (films,).

    Infinity where a film has landmarks to find and not one was found; NaN where it has none.
    """
    found = np.isfinite(errors)
    count = found.sum(axis=1)
    mean = np.where(found, errors, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.where(np.isinf(errors).any(axis=1), np.inf, np.nan))
