"""The row placing: a part is laid on itself and its neighbours, and a row is likely where rows lay in training."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.frames.placings import RowSettings
from landvote.frames.placings.row import ends
from toys import SPINE_PARTS, films_of, shapes_of, spine


def fitted(training, films=None):
    shapes = shapes_of(training, films or films_of(training), parts=SPINE_PARTS)
    return RowSettings(size=(96, 96), border=0.28).fit(shapes)


def test_each_part_lies_in_the_middle_of_its_patch_with_its_border():
    training = spine()
    placing = fitted(training)
    assert placing.targets == SPINE_PARTS
    for points in training:
        frames = placing.frames((2000, 2000), points)
        assert len(frames) == 5
        for frame, part in zip(frames, SPINE_PARTS, strict=True):
            grid = frame.to_grid(points[list(part)])
            np.testing.assert_allclose((grid.min(axis=0) + grid.max(axis=0)) / 2, [47.5, 47.5], atol=6)
            assert grid.min() > 0.28 * 96 - 6
            assert grid.max() < 0.72 * 96 + 6


def test_a_part_is_placed_by_its_neighbours_where_it_is_missing_itself():
    training = spine()
    placing = fitted(training)
    points = training[3].copy()
    points[list(SPINE_PARTS[2])] = np.nan
    grid = placing.frames((2000, 2000), points)[2].to_grid(training[3][list(SPINE_PARTS[2])])
    np.testing.assert_allclose(grid.mean(axis=0), [47.5, 47.5], atol=8)


def test_parts_never_seen_together_are_named():
    training = spine(3)
    for points in training:
        points[9] = np.nan
    with pytest.raises(PointsError, match=r"part 1 of the scheme and of its neighbours$"):
        fitted(training)


def test_ends_are_shares_of_the_film_beyond_the_row_whichever_way_it_runs():
    down = np.array([[50, 9.5], [50, 19.5], [50, 79.5]])
    parts = ((0,), (1,), (2,))
    expected = np.log([0.1, 0.2])
    np.testing.assert_allclose(ends(down, parts, (300, 100)), expected)
    np.testing.assert_allclose(ends(down[:, ::-1], parts, (100, 300)), expected)
    up = 99 - down
    np.testing.assert_allclose(ends(up, parts, (300, 100)), expected)
    beyond = down - [0, 30]
    assert ends(beyond, parts, (300, 100))[0] < np.log(0.01)
    down[2] = np.nan
    assert np.isnan(ends(down, parts, (300, 100))).all()


def test_a_row_is_likely_where_rows_lay_in_training():
    training = spine()
    films, placing = films_of(training), fitted(training)
    step = training[0][16] - training[0][12]
    likely = [placing.log_likelihood(films[0], training[0] + k * step) for k in (-1, 0, 1)]
    assert max(likely) == likely[1]
    assert placing.log_likelihood((400, 320), np.full_like(training[0], np.nan)) == 0


def test_where_rows_end_is_not_known_from_one_film():
    training = spine(1)
    placing = fitted(training, [(400, 320)])
    assert np.isfinite(placing.log_likelihood((400, 320), training[0] + 45.0))
