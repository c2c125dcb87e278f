"""Conformal quantiles over subjects: the landmarks of one film are not independent, nor the films of one subject."""

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray


def conformal(scores: FloatArray, subject: npt.NDArray[np.intp], level: float) -> float:
    """Return the score that a share ``level`` of the landmarks of a new subject's films does not exceed, on average.

    Each of m subjects weighs as much as the new one, 1 / (m + 1), divided among its scores; nothing is known of the new
    one's (Dunn, Wasserman & Ramdas 2023, pooled distributions). The share holds if subjects are exchangeable and no
    score depends on its own subject's truth; where subjects are left out in turn, it holds nearly.

    Args:
        scores: (films, n), NaN where unknown.
        subject: (films,) numbers from 0 on.
        level: from 0 to 1.

    Returns:
        The score, or NaN where subjects are too few to tell.
    """
    known = np.isfinite(scores)
    whose = np.broadcast_to(subject[:, None], scores.shape)[known]
    count = np.bincount(whose)
    order = np.argsort(scores[known])
    share = np.cumsum(1 / count[whose[order]]) / (np.count_nonzero(count) + 1)
    place = int(np.searchsorted(share, level - 1e-9))
    return float(scores[known][order[place]]) if place < len(share) else float("nan")
