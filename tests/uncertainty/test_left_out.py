"""Left out: against leaving each landmark out for real, with the Gaussian written down in full."""

import numpy as np
import pytest

from landvote.frames import Frame
from landvote.shapes import ShapeModel
from landvote.uncertainty import left_out

N = 9


def shapes(m=60, noise=0.4):
    rng = np.random.default_rng(1)
    turn = np.linspace(0, 2 * np.pi, N, endpoint=False)
    ring = 40 * np.column_stack([np.cos(turn), 1.4 * np.sin(turn)])
    wide, bent = ring * [1, 0], np.column_stack([np.cos(3 * turn), np.sin(2 * turn)]) * 8
    drawn = [ring + rng.normal(0, 0.1) * wide + rng.normal(0, 0.5) * bent for _ in range(m)]
    return np.stack(drawn) + rng.normal(0, noise, (m, N, 2)) + 200


@pytest.fixture(scope="module")
def model():
    return ShapeModel.fit(shapes(), 0.98)


def in_full(model, points):
    """Return away and distance of each landmark from the full covariance, in which the pose varies very much."""
    frame = Frame.matching(model.mean, points, (1, 1))
    mean = model.mean
    free = np.stack([mean, mean[:, ::-1] * [-1, 1], np.full_like(mean, [1, 0]), np.full_like(mean, [0, 1])])
    free = free.reshape(4, -1) / np.linalg.norm(free.reshape(4, -1), axis=1)[:, None]
    modes = model.modes.reshape(model.modes_count, -1)
    covariance = (modes.T * model.variances) @ modes + 1e7 * free.T @ free
    for i in range(len(mean)):
        covariance[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] += model.residual[i] * 2 * N / (2 * N - 4 - model.modes_count)
    rest = (frame.to_image(points) - mean).ravel()
    away, distance = [], []
    for i in range(len(mean)):
        own, others = np.arange(2 * i, 2 * i + 2), np.delete(np.arange(2 * len(mean)), [2 * i, 2 * i + 1])
        gain = np.linalg.solve(covariance[np.ix_(others, others)], covariance[np.ix_(others, own)]).T
        left = rest[own] - gain @ rest[others]
        expected = covariance[np.ix_(own, own)] - gain @ covariance[np.ix_(others, own)]
        away.append(frame.matrix[:, :2] @ left)
        distance.append(np.sqrt(left @ np.linalg.solve(expected, left)))
    return np.array(away), np.array(distance)


def test_it_is_what_leaving_each_landmark_out_gives(model):
    points = shapes(61)[-1] @ (1.5 * np.array([[0.8, 0.6], [-0.6, 0.8]])) + 30
    found = left_out(model, points)
    away, distance = in_full(model, points)
    np.testing.assert_allclose(found.away, away, atol=2e-3)
    np.testing.assert_allclose(found.distance, distance, atol=2e-3)


def test_a_landmark_that_went_astray_is_the_one_that_stands_out(model):
    points = shapes(61)[-1]
    points[4] += [30.0, -20.0]
    found = left_out(model, points)
    assert found.distance.argmax() == 4
    np.testing.assert_allclose(found.away[4], [30, -20], atol=6)
    assert found.whole > 3 * left_out(model, shapes(61)[-1]).whole


def test_lengths_are_image_pixels_and_the_distance_has_no_unit(model):
    points = shapes(61)[-1]
    one, two = left_out(model, points), left_out(model, 2 * points + 7)
    np.testing.assert_allclose(two.away, 2 * one.away, atol=1e-6)
    np.testing.assert_allclose(two.distance, one.distance, atol=1e-6)
    assert two.whole == pytest.approx(one.whole)


def test_shapes_like_those_learned_from_are_about_one_away(model):
    found = [left_out(model, shape) for shape in shapes(200)[60:]]
    assert np.mean([f.whole for f in found]) == pytest.approx(1, abs=0.15)
    assert np.sqrt(np.mean([f.distance**2 for f in found]) / 2) == pytest.approx(1, abs=0.15)


def test_missing_landmarks_have_none_and_do_not_matter_to_the_others(model):
    points = shapes(61)[-1]
    points[3] = np.nan
    found = left_out(model, points)
    assert np.isnan(found.away[3]).all()
    assert np.isnan(found.distance[3])
    assert np.isfinite(np.delete(found.distance, 3)).all()


@pytest.mark.parametrize("known", [0, 1, 3])
def test_too_few_points_tell_nothing(model, known):
    points = np.where(np.arange(N)[:, None] < known, shapes(61)[-1], np.nan)
    found = left_out(model, points)
    assert np.isnan(found.distance).all()
    assert np.isnan(found.whole)


def test_points_all_in_one_place_tell_nothing(model):
    assert np.isnan(left_out(model, np.full((N, 2), 7.0)).whole)
