"""Bones on the canvas: cortical shell, spongy inside with its trabeculae, and what Perthes disease does to the head.

Attenuation coefficients are per millimetre at about 60 keV, in excess of the soft tissue a bone displaces.
"""

from collections.abc import Callable

import cv2
import numpy as np

from landvote.data.points import Points
from landvote.phantom.canvas import FINE, Canvas, Image, Patch, thickness
from landvote.phantom.curves import turned
from landvote.phantom.disease import Perthes
from landvote.phantom.femur import Femur
from landvote.phantom.pelvis import Bone

CORTICAL = 0.042
SPONGY = 0.0125
PLATE_FILLING = 0.25  # of a growth plate is covered by bone before or behind it, as no plate lies along the ray
CRESCENT_FROM = 0.4  # severity from which the fracture under the dome shows
FINE_NOISE_MM = 0.45  # width of a bundle of trabeculae as a film resolves it


def noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Image:
    """Return smooth noise of mean 0 and standard deviation about 1; drawn coarsely where it is smooth."""
    step = max(1, int(sigma / 1.5))
    small = rng.standard_normal((shape[0] // step + 2, shape[1] // step + 2), dtype=np.float32)
    width = sigma / step
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), width), np.float32) * np.float32(2.0 * np.sqrt(np.pi) * width)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def streaks(rng: np.random.Generator, shape: tuple[int, int], direction: Points, length: float, width: float) -> Image:
    """Return noise drawn out along ``direction`` (pixels): trabeculae. Mean 0, standard deviation about 1."""
    reach = int(np.ceil(2.2 * length))
    grid = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    along, across = x * direction[0] + y * direction[1], -x * direction[1] + y * direction[0]
    kernel = np.exp(-0.5 * ((along / length) ** 2 + (across / width) ** 2)).astype(np.float32)
    kernel /= np.sqrt(np.sum(kernel**2))
    white = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(cv2.filter2D(white, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT), np.float32)


