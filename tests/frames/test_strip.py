"""The strip: what follows a curve goes straight down, points and pixels together; its contrast is even."""

import numpy as np
import pytest

from landvote.frames.strip import Strip

PARTS = np.arange(9)
BENT = np.column_stack([100 + 30 * np.sin(PARTS / 3), 60 + 30 * PARTS + 0.5 * PARTS**2])


@pytest.fixture
def strip():
    return Strip.along(BENT, part=12, beyond=2, width=40)


def test_parts_are_equally_long_and_lie_in_the_middle(strip):
    assert strip.middle.shape == strip.right.shape == ((9 + 4) * 12, 2)
    grid = strip.to_grid(BENT)
    np.testing.assert_allclose(grid[:, 0], 19.5, atol=0.5)
    np.testing.assert_allclose(grid[:, 1], (PARTS + 2) * 12 + 5.5, atol=0.5)


def test_right_is_to_the_right_of_where_the_row_goes(strip):
    grid = strip.to_grid(BENT + np.array([10.0, 0.0]))
    assert (grid[:, 0] > 20).all()
    lying = Strip.along(BENT[:, ::-1], 12, 2, 40)
    assert (lying.to_grid(BENT[:, ::-1] + np.array([0.0, 10.0]))[:, 0] < 19).all()  # its right is up


def test_pixels_and_points_are_moved_together(strip):
    y, x = np.mgrid[:420, :240]
    dots = BENT[1:-1] + np.array([4.0, -3.0])
    film = sum(200 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8) for a, b in dots)
    seen = strip.warp(film.astype(np.uint8))
    for a, b in strip.to_grid(dots):
        i, j = round(b), round(a)
        near = seen[i - 5 : i + 6, j - 5 : j + 6]
        u, v = np.unravel_index(near.argmax(), near.shape)
        assert np.hypot(u - 5, v - 5) <= 1.5


def test_outside_of_the_film_there_is_nothing(strip):
    film = np.random.default_rng(0).integers(0, 255, (300, 240), np.uint8)
    seen = strip.warp(film)
    inside = strip.middle[:, 1] < 295
    assert np.isfinite(seen[inside & (strip.middle[:, 1] > 5), 20]).all()
    assert np.isnan(seen[strip.middle[:, 1] > 340]).all()


def test_contrast_is_as_large_where_the_film_is_flat_and_dark_as_elsewhere(strip):
    rng = np.random.default_rng(1)
    film = rng.normal(0, 1, (420, 240)) * np.linspace(2, 40, 420)[:, None] + np.linspace(0, 3000, 420)[:, None]
    seen = strip.warp(film.astype(np.float32))
    spread = [np.nanstd(seen[30:60]), np.nanstd(seen[90:120])]
    assert max(spread) < 1.5 * min(spread)
    assert abs(np.nanmean(seen[30:60])) < 0.3


def test_a_film_that_is_all_one_grey_stays_so(strip):
    seen = strip.warp(np.full((420, 240), 7, np.uint16))
    assert np.nanmax(np.abs(seen)) < 0.1


def test_the_ends_go_on_as_they_are():
    straight = np.column_stack([np.full(5, 50.0), 100 + 20.0 * np.arange(5)])
    strip = Strip.along(straight, 10, 3, 20)
    np.testing.assert_allclose(np.diff(strip.middle, axis=0), np.tile([0.0, 2.0], (109, 1)), atol=1e-6)
    np.testing.assert_allclose(strip.right, np.tile([2.0, 0.0], (110, 1)), atol=1e-6)


@pytest.mark.parametrize("known", [0, 1])
def test_it_takes_two_places(known):
    centres = np.full((5, 2), np.nan)
    centres[:known] = 3.0
    assert Strip.along(centres, 10, 3, 20) is None
    assert Strip.along(np.full((5, 2), 3.0), 10, 3, 20) is None


def test_parts_that_are_missing_are_on_the_curve_of_the_others_and_missing_points_stay_so(strip):
    holed = BENT.copy()
    holed[[3, 8]] = np.nan
    other = Strip.along(holed, 12, 2, 40)
    np.testing.assert_allclose(other.to_grid(BENT)[:8], strip.to_grid(BENT)[:8], atol=2)
    assert np.isnan(other.to_grid(holed)[[3, 8]]).all()
