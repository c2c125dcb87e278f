"""The table of cues: in the order of its names, in grid cells, and with what is missing left out."""

import numpy as np
import pytest

from landvote.uncertainty import CUES, FILM_CUES, LeftOut, cues_of
from landvote.votes import Evidence

N = 4


def facts(cell=2.0, spread=3.0):
    """Return the arguments of ``cues_of``; the lengths of all are in pixels of ``cell`` to a grid cell."""
    points = np.arange(2.0 * N).reshape(N, 2) * cell
    evidence = Evidence(
        np.full(N, 0.5), np.full(N, 6.0), np.full(N, 0.75), np.tile((spread * cell) ** 2 / 2 * np.eye(2), (N, 1, 1)),
        np.full(N, 0.25), np.full(N, 40 * cell),
    )  # fmt: skip
    shape = LeftOut(np.full((N, 2), 3 * cell) * [1, 0], np.full(N, 2.0), 1.5)
    before, dispersion = points + np.array([0.0, cell]), np.full(N, 4 * cell)
    return [points, before, dispersion, evidence, shape, np.full(N, 1.1), 1.7, cell]


def test_each_number_is_where_its_name_says():
    found = cues_of(*facts())
    expected = {
        "spread": 3, "dispersion": 4, "elsewhere": 0.25, "peak": 0.5, "total": 6, "second": 0.25, "second_distance": 10,
        "look_shift": 1, "residual": 3, "residual_distance": 2, "oddness": 1.1,
    }  # fmt: skip
    assert tuple(expected) == CUES
    np.testing.assert_allclose(np.exp(found.landmarks), np.tile(list(expected.values()), (N, 1)), atol=0.06)
    told = dict(zip(FILM_CUES, np.exp(found.film), strict=True))
    assert told["film_oddness"] == pytest.approx(1.7, abs=0.01)
    assert told["shape"] == pytest.approx(1.5, abs=0.01)
    assert told["mean_spread"] == pytest.approx(3, abs=0.1)
    assert found.both.shape == (N, len(CUES) + len(FILM_CUES))


def test_a_film_of_finer_pixels_has_the_same_cues():
    one, two = cues_of(*facts(cell=2.0)), cues_of(*facts(cell=5.0))
    np.testing.assert_allclose(one.both, two.both)
    np.testing.assert_allclose(two.covariance, one.covariance * 2.5**2)


def test_landmarks_that_are_missing_have_none_and_do_not_count_in_the_means():
    given = facts()
    given[0][1] = np.nan
    given[5] = np.array([1.1, 99.0, 1.1, 1.1])
    found = cues_of(*given)
    assert np.isnan(found.landmarks[1]).all()
    np.testing.assert_allclose(found.film, cues_of(*facts()).film)


def test_a_film_without_any_point_has_none():
    given = facts()
    given[0][:] = np.nan
    given[4] = LeftOut(np.full((N, 2), np.nan), np.full(N, np.nan), float("nan"))
    found = cues_of(*given)
    assert np.isnan(found.landmarks).all()
    assert np.isnan(found.film[1:]).all()
    assert np.isfinite(found.film[0])
