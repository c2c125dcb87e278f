"""Uncertainty: what is known of an error before the truth is. Cues: the shape, the look of a place, the votes."""

from landvote.uncertainty.calibrator import LEAST, Calibrator, Expected, Judged, contour_axes
from landvote.uncertainty.cues import CUES, FILM_CUES, ROW_CUES, Cues, cues_of
from landvote.uncertainty.familiarity import Familiarity
from landvote.uncertainty.left_out import LeftOut, left_out
from landvote.uncertainty.shift import shifted_by

__all__ = [
    "CUES", "FILM_CUES", "LEAST", "ROW_CUES", "Calibrator", "Cues", "Expected", "Familiarity", "Judged",
    "LeftOut", "contour_axes", "cues_of", "left_out", "shifted_by",
]  # fmt: skip
