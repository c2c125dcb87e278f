"""The vote map: smoothing against SciPy, peaks against points that are known."""

import numpy as np
import pytest
from scipy import ndimage

from landvote.votes import VoteMap, cast
from landvote.votes.votemap import blur

SIZE = (64, 56)


def aimed(points, stride, cell, scatter=0.0, sigma=6.0, seed=0):
    """Return the vote map of cells that all aim at their landmark, with a Gaussian error of ``scatter``."""
    rng = np.random.default_rng(seed)
    x = stride * (np.arange(SIZE[0] // stride) + 0.5) - 0.5
    y = stride * (np.arange(SIZE[1] // stride)[:, None] + 0.5) - 0.5
    dx, dy = (points[:, i, None, None] - at for i, at in ((0, x), (1, y)))
    weight = np.exp(-(dx**2 + dy**2) / (2 * sigma**2))
    shape = weight.shape
    dx, dy = (np.broadcast_to(d, shape) + rng.normal(0, scatter, shape) for d in (dx, dy))
    return VoteMap(cast(dx, dy, weight, SIZE, stride, cell), cell, 1.5)


POINTS = np.random.default_rng(1).uniform((8, 8), (55, 47), (20, 2))


@pytest.mark.parametrize("sd", [0.5, 1, 2.5, 4])
def test_blur_is_scipys_gaussian(sd):
    votes = np.random.default_rng(0).random((3, 40, 50), dtype=np.float32)
    expected = np.stack([ndimage.gaussian_filter(v, sd, mode="constant", radius=int(np.ceil(3 * sd))) for v in votes])
    np.testing.assert_allclose(blur(votes, sd), expected, atol=1e-5)


def test_blur_narrower_than_a_cell_shows_is_none():
    votes = np.random.default_rng(0).random((2, 8, 8), dtype=np.float32)
    np.testing.assert_array_equal(blur(votes, 0.0), votes)


def test_smoothing_is_in_grid_cells_whatever_the_accumulators():
    votes = np.zeros((1, 32, 32), np.float32)
    votes[0, 16, 16] = 1
    for cell in (1.0, 2.0):
        smooth = VoteMap(votes, cell, smoothing=4.0).smooth
        x = np.arange(32)
        sd = np.sqrt((smooth[0] * (x - 16) ** 2).sum()) * cell
        assert sd == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("cell", [1, 2])
def test_peaks_are_where_the_votes_were_aimed(stride, cell):
    points, dispersion = aimed(POINTS, stride, cell).peaks()
    np.testing.assert_allclose(points, POINTS, atol=0.15)
    assert (dispersion < cell).all()


@pytest.mark.parametrize("cell", [1, 2])
def test_peaks_of_scattered_votes_are_in_their_middle_and_the_spread_is_theirs(cell):
    points, dispersion = aimed(POINTS, 1, cell, scatter=1.5).peaks()
    assert np.linalg.norm(points - POINTS, axis=1).mean() < 0.4
    mean_distance = 1.5 * np.sqrt(np.pi / 2)  # of a two-dimensional Gaussian
    assert dispersion == pytest.approx(np.full(len(dispersion), mean_distance), rel=0.3)


@pytest.mark.parametrize("corner", [(0, 0), (63, 0), (0, 55), (63, 55), (0.3, 30.4)])
def test_peaks_at_the_border_of_the_grid(corner):
    points, _ = aimed(np.array([corner], float), 2, 1).peaks()
    np.testing.assert_allclose(points, [corner], atol=0.15)


def test_the_larger_of_two_crowds_wins():
    votes = np.zeros((1, 56, 64), np.float32)
    votes[0, 10, 12], votes[0, 40, 50] = 3, 4
    points, dispersion = VoteMap(votes, 1, 1.5).peaks()
    np.testing.assert_allclose(points, [[50, 40]], atol=0.01)
    assert dispersion[0] == pytest.approx(3 / 7 * np.hypot(38, 30), rel=0.01)  # the other crowd shows


def test_a_crowd_wins_over_a_single_larger_vote():
    votes = np.zeros((1, 56, 64), np.float32)
    votes[0, 10:13, 12:15], votes[0, 40, 50] = 1, 3
    points, _ = VoteMap(votes, 1, 2).peaks()
    np.testing.assert_allclose(points, [[13, 11]], atol=0.05)


def test_a_landmark_without_votes_is_missing():
    votes = np.zeros((3, 20, 20), np.float32)
    votes[1, 5, 6] = 1
    points, dispersion = VoteMap(votes, 2, 1.5).peaks()
    assert np.isnan(points[[0, 2]]).all()
    assert np.isnan(dispersion[[0, 2]]).all()
    np.testing.assert_allclose(points[1], [12.5, 10.5], atol=1e-6)


def test_votes_that_are_missing_count_as_votes_from_anywhere():
    votes = np.zeros((3, 40, 30), np.float32)
    for p, total in enumerate((8.0, 4.0, 12.0)):
        votes[p, 20, 10] = total
    _, known = VoteMap(votes, 2, 1.5, full=8.0).peaks()
    half_the_grid = 2 * np.hypot(40, 30) / 2
    np.testing.assert_allclose(known, [0, half_the_grid / 2, 0], atol=1e-5)
    _, unknown = VoteMap(votes, 2, 1.5).peaks()
    np.testing.assert_allclose(unknown, 0, atol=1e-5)


def test_the_spread_is_that_of_the_points_asked_for():
    votes = np.zeros((2, 40, 30), np.float32)
    votes[0, 20, 10] = 3
    found = VoteMap(votes, 2, 1.5)
    points = np.array([[2 * 10.5 - 0.5 + 8, 2 * 20.5 - 0.5 + 6], [5.0, 5.0]])
    dispersion = found.dispersion(points)
    assert dispersion[0] == pytest.approx(10)
    assert np.isnan(dispersion[1])


def test_climbing_stays_on_the_hill_it_starts_on():
    votes = np.zeros((1, 40, 60), np.float32)
    votes[0, 10, 10], votes[0, 30, 50] = 5, 1
    low, _ = VoteMap(votes, 1, 1.5).climb(np.array([[49.0, 29.0]]))
    np.testing.assert_allclose(low, [[50, 30]], atol=1e-6)
    high, _ = VoteMap(votes, 1, 1.5).peaks()
    np.testing.assert_allclose(high, [[10, 10]], atol=1e-6)
