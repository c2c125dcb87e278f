"""Frames: samples -> views. Where to look, how it is moved there, how it is varied for training."""

from landvote.frames.augment import Augmentation
from landvote.frames.frame import Frame, similarities
from landvote.frames.placings import Placing
from landvote.frames.view import View, standardise
from landvote.frames.views import Reading, TrainingLook, Views

__all__ = [
    "Augmentation",
    "Frame",
    "Placing",
    "Reading",
    "TrainingLook",
    "View",
    "Views",
    "similarities",
    "standardise",
]
