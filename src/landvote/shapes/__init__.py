"""Shapes: from votes to points that look like anatomy. Alignment, the shape model, and its search under votes."""

from landvote.shapes.align import Aligned, align, pose
from landvote.shapes.carry import carry, carry_gains, conditional_gains, outline_covariance, shape_covariance
from landvote.shapes.evenness import Evenness
from landvote.shapes.model import Fit, ShapeModel
from landvote.shapes.search import Plausible, ShapeSettings, plausible

__all__ = [
    "Aligned", "Evenness", "Fit", "Plausible", "ShapeModel", "ShapeSettings", "align", "carry", "carry_gains",
    "conditional_gains", "outline_covariance", "plausible", "pose", "shape_covariance",
]  # fmt: skip
