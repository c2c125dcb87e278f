"""The charts of a shape study show the model's mean, modes and curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landvote.data.scheme import Scheme
from landvote.reports.shapes import aligned_figure, curves_figure, modes_figure
from landvote.shapes import ShapeModel, align


@pytest.fixture
def shapes(truth):
    """20 shapes, of which one mode is known."""
    rng = np.random.default_rng(0)
    mode = np.column_stack([np.cos(np.arange(12)), np.sin(np.arange(12))])
    return truth + rng.normal(0, 5, (20, 1, 1)) * mode + rng.normal(0, 0.3, (20, 12, 2))


def dots(ax):
    return [np.asarray(line.get_xydata()) for line in ax.get_lines() if line.get_marker() == "."]


def test_a_mode_is_drawn_three_standard_deviations_to_either_side(shapes, scheme):
    model = ShapeModel.fit(shapes, 0.98)
    figure = modes_figure(model, scheme)
    for k, ax in enumerate(figure.axes[: model.modes_count]):
        below, above, mean = dots(ax)
        reach = 3 * np.sqrt(model.variances[k]) * model.modes[k]
        np.testing.assert_allclose([below, above, mean], [model.mean - reach, model.mean + reach, model.mean])
        assert ax.get_title(loc="left") == f"mode {k + 1}: {model.variances[k] / model.total:.0%}"
        assert ax.yaxis_inverted()
    rings = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 9]
    assert len(rings) == 3  # closed
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["−3 SD", "+3 SD", "mean"]


def test_without_outlines_lines_join_what_belongs_together(shapes):
    model = ShapeModel.fit(shapes, 0.9)
    ax = modes_figure(model, Scheme.numbered(12)).axes[0]
    assert len([line for line in ax.get_lines() if len(line.get_xdata()) == 2]) == 12


def test_all_shapes_lie_on_their_mean(shapes, scheme):
    aligned = align(shapes)
    (ax,) = aligned_figure(aligned, scheme).axes
    cloud, mean = dots(ax)
    np.testing.assert_array_equal(cloud, aligned.shapes.reshape(-1, 2))
    np.testing.assert_array_equal(mean, aligned.mean)


def test_curves_are_those_of_the_table():
    table = pd.DataFrame({"modes": [0, 1, 2]})
    for i, name in enumerate(("compactness", "generalisation", "specificity")):
        table[name] = [0.1 * i, 0.5, 0.9]
    for ax, name in zip(curves_figure(table).axes, table.columns[1:], strict=True):
        (line,) = ax.get_lines()
        np.testing.assert_array_equal(line.get_xydata(), table[["modes", name]])
        assert ax.get_title(loc="left").lower() == name
