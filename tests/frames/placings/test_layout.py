"""Layouts: which points to lay a patch on, and what shape to give it."""

import numpy as np
import pytest

from landvote.frames.placings.layout import same_area, spread_points
from toys import HEXAGON


def test_spread_points_are_far_apart():
    corners = np.array([[0, 0], [100, 0], [0, 100], [100, 100]], float)
    middle = np.random.default_rng(0).uniform(40, 60, (20, 2))
    shapes = np.stack([np.concatenate([middle, corners]) + s for s in range(5)])
    assert spread_points(shapes, 4) == (20, 21, 22, 23)


def test_spread_points_avoid_those_that_are_often_missing():
    shapes = np.stack([HEXAGON] * 10)
    shapes[:5, 2] = np.nan
    chosen = spread_points(shapes, 4)
    assert len(chosen) == 4
    assert 2 not in chosen


def test_spread_points_are_two_at_least_though_each_is_missing_somewhere():
    shapes = np.stack([HEXAGON] * 10)
    for i in range(1, 6):
        shapes[:i, i] = np.nan  # every landmark is missing more often than the one before
    assert spread_points(shapes, 3) == (0, 1)


@pytest.mark.parametrize(("size", "extent"), [((256, 192), (1, 1)), ((224, 224), (430, 1180)), ((96, 96), (1000, 10))])
def test_same_area_keeps_the_area_in_steps_of_its_multiple(size, extent):
    width, height = same_area(size, np.array(extent, float), 32)
    assert (width % 32, height % 32) == (0, 0)
    assert width * height == pytest.approx(size[0] * size[1], rel=0.35)
    aspect = np.clip(extent[0] / extent[1], 0.25, 4)
    assert width / height == pytest.approx(aspect, rel=0.35)


@pytest.mark.parametrize("multiple", [1, 20, 64])
def test_the_multiple_is_the_voters(multiple):
    width, height = same_area((224, 224), np.array([430.0, 1180.0]), multiple)
    assert (width % multiple, height % multiple) == (0, 0)
