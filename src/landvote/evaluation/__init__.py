"""Predictions in, numbers and pictures out. Scores files; never sees a localiser."""

from landvote.evaluation.evaluate import Evaluation, evaluate
from landvote.evaluation.measure import Errors
from landvote.evaluation.metrics import annotator_difference, mean_squared_error, point_to_curve, point_to_point
from landvote.evaluation.overlays import overlay_figure
from landvote.evaluation.plots import calibration_figure, cdf_figure, landmark_figure
from landvote.evaluation.report import write_report
from landvote.evaluation.statistics import Description, Estimate, cumulative, describe, resample

__all__ = [
    "Description",
    "Errors",
    "Estimate",
    "Evaluation",
    "annotator_difference",
    "calibration_figure",
    "cdf_figure",
    "cumulative",
    "describe",
    "evaluate",
    "landmark_figure",
    "mean_squared_error",
    "overlay_figure",
    "point_to_curve",
    "point_to_point",
    "resample",
    "write_report",
]
