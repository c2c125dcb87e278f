"""Perthes disease: what it does to one proximal femur, along a continuous severity.

Severity runs from 0 (healthy) to 1. It is reported as a lateral-pillar class after Herring et al. 1992 and 2004
(A: pillar of full height, B: above half, B/C: about half, C: below half), and every film also has one of the four
stages of Waldenström (sclerosis, fragmentation, re-ossification, healed), which rules how the head looks.
"""

from dataclasses import dataclass, replace

import numpy as np

from landvote.data.points import FloatArray
from landvote.phantom.anatomy import FemurSize

STAGES = ("sclerosis", "fragmentation", "reossification", "healed")
PILLAR_CLASSES = ((0.3, "A"), (0.58, "B"), (0.72, "B/C"), (1.01, "C"))


@dataclass(frozen=True)
class Perthes:
    """The disease of one hip; ``severity`` 0 is a healthy one."""

    severity: float = 0.0  # to 1
    stage: str = "none"  # or one of STAGES
    flattening: float = 0.0  # share of the head's height lost at its top
    pillar_loss: float = 0.0  # share of the height lost laterally
    extrusion: float = 0.0  # shift of the head to lateral, as a share of its width
    roughness: float = 0.02  # bumps of the head's outline, as a share of its height
    bumps: FloatArray | None = None  # (7,) where those are, standard normal, from lateral to medial

    @property
    def herring(self) -> str:
        """Return the lateral-pillar class: ``"none"``, ``"A"``, ``"B"``, ``"B/C"`` or ``"C"``."""
        if self.severity == 0:
            return "none"
        return next(name for limit, name in PILLAR_CLASSES if self.severity < limit)


def draw_sides(rng: np.random.Generator, perthes: float, both: float, left: float) -> str:
    """Draw which hips of a child are diseased: ``"none"``, ``"left"``, ``"right"`` or ``"both"``."""
    diseased, bilateral, on_left = rng.random(3) < (perthes, both, left)
    if not diseased:
        return "none"
    return "both" if bilateral else "left" if on_left else "right"


def draw_perthes(rng: np.random.Generator, *, diseased: bool) -> Perthes:
    """Draw the disease of one hip; the same number of random draws either way."""
    severity = float(rng.beta(1.3, 1.2)) * 0.95 + 0.05
    stage = STAGES[int(rng.choice(4, p=[0.2, 0.35, 0.25, 0.2]))]
    spread = rng.normal(0.0, 1.0, 3)
    bumps = rng.normal(0.0, 1.0, 7)
    if not diseased:
        return Perthes(bumps=bumps)
    early = 0.55 if stage == "sclerosis" else 1.0
    wedge = 0.45 if stage == "healed" else early  # a healed head is flat or oval rather than wedged
    return Perthes(
        severity, stage, bumps=bumps,
        flattening=float(np.clip(early * (0.06 + 0.5 * severity) + 0.05 * spread[0], 0.0, 0.62)),
        pillar_loss=float(np.clip(wedge * (0.68 * severity - 0.1) + 0.08 * spread[1], 0.0, 0.65)),
        extrusion=float(np.clip(0.10 * severity + 0.025 * spread[2], 0.0, 0.17)),
        roughness=0.02 + 0.06 * severity * (0.6 if stage == "healed" else 1.0),
    )  # fmt: skip


def deform(size: FemurSize, disease: Perthes) -> FemurSize:
    """Return the dimensions a diseased femur grows into: broad flat head, short broad neck, high trochanter."""
    s = disease.severity
    lasting = dict(zip(STAGES, (0.35, 0.7, 0.9, 1.0), strict=True)).get(disease.stage, 0.0) * s
    return replace(
        size,
        neck_length=size.neck_length * (1.0 - 0.24 * lasting), neck_width=size.neck_width * (1.0 + 0.28 * lasting),
        neck_angle=size.neck_angle - 6.0 * lasting, metaphysis=size.metaphysis * (1.0 + 0.34 * lasting),
        head_width=size.head_width * (1.0 + 0.26 * lasting - 0.08 * (s - lasting)),
        head_height=size.head_height * (1.0 - disease.flattening),
        physis_tilt=size.physis_tilt - 5.0 * lasting, trochanter=size.trochanter + 0.3 * lasting,
    )  # fmt: skip
