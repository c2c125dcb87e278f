"""The proximal femur: its 58-point outline, and the bones that outline encloses.

The femur's own frame, millimetres: y runs down the shaft, x to lateral, and (0, 0) is where the axis of the neck meets
that of the shaft. In an AP film of the left hip lateral is to the right of the picture.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from landvote.data.points import Points
from landvote.phantom.anatomy import FemurSize
from landvote.phantom.curves import DENSE, normals, resample_between, smooth, turned
from landvote.phantom.disease import Perthes

# The anatomical anchors from the lateral to the medial bottom of the shaft, and the steps to the next one: 57 in all.
ANCHORS = {
    "lateral shaft bottom": 8,
    "lateral shaft top": 4,
    "trochanter, most lateral": 4,
    "trochanter, tip": 3,
    "notch": 6,
    "neck, lateral corner": 2,
    "head, lateral edge": 6,
    "head, top": 6,
    "head, medial edge": 2,
    "neck, medial corner": 6,
    "lesser trochanter, upper end": 2,
    "lesser trochanter, tip": 2,
    "lesser trochanter, lower end": 6,
    "medial shaft bottom": 0,
}
FIRST_OSSIFIED = 0.08  # of the trochanter's growth, from which its own bone centre shows
THINNEST = 0.09  # of its width is the height that even a collapsed head keeps at its rims
BOTTOM = 2.75  # shaft widths below the origin the outline ends
SHAFT_BEYOND = 260.0  # the shaft goes on below its last landmark, past the edge of any film


@dataclass(frozen=True)
class Femur:
    """One proximal femur in its own frame."""

    points: Points  # (58, 2) outline, lateral shaft bottom to medial shaft bottom
    shaft: Points  # (m, 2) polygon of neck, metaphysis and shaft, which goes on below the last landmark
    epiphysis: Points  # (m, 2) polygon of the bony head
    apophysis: Points | None  # (m, 2) polygon of the greater trochanter's own bone centre, None before it appears
    centre: Points  # (2,) of the cartilaginous head, which the acetabulum holds
    neck: Points  # (2,) unit vector along the neck, towards the head
    size: FemurSize
    disease: Perthes


@dataclass(frozen=True)
class _Axes:
    """Neck and head directions: ``along`` the axis towards the head, ``across`` it towards superior-lateral."""

    neck: Points
    neck_across: Points
    head: Points
    head_across: Points
    physis: Points


@dataclass(frozen=True)
class _Outline:
    """A dense outline (m, 2), and which of its samples the anchors are."""

    curve: Points
    anchors: dict[str, int]

    def piece(self, first: str, last: str) -> Points:
        """Return the outline from one anchor to another, both included."""
        return self.curve[self.anchors[first] : self.anchors[last] + 1]


def build_femur(size: FemurSize, disease: Perthes, rng: np.random.Generator) -> Femur:
    """Build outline and bones from dimensions; ``size`` already contains what the disease did to them."""
    axes = _axes(size)
    outline = _trace(size, disease, axes, rng)
    apophysis, lateral = _split_trochanter(outline, size)
    medial = outline.piece("neck, medial corner", "medial shaft bottom")
    beyond = np.array([0.0, SHAFT_BEYOND])
    plate = _physis_line(lateral[-1], medial[0], axes, size, 0.06)
    shaft = np.concatenate([lateral[:1] + beyond, lateral, plate, medial, medial[-1:] + beyond])
    dome = outline.piece("head, lateral edge", "head, medial edge")
    epiphysis = np.concatenate([dome, _physis_line(dome[-1], dome[0], axes, size, 0.05)])
    centre = axes.physis + axes.head * (size.physis_gap + 0.4 * size.cartilage_radius)
    points = resample_between(outline.curve, list(outline.anchors.values()), list(ANCHORS.values())[:-1])
    return Femur(points, shaft, epiphysis, apophysis, centre, axes.neck, size, disease)


def _trace(size: FemurSize, disease: Perthes, axes: _Axes, rng: np.random.Generator) -> _Outline:
    """Draw the whole outline through its control points and note where the anchors are on it."""
    head = _head(size, disease, axes)
    half = len(head) // 2
    # each piece ends at an anchor
    pieces = [*_lateral(size, axes), head[:1], head[1 : half + 1], head[half + 1 :], *_medial(size, axes)]
    anchors = np.cumsum([len(piece) for piece in pieces]) - 1
    curve = _roughened(smooth(np.concatenate(pieces)), rng)
    return _Outline(curve, dict(zip(ANCHORS, (int(a) * DENSE for a in anchors), strict=True)))


def _roughened(curve: Points, rng: np.random.Generator) -> Points:
    """Move the outline in and out a little, as no two bones are alike; smooth over about 5 and 2 mm."""
    bumps = np.zeros(len(curve))
    for every, size in ((12, 0.30), (4, 0.08)):
        knots = rng.normal(0.0, size, len(curve) // every + 2)
        bumps += CubicSpline(np.arange(len(knots)) * every, knots)(np.arange(len(curve)))
    return np.asarray(curve + normals(curve) * bumps[:, None])


def _axes(size: FemurSize) -> _Axes:
    angle = np.radians(size.neck_angle)
    neck = np.array([-np.sin(angle), np.cos(angle)])
    head = turned(neck[None], size.physis_tilt)[0]
    across = np.array([[0.0, 1.0], [-1.0, 0.0]])  # quarter turn towards superior-lateral
    return _Axes(neck, neck @ across, head, head @ across, neck * size.neck_length)


def _lateral(size: FemurSize, axes: _Axes) -> list[Points]:
    """Control points lateral of the head, grouped so that each group ends at an anchor."""
    w, bottom = size.shaft / 2, BOTTOM * size.shaft
    bulge = w * (1.28 + 0.50 * size.trochanter)
    tip = np.array([w * (0.85 + 0.18 * size.trochanter), -w * (0.72 + 1.9 * size.trochanter)])
    notch = axes.neck * 0.16 * size.neck_length + axes.neck_across * size.neck_width * 0.50
    waist = axes.neck * 0.55 * size.neck_length + axes.neck_across * size.neck_width * 0.47
    notch[0] = min(notch[0], tip[0] - 0.55 * w)
    corner = axes.physis + axes.head_across * size.metaphysis / 2
    return [
        np.array([[w, bottom]]),
        np.array([[w + size.bow * 0.4, bottom * 0.68], [w * 1.05, bottom * 0.38]]),
        np.array([[(w + bulge) / 2 + 0.06 * w, bottom * 0.38 * 0.35], [bulge, -w * (0.25 + 0.35 * size.trochanter)]]),
        np.array([[(bulge * 0.7 + tip[0] * 0.3) * 1.05, (tip[1] * 0.72 - w * 0.08)], tip]),
        np.array([(tip + notch) / 2 + (-0.22 * w * min(size.trochanter, 1.0), -0.02 * w), notch]),
        np.array([waist, (waist * 0.42 + corner * 0.58) + axes.neck_across * 0.01 * size.neck_width, corner]),
    ]


def _medial(size: FemurSize, axes: _Axes) -> list[Points]:
    """Control points medial of the head, grouped so that each group ends at an anchor."""
    w, bottom = size.shaft / 2, BOTTOM * size.shaft
    corner = axes.physis - axes.head_across * size.metaphysis / 2
    calcar = axes.neck * 0.55 * size.neck_length - axes.neck_across * size.neck_width * 0.48
    above = np.array([-w * 1.42, size.neck_width * 0.30])
    rise = size.lesser * size.shaft
    lesser = [np.array([-w * 1.25, w * 1.05]), np.array([-w * 1.16 - rise, w * 1.8]), np.array([-w * 1.04, w * 2.8])]
    return [
        corner[None],
        np.array([corner * 0.55 + calcar * 0.45, calcar, above, lesser[0]]),
        np.array([(lesser[0] + lesser[1]) / 2 + (-0.15 * rise, 0.0), lesser[1]]),
        np.array([lesser[1] * 0.45 + lesser[2] * 0.55 + (0.0, 0.04 * w), lesser[2]]),
        np.array([[-w + size.bow * 0.4, bottom * 0.68], [-w, bottom]]),
    ]


def _head(size: FemurSize, disease: Perthes, axes: _Axes) -> Points:
    """Control points of the bony head from lateral to medial; an odd number, the middle one is its top."""
    theta = np.radians(np.array([100.0, 76.0, 54.0, 35.0, 17.0, 0.0, -17.0, -35.0, -54.0, -76.0, -100.0]))
    lateral = np.sin(theta)
    waist = np.where(np.abs(theta) > np.pi / 2, 0.90, 1.0)
    height = size.head_height * (0.22 + 0.78 * np.abs(np.cos(theta)) ** 0.85) * (np.abs(theta) < np.pi / 2)
    step = np.clip((lateral + 0.15) / 0.9, 0.0, 1.0)
    height *= 1.0 - disease.pillar_loss * step * step * (3 - 2 * step) * 0.75
    if disease.bumps is not None:
        bumps = np.interp(np.arange(11), np.linspace(0.5, 9.5, 7), disease.bumps)
        height *= 1.0 + disease.roughness * 2.0 * bumps
    height = np.where(np.abs(theta) < np.pi / 2, np.maximum(height, THINNEST * size.head_width), 0.0)
    if disease.stage != "sclerosis":
        beyond = max(size.head_width * (0.44 + disease.extrusion) - size.metaphysis / 2, 0.0)
        overhang = min(0.10 * size.head_width * disease.severity, 0.7 * size.physis_gap + beyond)
        height = height - overhang * np.clip(lateral, 0.0, 1.0) ** 3
    base = axes.physis + axes.head * size.physis_gap + axes.head_across * disease.extrusion * size.head_width
    sideways = waist * lateral * size.head_width / 2
    return np.asarray(base + axes.head * height[:, None] + axes.head_across * sideways[:, None])


def _physis_line(start: Points, end: Points, axes: _Axes, size: FemurSize, dome: float) -> Points:
    """Return the growth plate's side of a bone: a line that domes towards the head and undulates a little."""
    t = np.linspace(0.0, 1.0, 15)[1:-1, None]
    shape = dome * np.sin(np.pi * t) + 0.012 * np.sin(3 * np.pi * t)
    return np.asarray(start * (1 - t) + end * t + axes.head * shape * size.metaphysis)


def _split_trochanter(outline: _Outline, size: FemurSize) -> tuple[Points | None, Points]:
    """Cut the trochanter's bone centre (None where not yet ossified) off the lateral side; return it and the rest."""
    side = outline.piece("lateral shaft bottom", "neck, lateral corner")
    if size.apophysis < FIRST_OSSIFIED:
        return None, side
    first = outline.anchors["trochanter, most lateral"] - DENSE // 3
    last = outline.anchors["notch"] - int(DENSE * 0.8)
    start, end = side[first], side[last]
    t = np.linspace(0.0, 1.0, 13)[:, None]
    across = np.array([start[1] - end[1], end[0] - start[0]]) / max(float(np.linalg.norm(end - start)), 1e-6)
    inward = across if across @ (-1.0, 1.0) > 0 else -across
    bend = (0.12 * np.sin(np.pi * t) + 0.02 * np.sin(3 * np.pi * t)) * size.shaft
    cut = start * (1 - t) + end * t + inward * bend
    gap = inward * (0.3 + 0.7 * (1.0 - size.apophysis))
    apophysis = np.concatenate([side[first : last + 1], (cut - gap)[::-1]])
    return apophysis, np.concatenate([side[:first], cut + gap, side[last + 1 :]])
