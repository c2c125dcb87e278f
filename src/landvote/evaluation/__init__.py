"""Predictions in, numbers out: errors, figures with intervals, tables. Scores files; never sees a localiser."""

from landvote.evaluation.evaluate import Evaluation, evaluate
from landvote.evaluation.measure import METRICS, Errors
from landvote.evaluation.metrics import annotator_difference, mean_squared_error, point_to_curve, point_to_point

__all__ = [
    "METRICS", "Errors", "Evaluation", "annotator_difference", "evaluate", "mean_squared_error", "point_to_curve",
    "point_to_point",
]  # fmt: skip
