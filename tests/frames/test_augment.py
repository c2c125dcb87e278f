"""Augmentation: each range is kept, zero switches off, the paper's is the paper's."""

import numpy as np
import pytest
from pydantic import ValidationError

from landvote.frames import Augmentation, Frame
from landvote.recipes import recipe

PAPER = recipe("paper").stages[0].augmentation
OFF = Augmentation(rotation=(0, 0), scale=0, shift=0, gamma=0, contrast=0, blur=0, noise=0, invert=0, erase=0)
FRAME = Frame.whole((100, 80), (96, 64), 0.1)
GRID = np.clip(np.random.default_rng(0).normal(0, 0.7, (64, 96)), -1.5, 1.5).astype(np.float32)


def moves(augmentation, draws=400):
    rng = np.random.default_rng(3)
    return [augmentation.move(FRAME, rng) for _ in range(draws)]


def turned(frame):
    """Return by how many degrees a frame is turned clockwise against FRAME."""
    linear = frame.matrix[:, :2] @ np.linalg.inv(FRAME.matrix[:, :2])
    return np.rad2deg(np.arctan2(linear[1, 0], linear[0, 0]))


def test_zero_is_off():
    rng = np.random.default_rng(0)
    for _ in range(10):
        np.testing.assert_allclose(OFF.move(FRAME, rng).matrix, FRAME.matrix)
        np.testing.assert_array_equal(OFF.shade(GRID, rng), GRID)


def test_the_paper_turns_from_five_clockwise_to_thirty_five_anticlockwise():
    angles = np.array([turned(f) for f in moves(PAPER)])
    assert -35 <= angles.min() < -34
    assert 4 < angles.max() <= 5
    assert [f.scale for f in moves(PAPER, 5)] == pytest.approx([FRAME.scale] * 5)
    np.testing.assert_array_equal(PAPER.shade(GRID, np.random.default_rng(0)), GRID)
    assert PAPER.copies == 1


def test_scale_and_shift_keep_their_ranges():
    scales = np.array([f.scale for f in moves(OFF.model_copy(update={"scale": 0.2}))]) / FRAME.scale
    assert 1 / 1.2 <= scales.min() < 0.85
    assert 1.18 < scales.max() <= 1.2
    middle = np.array([[49.5, 39.5]])
    shifts = np.array(
        [(f.to_grid(middle) - FRAME.to_grid(middle))[0] for f in moves(OFF.model_copy(update={"shift": 0.1}))]
    )
    assert (np.abs(shifts).max(axis=0) <= [9.6, 6.4]).all()
    assert (np.abs(shifts).max(axis=0) > [9, 6]).all()


@pytest.mark.parametrize("one", ["gamma", "contrast", "blur", "noise", "invert", "erase"])
def test_each_shade_changes_the_picture_and_keeps_its_form(one):
    augmentation = OFF.model_copy(update={one: 1.0})
    before = GRID.copy()
    shaded = [augmentation.shade(GRID, np.random.default_rng(s)) for s in range(12)]
    assert any(not np.array_equal(s, GRID) for s in shaded)
    for picture in shaded:
        assert (picture.dtype, picture.shape) == (np.float32, GRID.shape)
        assert np.isfinite(picture).all()
    np.testing.assert_array_equal(GRID, before)  # the picture given is not written to


def test_invert_turns_the_grey_levels_round():
    shaded = OFF.model_copy(update={"invert": 1.0}).shade(GRID, np.random.default_rng(0))
    np.testing.assert_array_equal(shaded, -GRID)


def test_crop_covers_both_ends_up_to_its_share_and_leaves_the_rest_as_it_is():
    covered = []
    for seed in range(40):
        shaded = OFF.model_copy(update={"crop": 0.25}).shade(GRID + 9, np.random.default_rng(seed))
        rows = np.flatnonzero(shaded.any(axis=1))
        covered.append((rows[0], len(GRID) - 1 - rows[-1]))
        np.testing.assert_array_equal(shaded[rows[0] : rows[-1] + 1], GRID[rows[0] : rows[-1] + 1] + 9)
    assert np.max(covered) <= 0.25 * len(GRID)
    assert (np.max(covered, axis=0) > 0.2 * len(GRID)).all()
    assert (np.min(covered, axis=0) < 0.05 * len(GRID)).all()


@pytest.mark.parametrize("shape", [(8, 8), (4, 300), (32, 32)])
def test_the_default_works_on_small_grids(shape):
    for seed in range(20):
        assert Augmentation(erase=1).shade(np.zeros(shape, np.float32), np.random.default_rng(seed)).shape == shape


@pytest.mark.parametrize(
    "bad", [{"scale": -0.1}, {"noise": -1}, {"copies": -1}, {"rotations": (0, 1)}, {"shift": "far"}]
)
def test_wrong_settings_are_refused(bad):
    with pytest.raises(ValidationError):
        Augmentation(**bad)
