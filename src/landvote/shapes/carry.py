"""Carry: how a landmark that is moved takes its neighbours along, by their shape or along their outline."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points, apart
from landvote.data.scheme import Outline
from landvote.errors import ShapeError
from landvote.shapes.align import pose
from landvote.shapes.model import ShapeModel

SCATTER = 0.04
"""How far off proposals are, each by itself, as a share of the shape's radius: 2 mm on a hip of a child."""

_POSE = 1.25  # scatters: SD of place and size (shares of the shape's radius) and of the angle (radians) of the whole
_NEAR = 20  # scatters beyond which landmarks are taken to be off each for its own reason
_USUAL = 0.2  # share of the radius that a single landmark may well be off by, the others being right
_ASTRAY = 2.0  # is as much scatter as there can be: nothing is known of the others
_REACH = 0.03  # of an outline's length, over which landmarks follow each other, or the way to the next one
_SMALLEST = 1e-6  # of the largest variance: landmarks that always move together stay apart in numbers

Index = npt.NDArray[np.intp]


def shape_covariance(model: ShapeModel, points: Points, scatter: float) -> FloatArray:
    """Return how the errors of proposed (n, 2) points go together, (n, 2, n, 2) in squared units of the points.

    Shapes differ by their modes, by the scatter of each landmark about these (Cootes et al. 1995), and in place, size
    and angle. But the points have been seen, each with an error of its own of SD ``scatter`` (a share of the shape's
    radius), so that only the part of a Gaussian is left that they do not tell of. It is tapered with the distance
    between landmarks, as in ensemble Kalman filters (Houtekamer & Mitchell 2001): a point that is off says much of its
    neighbours, and of those far off less than a linear model of few films has it. The larger the scatter, the more the
    shape moves as a whole.

    Raises:
        ShapeError: fewer than two points are known, or they are not as many as the model's.
    """
    given: npt.NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
    if points.shape != model.mean.shape or not apart(points[given]):
        found = f"{int(given.sum())} of {len(points)} points are known"
        raise ShapeError(f"{found}, expected two in different places at least, of {len(model.mean)}")
    n, mean, radius = len(points), model.mean, _radius(model)
    right, down = np.zeros((2, n, 2)) + radius * np.eye(2)[:, None]
    free = _POSE * scatter * np.stack([right, down, mean, mean[:, ::-1] * [-1, 1]])
    basis = np.concatenate([free, model.modes * np.sqrt(model.variances)[:, None, None]])
    covariance = np.einsum("mni,mkj->nikj", basis, basis)
    every = np.arange(n)
    covariance[every, :, every] += model.residual
    frame = pose(mean, points)
    laid = np.where(given[:, None], frame.to_image(points), mean)  # one that went astray has no neighbours there
    away = np.linalg.norm(laid[:, None] - laid, axis=2) / (_NEAR * scatter * radius)
    covariance *= np.exp(-(away**2) / 2)[:, None, :, None]
    flat = covariance.reshape(2 * n, 2 * n)
    seen = np.diag(np.repeat(np.where(given, scatter * radius, np.inf), 2) ** -2.0)
    left = np.linalg.solve(np.eye(2 * n) + flat @ seen, flat).reshape(n, 2, n, 2)
    linear = frame.matrix[:, :2]
    return np.asarray(np.einsum("ai,nikj,bj->nakb", linear, left, linear))


def outline_covariance(outlines: Sequence[Outline], points: Points) -> FloatArray:
    """Return how landmarks go together where no shape is known, (n, 2, n, 2): the less, the farther along an outline.

    The fall-off is Matern's of order 3/2, smooth; the next landmark follows by about half, or more where landmarks are
    many. Those on no outline, and NaN points, go by themselves.
    """
    n = len(points)
    together = _SMALLEST * np.eye(n)
    for outline in outlines:
        ring = np.array([i for i in outline.ring() if np.isfinite(points[i]).all()], int)
        if len(ring) < 2:
            continue
        along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points[ring], axis=0), axis=1))])
        length = max(float(along[-1]), 1e-9)
        place = (along / length)[:, None]
        if outline.closed:  # on a circle of that length its end is its beginning
            turn = 2 * np.pi * place
            ring, place = ring[:-1], (np.hstack([np.cos(turn), np.sin(turn)]) / (2 * np.pi))[:-1]
        away = np.sqrt(3) * np.linalg.norm(place[:, None] - place, axis=2) / max(_REACH, 1 / (len(along) - 1))
        together[np.ix_(ring, ring)] += (1 + away) * np.exp(-away)
    return np.asarray(np.einsum("nk,ij->nikj", together, np.eye(2)))


def conditional_gains(covariance: FloatArray, held: Index) -> FloatArray:
    """Return (n, k, 2, 2) by how much each of n landmarks follows each of the k ``held`` ones when that is moved.

    The mean of a Gaussian given a part of it (Bishop 2006, section 2.3.1); ``covariance`` is (n, 2, n, 2). A held
    landmark follows itself alone.
    """
    n, k = len(covariance), len(held)
    of = covariance[:, :, held].reshape(2 * n, 2 * k)
    among = covariance[held][:, :, held].reshape(2 * k, 2 * k)
    among = among + _SMALLEST * max(float(np.diag(among).max(initial=0)), 1e-30) * np.eye(2 * k)
    gains: npt.NDArray[Any] = np.linalg.solve(among, of.T).T.reshape(n, 2, k, 2).transpose(0, 2, 1, 3).copy()
    gains[held] = 0
    gains[held, np.arange(k)] = np.eye(2)
    return gains


def carry_gains(
    points: Points, held: Index, shape: ShapeModel | None, outlines: Sequence[Outline] = (), scatter: float = SCATTER
) -> FloatArray:
    """Return (n, k, 2, 2) how (n, 2) points follow the k ``held`` ones: by their shape; without one, along outlines."""
    if shape is None or not apart(points[np.isfinite(points).all(axis=1)]):
        return conditional_gains(outline_covariance(outlines, points), held)
    return conditional_gains(shape_covariance(shape, points, scatter), held)


def carry(
    points: Points, held: Index, places: Points, shape: ShapeModel | None, outlines: Sequence[Outline] = ()
) -> Points:
    """Return (n, 2) points with the ``held`` ones at their ``places`` (k, 2), and the others carried along.

    A held point that had no place before carries none; an unknown one (NaN) is not carried. Where held points lie far
    from where the others have them expected, these are wrong together: the farther, the more they follow as a whole.
    """
    moved = np.nan_to_num(places - points[held])
    scatter = SCATTER if shape is None else max(SCATTER, _surprise(points, held, places, shape) - _USUAL)
    gains = carry_gains(points, held, shape, outlines, min(scatter, _ASTRAY))
    out: Points = points + np.asarray(np.einsum("nkij,kj->ni", gains, moved))
    out[held] = places
    return out


def _surprise(points: Points, held: Index, places: Points, shape: ShapeModel) -> float:
    """Return how far the held points lie from where the others expect them, a share of the shape's radius."""
    others = points.copy()
    others[held] = np.nan
    known = others[np.isfinite(others).all(axis=1)]
    if not len(held) or not apart(known):
        return 0.0
    fit = shape.match(others)
    away = float(np.linalg.norm(places - fit.points[held], axis=1).max())
    return away / (fit.pose.scale * _radius(shape))


def _radius(shape: ShapeModel) -> float:
    """Return the root mean square distance of a model's landmarks from their middle."""
    return float(np.sqrt((shape.mean**2).sum() / len(shape.mean)))
