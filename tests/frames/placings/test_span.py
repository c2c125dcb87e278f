"""The span placing: one view of a whole row, unrolled, whichever way it runs, with room before and beyond it."""

import numpy as np
import pytest

from landvote.frames.placings import SpanSettings
from toys import SPINE_PARTS, films_of, shapes_of, spine

FIRST = [part[0] for part in SPINE_PARTS]


def fitted(training):
    return SpanSettings(size=(64, 160), border=0.2).fit(shapes_of(training, films_of(training), parts=SPINE_PARTS))


@pytest.mark.parametrize("turned", [False, True], ids=["down", "right"])
def test_parts_follow_each_other_straight_down_the_view_but_for_its_border(turned):
    training = [points[:, ::-1].copy() if turned else points for points in spine()]
    placing = fitted(training)
    assert placing.targets == (tuple(FIRST),)
    for points in training:
        strip = placing.strip(points)
        unrolled = strip.to_grid(points)
        frame = placing.frame(0, (strip.width, len(strip.middle)), unrolled)
        grid = frame.to_grid(unrolled)
        centres = np.stack([grid[list(part)].mean(axis=0) for part in SPINE_PARTS])
        np.testing.assert_allclose(grid[FIRST, 0], 31.5, atol=4)
        np.testing.assert_allclose(np.diff(centres[:, 1]), placing.part, atol=4)
        np.testing.assert_allclose(grid[FIRST][[0, -1], 1].mean(), 79.5, atol=4)
        assert len(SPINE_PARTS) * placing.part <= 0.6 * 160


def test_a_part_that_is_missing_lies_on_the_curve_of_the_others():
    training = spine()
    placing, holed = fitted(training), training[1].copy()
    holed[list(SPINE_PARTS[2])] = np.nan
    whole, found = (placing.strip(points).to_grid(training[1]) for points in (training[1], holed))
    np.testing.assert_allclose(found, whole, atol=6)


def test_films_are_learned_from_along_the_true_row_and_those_beside_it():
    placing, points = fitted(spine()), spine()[2]
    own, back, on = (strip.to_grid(points)[FIRST] for strip in placing.training_strips(points))
    np.testing.assert_allclose(own, placing.strip(points).to_grid(points)[FIRST])
    for other, by in ((back, 1), (on, -1)):
        np.testing.assert_allclose(other[1:-1] - own[1:-1], np.tile([0, by * placing.part], (3, 1)), atol=5)


def test_without_two_parts_there_is_no_strip():
    points = np.full_like(spine()[0], np.nan)
    points[0] = 5
    assert fitted(spine()).strip(points) is None
