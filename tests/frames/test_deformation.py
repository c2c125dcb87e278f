"""Smooth deformations carry points along with the pixels they lie on."""

import numpy as np
import pytest

from landvote.frames import Augmentation, Frame
from landvote.frames.deformation import Deformation
from landvote.frames.views import CachedFilm

DOTS = np.array([[60, 70], [150, 80], [90, 160], [170, 190], [120, 40]], float)


def dotted():
    x, y = np.meshgrid(np.arange(240.0), np.arange(240.0))
    return sum(200 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 18) for a, b in DOTS).astype(np.float32)


def centres(grid, points):
    """Return the centre of mass about each point."""
    found = []
    for px, py in np.rint(points).astype(int):
        window = grid[py - 6 : py + 7, px - 6 : px + 7] - grid.min()
        window = np.clip(window - 0.3 * window.max(), 0, None)
        y, x = np.mgrid[py - 6 : py + 7, px - 6 : px + 7]
        found.append(((x * window).sum() / window.sum(), (y * window).sum() / window.sum()))
    return np.array(found)


@pytest.mark.parametrize("seed", range(5))
def test_a_dot_stays_under_its_point(seed):
    frame = Frame.similarity(0.8, 0.1, (120, 120), (96, 96), (192, 192))
    film = CachedFilm.of(dotted(), frame, DOTS, "dots")
    rng = np.random.default_rng(seed)
    settings = Augmentation(stretch=0.15, deform=0.03)
    view = film.view(settings.move(frame, rng), settings.field(frame.size, rng))
    plain = film.view(frame)
    assert np.abs(view.points - plain.points).max() > 4
    inside = ((view.points > 8) & (view.points < 183)).all(axis=1)
    assert inside.sum() >= 3
    np.testing.assert_allclose(centres(view.pixels, view.points[inside]), view.points[inside], atol=0.6)


def test_no_deformation_is_the_plain_view():
    frame = Frame.similarity(0.8, 0.1, (120, 120), (96, 96), (192, 192))
    film = CachedFilm.of(dotted(), frame, DOTS, "dots")
    still = Deformation(np.zeros((192, 192, 2), np.float32))
    view, plain = film.view(frame, still), film.view(frame)
    np.testing.assert_allclose(view.points, plain.points, atol=1e-4)
    np.testing.assert_allclose(view.pixels, plain.pixels, atol=0.02)


def test_missing_points_stay_missing():
    field = Deformation.draw((60, 40), 2.0, np.random.default_rng(0))
    moved = field.move(np.array([[10.0, 10.0], [np.nan, np.nan]]))
    assert np.isfinite(moved[0]).all()
    assert np.isnan(moved[1]).all()
