"""Casting: the compiled kernel against plain NumPy, and both against what a vote is."""

import numpy as np
import pytest

from landvote.votes import cast
from votes.oracle import cast_reference

SIZE = (48, 40)


def planes(stride, landmarks=5, reach=12.0, seed=0):
    """Return offsets, some of which leave the grid, and weights, some of which are negative."""
    rng = np.random.default_rng(seed)
    shape = (landmarks, SIZE[1] // stride, SIZE[0] // stride)
    dx, dy = rng.uniform(-reach, reach, (2, *shape)).astype(np.float32)
    return dx, dy, rng.uniform(-0.3, 1, shape).astype(np.float32)


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("cell", [1, 2, 3])
@pytest.mark.parametrize("reach", [0.0, 3.0, 80.0])
def test_the_kernel_does_what_numpy_does(stride, cell, reach):
    dx, dy, weight = planes(stride, reach=reach)
    expected = cast_reference(dx, dy, weight, SIZE, stride, cell)
    np.testing.assert_allclose(cast(dx, dy, weight, SIZE, stride, cell), expected, rtol=1e-3, atol=1e-3)
    assert expected.shape == (5, -(-SIZE[1] // cell), -(-SIZE[0] // cell))
    assert expected.sum() > 0


@pytest.mark.parametrize("voting", [cast, cast_reference])
def test_one_vote_is_split_over_its_four_nearest_cells(voting):
    dx, dy, weight = np.zeros((3, 1, 4, 4), np.float32)
    dx[0, 1, 2], dy[0, 1, 2], weight[0, 1, 2] = 0.25, 1.5, 2.0  # from (2, 1) to (2.25, 2.5)
    votes = voting(dx, dy, weight, (4, 4), 1, 1)[0]
    expected = np.zeros((4, 4))
    expected[2:4, 2], expected[2:4, 3] = 0.75, 0.25
    np.testing.assert_allclose(votes, expected, atol=1e-6)


@pytest.mark.parametrize("voting", [cast, cast_reference])
def test_a_plane_cell_stands_in_the_middle_of_what_it_covers(voting):
    """With stride 4 the first cell covers 0..3 and stands at 1.5, the half-pixel term included."""
    dx, dy, weight = np.zeros((3, 1, 2, 2), np.float32)
    weight[0, 0, 1] = 1
    votes = voting(dx, dy, weight, (8, 8), 4, 1)[0]
    y, x = np.indices(votes.shape)
    assert ((votes * x).sum(), (votes * y).sum()) == pytest.approx((5.5, 1.5))
    coarse = voting(dx, dy, weight, (8, 8), 4, 2)[0]  # accumulator cells stand at 0.5, 2.5, 4.5, 6.5
    y, x = np.indices(coarse.shape)
    assert ((coarse * x).sum() * 2 + 0.5, (coarse * y).sum() * 2 + 0.5) == pytest.approx((5.5, 1.5))


@pytest.mark.parametrize("voting", [cast, cast_reference])
def test_votes_that_leave_the_grid_are_lost_and_on_its_border_halved(voting):
    dx, dy, weight = np.zeros((3, 1, 4, 4), np.float32)
    weight[0, 0, 0] = 1
    for offset, kept in [(-0.5, 0.5), (-1.0, 0), (-30, 0), (3.5, 0.5), (4.0, 0), (1e9, 0), (-1e30, 0), (3.0, 1)]:
        dx[0, 0, 0] = offset
        assert voting(dx, dy, weight, (4, 4), 1, 1).sum() == pytest.approx(kept, abs=1e-5), offset


@pytest.mark.parametrize("voting", [cast, cast_reference])
def test_cells_of_no_or_negative_weight_do_not_vote(voting):
    dx, dy, weight = planes(2)
    assert voting(dx, dy, -np.abs(weight), SIZE, 2, 1).sum() == 0
    assert voting(dx, dy, weight * 0, SIZE, 2, 1).sum() == 0
    np.testing.assert_allclose(
        voting(dx, dy, weight, SIZE, 2, 1), voting(dx, dy, np.maximum(weight, 0), SIZE, 2, 1), atol=1e-6
    )


@pytest.mark.parametrize("voting", [cast, cast_reference])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["dx", "dy", "weight"])
def test_cells_that_are_not_numbers_do_not_vote(voting, which):
    three = planes(2)
    broken = [p.copy() for p in three]
    broken[which][:, 3, 5] = np.nan
    three[2][:, 3, 5] = 0
    np.testing.assert_allclose(voting(*broken, SIZE, 2, 1), voting(*three, SIZE, 2, 1), atol=1e-5)


def test_planes_need_not_be_contiguous_or_single():
    dx, dy, weight = planes(2)
    expected = cast(dx, dy, weight, SIZE, 2, 1)
    turned = [
        np.ascontiguousarray(p.transpose(2, 1, 0)).transpose(2, 1, 0).astype(np.float64) for p in (dx, dy, weight)
    ]
    np.testing.assert_array_equal(cast(*turned, SIZE, 2, 1), expected)
    assert expected.dtype == np.float32


def test_landmarks_do_not_mix():
    dx, dy, weight = planes(2)
    weight[1:] = 0
    votes = cast(dx, dy, weight, SIZE, 2, 1)
    assert votes[0].sum() > 0
    assert (votes[1:] == 0).all()
