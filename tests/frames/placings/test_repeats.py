"""The placing of parts that repeat: each patch is laid on the part's own points, whatever lies beside it."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.frames.placings import RepeatSettings
from toys import SPINE_PARTS, films_of, shapes_of, spine


def fitted(training):
    return RepeatSettings(size=(96, 96), border=0.28).fit(shapes_of(training, films_of(training), parts=SPINE_PARTS))


def test_each_part_lies_in_the_middle_of_its_patch_with_its_border():
    training = spine()
    placing = fitted(training)
    assert placing.targets == SPINE_PARTS
    for points in training:
        for frame, part in zip(placing.frames((2000, 2000), points), SPINE_PARTS, strict=True):
            grid = frame.to_grid(points[list(part)])
            np.testing.assert_allclose((grid.min(axis=0) + grid.max(axis=0)) / 2, [47.5, 47.5], atol=6)
            assert grid.min() > 0.28 * 96 - 6
            assert grid.max() < 0.72 * 96 + 6


def test_a_part_is_laid_on_itself_alone():
    training = spine()
    placing = fitted(training)
    points = np.full_like(training[3], np.nan)
    points[list(SPINE_PARTS[2])] = training[3][list(SPINE_PARTS[2])]
    frames = placing.frames((2000, 2000), points)
    assert [frame is not None for frame in frames] == [False, False, True, False, False]
    np.testing.assert_allclose(frames[2].matrix, placing.frames((2000, 2000), training[3])[2].matrix)


def test_where_parts_lie_on_a_film_says_nothing():
    training = spine()
    placing = fitted(training)
    assert placing.log_likelihood((900, 900), training[0]) == placing.log_likelihood((900, 900), training[0] + 400) == 0


def test_how_small_a_part_was_in_training_goes_with_the_film():
    training = [points * 2 for points in spine()]
    placing = fitted(training)
    cells = [1 / frame.scale for points in training for frame in placing.frames((4000, 4000), points)]
    longest = max(films_of(training)[0])
    assert 0.5 * min(cells) < placing.smallest_cell((longest, 1)) < np.median(cells)
    assert placing.smallest_cell((1000, 500)) == pytest.approx(2 * placing.smallest_cell((500, 500)))


def test_a_part_that_no_film_has_whole_is_named():
    training = spine(3)
    for points in training:
        points[9] = np.nan
    with pytest.raises(PointsError, match=r"landmarks of part 2 of the scheme$"):
        fitted(training)
