"""The marks that several charts share, read off the axes they are drawn on."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from landvote.evaluation.measure import ANNOTATORS
from landvote.reports.marks import (
    axis_end,
    cumulative_curve,
    draw_outlines,
    log_limits,
    log_ticks,
    shade_outlines,
)
from landvote.reports.style import Line, as_data_uri, lines, save_figure


@pytest.fixture
def ax():
    return Figure().subplots()


def test_a_curve_steps_up_at_each_film_and_runs_on_to_the_edge(ax):
    cumulative_curve(ax, np.array([3.0, 1.0, np.nan, 1.0, np.inf]), 8.0, Line("#123456", "-"), "a")
    (line,) = ax.get_lines()
    np.testing.assert_allclose(line.get_xdata(), [0, 1, 1, 3, 8])
    np.testing.assert_allclose(line.get_ydata(), [0, 25, 50, 75, 75])  # one of four was never found
    assert (line.get_color(), line.get_label(), line.get_drawstyle()) == ("#123456", "a", "steps-post")


def test_a_curve_of_nothing_lies_on_the_ground(ax):
    cumulative_curve(ax, np.array([np.inf, np.nan]), 8.0, Line("k", "-"), "a")
    assert np.asarray(ax.get_lines()[0].get_ydata()).max() == 0


def test_a_closed_outline_is_drawn_closed(ax, scheme, truth):
    draw_outlines(ax, truth, scheme, "mean", color="k")
    ring, line = ax.get_lines()
    np.testing.assert_array_equal(ring.get_xydata(), truth[[*range(8), 0]])
    np.testing.assert_array_equal(line.get_xydata(), truth[[8, 9, 10]])
    assert ring.get_label() == "mean"
    assert line.get_label().startswith("_")  # not named a second time


def test_outlines_are_named_over_their_landmarks(ax, scheme):
    shade_outlines(ax, ["line", "line", "ring", "ring", "ring", ""], scheme)
    assert {t.get_text(): t.get_position()[0] for t in ax.texts} == {"ring": 3.0, "line": 0.5}
    (shaded,) = ax.patches  # every other outline
    assert (shaded.get_x(), shaded.get_width()) == (1.5, 3.0)


def test_an_axis_ends_before_wild_films():
    assert axis_end(np.array([1.0, 2.0, np.inf, np.nan])) == pytest.approx(1.04 * 2)
    assert axis_end(np.r_[np.ones(99), 1000.0]) == pytest.approx(1.04 * 3)
    assert axis_end(np.array([np.inf])) == 1.0


@pytest.mark.parametrize(
    ("ends", "named"),
    [((1, 5), [1, 1.5, 2, 3, 4, 5]), ((1, 50), [1, 2, 5, 10, 20, 50]), ((0.1, 100), [0.1, 1, 10, 100])],
)
def test_ticks_of_a_logarithmic_axis(ax, ends, named):
    ax.set(yscale="log", ylim=ends)
    log_ticks(ax.yaxis, *ends)
    ticks = [t for t in ax.yaxis.get_major_locator().tick_values(*ends) if 0.999 * ends[0] <= t <= 1.001 * ends[1]]
    np.testing.assert_allclose(ticks, named)


def test_limits_have_room_for_all_figures():
    assert log_limits(np.array([2.0, 10.0, np.inf, 0.0])) == (1.0, 20.0)
    assert log_limits(np.array([np.inf])) == (0.1, 10.0)


def test_methods_are_told_apart_by_colour_and_in_black_and_white():
    drawn = lines(["WHDV", "WHDV + shape", "HDV", "HO", "RFRV-CLM"])
    assert list(drawn)[-1] == ANNOTATORS
    assert len({line.colour for line in drawn.values()}) == 6
    assert len({str(line.dash) for line in drawn.values()}) == 6


def test_the_same_chart_is_the_same_file(tmp_path):
    def chart() -> Figure:
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([1, 2])
        return figure

    assert as_data_uri(chart()) == as_data_uri(chart())
    for name in ("a.png", "b.png"):
        save_figure(chart(), tmp_path / name, dpi=30)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
