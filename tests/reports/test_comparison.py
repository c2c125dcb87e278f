"""The charts of a comparison show the figures of its tables, in the colours of its methods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landvote.evaluation.measure import ANNOTATORS
from landvote.reports.comparison import (
    Compared,
    cdf_by_method,
    cdf_by_size,
    outline_figure,
    shape_figure,
    size_figure,
    subgroup_figure,
)
from landvote.reports.style import lines

METHODS = ["WHDV", "HDV"]
LOOK = lines(METHODS)


@pytest.fixture
def compared(scheme):
    return Compared(METHODS, (100, "all"), "%", scheme)


@pytest.fixture
def pooled():
    rng = np.random.default_rng(0)
    return {(m, s): rng.lognormal(1, 0.4, 12) for s in (100, "all") for m in METHODS}


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]


def named(ax):
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def notes(figure):
    return figure.get_suptitle(), [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def test_curves_by_size_have_a_panel_a_size_and_a_curve_a_method(compared, pooled):
    pooled["HDV", "all"][:3] = np.inf
    between = np.array([0.5, np.nan, 0.7])
    figure = cdf_by_size(compared, pooled, between, "point_to_point", "12 films")
    assert titles(figure) == ["100 training films", "all training films"]
    assert notes(figure) == ("12 films", [*METHODS, ANNOTATORS])
    for ax, size in zip(figure.axes, (100, "all"), strict=True):
        curves = named(ax)
        assert {n: (line.get_color()) for n, line in curves.items()} == {n: LOOK[n].colour for n in curves}
        for method in METHODS:
            errors = np.sort(pooled[method, size])
            np.testing.assert_allclose(curves[method].get_xdata()[1:-1], errors[np.isfinite(errors)])
        np.testing.assert_allclose(curves[ANNOTATORS].get_ydata()[1:-1], [50, 100])
    assert named(figure.axes[1])["HDV"].get_ydata()[-1] == pytest.approx(75)  # 3 of 12 lost
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_curves_by_method_have_a_panel_a_method_and_a_curve_a_size(compared, pooled):
    del pooled["HDV", 100]
    figure = cdf_by_method(compared, pooled, None, "point_to_curve", "12 films")
    assert titles(figure) == METHODS
    curves, alone = map(named, figure.axes)
    assert (list(curves), list(alone)) == (["100 training films", "all training films"], ["all training films"])
    for size in (100, "all"):
        curve = curves[f"{size} training films"]
        np.testing.assert_allclose(curve.get_xdata()[1:-1], np.sort(pooled["WHDV", size]))
    assert curves["all training films"].get_color() == alone["all training films"].get_color()
    assert figure.axes[0].get_xlabel() == "point-to-curve error of a film (%)"


def test_an_axis_ends_at_ten_times_the_best_median(compared, pooled):
    pooled["HDV", 100] = np.full(12, 1000.0)
    best = min(np.median(errors) for errors in pooled.values())
    figure = cdf_by_size(compared, pooled, None, "point_to_point", "")
    assert figure.axes[0].get_xlim()[1] == pytest.approx(10 * best)


def error_rows():
    rows = [
        {"metric": "point_to_point", "size": s, "learned_from": n, "method": m, "median": v, "median_low": 0.9 * v,
         "median_high": 1.2 * v, "p95": 2 * v, "p95_low": v, "p95_high": np.inf, "p99": np.inf, "p99_low": np.nan,
         "p99_high": np.inf}
        for (s, n, m, v) in ((100, 100, "WHDV", 4.0), (100, 100, "HDV", 6.0), ("all", 900, "WHDV", 2.0))
    ]  # fmt: skip
    between = {**rows[0], "size": "", "learned_from": 0, "method": ANNOTATORS, "median": 1.5, "p95": 2.5, "p99": 3.0}
    return pd.DataFrame([*rows, between])


def test_error_against_size_shows_figures_intervals_and_open_ends(compared):
    figure = size_figure(compared, error_rows(), "9 films")
    median, _, p99 = figure.axes
    assert titles(figure) == ["median film", "95th percentile", "99th percentile"]
    line = named(median)["WHDV"]
    np.testing.assert_allclose(line.get_ydata(), [4.0, 2.0])
    np.testing.assert_allclose(line.get_xdata(), [100, 900], rtol=0.02)  # moved aside a little
    bars = np.concatenate([bar[:, 1] for bars in median.collections for bar in bars.get_segments()])
    np.testing.assert_allclose(np.sort(bars), np.sort([0.9 * v for v in (4, 6, 2)] + [1.2 * v for v in (4, 6, 2)]))
    np.testing.assert_allclose(named(median)[ANNOTATORS].get_ydata(), 1.5)
    open_ends = [[len(line.get_xdata()) for line in ax.get_lines() if line.get_marker() == "^"] for ax in figure.axes]
    assert open_ends == [[0, 0], [2, 1], [2, 1]]  # of WHDV at both sizes, of HDV at one
    assert np.isnan(named(p99)["WHDV"].get_ydata()).all()
    assert list(median.get_xticks()) == [100, 900]


def landmark_rows(scheme):
    return pd.DataFrame(
        [
            {"metric": metric, "size": size, "method": m, "landmark": n, "mean": (1 + i) * (1 + k) * times}
            for metric in ("point_to_point", "point_to_curve")
            for size, times in ((100, 2), ("all", 1))
            for k, m in enumerate(METHODS)
            for i, n in enumerate(scheme.landmarks)
        ]
    )


def test_landmarks_are_drawn_in_the_order_of_the_scheme(compared, scheme):
    figure = outline_figure(compared, landmark_rows(scheme), "point_to_curve", "9 films")
    assert titles(figure) == ["100 training films", "all training films"]
    for ax, times in zip(figure.axes, (2, 1), strict=True):
        for k, method in enumerate(METHODS):
            line = named(ax)[method]
            np.testing.assert_allclose(line.get_xdata(), range(12))
            np.testing.assert_allclose(line.get_ydata(), times * (1 + k) * np.arange(1, 13))
            assert line.get_color() == LOOK[method].colour


def test_errors_sit_on_the_shape_where_their_landmarks_are(compared, scheme, truth):
    table = landmark_rows(scheme)
    table = table[(table["metric"] == "point_to_point") & (table["size"] == "all") & (table["landmark"] != "p3")]
    figure = shape_figure(compared, table, truth, "point_to_point", "9 films")
    assert titles(figure)[:2] == METHODS
    for k, ax in enumerate(figure.axes[:2]):
        (points,) = ax.collections
        np.testing.assert_allclose(points.get_offsets(), np.delete(truth, 3, axis=0))
        np.testing.assert_allclose(points.get_array(), (1 + k) * np.delete(np.arange(1, 13), 3))
        assert ax.yaxis_inverted()
        assert points.get_zorder() > max(line.get_zorder() for line in ax.get_lines())
    assert points.norm.vmax == 5.0  # five times the least; beyond it colours end


def test_subgroups_stand_on_their_lines_with_their_intervals(compared):
    groups = [("age", "age <= 5", 4), ("age", "age > 5", 5), ("side", "left", 9)]
    table = pd.DataFrame(
        [
            {"metric": "point_to_point", "column": c, "value": v, "method": m, "films": n, "median": 2.0 + i + k,
             "median_low": 1.9 + i + k, "median_high": np.inf if v == "left" else 2.2 + i + k}
            for i, (c, v, n) in enumerate(groups)
            for k, m in enumerate(METHODS)
        ]
    )  # fmt: skip
    figure = subgroup_figure(compared, table, "9 films")
    assert titles(figure) == ["age", "side"]
    age, side = figure.axes
    assert [t.get_text() for t in age.get_yticklabels()] == ["age <= 5  (4)", "age > 5  (5)"]
    for k, method in enumerate(METHODS):
        np.testing.assert_allclose(named(age)[method].get_xdata(), [2.0 + k, 3.0 + k])
        np.testing.assert_allclose(named(age)[method].get_ydata(), [0, 1], atol=0.4)
        ends = [bar[:, 0] for bar in age.collections[k].get_segments()]
        np.testing.assert_allclose(ends, [[1.9 + k, 2.2 + k], [2.9 + k, 3.2 + k]])
    limits = side.get_xlim()
    assert side.collections[0].get_segments()[0][1, 0] == pytest.approx(limits[1])  # an open end is cut at the axis
