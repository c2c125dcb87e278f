"""The span placing: one patch over a whole row, whichever way it runs, with room before and beyond it."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.frames.placings import SpanSettings
from toys import SPINE_PARTS, films_of, shapes_of, spine

FIRST = [part[0] for part in SPINE_PARTS]


def fitted(training, films=None):
    shapes = shapes_of(training, films or films_of(training), parts=SPINE_PARTS)
    return SpanSettings(size=(64, 160), border=0.2).fit(shapes)


def test_the_row_fills_its_patch_but_for_the_border():
    training = spine()
    placing = fitted(training)
    assert placing.targets == (tuple(FIRST),)
    assert placing.size == (64, 160)
    for points in training:
        grid = placing.frame(0, (2000, 2000), points).to_grid(points[FIRST])
        np.testing.assert_allclose(grid[:, 1].min(), 0.2 * 160, atol=8)
        np.testing.assert_allclose(grid[:, 1].max(), 0.8 * 160, atol=8)
        np.testing.assert_allclose((grid[:, 0].min() + grid[:, 0].max()) / 2, 31.5, atol=8)


def test_a_row_that_runs_to_the_right_has_a_patch_that_lies():
    training = [points[:, ::-1].copy() for points in spine()]
    placing = fitted(training, [film[::-1] for film in films_of(spine())])
    assert placing.size == (160, 64)
    grid = placing.frame(0, (2000, 2000), training[0]).to_grid(training[0][FIRST])
    assert np.ptp(grid[:, 0]) == pytest.approx(0.6 * 160, abs=8)


def test_one_part_that_went_astray_is_outvoted():
    training = spine()
    placing = fitted(training)
    points = training[1].copy()
    points[FIRST[2]] += 60.0
    right, found = (placing.frame(0, (2000, 2000), p).to_grid(training[1][FIRST]) for p in (training[1], points))
    np.testing.assert_allclose(found, right, atol=4)


def test_films_without_some_part_do_not_count_and_if_there_are_no_others_that_is_told():
    training = spine(4)
    training[0][FIRST[1]] = np.nan
    np.testing.assert_allclose(fitted(training).layout, fitted(training[1:]).layout)
    for points in training:
        points[FIRST[1]] = np.nan
    with pytest.raises(PointsError, match=r"the first of each part$"):
        fitted(training)
