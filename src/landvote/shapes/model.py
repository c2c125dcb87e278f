"""The shape model: a mean, its modes of variation, and how far along them a shape stays plausible."""

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import chi2

from landvote.data.points import FloatArray, Points, apart
from landvote.errors import ModelError, ShapeError
from landvote.frames import Frame, similarities
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.shapes.align import align

_FILLED = 10  # rounds in which missing points are filled in from the model that the others make,
_FILLED_BY = 0.95  # by modes of at most this share: with all of them a model repeats whatever it was given
_FOLDS = 10  # shapes are left out by tenths, or one by one where there are fewer
_COMPLEX = np.array([1, 1j])  # points times this are complex numbers, which a similarity multiplies
_FIT = 30  # rounds of pose and parameters; they stand still well before
_STILL = 1e-6  # of the shape's size


@dataclass(frozen=True)
class Fit:
    """A shape of the model, brought to points.

    Attributes:
        pose: from the model's coordinates (as ``image``) to those of the points (as ``grid``).
        parameters: (modes,), how far along each mode.
        points: (n, 2), the shape, in the coordinates of the points.
    """

    pose: Frame
    parameters: FloatArray
    points: Points


@dataclass(frozen=True)
class ShapeModel:
    """A linear model of shape: ``mean + parameters @ modes``, in coordinates of its own (Cootes et al. 1995).

    Attributes:
        mean: (n, 2), centroid at 0, of the size and direction that the training shapes have on average.
        modes: (modes, n, 2), orthonormal.
        variances: (modes,) of the parameters over the training shapes, largest first.
        residual: (n, 2, 2) covariance of each landmark about the best shape of a model that did not learn from its
            film: a model of few shapes repeats these well and describes others badly.
        accept: share of normally distributed shapes inside the limits.
        total: variance of the training shapes, all modes included, chosen or not.
    """

    mean: Points
    modes: FloatArray
    variances: FloatArray
    residual: FloatArray
    accept: float
    total: float

    @classmethod
    def fit(
        cls, shapes: FloatArray, share: float = 0.98, accept: float = 0.98, mirror: npt.NDArray[np.intp] | None = None,
        most: int | None = None,
    ) -> Self:  # fmt: skip
        """Learn a model from shapes.

        Args:
            shapes: (m, n, 2); points that are NaN are filled in from the model of the others, in turns (expectation and
                maximisation without the uncertainty).
            share: of the variance that the modes must cover (Cootes et al. 1995: 0.95 to 0.98).
            accept: share of normally distributed shapes that lie inside the limits, an ellipsoid whose size follows
                from the chi-square distribution (0.98 in Lindner et al. 2015).
            mirror: landmark that takes each landmark's place in a mirror; shapes are then learned from both ways round.
            most: modes at most.

        Raises:
            ShapeError: too few shapes, a landmark missing in all, all landmarks on one line, or values out of range.
        """
        if not 0 < share <= 1 or not 0 < accept < 1:
            raise ShapeError(f"share {share} and accept {accept} of a shape model: expected values from 0 to 1")
        if mirror is not None:
            shapes = np.concatenate([shapes, shapes[:, mirror] * [-1, 1]])
        aligned = align(shapes)
        m, n = aligned.shapes.shape[:2]
        missing = ~np.isfinite(aligned.shapes)
        flat = np.where(missing, aligned.mean, aligned.shapes).reshape(m, 2 * n)
        for _ in range(_FILLED if missing.any() else 1):
            mean = flat.mean(axis=0)
            left, strength, modes = np.linalg.svd(flat - mean, full_matrices=False)
            variances = strength**2 / max(m - 1, 1)
            kept = _how_many(variances, share, most)
            some = min(kept, _how_many(variances, _FILLED_BY, most))
            guess = mean + (left[:, :some] * strength[:some]) @ modes[:some]
            flat = np.where(missing.reshape(m, 2 * n), guess, flat)
        away = np.where(missing, 0, _unseen(flat, share, most).reshape(m, n, 2))
        seen = (~missing.any(axis=2)).sum(axis=0)
        residual = np.einsum("mni,mnj->nij", away, away) / seen[:, None, None]
        modes, total = modes[:kept].reshape(kept, n, 2), float(variances.sum())
        return cls(mean.reshape(n, 2), modes, variances[:kept], residual, accept, total)

    @property
    def modes_count(self) -> int:
        """How many modes there are; none where the training shapes were all alike."""
        return len(self.variances)

    @property
    def scatter(self) -> FloatArray:
        """Mean squared distance of each landmark from the best shape, (n,)."""
        return np.asarray(np.trace(self.residual, axis1=1, axis2=2))

    @property
    def limit(self) -> float:
        """The largest Mahalanobis distance of a plausible shape from the mean."""
        return _limit(self.accept, self.modes_count)

    def shape(self, parameters: FloatArray) -> Points:
        """Return the (n, 2) shape of ``parameters`` in the model's coordinates."""
        return self.mean + np.tensordot(parameters, self.modes, axes=1)

    def distance(self, parameters: FloatArray) -> float:
        """Return the Mahalanobis distance of a shape from the mean; at most :attr:`limit` if it is plausible."""
        return float(np.sqrt((parameters**2 / self.variances).sum()))

    def limited(self, parameters: FloatArray) -> FloatArray:
        """Return the plausible parameters closest to ``parameters``: the nearest point of the ellipsoid, if outside.

        Nearest in the distance between shapes, not along the line to the mean: a mode that varies much gives way last.
        """
        if self.distance(parameters) <= self.limit:
            return parameters

        def nearest(pull: float) -> FloatArray:
            return np.asarray(parameters / (1 + pull / self.variances))

        def beyond(pull: float) -> float:
            return self.distance(nearest(pull)) - self.limit

        high = float(self.variances.max())
        while beyond(high) > 0:
            high *= 4
        return nearest(float(brentq(beyond, 0.0, high)))

    def match(self, points: Points, weights: FloatArray | None = None) -> Fit:
        """Bring the model to points: pose and parameters by weighted least squares, in turns, within the limits.

        Parameters are held towards 0 by as much as landmarks scatter about the model (a Gaussian prior), so that few
        points, or points with little weight, give a sober shape and not a wild one. ``points`` are (n, 2) in any
        coordinates, NaN where missing; ``weights`` (n,) say how much each counts, all the same if left out.

        Raises:
            ShapeError: the number of points is not the model's, or fewer than two are known.
        """
        if points.shape != self.mean.shape:
            raise ShapeError(f"points have dimensions {points.shape}, expected {self.mean.shape} of the shape model")
        given: npt.NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
        weight = np.where(given, 1.0 if weights is None else weights, 0.0)
        if not apart(points[weight > 0]):
            raise ShapeError(f"{int((weight > 0).sum())} points known, expected two in different places at least")
        weight /= weight.max()
        modes = self.modes[:, given].reshape(self.modes_count, 2 * int(given.sum()))
        w = np.repeat(weight[given], 2)
        noise = max(float(self.scatter.mean()) / 2, 1e-9 * float(self.variances.sum()) + 1e-30)
        normal = (modes * w) @ modes.T + np.diag(noise / self.variances)
        fitting = np.linalg.solve(normal, modes * w)
        goal, shape = points[given] @ _COMPLEX, self.mean
        for _ in range(_FIT):
            turn, shift = similarities(shape[given] @ _COMPLEX, goal, weight[given])
            target = (goal - shift) / turn - self.mean[given] @ _COMPLEX
            parameters = self.limited(fitting @ np.column_stack([target.real, target.imag]).ravel())
            before, shape = shape, self.shape(parameters)
            if np.abs(shape - before).max() <= _STILL * np.abs(self.mean).max():
                break
        frame = Frame.turning(turn[0], shift[0], (1, 1))
        return Fit(frame, parameters, frame.to_grid(shape))

    def save(self, file: Path) -> None:
        """Write the model as an npz of plain arrays."""
        save_arrays(file, **vars(self))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: the file is missing, broken, or not a shape model.
        """
        stored = load_arrays(file, *(field.name for field in fields(cls)))
        model = cls(accept=float(stored.pop("accept")), total=float(stored.pop("total")), **stored)
        n = len(model.mean)
        if model.modes.shape != (len(model.variances), n, 2) or model.residual.shape != (n, 2, 2):
            raise ModelError(f"{file}: arrays of a shape model that do not fit each other")
        return model


@lru_cache
def _limit(accept: float, modes: int) -> float:
    """Return the Mahalanobis distance that holds a share of normally distributed shapes; each fit asks many times."""
    return float(np.sqrt(chi2.ppf(accept, modes))) if modes else 0.0


def _unseen(flat: FloatArray, share: float, most: int | None) -> FloatArray:
    """Return (m, 2 n) how far aligned shapes are from what a model of the others makes of them, a tenth at a time."""
    fold = np.arange(len(flat)) % _FOLDS
    away = np.empty_like(flat)
    for left_out in np.unique(fold):
        others = flat[fold != left_out]
        _, strength, modes = np.linalg.svd(others - others.mean(axis=0), full_matrices=False)
        modes = modes[: _how_many(strength**2, share, most)]
        rest = flat[fold == left_out] - others.mean(axis=0)
        away[fold == left_out] = rest - (rest @ modes.T) @ modes
    return away


def _how_many(variances: FloatArray, share: float, most: int | None) -> int:
    """Return how many modes cover ``share`` of the variance; those that are nothing but rounding are never counted."""
    total = max(variances.sum(), 1e-300)
    real = int((variances > 1e-12 * total).sum())
    count = min(int(np.searchsorted(np.cumsum(variances[:real]) / total, share - 1e-12)) + 1, real)
    return count if most is None else min(count, most)
