"""Carry: what follows a landmark that is moved, against the closed form, and where nothing is to follow."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.scheme import Outline
from landvote.errors import ShapeError
from landvote.frames import Frame
from landvote.shapes import ShapeModel, carry, carry_gains, conditional_gains, outline_covariance, shape_covariance
from toys import HEXAGON

RING = np.stack([100 + 40 * np.cos(t) + 60j + 40j * np.sin(t) for t in np.linspace(0, 2 * np.pi, 20, endpoint=False)])
CIRCLE = np.column_stack([RING.real, RING.imag])
CLOSED = (Outline(name="ring", points=tuple(range(20)), closed=True),)
OPEN = (Outline(name="arc", points=tuple(range(20))),)


@pytest.fixture(scope="module")
def model():
    """Return a model of hexagons that differ by one mode: the upper three points go to the right together."""
    rng = np.random.default_rng(0)
    shapes = [HEXAGON + rng.normal(0, 12) * np.outer([1, 1, 0, 0, 1, 0], [1, 0]) for _ in range(60)]
    return ShapeModel.fit(np.stack(shapes) + rng.normal(0, 0.5, (60, 6, 2)))


def test_gains_are_the_mean_of_a_gaussian_given_a_part_of_it():
    root = np.random.default_rng(1).normal(size=(8, 8))
    covariance = root @ root.T
    held, others = np.array([1, 3]), np.array([0, 2])
    gains = conditional_gains(covariance.reshape(4, 2, 4, 2), held)
    h, o = [2, 3, 6, 7], [0, 1, 4, 5]
    closed = covariance[np.ix_(o, h)] @ np.linalg.inv(covariance[np.ix_(h, h)])
    np.testing.assert_allclose(gains[others].transpose(0, 2, 1, 3).reshape(4, 4), closed, atol=1e-3)
    np.testing.assert_array_equal(gains[held], np.einsum("ab,ij->abij", np.eye(2), np.eye(2)))


def test_held_points_end_exactly_at_their_places_and_unknown_ones_stay_unknown(model):
    points, places = HEXAGON.copy(), np.array([[13.1, -2.7], [1 / 3, 140.0]])
    points[4] = np.nan
    for shape in (model, None):
        found = carry(points, np.array([0, 3]), places, shape)
        np.testing.assert_array_equal(found[[0, 3]], places)
        assert np.isnan(found[4]).all()
        assert np.isfinite(found[[1, 2, 5]]).all()


def test_a_point_takes_along_those_that_go_with_it_in_the_shape_and_not_the_others(model):
    found = carry(HEXAGON, np.array([0]), HEXAGON[[0]] + [8, 0], model) - HEXAGON
    assert found[1, 0] > 0.5
    assert np.abs(found[[2, 3, 5]]).max() < 0.25 * found[1, 0]


def test_a_shape_that_is_wrong_as_a_whole_follows_as_a_whole(model):
    shift = np.array([90.0, 60.0])
    found = carry(HEXAGON, np.array([0, 2]), HEXAGON[[0, 2]] + shift, model) - HEXAGON
    assert np.linalg.norm(found - shift, axis=1).max() < 0.2 * np.linalg.norm(shift)


def test_one_point_that_went_astray_comes_back_almost_alone(model):
    points = HEXAGON.copy()
    points[0] += [70, 50]
    found = carry(points, np.array([0]), HEXAGON[[0]], model)
    assert np.linalg.norm(found - HEXAGON, axis=1).max() < 0.1 * np.hypot(70, 50)


def test_gains_turn_and_grow_with_the_film(model):
    laid = Frame.similarity(1.7, 0.6, (0, 0), (300, 200), (1, 1))
    held, moved = np.array([2]), np.array([3.0, -5.0])
    here = carry_gains(HEXAGON, held, model)[:, 0] @ moved
    there = carry_gains(laid.to_grid(HEXAGON), held, model)[:, 0] @ (laid.matrix[:, :2] @ moved)
    np.testing.assert_allclose(there, here @ laid.matrix[:, :2].T, atol=1e-6)


def test_along_an_outline_neighbours_follow_the_less_the_farther_they_are():
    gains = carry_gains(CIRCLE, np.array([5]), None, OPEN)[:, 0]
    along = gains[5:12, 0, 0]
    assert (np.diff(along) < 0).all()
    assert 0.1 < along[1] < 0.9
    np.testing.assert_allclose(gains[4], gains[6], atol=1e-6)  # as far before as after
    assert np.abs(gains[15]).max() < 1e-2
    assert np.abs(gains[:, 0, 1]).max() == 0


def test_a_closed_outline_goes_on_where_it_began():
    closed, opened = (carry_gains(CIRCLE, np.array([0]), None, lines)[:, 0, 0, 0] for lines in (CLOSED, OPEN))
    assert closed[19] == pytest.approx(closed[1], abs=1e-6)
    assert opened[19] < 1e-3


def test_without_shape_and_outline_nothing_follows():
    found = carry(HEXAGON, np.array([1]), HEXAGON[[1]] + 9, None)
    np.testing.assert_array_equal(np.delete(found - HEXAGON, 1, axis=0), 0)


def test_a_covariance_is_one(model):
    for covariance in (shape_covariance(model, HEXAGON, 0.04), outline_covariance(CLOSED, CIRCLE)):
        flat = covariance.reshape(2 * len(covariance), -1)
        np.testing.assert_allclose(flat, flat.T, atol=1e-9)
        assert np.linalg.eigvalsh(flat).min() > -1e-6


def test_a_pose_takes_two_points(model):
    with pytest.raises(ShapeError, match="1 of 6 points are known, expected two in different places at least, of 6"):
        shape_covariance(model, np.where(np.arange(6)[:, None] == 2, HEXAGON, np.nan), 0.04)
