"""Soft tissue: the body's outline, muscle and fat, bowel gas and skin folds."""

import cv2
import numpy as np

from landvote.data.points import Points
from landvote.phantom.anatomy import Child
from landvote.phantom.bones import noise
from landvote.phantom.canvas import Image, Placement, fill
from landvote.phantom.curves import ribbon, smooth, smooth_closed, table

SOFT = 0.0185  # attenuation per mm of soft tissue at about 60 keV, hardening included
COARSE = 4  # soft tissue is smooth: it is drawn on a grid this many pixels wide

# Units of half the hip distance, left half; see landvote.phantom.pelvis.
FLANK = "1.76,-4.0 1.74,-2.2 1.84,-1.5 2.08,-.9 2.32,-.2 2.42,.4 2.42,1.2 2.32,2.4 2.20,4.5"
INNER_THIGH = ".30,4.5 .20,2.4 .10,1.6 .02,1.22"
GROIN = "1.75,-.62 1.35,-.20 .95,.25 .55,.72 .22,1.05"
FOLD = ".12,1.22 .55,1.42 1.05,1.46 1.6,1.30"
GLUTEAL_FAT = "1.72,-.95 1.62,-.45 1.52,.0 1.38,.35"
CAPSULE_FAT = "1.28,-.46 1.36,-.22 1.40,.02"
FAT = ((GROIN, 0.09, 6.0), (FOLD, 0.08, 7.0), (GLUTEAL_FAT, 0.06, 7.0), (CAPSULE_FAT, 0.05, 5.0))  # width; depth, mm


def soft_tissue(size: tuple[int, int], placement: Placement, child: Child, rng: np.random.Generator) -> Image:
    """Return the attenuation of everything but bone on the film, (height, width)."""
    small = (-(-size[0] // COARSE), -(-size[1] // COARSE))
    u = child.hip_distance
    spread = 1.0 + float(np.clip(rng.normal(0.0, 0.06), -0.1, 0.2))
    legs = 1.0 + float(rng.normal(0.0, 0.4))
    rim = 0.75 * u
    depth = np.minimum(_inside(_body(spread, legs) * u, small, placement), rim)
    path = np.sqrt(np.maximum(depth * (2 * rim - depth), 0.0)) / rim * child.bulk
    path *= _muscle(path.shape, u * placement.scale / COARSE, rng) * _belly(small, placement, u)
    path -= _lines(small, placement, u, rng)
    path += _masses(small, placement, child, rng)
    path -= _gas(small, placement, u, rng)
    path = np.maximum(path, 0.0).astype(np.float32)
    full = cv2.resize(path, (small[0] * COARSE, small[1] * COARSE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(SOFT * np.maximum(full[: size[1], : size[0]], 0.0), np.float32)


def _muscle(shape: tuple[int, int], unit: float, rng: np.random.Generator) -> Image:
    """Return how the path varies through muscles, which run down the body, as a factor."""
    across = noise(rng, (shape[0] // 8 + 1, shape[1]), 0.05 * unit)
    bundles = cv2.resize(across, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(1.0 + 0.022 * noise(rng, shape, 0.25 * unit) + 0.008 * bundles, np.float32)


def _body(spread: float, legs: float) -> Points:
    flank = smooth(table(FLANK)) * (spread, 1.0)
    thigh = smooth(table(INNER_THIGH)) * (max(legs, 0.15), 1.0)
    left = np.concatenate([flank, thigh])
    return np.concatenate([left, (left * (-1.0, 1.0))[::-1]])


def _grid(points: Points, placement: Placement) -> Points:
    return (placement.to_pixels(points) + 0.5) / COARSE - 0.5


def _layer(polygon: Points, small: tuple[int, int], placement: Placement, depth: float, blur: float) -> Image:
    """Return ``depth`` in a polygon (mm) and 0 outside, its edge blurred by an SD in coarse pixels."""
    layer = fill(_grid(polygon, placement), small[::-1], depth)
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), blur), np.float32)


def _inside(polygon: Points, small: tuple[int, int], placement: Placement) -> Image:
    """Return the distance to the polygon's edge, mm, also where it lies off the film."""
    margin = 60
    shape = (small[1] + 2 * margin, small[0] + 2 * margin)
    mask = fill(_grid(polygon, placement) + margin, shape, 255, np.uint8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    distance = cv2.GaussianBlur(distance, (0, 0), 2.0)[margin:-margin, margin:-margin]
    return np.asarray(distance * COARSE / placement.scale, np.float32)


def _belly(small: tuple[int, int], placement: Placement, u: float) -> Image:
    """Return how the body thins out from the pelvis to the thighs, as a factor."""
    rows, columns = np.mgrid[0 : small[1], 0 : small[0]]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1) * COARSE + (COARSE - 1) / 2
    y = placement.to_patient(pixels)[:, 1].reshape(rows.shape) / u
    return np.asarray(1.0 - 0.10 * np.tanh((y - 0.3) * 1.5), np.float32)


def _lines(small: tuple[int, int], placement: Placement, u: float, rng: np.random.Generator) -> Image:
    """Return what fat planes and skin folds take away from the path, mm of soft tissue."""
    total = np.zeros(small[::-1], np.float32)
    blur = 0.02 * u * placement.scale / COARSE + 0.5
    for line, width, depth in FAT:
        for side in (-1.0, 1.0):
            control = table(line)
            control = control + rng.normal(0.0, 0.04, (1, 2)) + rng.normal(0.0, 0.03, control.shape)
            strength = depth * max(float(rng.uniform(-0.4, 1.0)), 0.0)
            total += _layer(ribbon(smooth(control) * u * (side, 1.0), width * u), small, placement, strength, blur)
    return total


def _masses(small: tuple[int, int], placement: Placement, child: Child, rng: np.random.Generator) -> Image:
    """Return the bladder and the soft tissue below the symphysis, mm in excess of what surrounds them."""
    u = child.hip_distance
    total = np.zeros(small[::-1], np.float32)
    full = float(rng.uniform(0.15, 0.5))
    shift = float(rng.normal(0.0, 0.05))
    bladder = (full, 0.75 * full, 0.28 - 0.7 * full, float(rng.uniform(2.0, 22.0)) * full)
    below = (0.22, 0.30, 1.12, 9.0) if child.sex == "M" else (0.15, 0.24, 1.02, 6.0)
    angle = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)
    for half_width, half_height, y, depth in (bladder, below):
        oval = np.stack([half_width * np.cos(angle) + shift, half_height * np.sin(angle) + y], axis=1)
        total += _layer(oval * u, small, placement, depth, 0.07 * u * placement.scale / COARSE)
    return total


def _gas(small: tuple[int, int], placement: Placement, u: float, rng: np.random.Generator) -> Image:
    """Return pockets of bowel gas and the full rectum, mm of soft tissue replaced by air."""
    layer = np.zeros(small[::-1], np.float32)
    for _ in range(int(rng.poisson(7))):
        centre = np.array([rng.normal(0.0, 0.75), rng.uniform(-2.4, -0.35)])
        if centre[1] > -0.9:
            centre[0] *= 0.35
        radius = float(rng.uniform(0.05, 0.2))
        angle = np.arange(0.0, 2 * np.pi, 2 * np.pi / 9)
        blob = centre + radius * np.stack([np.cos(angle) * rng.uniform(0.7, 1.6), np.sin(angle)], axis=1)
        blob += rng.normal(0.0, 0.22 * radius, blob.shape)
        depth = float(rng.uniform(6.0, 26.0))
        layer = np.maximum(layer, _layer(smooth_closed(blob) * u, small, placement, depth, 1.3))
    return layer
