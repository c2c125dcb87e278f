"""Placings: where a stage looks.

The whole film; a patch on reference points; one per repeat, or per part of a row; one over a whole row; windows along
outlines.
"""

from landvote.frames.placings.film import FilmPlacing, FilmSettings
from landvote.frames.placings.outline import OutlinePlacing, OutlineSettings
from landvote.frames.placings.placing import Placing, PlacingSettings, TrainingShapes
from landvote.frames.placings.reference import ReferencePlacing, ReferenceSettings
from landvote.frames.placings.repeats import RepeatPlacing, RepeatSettings
from landvote.frames.placings.row import RowPlacing, RowSettings
from landvote.frames.placings.span import SpanPlacing, SpanSettings

__all__ = [
    "FilmPlacing", "FilmSettings", "OutlinePlacing", "OutlineSettings",
    "Placing", "PlacingSettings", "ReferencePlacing", "ReferenceSettings",
    "RepeatPlacing", "RepeatSettings", "RowPlacing", "RowSettings", "SpanPlacing", "SpanSettings", "TrainingShapes",
]  # fmt: skip
