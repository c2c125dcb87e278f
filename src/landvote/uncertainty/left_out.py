"""Left out: how far each landmark lies from where the shape model, shown all others but this one, expects it."""

from dataclasses import dataclass

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.shapes import ShapeModel, pose

_LEAST = 4  # points: a similarity takes two of them, and both others then tell something of each other
_SMALLEST = 1e-9  # of the shapes' variance: a model that repeats its shapes exactly still allows for so much


@dataclass(frozen=True)
class LeftOut:
    """Landmarks against the place where all others expect them.

    Attributes:
        away: (n, 2) image pixels from the expected place to the point; NaN where a landmark is missing.
        distance: (n,) the same in units of what the model expects, a Mahalanobis distance of two coordinates.
        whole: the root mean square Mahalanobis distance of the shape, per coordinate; about 1 for shapes like those
            learned from, NaN where too few landmarks are known.
    """

    away: Points
    distance: FloatArray
    whole: float


def left_out(model: ShapeModel, points: Points) -> LeftOut:
    """Return how far each of (n, 2) points, image coordinates, lies from where the others expect it.

    The model's modes with their variances, and each landmark's residual about them, make a Gaussian over all
    coordinates, in which position, scale and rotation are free. The expectation of one landmark given the others, and
    its covariance, follow from the inverse of that Gaussian's covariance for all landmarks at a time (the partitioned
    inverse; Sundararajan & Keerthi 2001). With fewer than four points known, nothing is told.
    """
    n, given = len(points), np.isfinite(points).all(axis=1)
    away, distance = np.full((n, 2), np.nan), np.full(n, np.nan)
    if given.sum() < _LEAST or len(np.unique(points[given], axis=0)) < _LEAST:
        return LeftOut(away, distance, float("nan"))
    frame = pose(model.mean, points)
    mean = model.mean[given]
    free = [mean, mean[:, ::-1] * [-1, 1], np.full_like(mean, [1, 0]), np.full_like(mean, [0, 1])]
    basis = np.concatenate([np.stack(free), model.modes[:, given]])  # (4 + modes, k, 2)
    # what the modes and the pose could follow of a film's own scatter, the residual lacks
    lacking = 2 * n / max(2 * n - len(free) - model.modes_count, 1)
    own = np.linalg.inv(lacking * model.residual[given] + _SMALLEST * max(model.total, 1e-30) * np.eye(2))
    rest = frame.to_image(points[given]) - mean
    weighed = np.einsum("kij,mkj->mki", own, basis)
    prior = np.concatenate([np.zeros(len(free)), 1 / model.variances])
    inverse = np.linalg.inv(np.einsum("mki,lki->ml", basis, weighed) + np.diag(prior))
    pull = np.einsum("kij,kj->ki", own, rest)
    pull -= np.einsum("mki,m->ki", weighed, inverse @ np.einsum("mki,ki->m", weighed, rest))
    precision = own - np.einsum("mki,ml,lkj->kij", weighed, inverse, weighed)
    away[given] = np.linalg.solve(precision, pull[:, :, None])[:, :, 0]
    distance[given] = np.sqrt(np.einsum("ki,kij,kj->k", away[given], precision, away[given]).clip(min=0))
    away = away @ frame.matrix[:, :2].T
    freedom = rest.size - len(free)
    return LeftOut(away, distance, float(np.sqrt(max(0.0, (pull * rest).sum()) / freedom)))
