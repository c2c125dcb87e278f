"""Annotators: each sees the outline with a bias of their own and an error that is larger along it than across it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from landvote.phantom.curves import normals, tangents
from landvote.phantom.settings import PhantomSettings
from landvote.sample import Points

BIAS_SHARE = 0.4  # of the standard deviation is the annotator's own, the same on every film
CORRELATION = 2.0  # landmarks over which neighbouring errors are alike


def annotator_name(number: int) -> str:
    """Return the name of annotator ``number`` of the pool, counting from 0."""
    return f"annotator {number + 1:02d}"


def annotate(
    points: Points, spacing: float, seed: int, settings: PhantomSettings, rng: np.random.Generator
) -> dict[str, Points]:
    """Return the outlines two annotators of the pool draw.

    Args:
        points: (n, 2) true outline, pixels.
        spacing: mm per pixel; the errors are in millimetres.
        seed: of the data set; it also fixes the pool and so everybody's bias.
        settings: the size of the errors.
        rng: of the film.

    Returns:
        annotator -> (n, 2) points, pixels.
    """
    pair = sorted(int(k) for k in rng.choice(settings.annotators, 2, replace=False))
    along, across = tangents(points), normals(points)
    drawn = {}
    for number in pair:
        own = np.random.default_rng([seed, 0x616E6E6F, number])  # far from the films' streams
        bias = np.stack([_smooth_errors(own, len(points), 5.0) for _ in range(2)])
        error = np.stack([_smooth_errors(rng, len(points), CORRELATION) for _ in range(2)])
        total = BIAS_SHARE * bias + np.sqrt(1.0 - BIAS_SHARE**2) * error
        moved = total[0, :, None] * settings.along_sd * along + total[1, :, None] * settings.across_sd * across
        drawn[annotator_name(number)] = points + moved / spacing
    return drawn


def _smooth_errors(rng: np.random.Generator, n: int, reach: float) -> npt.NDArray[np.float64]:
    """Return n errors of unit variance, alike over about ``reach`` neighbours."""
    offsets = np.arange(-int(3 * reach), int(3 * reach) + 1)
    kernel = np.exp(-0.5 * (offsets / reach) ** 2)
    kernel /= np.sqrt(np.sum(kernel**2))
    return np.convolve(rng.standard_normal(n + len(offsets) - 1), kernel, mode="valid")
