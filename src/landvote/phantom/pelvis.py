"""The pelvis and lower spine as flat bones seen from the front.

The patient's frame, millimetres: (0, 0) lies midway between the two hip centres, x to the patient's left (the right of
the picture), y down. The tables below are in units of half the distance between the hip centres, for the left half.
"""

from dataclasses import dataclass, replace

import numpy as np

from landvote.data.points import Points
from landvote.phantom.anatomy import Child, by_age
from landvote.phantom.curves import ribbon, smooth, smooth_closed, table

ILIUM = (
    "1.23,-.25 1.14,-.305 1.02,-.325 .88,-.28 .79,-.20 .75,-.15 .69,-.22 .66,-.38 .64,-.52 .58,-.62 .47,-.70 .40,-.86 "
    ".42,-1.06 .52,-1.24 .76,-1.42 1.06,-1.50 1.34,-1.42 1.55,-1.18 1.53,-.92 1.40,-.66 1.32,-.52 1.33,-.42 1.27,-.32"
)
ISCHIUM = (
    ".77,-.07 .85,-.06 .90,.05 .92,.20 .92,.40 .90,.58 .89,.74 .82,.88 .70,.95 .58,.90 .48,.80 .45,.71 .55,.70 .65,.60 "
    ".68,.44 .66,.26 .67,.08"
)
PUBIS = (
    ".76,-.09 .74,.02 .68,.14 .56,.22 .44,.32 .36,.42 .35,.54 .41,.64 .46,.73 .40,.78 .30,.74 .18,.68 .09,.62 .07,.48 "
    ".08,.36 .16,.30 .30,.22 .44,.10 .58,-.02 .69,-.11"
)
SACRUM = "0,-1.20 .24,-1.20 .42,-1.19 .53,-1.07 .49,-.90 .40,-.74 .31,-.56 .24,-.42 .16,-.32 .07,-.26 0,-.25"
PILLAR = ".76,-.18 1.16,-.28 1.08,-.55 .86,-.78 .58,-.92 .46,-.84 .56,-.68 .66,-.50 .70,-.28"
VERTEBRA = (
    ".32,-.12 .29,-.02 .32,.12 .16,.135 0,.135 -.16,.135 -.32,.12 -.29,-.02 -.32,-.12 -.16,-.135 0,-.135 .16,-.135"
)
PROCESS = ".30,-.05 .50,-.10 .64,-.12 .50,-.03 .30,.03"
FACET = ".16,.02 .24,.06 .22,.20 .15,.22 .12,.12"
SPINOUS = "-.04,.02 0,-.02 .04,.02 .03,.14 0,.18 -.03,.14"
ROOF = "1.215,-.252 1.14,-.300 1.02,-.318 .90,-.280 .82,-.215"
TEARDROP = ".79,-.16 .76,.0 .775,.12 .80,.04"
BRIM = ".47,-.70 .60,-.58 .67,-.42 .70,-.24 .66,-.08 .50,.08 .30,.22"
ISCHIAL_WALL = ".88,-.02 .92,.20 .92,.42 .90,.66"
WING = ".46,-.72 .50,-.92 .58,-1.16"
SACRAL_BODIES = ((-1.09, 0.86, 0.75), (-0.87, 0.72, 0.68), (-0.68, 0.58, 0.6), (-0.51, 0.46, 0.5), (-0.37, 0.36, 0.42))
FORAMINA = ((0.29, -0.98, 0.075), (0.25, -0.78, 0.065), (0.20, -0.60, 0.05))


@dataclass(frozen=True)
class Bone:
    """One bone of the pelvis in the patient's frame, mm."""

    outline: Points  # (m, 2) closed polygon
    depth: float  # path through the bone in its middle
    rim: float  # how far from the edge the full depth is reached
    cortex: float  # thickness of the cortical shell; a bone of cortex only is a line on the film
    density: float  # of its spongy part against the average


def build_pelvis(rng: np.random.Generator, child: Child) -> list[Bone]:
    """Draw the bones of one child's pelvis, both halves, with the differences between them."""
    warp = rng.normal(0.0, 1.0, (3, 4, 2)) * np.array([0.035, 0.008, 0.008])[:, None, None]
    tilt = 1.0 + float(rng.normal(0.0, 0.09))  # forward tilt of the pelvis: how tall its lower half looks
    turn = float(np.clip(rng.normal(0.0, 0.05), -0.14, 0.14))  # of the child about its long axis
    warp[0, 0, 0] += by_age(child.age, -0.10, 0.0, 0.05)  # the wings widen with age,
    warp[0, 1, 1] += by_age(child.age, -0.08, 0.0, 0.05)  # and everything gets taller
    left, right = (_half(child, warp[0] + warp[side], tilt) for side in (1, 2))
    mirrored = [replace(bone, outline=bone.outline * (-1.0, 1.0)) for bone in right]
    bones = left + mirrored + _spine(child, warp[0], tilt)
    return [replace(bone, outline=_swivelled(bone.outline, turn, child.hip_distance)) for bone in bones]


def _swivelled(points: Points, turn: float, unit: float) -> Points:
    """Move what lies in front of the hips to one side and what lies behind them to the other; the hips stay."""
    x, y = points[:, 0] / unit, points[:, 1] / unit
    shift = turn * np.tanh(2.5 * (y - 0.05)) * np.clip(1.0 - np.abs(x), 0.0, 1.0) ** 0.7
    return np.stack([(x + shift) * unit, points[:, 1]], axis=1)


