"""Points: ``(n, 2)`` float64 arrays, x then y, in image pixels; a landmark that was not annotated is NaN in both.

x points right, y down, and (0, 0) is the centre of the top-left pixel.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Points: TypeAlias = FloatArray

MAX_LANDMARKS = 10_000
"""Of a scheme and of a film: far more than are ever set by hand, and where tables of films still fit in memory."""


def mean_points(annotations: Sequence[Points] | Points, n: int) -> Points:
    """Return the mean of several annotations per landmark, (n, 2); NaN where all are missing."""
    if not len(annotations):
        return np.full((n, 2), np.nan)
    stack = np.asarray(annotations)
    given: npt.NDArray[np.bool_] = np.all(np.isfinite(stack), axis=2)
    count = given.sum(axis=0)
    total = np.where(given[..., None], stack, 0.0).sum(axis=0)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)


def apart(points: Points) -> bool:
    """Say whether (k, 2) points, all known, lie in two places at least: a similarity takes so many."""
    return len(points) > 0 and bool((points != points[0]).any())


def cauchy_weights(distance: FloatArray, least: float) -> FloatArray:
    """Return (..., n) weights by which the next least squares outvotes points that went astray in the one before.

    Those of Cauchy for the (..., n) ``distance`` of each point, at a scale of twice their median or ``least``; 0 for
    NaN.
    """
    known = (~np.isnan(distance)).sum(axis=-1, keepdims=True)
    ordered = np.sort(distance, axis=-1)  # NaN comes last; np.nanmedian takes ten times as long
    halves = [np.take_along_axis(ordered, np.maximum(known + i, 0) // 2, axis=-1) for i in (-1, 0)]
    scale = 2 * np.maximum((halves[0] + halves[1]) / 2, least)
    return np.asarray(np.nan_to_num(1 / (1 + (distance / scale) ** 2)))