def paint_flat_bone(canvas: Canvas, bone: Bone, grain: Image) -> None:
    """Add one bone of the pelvis; ``grain`` is the texture of the whole film, about 1 on average."""
    patch = canvas.patch(bone.outline)
    if patch is None:
        return
    whole = np.minimum(thickness(patch.inside, bone.rim) * (bone.depth / (2 * bone.rim)), bone.depth)
    inner_depth = max(bone.depth - 2 * bone.cortex, 0.0)
    inner_rim = max(bone.rim - bone.cortex, 0.5)
    inside = np.maximum(patch.inside - bone.cortex, 0.0)
    inner = np.minimum(thickness(inside, inner_rim) * (inner_depth / (2 * inner_rim)), inner_depth)
    texture = cv2.resize(grain[patch.rows, patch.columns], whole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    canvas.add(patch, CORTICAL * np.maximum(whole - inner, 0.0) + SPONGY * bone.density * inner * texture)


def paint_femur(canvas: Canvas, femur: Femur, place: Callable[[Points], Points], rng: np.random.Generator) -> None:
    """Add one femur; ``place`` maps its own frame to the patient's."""
    shaft = canvas.patch(place(femur.shaft))
    origin, along = place(np.array([[0.0, 0.0], [0.0, 1.0]]))
    if shaft is not None:
        x, y = canvas.patient_coordinates(shaft)
        down = (x - origin[0]) * (along[0] - origin[0]) + (y - origin[1]) * (along[1] - origin[1])
        _paint_shaft(canvas, shaft, femur, down, rng)
    if (patch := canvas.patch(place(femur.points))) is not None:
        canvas.add(patch, PLATE_FILLING * SPONGY * thickness(patch.inside, 0.4 * femur.size.neck_width))
    if femur.apophysis is not None and (patch := canvas.patch(place(femur.apophysis))) is not None:
        radius = 0.42 * femur.size.shaft
        whole = thickness(patch.inside, radius)
        inner = thickness(np.maximum(patch.inside - 0.7, 0.0), max(radius - 0.7, 1.0))
        density = 0.8 + 0.3 * noise(rng, patch.inside.shape, 3.0) * 0.5
        canvas.add(patch, CORTICAL * np.maximum(whole - inner, 0.0) + SPONGY * inner * np.maximum(density, 0.0))
    if (patch := canvas.patch(place(femur.epiphysis))) is not None:
        _paint_head(canvas, patch, femur, rng)


def _paint_shaft(canvas: Canvas, patch: Patch, femur: Femur, down: Image, rng: np.random.Generator) -> None:
    size = femur.size
    blend = np.clip((down + 0.5 * size.shaft) / (2.6 * size.shaft), 0.0, 1.0)
    blend = blend * blend * (3 - 2 * blend)  # 0 in the metaphysis, 1 in the shaft
    cortex = (0.75 + (size.cortex - 0.75) * blend).astype(np.float32)
    radius = (0.44 * size.neck_width * (1 - blend) + 0.5 * size.shaft * blend).astype(np.float32)
    whole = thickness(patch.inside, radius)
    inner = thickness(np.maximum(patch.inside - cortex, 0.0), np.maximum(radius - cortex, 1.0))
    neck = turned(femur.neck, canvas.placement.degrees)
    grain = FINE_NOISE_MM * canvas.placement.scale * FINE
    texture = streaks(rng, patch.inside.shape, neck, 5.0 * grain, 0.6 * grain)
    texture += 0.7 * streaks(rng, patch.inside.shape, neck[::-1] * (1.0, -1.0), 4.0 * grain, 0.6 * grain)
    patchy = noise(rng, patch.inside.shape, 14.0)
    density = (1.0 + 0.10 * texture + 0.10 * patchy) * (1.0 - 0.75 * blend)
    if femur.disease.severity > 0.25:
        cysts = np.clip(noise(rng, patch.inside.shape, 9.0) - 0.9, 0.0, 1.0) * (down < -0.5 * size.neck_length)
        density -= cysts * 0.9 * femur.disease.severity
    canvas.add(patch, CORTICAL * np.maximum(whole - inner, 0.0) + SPONGY * inner * np.maximum(density, 0.05))


def _paint_head(canvas: Canvas, patch: Patch, femur: Femur, rng: np.random.Generator) -> None:
    """Add the bony head: as deep as it is wide, however flat it has become."""
    size, disease = femur.size, femur.disease
    radius = 0.36 * min(size.head_width, 1.6 * size.head_height)
    swell = 0.70 * size.head_width / (2 * radius)
    density = _head_density(patch.inside, disease, canvas.placement.scale, rng)
    whole = swell * thickness(patch.inside, radius)
    inner = swell * thickness(np.maximum(patch.inside - 0.6, 0.0), max(radius - 0.6, 1.0)) - 1.2
    shell = np.clip(whole - np.maximum(inner, 0.0), 0.0, 9.0)
    if disease.stage in ("fragmentation", "reossification"):
        shell *= np.clip(0.35 + 0.65 * density, 0.25, 1.0)
    canvas.add(patch, np.asarray(CORTICAL * shell + SPONGY * np.maximum(inner * density, 0.0), np.float32))


def _head_density(inside: Image, disease: Perthes, scale: float, rng: np.random.Generator) -> Image:
    """Return the density of the head's spongy bone by the stage of the disease, 1 in health."""
    grain = noise(rng, inside.shape, max(FINE_NOISE_MM * scale * FINE, 0.8))
    lumps = noise(rng, inside.shape, 2.0 * scale * FINE)
    even = np.asarray(1.05 + 0.12 * grain, np.float32)
    s = disease.severity
    if disease.stage == "sclerosis":
        crescent = np.exp(-(((inside - 2.2) / 0.7) ** 2)) * (s > CRESCENT_FROM)
        return np.asarray(even * (1.0 + 0.9 * s) + 0.15 * lumps - 0.9 * crescent, np.float32)
    if disease.stage == "fragmentation":
        fragments = np.tanh(2.5 * lumps)
        depth = np.where(fragments > 0, 0.25 + 0.3 * s, 0.3 + 0.8 * s)  # bone is lost more than it is packed
        return np.asarray(even * (1.0 + 0.2 * s) + depth * fragments, np.float32)
    if disease.stage == "reossification":
        return np.asarray(even * (1.0 - 0.2 * s) + (0.15 + 0.4 * s) * lumps, np.float32)
    return np.asarray(even + 0.05 * lumps, np.float32)
