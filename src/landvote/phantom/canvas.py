"""The canvas: attenuation along each ray from tube to detector, added up shape by shape.

A canvas is the film's pixel grid with the similarity that maps the patient's millimetres onto it. A shape is a polygon
in millimetres; its thickness along the ray follows from the distance to its edge, so tubes, spheres and plates with
rounded rims all come out of one distance transform.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.phantom.curves import turned

Image = npt.NDArray[np.float32]
FINE = 2  # sub-pixels per pixel and axis in which edges are drawn
_FRACTION_BITS = 4  # of a polygon's corners


@dataclass(frozen=True)
class Placement:
    """Where the patient lies on the film: ``pixel = scale * R(angle) @ mm + origin``."""

    scale: float
    degrees: float
    origin: tuple[float, float]

    def to_pixels(self, points: Points) -> Points:
        """Map points (n, 2) from the patient's millimetres to image pixels."""
        return np.asarray(turned(points, self.degrees) * self.scale + self.origin)

    def to_patient(self, pixels: Points) -> Points:
        """Map image pixels (n, 2) to the patient's millimetres."""
        return turned((pixels - np.asarray(self.origin)) / self.scale, -self.degrees)


@dataclass(frozen=True)
class Patch:
    """The part of the canvas a shape covers, drawn ``FINE`` times finer.

    ``inside`` (FINE * height, FINE * width) is the distance to the shape's edge, mm, 0 outside.
    """

    rows: slice
    columns: slice
    inside: Image


def fill(polygon: Points, shape: tuple[int, ...], value: float, kind: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Return a picture of ``shape``, (height, width), that holds ``value`` in a polygon (n, 2; pixels), 0 outside."""
    picture = np.zeros(shape, kind)
    corners = np.round(polygon * (1 << _FRACTION_BITS)).astype(np.int32)
    cv2.fillPoly(picture, [corners], value, lineType=cv2.LINE_8, shift=_FRACTION_BITS)
    return picture


class Canvas:
    """Attenuation (a number, the exponent of Beer and Lambert's law) per pixel of a film."""

    def __init__(self, size: tuple[int, int], placement: Placement) -> None:
        self.placement = placement
        self.size = size
        self.attenuation: Image = np.zeros((size[1], size[0]), np.float32)

    def patch(self, polygon: Points) -> Patch | None:
        """Rasterise a polygon (mm); None where it lies outside the film."""
        pixels = self.placement.to_pixels(polygon)
        low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 3, self.size)
        if (high - low).min() < 2:
            return None
        width, height = (high - low) * FINE
        mask = fill((pixels - low + 0.5) * FINE - 0.5, (height, width), 255, np.uint8)
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
        # The steepest slope of a rounded, blurred edge lies half a pixel inside the body, and that is where readers
        # draw it. fillPoly also takes the pixels its edge passes through, which makes up for just that much.
        inside = np.asarray(distance / (FINE * self.placement.scale), np.float32)
        return Patch(slice(low[1], high[1]), slice(low[0], high[0]), inside)

    def add(self, patch: Patch, attenuation: Image) -> None:
        """Add the attenuation of a patch, given in its fine pixels."""
        target = self.attenuation[patch.rows, patch.columns]
        target += np.asarray(cv2.resize(attenuation, target.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)

    def patient_coordinates(self, patch: Patch) -> tuple[Image, Image]:
        """Return the patient's x and y, mm, of every fine pixel of a patch."""
        height, width = patch.inside.shape
        first = np.array([patch.columns.start, patch.rows.start], np.float64)
        corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]) / FINE + (0.5 / FINE - 0.5) + first
        start, right, below = self.placement.to_patient(corners)
        step_x, step_y = right - start, below - start
        across, down = np.arange(width), np.arange(height)[:, None]
        x = (start[0] + step_x[0] * across + step_y[0] * down).astype(np.float32)
        y = (start[1] + step_x[1] * across + step_y[1] * down).astype(np.float32)
        return x, y


def thickness(inside: Image, radius: Image | float) -> Image:
    """Return the path through a body whose edge is round with ``radius`` mm: a cylinder's chord, then flat."""
    depth = np.minimum(inside, radius)
    return np.asarray(2.0 * np.sqrt(np.maximum(depth * (2.0 * radius - depth), 0.0)), np.float32)
