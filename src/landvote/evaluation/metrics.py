"""Distances between predicted and true points of one film.

All functions take (n, 2) points in image pixels and a scale, the length of one pixel along x and along y in the unit
wanted (see :mod:`landvote.evaluation.units`). Coordinates are scaled before distances are taken, so pixels that are
not square are measured rightly. NaN stands wherever there is nothing to measure.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points, mean_points
from landvote.data.scheme import Outline

FloatArray = npt.NDArray[np.float64]
Scale = tuple[float, float]

PIXELS: Scale = (1.0, 1.0)


def point_to_point(predicted: Points, truth: Points, scale: Scale = PIXELS) -> FloatArray:
    """Return the distance of each predicted point from its true point, (n,); NaN where either is missing."""
    delta = (predicted - truth) * scale
    return np.asarray(np.hypot(delta[:, 0], delta[:, 1]))


def point_to_curve(predicted: Points, truth: Points, outlines: Sequence[Outline], scale: Scale = PIXELS) -> FloatArray:
    """Return the distance of each predicted point from the true outline it belongs to, (n,).

    The outline is the polyline through its true points, closed where the scheme says so. A missing true point breaks
    the polyline there; it is not bridged. A point on several outlines is measured against the nearest of them.
    NaN for points on no outline, and where the predicted point or its own true point is missing.
    """
    nearest = np.full(len(truth), np.inf)
    for outline in outlines:
        members = np.asarray(outline.points)
        starts, ends = _segments(truth[members] * scale, closed=outline.closed)
        if len(starts):
            distances = _to_segments(predicted[members] * scale, starts, ends).min(axis=1)
            np.fmin.at(nearest, members, distances)
    measured = np.isfinite(nearest) & np.isfinite(truth).all(axis=1)
    return np.where(measured, nearest, np.nan)


def mean_squared_error(predicted: Points, truth: Points) -> float:
    """Return the squared error per coordinate, px²: the mean over points of (dx² + dy²) / 2; NaN if none is found."""
    squares = ((predicted - truth) ** 2).mean(axis=1)
    squares = squares[np.isfinite(squares)]
    return float(squares.mean()) if squares.size else np.nan


def annotator_difference(annotations: Sequence[Points], measure: Callable[[Points, Points], FloatArray]) -> float:
    """Return how far the annotators of one film stand from their own mean, on average.

    Per annotator the mean of ``measure(points, mean of the annotations)``, then the mean over annotators: the paper's
    annotator curve is the distribution of this figure over films. Only landmarks given by two or more annotators
    count: a single annotation is its own mean, and its difference of 0 would flatter. NaN where there is none.
    """
    if len(annotations) < 2:
        return np.nan
    shared = np.isfinite(np.stack(annotations)).all(axis=2).sum(axis=0) >= 2
    mean = mean_points(list(annotations), len(shared))
    distances = [measure(points, mean)[shared] for points in annotations]
    per_annotator = [d[np.isfinite(d)].mean() for d in distances if np.isfinite(d).any()]
    return float(np.mean(per_annotator)) if per_annotator else np.nan


def _segments(points: Points, *, closed: bool) -> tuple[Points, Points]:
    """Return starts and ends, (s, 2) each, of pieces between neighbours that are there; a point is one of length 0."""
    following = np.roll(points, -1, axis=0)
    if not closed:
        following[-1] = points[-1]
    present = np.isfinite(points).all(axis=1)
    joined = present & np.isfinite(following).all(axis=1)
    return np.concatenate([points[joined], points[present]]), np.concatenate([following[joined], points[present]])


def _to_segments(points: Points, starts: Points, ends: Points) -> FloatArray:
    """Return the distance of every point (k, 2) from every piece (s, 2), as (k, s)."""
    along = ends - starts
    length2 = (along**2).sum(axis=1)
    offset = points[:, None] - starts
    position = (offset * along).sum(axis=2) / np.where(length2 > 0, length2, 1.0)
    foot = starts + np.clip(position, 0.0, 1.0)[..., None] * along
    delta = points[:, None] - foot
    return np.asarray(np.hypot(delta[..., 0], delta[..., 1]))
