"""Where the child lies on the film: pixel size, rotation, centring, cropping and collimation."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.phantom.anatomy import Child
from landvote.phantom.canvas import Placement, fill
from landvote.phantom.curves import turned
from landvote.phantom.settings import PhantomSettings

MARGIN = 10.0  # pixels between the outermost landmark and the edge of the film or of the exposed field


@dataclass(frozen=True)
class Field:
    """The film's geometry."""

    size: tuple[int, int]  # width and height, pixels
    placement: Placement  # patient to pixels
    spacing: float  # mm per pixel
    exposed: Points | None  # (4, 2) corners of the exposed field in pixels, or None for the whole film
    cropped: bool  # the field is tight or lopsided


def draw_field(rng: np.random.Generator, child: Child, outline: Points, settings: PhantomSettings) -> Field:
    """Draw the film's geometry so that the outline (58, 2; patient's mm) of the left femur is on it."""
    u = child.hip_distance
    spacing = float(rng.uniform(*settings.spacing_range))
    degrees = float(np.clip(rng.normal(0.0, settings.rotation_sd), -14.0, 14.0))
    cropped = bool(rng.random() < settings.cropped_share)
    left, right = -2.05 * u * rng.uniform(0.86, 1.12), 2.05 * u * rng.uniform(0.86, 1.12)
    top, bottom = -1.75 * u * rng.uniform(0.85, 1.3), 1.5 * u * rng.uniform(0.9, 1.25)
    cut = rng.uniform(0.0, 1.0, 4)
    if cropped:
        left, right = left * (1.0 - 0.45 * cut[0]), right * (1.0 - 0.22 * cut[1])
        top, bottom = top * (1.0 - 0.6 * cut[2]), bottom * (1.0 - 0.2 * cut[3])
    seen = Placement(1.0 / spacing, degrees, (0.0, 0.0)).to_pixels(outline)
    low = np.minimum(np.array([left, top]) / spacing, seen.min(axis=0) - MARGIN)
    high = np.maximum(np.array([right, bottom]) / spacing, seen.max(axis=0) + MARGIN)
    width, height = (int(v) for v in np.ceil(high - low))
    placement = Placement(1.0 / spacing, degrees, (float(-low[0]), float(-low[1])))
    collimated = bool(rng.random() < settings.collimated_share)
    inset, skew = rng.uniform(0.005, 0.09, 4), float(rng.normal(0.0, 0.8))
    exposed = _collimated(width, height, inset, skew, placement.to_pixels(outline)) if collimated else None
    return Field((width, height), placement, spacing, exposed, cropped)


def _collimated(width: int, height: int, inset: FloatArray, skew: float, seen: Points) -> Points:
    """Return the corners of the exposed field, moved out where it would cut off a landmark."""
    slack = MARGIN + abs(np.tan(np.radians(skew))) * max(width, height)
    low = np.minimum(np.array([width, height]) * inset[:2], seen.min(axis=0) - slack)
    high = np.maximum(np.array([width, height]) * (1.0 - inset[2:]), seen.max(axis=0) + slack)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    centre = corners.mean(axis=0)
    return np.asarray(turned(corners - centre, skew) + centre)


def exposed_mask(field: Field) -> npt.NDArray[np.bool_]:
    """Return which pixels of the film were exposed."""
    if field.exposed is None:
        return np.ones(field.size[::-1], bool)
    return fill(field.exposed, field.size[::-1], 1, np.uint8).astype(bool)
