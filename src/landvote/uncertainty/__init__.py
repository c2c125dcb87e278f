"""Uncertainty: what is known of an error before the truth is. Cues: the shape, the look of a place, the votes."""

from landvote.uncertainty.calibrator import LEAST, Calibrator, Expected, Judged, contour_axes
from landvote.uncertainty.cues import CUES, FILM_CUES, Cues, cues_of
from landvote.uncertainty.familiarity import Familiarity
from landvote.uncertainty.left_out import LeftOut, left_out

__all__ = [
    "CUES", "FILM_CUES", "LEAST", "Calibrator", "Cues", "Expected", "Familiarity", "Judged",
    "LeftOut", "contour_axes", "cues_of", "left_out",
]  # fmt: skip
