"""How good a shape model is: compactness, generalisation and specificity (Davies 2002; Styner et al. 2003)."""

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.shapes.align import Aligned, pose
from landvote.shapes.model import ShapeModel

_FOLDS = 10
_DRAWN = 200  # random shapes for the specificity


def compactness(model: ShapeModel) -> FloatArray:
    """Return (modes + 1,) the share of the variance that the first 0, 1, 2, ... modes cover."""
    covered = np.concatenate([[0.0], np.cumsum(model.variances)])
    return np.asarray(covered / model.total if model.total > 0 else np.ones_like(covered))


def generalisation(shapes: FloatArray, modes: int) -> FloatArray:
    """Return (modes + 1,) the mean distance of unseen shapes from the model's closest shape, with 0, 1, 2, ... modes.

    Each shape is described by a model of the others: one left out at a time, or a tenth where there are more than ten.
    Distances are in the coordinates of the shapes, per landmark on average.

    ``shapes`` are (m, n, 2) with m of at least 3, NaN where missing. Where a model of fewer shapes has fewer ``modes``,
    all it has are used.
    """
    m = len(shapes)
    fold = np.random.default_rng(0).permutation(m) % min(m, _FOLDS)
    errors = []
    for left_out in range(min(m, _FOLDS)):
        model = ShapeModel.fit(shapes[fold != left_out], 1.0, most=max(modes, 1))
        unseen = [s for s in shapes[fold == left_out] if np.isfinite(s).all(axis=1).sum() > 2]
        errors += [_distances(model, s, modes) for s in unseen]
    return np.asarray(np.mean(errors, axis=0))


def specificity(model: ShapeModel, aligned: Aligned) -> FloatArray:
    """Return (modes + 1,) the mean distance of random shapes of the model from the closest training shape.

    Shapes are drawn from the normal distribution of the parameters, within the model's limits.
    """
    drawn = np.random.default_rng(0).standard_normal((_DRAWN, model.modes_count)) * np.sqrt(model.variances)
    drawn = np.array([model.limited(b) for b in drawn]).reshape(_DRAWN, model.modes_count)
    out = []
    for modes in range(model.modes_count + 1):
        shapes = model.mean + np.tensordot(drawn[:, :modes], model.modes[:modes], axes=1)
        nearest = [np.nanmean(np.linalg.norm(aligned.shapes - s, axis=2), axis=1).min() for s in shapes]
        out.append(float(np.mean(nearest)))
    return np.array(out)


def _distances(model: ShapeModel, shape: Points, modes: int) -> FloatArray:
    """Return the mean distance of ``shape`` from the model with 0, 1, ... modes, in the shape's coordinates.

    Small moves, turns and changes of size are free: with points missing, the pose depends on the modes.
    """
    given = np.isfinite(shape).all(axis=1)
    frame = pose(model.mean, shape)
    target = (frame.to_image(shape) - model.mean)[given].ravel()
    mean = model.mean[given]
    free = [mean, mean[:, ::-1] * [-1, 1], np.full_like(mean, [1, 0]), np.full_like(mean, [0, 1])]
    basis = np.concatenate([np.stack(free), model.modes[:, given]]).reshape(-1, len(target)).T
    out = []
    for k in range(modes + 1):
        used = basis[:, : len(free) + min(k, model.modes_count)]  # a model of fewer shapes may have fewer modes
        rest = target - used @ np.linalg.lstsq(used, target, rcond=None)[0]
        out.append(float(np.linalg.norm(rest.reshape(-1, 2), axis=1).mean()) * frame.scale)
    return np.array(out)
