"""Distances: against a dense sampling of the curve, and on cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.points import Points
from landvote.data.scheme import Outline, Scheme
from landvote.evaluation.metrics import annotator_difference, mean_squared_error, point_to_curve, point_to_point

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
CLOSED = (Outline(name="square", points=(0, 1, 2, 3), closed=True),)
OPEN = (Outline(name="cup", points=(0, 1, 2, 3)),)


def sampled_distance(point: Points, curve: Points, *, closed: bool) -> float:
    """The oracle: the nearest of many points along the curve."""
    ends = np.roll(curve, -1, axis=0) if closed else curve[1:]
    starts = curve if closed else curve[:-1]
    t = np.linspace(0, 1, 4001)[:, None]
    dense = np.concatenate([a + t * (b - a) for a, b in zip(starts, ends, strict=True)])
    return float(np.hypot(*(dense - point).T).min())


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.2, 0.35)])
def test_point_to_curve_agrees_with_dense_sampling(scheme: Scheme, truth: Points, scale: tuple[float, float]) -> None:
    predicted = truth + np.random.default_rng(1).normal(0, 15, truth.shape)
    found = point_to_curve(predicted, truth, scheme.outlines, scale)
    for outline in scheme.outlines:
        curve = truth[list(outline.points)] * scale
        for i in outline.points:
            oracle = sampled_distance(predicted[i] * scale, curve, closed=outline.closed)
            assert found[i] == pytest.approx(oracle, abs=0.005)
    assert np.isnan(found[24:]).all()


def test_sliding_along_the_curve_costs_nothing() -> None:
    slid = np.array([[5.0, 0.0], [10.0, 5.0], [5.0, 10.0], [0.0, 5.0]])
    np.testing.assert_allclose(point_to_curve(slid, SQUARE, CLOSED), 0, atol=1e-12)
    np.testing.assert_allclose(point_to_point(slid, SQUARE), 5)


def test_only_closed_outlines_close() -> None:
    predicted = SQUARE + np.array([[-1.0, 5.0], [0, 0], [0, 0], [0, 0]])
    assert point_to_curve(predicted, SQUARE, CLOSED)[0] == pytest.approx(1)
    assert point_to_curve(predicted, SQUARE, OPEN)[0] == pytest.approx(np.hypot(1, 5))


def test_a_missing_true_point_breaks_the_curve_and_is_not_bridged() -> None:
    truth = np.array([[0.0, 0.0], [10.0, 0.0], [np.nan, np.nan], [30.0, 0.0], [40.0, 0.0]])
    predicted = np.array([[0.0, 1.0], [20.0, 0.0], [20.0, 0.0], [35.0, 2.0], [np.nan, 0.0]])
    found = point_to_curve(predicted, truth, (Outline(name="line", points=(0, 1, 2, 3, 4)),))
    np.testing.assert_allclose(found, [1, 10, np.nan, 2, np.nan])


def test_a_true_point_without_neighbours_is_a_curve_of_its_own() -> None:
    truth = np.array([[np.nan, np.nan], [10.0, 0.0], [np.nan, np.nan]])
    found = point_to_curve(truth + np.array([3.0, 4.0]), truth, (Outline(name="line", points=(0, 1, 2)),))
    np.testing.assert_allclose(found, [np.nan, 5, np.nan])


def test_points_belong_to_their_own_outline_and_shared_ones_to_the_nearest() -> None:
    truth = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 5.0], [10.0, 5.0]])
    predicted = np.array([[5.0, 5.0], [5.0, 4.0], [5.0, 0.0], [5.0, 1.0]])
    apart = (Outline(name="low", points=(0, 1)), Outline(name="high", points=(2, 3)))
    np.testing.assert_allclose(point_to_curve(predicted, truth, apart), [5, 4, 5, 4])
    shared = (*apart, Outline(name="rung", points=(1, 3)))
    np.testing.assert_allclose(point_to_curve(predicted, truth, shared), [5, 4, 5, 4])
    predicted[1] = [9.0, 3.0]
    assert point_to_curve(predicted, truth, shared)[1] == pytest.approx(1)


def test_no_outline_no_curve() -> None:
    assert np.isnan(point_to_curve(SQUARE, SQUARE, ())).all()
    nothing = np.full_like(SQUARE, np.nan)
    assert np.isnan(point_to_curve(SQUARE, nothing, CLOSED)).all()


def test_pixels_that_are_not_square_are_scaled_before_distances_are_taken() -> None:
    np.testing.assert_allclose(point_to_point(SQUARE + np.array([3.0, 2.0]), SQUARE, (1.0, 2.0)), 5)
    tilted = np.array([[0.0, 0.0], [10.0, 10.0]])
    line = (Outline(name="line", points=(0, 1)),)
    # In a world of (1, 2) the line runs from (0, 0) to (10, 20); (10, 0) is 20 * 10 / |(10, 20)| away from it.
    found = point_to_curve(np.array([[10.0, 0.0], [0.0, 0.0]]), tilted, line, (1.0, 2.0))
    assert found[0] == pytest.approx(200 / np.hypot(10, 20))


def test_missing_is_nan_never_nought() -> None:
    holed = SQUARE.copy()
    holed[1, 0] = np.nan
    for predicted, truth in [(holed, SQUARE), (SQUARE, holed)]:
        np.testing.assert_array_equal(np.isnan(point_to_point(predicted, truth)), [False, True, False, False])


def test_squared_error_is_per_coordinate() -> None:
    predicted = SQUARE + np.array([[3.0, 4.0], [0, 0], [0, 0], [np.nan, 0]])
    assert mean_squared_error(predicted, SQUARE) == pytest.approx((25 / 2) / 3)
    assert np.isnan(mean_squared_error(np.full_like(SQUARE, np.nan), SQUARE))


def test_annotators_against_their_mean() -> None:
    first, second = SQUARE - np.array([1.0, 0.0]), SQUARE + np.array([1.0, 0.0])
    assert annotator_difference([first, second], point_to_point) == pytest.approx(1)
    assert np.isnan(annotator_difference([first], point_to_point))
    second[0] = np.nan  # given once: its own mean, no evidence of agreement
    assert annotator_difference([first, second], point_to_point) == pytest.approx(1)
    third = SQUARE + np.array([3.0, 0.0])
    mean_of_three = np.mean([-1, 1, 3])
    second = SQUARE + np.array([1.0, 0.0])
    expected = np.mean(np.abs(np.array([-1, 1, 3]) - mean_of_three))
    assert annotator_difference([first, second, third], point_to_point) == pytest.approx(expected)
