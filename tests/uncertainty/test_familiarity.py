"""Familiarity: rows like those learned from are about 1 odd, others more; and what is sampled of a view."""

import numpy as np
import pytest

from landvote.errors import ModelError
from landvote.uncertainty import Familiarity
from landvote.uncertainty.familiarity import SIDE, STEP, film_at, patches_at


def rows(m, rng, places=3, d=30):
    axes = np.random.default_rng(0).normal(size=(places, 4, d))
    drawn = np.einsum("mgk,gkd->mgd", rng.normal(size=(m, places, 4)) * [4, 3, 2, 1], axes)
    return (drawn + rng.normal(0, 0.5, drawn.shape) + 5).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    return Familiarity.fit(list(rows(80, np.random.default_rng(1))))


def test_unseen_rows_of_the_kind_are_about_one_odd(known):
    found = np.stack([known.oddness(row) for row in rows(200, np.random.default_rng(2))])
    assert found.shape == (200, 3)
    np.testing.assert_allclose(np.sqrt((found**2).mean(axis=0)), 1, atol=0.2)


def test_another_kind_is_odder_than_any_of_the_own(known):
    own = np.stack([known.oddness(row) for row in rows(100, np.random.default_rng(2))])
    other = known.oddness(np.random.default_rng(3).normal(5, 10, (3, 30)).astype(np.float32))
    assert (other > own.max(axis=0)).all()


def test_rows_that_lie_along_the_modes_but_far_out_are_odd_too(known):
    far = known.mean + 400 * known.modes[:, 0]
    assert (known.oddness(far) > 1.5).all()


def test_a_row_that_is_missing_has_none_and_is_not_learned_from():
    films = rows(30, np.random.default_rng(1))
    films[4, 1] = np.nan
    some = Familiarity.fit(list(films))
    assert np.isfinite(some.oddness(films[0])).all()
    np.testing.assert_array_equal(np.isnan(some.oddness(films[4])), [False, True, False])


@pytest.mark.parametrize("m", [1, 2, 5])
def test_few_films_are_no_error(m):
    films = rows(m, np.random.default_rng(1))
    assert np.isfinite(Familiarity.fit(list(films)).oddness(films[0])).all()


def test_it_is_read_as_it_was_written(known, tmp_path):
    again = Familiarity.load(known.save(tmp_path / "patches.npz"), 3)
    row = rows(1, np.random.default_rng(4))[0]
    np.testing.assert_array_equal(again.oddness(row), known.oddness(row))
    with pytest.raises(ModelError, match=r"patches\.npz: for 3 places, expected 5"):
        Familiarity.load(tmp_path / "patches.npz", 5)


def test_patches_are_what_lies_about_the_points_whatever_the_contrast():
    y, x = np.mgrid[:120, :100].astype(np.float32)
    pixels = np.sin(x / 9) + np.cos(y / 7)
    points = np.array([[50.0, 60], [np.nan, np.nan], [20, 30]])
    seen = patches_at(pixels, points)
    assert seen.shape == (3, SIDE * SIDE)
    np.testing.assert_allclose(patches_at(3 * pixels + 2, points), seen, atol=1e-4)
    assert np.isnan(seen[1]).all()
    np.testing.assert_allclose(seen[0].mean(), 0, atol=1e-5)
    ramp = patches_at(x, points)[0].reshape(SIDE, SIDE)  # left to right the samples are STEP cells apart
    np.testing.assert_allclose(np.diff(ramp, axis=1), np.full((SIDE, SIDE - 1), STEP / (STEP * 2.2913)), rtol=1e-3)
    np.testing.assert_allclose(np.diff(ramp, axis=0), 0, atol=1e-5)


def test_an_even_patch_is_all_zero_and_one_beside_the_view_no_error():
    seen = patches_at(np.full((50, 50), 0.3, np.float32), np.array([[25.0, 25], [-500, 900]]))
    np.testing.assert_allclose(seen, 0, atol=1e-5)


def test_a_film_is_small_and_without_contrast():
    y, x = np.mgrid[:192, :256].astype(np.float32)
    pixels = np.sin(x / 30) + np.cos(y / 20)
    np.testing.assert_allclose(film_at(5 * pixels - 1), film_at(pixels), atol=1e-4)
    assert film_at(pixels).shape == (1, 576)
    np.testing.assert_array_equal(film_at(np.zeros((192, 256), np.float32)), 0)
