"""Frames: samples -> views. Where to look, how it is moved there, how it is varied for training."""

from landvote.frames.augment import Augmentation
from landvote.frames.frame import Frame
from landvote.frames.placing import FilmPlacing, PartPlacing, Placing, ReferencePlacing
from landvote.frames.view import View, standardise
from landvote.frames.views import Views

__all__ = [
    "Augmentation",
    "FilmPlacing",
    "Frame",
    "PartPlacing",
    "Placing",
    "ReferencePlacing",
    "View",
    "Views",
    "standardise",
]
