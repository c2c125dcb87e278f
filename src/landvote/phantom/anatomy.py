"""How big a child is: dimensions that follow age, with the spread between children.

All lengths are in millimetres on the detector, so they contain a magnification of about 1.1. The growth curves are
rounded from paediatric radiographic atlases; they are plausible, not normative.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Child:
    """A child: what both hips and the pelvis share."""

    age: float  # years
    sex: str  # "F" or "M"
    size: float  # of the body against the mean of the age, about 1
    hip_distance: float  # half the distance between the two hip centres; the unit the pelvis is drawn in
    bulk: float  # soft tissue front to back at the hips


@dataclass(frozen=True)
class FemurSize:
    """Dimensions of one proximal femur; see :mod:`landvote.phantom.femur` for where each is measured."""

    shaft: float
    neck_length: float
    neck_width: float
    neck_angle: float
    metaphysis: float
    head_width: float
    head_height: float
    cartilage_radius: float
    physis_gap: float
    physis_tilt: float
    trochanter: float
    apophysis: float
    lesser: float
    cortex: float
    bow: float


def by_age(age: float, *values: float) -> float:
    """Interpolate values given at equally spaced ages from 2 to 11 years."""
    return float(np.interp(age, np.linspace(2.0, 11.0, len(values)), values))


def draw_child(rng: np.random.Generator, age_range: tuple[float, float]) -> Child:
    """Draw a child. Ages peak at 4 to 8 years, as clinics for Perthes disease see them."""
    low, high = age_range
    age = low + (high - low) * float(rng.beta(1.7, 1.8))
    sex = "M" if rng.random() < 0.65 else "F"
    size = float(np.exp(rng.normal(0.0, 0.055)))
    hip_distance = by_age(age, 52.0, 61.0, 69.0, 77.0, 86.0) * size * float(np.exp(rng.normal(0.0, 0.03)))
    bulk = by_age(age, 105.0, 115.0, 128.0, 142.0, 160.0) * float(np.exp(rng.normal(0.0, 0.12)))
    return Child(age, sex, size, hip_distance, bulk)


def draw_femur(rng: np.random.Generator, child: Child) -> FemurSize:
    """Draw a healthy proximal femur of a child as it projects, rotation of the leg included."""
    age = child.age

    def near(value: float, spread: float = 0.045) -> float:
        return value * child.size * float(np.exp(rng.normal(0.0, spread)))

    twist = float(np.clip(rng.normal(20.0, 13.0), -12.0, 50.0))  # anteversion less internal rotation, degrees
    foreshortening = float(np.cos(np.radians(twist)))
    steepness = by_age(age, 143.0, 139.0, 136.0, 133.0, 131.0) + float(rng.normal(0.0, 4.0))
    true_angle = np.radians(180.0 - steepness)
    seen_angle = float(np.degrees(np.arctan2(np.sin(true_angle) * foreshortening, np.cos(true_angle))))
    reach = float(np.hypot(np.sin(true_angle) * foreshortening, np.cos(true_angle)))
    ossified = float(np.clip((age - 3.6 + rng.normal(0.0, 0.6)) / 5.0, 0.0, 1.0))
    neck_width = near(by_age(age, 20.0, 22.5, 25.0, 27.5, 30.5))
    return FemurSize(
        shaft=near(by_age(age, 15.5, 17.4, 19.4, 21.4, 23.8)),
        neck_length=near(by_age(age, 26.0, 30.5, 35.0, 39.5, 45.0)) * reach,
        neck_width=neck_width,
        neck_angle=180.0 - seen_angle,
        metaphysis=neck_width * (1.12 + float(rng.normal(0.0, 0.04))),
        head_width=near(by_age(age, 18.5, 27.5, 34.0, 38.5, 43.0)),
        head_height=near(by_age(age, 12.5, 18.0, 22.0, 25.0, 28.5)),
        cartilage_radius=near(by_age(age, 14.5, 17.0, 19.2, 21.3, 23.8), 0.03),
        physis_gap=max(0.9, near(by_age(age, 3.0, 2.1, 1.6, 1.35, 1.15), 0.15)),
        physis_tilt=float(rng.normal(by_age(age, 16.0, 10.0), 4.0)),
        trochanter=float(np.clip(0.2 + 0.8 * ossified + rng.normal(0.0, 0.05), 0.1, 1.1)),
        apophysis=ossified,
        lesser=float(np.clip(0.04 + 0.003 * twist + 0.008 * age + rng.normal(0.0, 0.035), 0.01, 0.3)),
        cortex=near(by_age(age, 2.3, 2.8, 3.3, 3.8, 4.4), 0.12),
        bow=float(rng.normal(0.0, 1.2)),
    )
