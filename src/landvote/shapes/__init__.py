"""Shapes: from votes to points that look like anatomy. Alignment, the shape model, and its search under votes."""

from landvote.shapes.align import Aligned, align, pose
from landvote.shapes.model import Fit, ShapeModel
from landvote.shapes.search import Plausible, ShapeSettings, plausible

__all__ = ["Aligned", "Fit", "Plausible", "ShapeModel", "ShapeSettings", "align", "plausible", "pose"]
