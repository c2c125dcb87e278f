"""The charts of an evaluation show the figures of its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landvote.data.scheme import Scheme
from landvote.evaluation import Evaluation
from landvote.reports.charts import (
    calibration_figure,
    cdf_figure,
    landmark_figure,
    reliability_figure,
    sparsification_figure,
)
from landvote.reports.style import GREY


def test_a_curve_ends_below_the_top_where_films_failed() -> None:
    figure = cdf_figure({"Point-to-point": {"predictions": np.array([1.0, 2.0, 3.0, np.inf])}}, "mm")
    (line,) = figure.axes[0].get_lines()
    assert np.asarray(line.get_ydata()).max() == pytest.approx(75)
    assert figure.axes[0].get_xlabel() == "mean error of a film (mm)"
    assert [t.get_text() for t in figure.axes[0].texts] == ["films beyond this axis: 1"]


def test_one_panel_a_metric_with_the_annotators_in_grey() -> None:
    curves = {"predictions": np.arange(1.0, 6.0), "annotators": np.array([0.5, 1.0, np.nan])}
    figure = cdf_figure({"Point-to-point": curves, "Point-to-curve": curves}, "px")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Point-to-point", "Point-to-curve"]
    for ax in figure.axes:
        predictions, annotators = ax.get_lines()
        np.testing.assert_allclose(predictions.get_xdata()[1:-1], np.arange(1, 6))
        np.testing.assert_allclose(annotators.get_xdata()[1:-1], [0.5, 1.0])
        np.testing.assert_allclose(annotators.get_ydata(), [0, 50, 100, 100])
        assert annotators.get_color() == GREY != predictions.get_color()


def test_landmarks_stand_where_their_means_are_with_their_intervals(evaluation: Evaluation) -> None:
    table = evaluation.landmarks
    (ax,) = landmark_figure(table, "%", evaluation.matching.scheme).axes
    for kind, line, bars in zip(("point_to_point", "point_to_curve"), ax.get_lines(), ax.collections, strict=True):
        np.testing.assert_allclose(line.get_ydata(), table[f"{kind}_mean_percent"])
        ends = [bar[:, 1] for bar in bars.get_segments() if len(bar)]
        known = table[f"{kind}_mean_percent"].notna()
        np.testing.assert_allclose(ends, table.loc[known, [f"{kind}_low_percent", f"{kind}_high_percent"]])
    assert [t.get_text() for t in ax.get_xticklabels()] == list(table["landmark"])


def test_many_landmarks_are_named_by_their_outlines(scheme: Scheme) -> None:
    table = pd.DataFrame({"landmark": map(str, range(60)), "outline": ["ring"] * 40 + ["line"] * 20})
    table[[f"point_to_point_{name}_px" for name in ("mean", "low", "high")]] = [2.0, 1.0, 3.0]
    (ax,) = landmark_figure(table, "px", scheme).axes
    assert [t.get_text() for t in ax.texts] == ["ring", "line"]
    assert len(ax.get_lines()) == 1  # without outlines' errors there is one kind


def test_films_are_drawn_at_their_expected_and_actual_errors() -> None:
    figure = calibration_figure([1.0, 2.0, np.nan, 0.0, 4.0], [2.0, 2.0, 3.0, 1.0, 8.0], "px")
    diagonal, films = figure.axes[0].get_lines()
    np.testing.assert_allclose(films.get_xydata(), [[1, 2], [2, 2], [4, 8]])  # those with both, above 0
    np.testing.assert_allclose(diagonal.get_xdata(), diagonal.get_ydata())
    assert calibration_figure([np.nan], [1.0], "px").axes[0].get_lines()[:] == []


def test_reliability_has_a_point_a_tenth_with_its_interval() -> None:
    tenths = [
        {"points": 5, "expected": e, "actual": {"value": a, "low": low, "high": high}, "ratio": {}}
        for e, a, low, high in [(1.0, 1.5, 1.2, 1.9), (3.0, 3.5, None, None), (4.0, 0.0, 0.0, 0.0)]
    ]
    (ax,) = reliability_figure(tenths, "mm").axes
    level, drawn = ax.get_lines()
    np.testing.assert_array_equal(drawn.get_xydata(), [[1, 1.5], [3, 3.5]])  # nothing is on no logarithmic axis
    np.testing.assert_array_equal(*level.get_xydata().T)
    (ends,) = ax.collections
    np.testing.assert_array_equal(ends.get_segments()[0], [[1, 1.2], [1, 1.9]])
    assert reliability_figure(tenths[2:], "mm").axes[0].get_lines()[:] == []


def test_sparsification_begins_with_all_points() -> None:
    curve = {"left": [1.0, 0.75, 0.5], "expected": [4.0, 3.5, 3.0], "best": [4.0, 2.0, 1.0], "gained": 0.4}
    (ax,) = sparsification_figure(curve, "px").axes
    random, expected, best = ax.get_lines()
    assert set(random.get_ydata()) == {4.0}
    np.testing.assert_array_equal(expected.get_xydata(), [[0, 4], [25, 3.5], [50, 3]])
    np.testing.assert_array_equal(best.get_ydata(), [4, 2, 1])
    sparsification_figure({"left": [1.0], "expected": [0.0], "best": [0.0], "gained": None}, "px")
