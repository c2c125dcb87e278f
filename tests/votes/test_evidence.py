"""Evidence: how votes lie about points, against the same in plain NumPy and against what is known by construction."""

import numpy as np
import pytest

from landvote.votes import Evidence, VoteMap
from landvote.votes.evidence import NEAR


def about(mean, covariance, weight, size=(90, 120)):
    """Return (rows, columns) votes that lie as a Gaussian about ``mean`` (x, y), ``weight`` in all."""
    y, x = np.mgrid[: size[0], : size[1]]
    away = np.stack([x, y], axis=-1) - np.array(mean)
    shape = np.exp(-0.5 * np.einsum("...i,ij,...j", away, np.linalg.inv(covariance), away))
    return (weight * shape / shape.sum()).astype(np.float32)


def test_it_tells_peak_total_spread_and_second_peak():
    spread = np.array([[6.0, 2.0], [2.0, 3.0]])
    votes = np.stack([about((30, 40), spread, 8.0) + about((90, 40), np.eye(2), 2.0)])
    found = VoteMap(votes, 1, 2.0)
    points = np.array([[30.0, 40.0]])
    told = found.evidence(points)
    assert told.total[0] == pytest.approx(10, rel=1e-4)
    assert told.near[0] == pytest.approx(0.8, rel=1e-3)
    assert told.peak[0] == pytest.approx(found.smooth[0, 40, 30])
    np.testing.assert_allclose(told.covariance[0], spread, atol=0.05)
    assert told.second[0] == pytest.approx(found.smooth[0, 40, 90] / found.smooth[0, 40, 30], rel=1e-3)
    assert told.second_distance[0] == pytest.approx(60)


def test_lengths_are_grid_cells_whatever_a_cell_of_the_accumulator_is():
    fine = VoteMap(np.stack([about((30, 40), 9 * np.eye(2), 1.0)]), 1, 3.0)
    coarse = VoteMap(fine.votes.reshape(1, 45, 2, 60, 2).sum(axis=(2, 4)), 2, 3.0)
    one, two = (m.evidence(np.array([[30.0, 40.0]])) for m in (fine, coarse))
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=0.05, atol=0.05)  # a cell adds a third of a square
    np.testing.assert_allclose(two.near, one.near, rtol=0.01)


def test_a_slope_is_no_second_peak():
    """Votes beyond the reach that only fall towards the border: their highest lies at the reach, and is no peak."""
    votes = np.stack([about((60, 45), 400 * np.eye(2), 1.0)])
    told = VoteMap(votes, 1, 2.0).evidence(np.array([[60.0, 45.0]]))
    assert (told.second[0], told.second_distance[0]) == (0, 0)
    assert told.near[0] < 0.5
    assert np.trace(told.covariance[0]) < (NEAR * 2.0) ** 2  # votes farther away do not count


@pytest.mark.parametrize("at", [(-50.0, -50.0), (500.0, 45.0)])
def test_beside_the_grid_are_no_votes(at):
    told = VoteMap(np.stack([about((60, 45), np.eye(2), 1.0)]), 1, 2.0).evidence(np.array([at]))
    assert (told.peak[0], told.near[0]) == (0, 0)
    np.testing.assert_array_equal(told.covariance, 0)


def test_landmarks_without_votes_or_points_have_none():
    votes = np.stack([np.zeros((30, 40), np.float32), about((20, 15), np.eye(2), 1.0, (30, 40))])
    told = VoteMap(votes, 1, 2.0).evidence(np.array([[20.0, 15.0], [np.nan, np.nan]]))
    for values in vars(told).values():
        assert np.isnan(values).all()


def test_in_the_image_it_is_turned_and_scaled():
    told = VoteMap(np.stack([about((30, 40), np.diag([6.0, 2.0]), 1.0)]), 1, 2.0).evidence(np.array([[30.0, 40.0]]))
    quarter_turn = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])  # half a cell per pixel
    seen = told.to_image(quarter_turn)
    np.testing.assert_allclose(seen.covariance[0], 4 * np.diag([2.0, 6.0]), atol=0.1)
    np.testing.assert_array_equal(seen.peak, told.peak)


def test_it_is_updated_landmark_by_landmark():
    map_ = VoteMap(np.stack([about((30, 40), np.eye(2), 1.0), about((60, 20), np.eye(2), 2.0)]), 1, 2.0)
    told = map_.evidence(np.array([[30.0, 40.0], [60.0, 20.0]]))
    known = Evidence.none(3).updated(np.array([2, 0]), told)
    np.testing.assert_array_equal(known.total, [told.total[1], np.nan, told.total[0]])
    np.testing.assert_array_equal(known.of([2]).covariance, told.of([0]).covariance)
    assert np.isnan(Evidence.none(3).total).all()
