"""The prediction: what every localiser returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from landvote.data.points import FloatArray, Points


@dataclass(frozen=True)
class Prediction:
    """Where the landmarks of one film are, and how far off each is expected to be.

    Attributes:
        identifier: the film's.
        points: (n, 2) in image coordinates; NaN where a landmark was not found.
        expected_error: (n,) expected distance from the truth per landmark, image pixels.
        landmarks: n names, in the order of ``points``.
        details: what else is worth keeping (spacing, whether the film was inverted, stages' frames); plain JSON.
    """

    identifier: str
    points: Points
    expected_error: FloatArray
    landmarks: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
