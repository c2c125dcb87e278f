"""The prediction: what every localiser returns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.film import Film
from landvote.data.points import FloatArray, Points
from landvote.data.seen import Seen

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""The shares of cases in which radii hold the truth."""

ELLIPSE = 4.605
"""The squared Mahalanobis distance that holds the truth in 90 % of cases, as it does of a Gaussian of two."""


@dataclass(frozen=True)
class Prediction:
    """Where the landmarks of one film are, and how far off each is expected to be.

    Attributes:
        identifier: the film's.
        points: (n, 2) in image coordinates; NaN where a landmark was not found.
        expected_error: (n,) expected distance from the truth per landmark, image pixels.
        landmarks: n names, in the order of ``points``.
        film: which film it is, by its file, pixels and UIDs.
        model: the hash of the model folder that found the points; empty where that is not known.
        scheme: the name of the scheme, or empty.
        scheme_sha256: see :meth:`landvote.data.scheme.Scheme.sha256`; empty where that is not known.
        seen: whether that model has seen the film, see :data:`landvote.data.seen.Seen`.
        details: what else is worth keeping (``looks``: the stages' frames, on the mirror image if ``mirrored``); plain
            JSON.
        occluded: (n,) whether a landmark is hidden by another structure, where the points came from a file that tells;
            None where that is not known, as of every point that a model finds.
        radii: (n, 4) radii about the points that hold the truth in 50, 80, 90 and 95 % of cases (:data:`LEVELS`), image
            pixels; NaN, or None for all, where that is not known.
        covariance: (n, 3) xx, xy and yy in pixels squared, scaled so that a squared Mahalanobis distance of 4.605
            (:data:`ELLIPSE`) holds the truth in 90 % of cases; NaN, or None for all, where that is not known.
        expected_film_error: the mean of the errors to expect over the landmarks found; NaN where that is not known.
        probability_of_failure: of a mean error above the limit that was asked about; NaN where none was, or not known.
        known: whether the film is of the kind that the model was made from; None where that is not known.
        probability_of_shift: that each part of a row, such as vertebrae, was taken for the next one, or one farther;
            NaN where there is no row, or that is not known.
    """

    identifier: str
    points: Points
    expected_error: FloatArray
    landmarks: tuple[str, ...]
    film: Film = field(default_factory=Film)
    model: str = ""
    scheme: str = ""
    scheme_sha256: str = ""
    seen: Seen = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    occluded: npt.NDArray[np.bool_] | None = None
    radii: FloatArray | None = None
    covariance: FloatArray | None = None
    expected_film_error: float = math.nan
    probability_of_failure: float = math.nan
    known: bool | None = None
    probability_of_shift: float = math.nan
