"""Casting with torch gives what plain NumPy gives; tested here on the CPU, where it runs the same."""

import numpy as np
import pytest
import torch

from landvote.networks.accumulate import accumulate
from landvote.votes import VoteMap, cast
from votes.oracle import cast_reference

SIZE = (48, 40)


def planes(stride, reach=12.0):
    rng = np.random.default_rng(0)
    shape = (5, SIZE[1] // stride, SIZE[0] // stride)
    dx, dy = rng.uniform(-reach, reach, (2, *shape)).astype(np.float32)
    return dx, dy, rng.uniform(-0.3, 1, shape).astype(np.float32)


def by_torch(dx, dy, weight, stride, cell):
    return accumulate(*map(torch.from_numpy, (dx, dy, weight)), SIZE, stride, cell).numpy()


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("cell", [1, 2, 3])
@pytest.mark.parametrize("reach", [0.0, 3.0, 80.0])
def test_torch_does_what_numpy_does(stride, cell, reach):
    three = planes(stride, reach)
    expected = cast_reference(*three, SIZE, stride, cell)
    np.testing.assert_allclose(by_torch(*three, stride, cell), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["dx", "dy", "weight"])
def test_cells_that_are_not_numbers_do_not_vote(which):
    three = planes(2)
    three[which][:, 3, 5] = np.nan
    np.testing.assert_allclose(by_torch(*three, 2, 1), cast_reference(*three, SIZE, 2, 1), rtol=1e-3, atol=1e-3)


def test_both_paths_give_the_same_points():
    dx, dy, weight = planes(2)
    x, y = np.meshgrid(np.arange(24) * 2 + 0.5, np.arange(20) * 2 + 0.5)
    dx[:], dy[:] = 22.3 - x + 0.1 * dx, 17.8 - y + 0.1 * dy  # votes that meet, more or less
    one = VoteMap(cast(dx, dy, weight, SIZE, 2, 2), 2, 1.5).peaks()
    other = VoteMap(by_torch(dx, dy, weight, 2, 2), 2, 1.5).peaks()
    np.testing.assert_allclose(one[0], other[0], atol=1e-3)
    np.testing.assert_allclose(one[1], other[1], atol=1e-3)