def _half(child: Child, warp: Points, tilt: float) -> list[Bone]:
    age, u = child.age, child.hip_distance

    def outline(text: str) -> Points:
        return smooth_closed(_placed(table(text), warp, tilt) * u)

    def line(text: str, width: float, shift: tuple[float, float]) -> Points:
        return ribbon(smooth(_placed(table(text) + np.array(shift), warp, tilt) * u), width)

    grow = by_age(age, -0.014, 0.0, 0.008, 0.014)  # the cartilage between the three bones of the hip closes last
    bones = [
        Bone(_grown(outline(ILIUM), grow * u), 0.17 * u, 0.10 * u, 1.2, 0.8),
        Bone(outline(PILLAR), 0.14 * u, 0.30 * u, 0.05, 0.9),
        Bone(_grown(outline(ISCHIUM), grow * u), 0.19 * u, 0.15 * u, 1.2, 0.85),
        Bone(_grown(outline(PUBIS), grow * u), 0.17 * u, 0.13 * u, 1.1, 0.9),
    ]
    back = min(grow, 0.0)  # lines at an edge follow it
    cortical = [
        (ROOF, 0.034, 5.0, (0.0, back)), (TEARDROP, 0.030, 5.0, (back, 0.0)), (BRIM, 0.028, 4.0, (-back, back)),
        (ISCHIAL_WALL, 0.03, 5.0, (1.7 * back, 0.0)), (WING, 0.03, 2.2, (0.0, 0.0)),
    ]  # fmt: skip
    return bones + [Bone(line(text, width * u, shift), depth, 1.2, 9.0, 1.0) for text, width, depth, shift in cortical]


def _spine(child: Child, warp: Points, tilt: float) -> list[Bone]:
    u = child.hip_distance
    right_side = _placed(table(SACRUM), warp, tilt)
    sacrum = np.concatenate([right_side, (right_side * (-1.0, 1.0))[-2:0:-1]])
    bones = [Bone(smooth_closed(sacrum) * u, 0.24 * u, 0.2 * u, 0.3, 0.5)]
    stretch = np.array([1.0, 1.0 + warp[0, 1]])
    for y, width, height in SACRAL_BODIES:
        body = (table(VERTEBRA) * (width, height) + (0.0, y)) * stretch * u
        bones.append(Bone(smooth_closed(body), 0.16 * u, 0.10 * u, 0.5, 0.55))
    for x, y, radius in FORAMINA:
        arch = table("-1.1,-.25 -.5,-.95 .4,-.95 1.1,-.2") * radius + (x, y)
        for s in (-1, 1):
            line = ribbon(smooth(arch * (s, 1.0) * stretch * u), 0.03 * u)
            bones.append(Bone(line, 2.4, 0.8, 9.0, 1.0))
    for k in range(4):
        bones += _vertebra(np.array([0.0, -1.385 - 0.33 * k]) * stretch, 1.0 + 0.02 * k, u)
    return bones


def _vertebra(centre: Points, width: float, u: float) -> list[Bone]:
    """Return body, transverse processes, pedicles and spinous process of one lumbar vertebra."""
    bones = [Bone(smooth_closed((table(VERTEBRA) * (width, 1.0) + centre) * u), 0.40 * u, 0.14 * u, 0.6, 0.6)]
    angle = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    ring = 0.055 * u * np.stack([np.cos(angle), 0.8 * np.sin(angle)], axis=1)
    for x in (-1.0, 1.0):
        process, facet = table(PROCESS) * (x, 1.0), table(FACET) * (x, 1.0)
        bones += [
            Bone(smooth_closed((process + centre) * u), 0.06 * u, 0.05 * u, 0.5, 0.8),
            Bone((centre + np.array([x * 0.21, -0.03])) * u + ring, 0.09 * u, 0.05 * u, 0.8, 0.9),  # the pedicle
            Bone(smooth_closed((facet + centre) * u), 0.10 * u, 0.06 * u, 0.5, 0.8),
        ]
    return [*bones, Bone(smooth_closed((table(SPINOUS) + centre) * u), 0.12 * u, 0.05 * u, 0.7, 0.9)]


def _placed(points: Points, warp: Points, tilt: float) -> Points:
    """Vary a shape smoothly, more the further from the hip centre, so that the joint still fits its femur."""
    x, y = points[:, 0] - 1.0, points[:, 1]
    away = np.clip(np.hypot(x, y) / 0.35 - 1.0, 0.0, 1.0)[:, None]
    bend = warp[0] * x[:, None] + warp[1] * y[:, None] + warp[2] * (x * y)[:, None] + warp[3] * (y * y - 0.5)[:, None]
    moved = points + away * bend
    moved[:, 0] = np.maximum(moved[:, 0], np.minimum(points[:, 0], 0.06))
    return np.asarray(np.where(points[:, 1:] > 0, moved * (1.0, tilt), moved * (1.0, 2.0 - tilt)))


def _grown(polygon: Points, by: float) -> Points:
    """Move a polygon's edge outwards by ``by`` millimetres."""
    step = np.roll(polygon, -1, axis=0) - np.roll(polygon, 1, axis=0)
    normal = np.stack([step[:, 1], -step[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    twice_area = float(np.sum(polygon[:, 0] * np.roll(polygon[:, 1], -1) - polygon[:, 1] * np.roll(polygon[:, 0], -1)))
    return np.asarray(polygon + normal * (by if twice_area > 0 else -by))
