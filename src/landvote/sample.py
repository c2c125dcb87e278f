"""The sample: one radiograph with what is known about it; what every reader yields.

Points are ``(n, 2)`` float64 arrays, x then y, in image pixels: x right, y down, (0, 0) the centre of the top-left
pixel. A landmark that was not annotated is NaN in both coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from landvote.errors import ImageError, PointsError
from landvote.scheme import Scheme

Points: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spacing:
    """Millimetres per pixel along x and y, and where the figures came from (``"PixelSpacing"``, ``"user"``, ...)."""

    x: float
    y: float
    source: str

    def __post_init__(self) -> None:
        if not (0 < self.x < np.inf and 0 < self.y < np.inf):
            raise ImageError(f"spacing {self.x} x {self.y} mm ({self.source}), expected positive numbers")


@dataclass(frozen=True)
class Radiograph:
    """Grey pixels, their size on the detector or patient, and a name.

    Attributes:
        pixels: ``(height, width)`` uint8, uint16 or float32; bone is brighter than air, whatever the file stored.
        identifier: what films are told apart by; the file name within its folder.
        spacing: millimetres per pixel, or None where the file does not say (or says it implausibly).
        spacing_note: why the spacing is unknown, or what a user should know about it; may be empty.
    """

    pixels: Pixels
    identifier: str
    spacing: Spacing | None = None
    spacing_note: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or min(self.pixels.shape) < 1:
            raise ImageError(f"{self.identifier}: pixels have shape {self.pixels.shape}, expected (height, width)")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Sample:
    """One film, its annotations and its subject. The pixels are decoded when asked for, not before.

    Attributes:
        identifier: the name of the film, as in :class:`Radiograph`.
        open: decodes the film anew at each call; nothing is cached, so any number of films fits in memory.
        scheme: what the points mean.
        annotations: annotator -> (n, 2) points in image coordinates; empty for a film without points.
        subject: patient; films of one subject never stand on both sides of a split.
        split: ``"train"``, ``"val"``, ``"test"``, or None where the folder does not say.
        attributes: further columns the folder gives (age, side, disease, ...), as text.
        sorted: the scheme's groups were given in another order than they follow each other in, and have been sorted.
    """

    identifier: str
    open: Callable[[], Radiograph]
    scheme: Scheme
    annotations: Mapping[str, Points] = field(default_factory=dict)
    subject: str = ""
    split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    sorted: bool = False

    def __post_init__(self) -> None:
        for annotator, points in self.annotations.items():
            if points.shape != (len(self.scheme), 2):
                raise PointsError(
                    f"{self.identifier}: points of {annotator or 'the annotator'} have shape {points.shape}, "
                    f"expected {(len(self.scheme), 2)} for scheme {self.scheme.name!r}"
                )
        if not self.subject:
            object.__setattr__(self, "subject", self.identifier)

    @property
    def points(self) -> Points:
        """The truth: per landmark the mean over the annotators that gave it, (n, 2); NaN where none did."""
        return mean_points(list(self.annotations.values()), len(self.scheme))


def mean_points(annotations: Sequence[Points] | Points, n: int) -> Points:
    """Return the mean of several annotations per landmark, (n, 2); NaN where all are missing."""
    if not len(annotations):
        return np.full((n, 2), np.nan)
    stack = np.asarray(annotations)
    given: npt.NDArray[np.bool_] = np.all(np.isfinite(stack), axis=2)
    count = given.sum(axis=0)
    total = np.where(given[..., None], stack, 0.0).sum(axis=0)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
