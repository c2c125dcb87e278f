"""The prediction: what every localiser returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.film import Film
from landvote.data.points import FloatArray, Points
from landvote.data.seen import Seen


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
        details: what else is worth keeping (``looks``: the stages' frames); plain JSON.
        occluded: (n,) whether a landmark is hidden by another structure, where the points came from a file that tells;
            None where that is not known, as of every point that a model finds.
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
