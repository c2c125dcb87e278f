"""The shift: whether the parts of a row were each taken for the next one, and how probably they were."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.uncertainty.cues import ROW_CUES

_REACH = 3  # parts that a row may be shifted by
_RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0, np.inf)  # the last is the share of shifted films, whatever the cues say
_ROUNDS = 30  # of Newton's method
_FAR = 3.0  # SDs: cues farther out count as so far
_WHOLE = 1 + len(ROW_CUES)


def shifted_by(found: Points, truth: Points, parts: Sequence[Sequence[int]]) -> int | None:
    """Return by how many parts a row that was found is shifted against the true one; None where too little is known.

    0 means that each part lies nearer to its own true place than to that of another part; 1 that each lies where the
    next one is. ``found`` and ``truth`` are (n, 2) image coordinates, NaN where missing.
    """
    one, other = (points[np.array(parts)].mean(axis=1) for points in (found, truth))
    away = {}
    for by in range(-_REACH, _REACH + 1):
        both = np.linalg.norm(
            one[max(0, -by) : len(one) - max(0, by)] - other[max(0, by) : len(one) + min(0, by)], axis=1
        )
        known = both[np.isfinite(both)]
        if len(known) >= max(1, len(one) // 2 - abs(by)):
            away[by] = float(np.median(known))
    return min(away, key=lambda by: (away[by], abs(by))) if 0 in away else None


def fit_shift(cues: FloatArray, shifted: FloatArray, fold: npt.NDArray[np.intp]) -> FloatArray:
    """Learn from the row cues (films, ``ROW_CUES``) of films how probably a row is shifted: a logistic regression.

    ``shifted`` (films,) is 1 for films with a shifted row, 0 for others, NaN where that is not known. Films of one
    number in ``fold`` (films,) are left out in turn to choose the ridge; without end, or where all films are alike, the
    probability is the share of shifted films, of which half a film is added to each side.

    Returns:
        (3, 1 + ``ROW_CUES``): weights, and the means and SDs of the cues; NaN where nothing is known of any film.
    """
    told = np.isfinite(shifted)
    if not told.any():
        return np.full((3, _WHOLE), np.nan)
    cues, shifted, fold = cues[told], shifted[told], fold[told]

    def loss(ridge: float) -> float:
        probable = np.full(len(shifted), np.nan)
        for k in np.unique(fold):
            out = fold == k
            if (~out).any():
                model = _fit(cues[~out], shifted[~out], ridge)
                probable[out] = [shift_probability(model, row) for row in cues[out]]
        return float(np.nanmean(-np.log(np.where(shifted == 1, probable, 1 - probable))))

    several = len(np.unique(fold)) > 1
    return _fit(cues, shifted, min(_RIDGES[::-1], key=loss) if several else np.inf)


def shift_probability(model: FloatArray, cues: FloatArray) -> float:
    """Return how probably the row with (``ROW_CUES``,) cues is shifted, by what :func:`fit_shift` returned."""
    return float(1 / (1 + np.exp(-_standard(model, cues[None])[0] @ model[0])))


def _fit(cues: FloatArray, shifted: FloatArray, ridge: float) -> FloatArray:
    share = (shifted.sum() + 0.5) / (len(shifted) + 1)
    known = np.isfinite(cues)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, cues, 0).sum(axis=0) / count
    sds = np.sqrt((np.where(known, cues - means, 0) ** 2).sum(axis=0) / count)
    model = np.zeros((3, _WHOLE))
    model[0, 0] = np.log(share / (1 - share))
    model[1, 1:], model[2] = means, np.r_[1.0, np.maximum(sds, 1e-3)]
    if np.isinf(ridge) or len(np.unique(shifted)) < 2:
        return model
    a, penalty, weights = _standard(model, cues), np.r_[0.0, np.full(_WHOLE - 1, ridge)], model[0]
    for _ in range(_ROUNDS):
        probable = 1 / (1 + np.exp(-a @ weights))
        curved = (a * (probable * (1 - probable))[:, None]).T @ a + np.diag(penalty + 1e-6)
        step = np.linalg.solve(curved, a.T @ (shifted - probable) - penalty * weights)
        weights = weights + np.clip(step, -1, 1)
    model[0] = weights
    return model


def _standard(model: FloatArray, cues: FloatArray) -> FloatArray:
    away = np.clip(np.nan_to_num((cues - model[1, 1:]) / model[2, 1:]), -_FAR, _FAR)
    return np.concatenate([np.ones((len(cues), 1)), away], axis=1)
