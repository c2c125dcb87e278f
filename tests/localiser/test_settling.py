"""Settling: with voters that see the truth, wrong points go to the votes; without votes they are carried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landvote.data.scheme import Outline
from landvote.data.side import Side, in_mirror
from landvote.localiser.families import VOTERS
from landvote.localiser.settling import Settling, near_peaks
from landvote.localiser.stage import StageSettings
from landvote.shapes import Evenness, carry
from landvote.uncertainty import contour_axes
from toys import (
    BOX,
    GLOBAL,
    LOCAL,
    Eyes,
    SeerSettings,
    box,
    box_sample,
    fitted,
    registered,
    voter_of,
    votes_at,
    with_look,
)

NOBODY, HELD = np.empty(0, np.intp), np.array([1, 3])


@pytest.fixture(autouse=True)
def _seers():
    with registered(VOTERS, SeerSettings):
        yield


def off(i, by=(9.0, -8.0)):
    """Return the true points of a box, and all of them off."""
    truth = box(i)[1]
    return truth, truth + by


def test_wrong_points_go_to_their_votes_and_held_ones_stay_exactly(tmp_path):
    truth, points = off(20)
    place = truth[HELD] + np.array([0.123, 1.87])
    found = Settling(fitted(tmp_path), box_sample(20).open()).settle(points, HELD, place)
    np.testing.assert_array_equal(found.points[HELD], place)
    others = np.delete(np.arange(5), HELD)
    np.testing.assert_allclose(found.points[others], truth[others], atol=0.4)
    assert (found.identifier, found.landmarks) == ("20.png", BOX.landmarks)


def test_landmarks_that_nothing_carries_stay_whatever_their_votes_say(tmp_path):
    truth = box(20)[1]
    points = truth + np.array([4.0, 0.0])
    settling = Settling(fitted(tmp_path), box_sample(20).open())
    np.testing.assert_allclose(settling.settle(points, NOBODY, np.empty((0, 2))).points, points)
    np.testing.assert_allclose(settling.settle(points, HELD, points[HELD]).points, points)


def test_without_votes_points_are_carried(tmp_path):
    one = fitted(tmp_path)
    blind = with_look(one, "local", voter=Eyes(lambda view: votes_at(np.full((5, 2), np.nan), view.frame.size)))
    _, points = off(21)
    place = points[HELD] + np.array([11.0, 4.0])
    found = Settling(blind, box_sample(21).open()).settle(points, HELD, place)
    carried = carry(points, HELD, place, one.errors.shape)
    np.testing.assert_allclose(found.points, carried, atol=1e-9)
    assert np.abs(carried - points)[[0, 2, 4]].max() > 0


def test_votes_far_from_where_a_landmark_was_carried_to_are_not_its_own(tmp_path):
    truth, points = off(22)
    points[4] += [60, 60]
    found = Settling(fitted(tmp_path), box_sample(22).open()).settle(points, HELD, truth[HELD])
    np.testing.assert_allclose(found.points[:4], truth[:4], atol=0.4)
    assert np.linalg.norm(found.points[4] - truth[4]) > 20


def test_a_landmark_that_was_never_found_goes_to_its_highest_peak(tmp_path):
    truth, points = off(23)
    points[4] = np.nan
    found = Settling(fitted(tmp_path), box_sample(23).open()).settle(points, HELD, truth[HELD])
    np.testing.assert_allclose(found.points[4], truth[4], atol=0.4)


def test_a_second_time_nothing_is_looked_at_again_until_the_patch_has_moved(tmp_path):
    one = fitted(tmp_path)
    settling, looked = Settling(one, box_sample(24).open()), voter_of(one, "local").looked
    truth, points = off(24)
    looked.clear()
    for _ in range(3):
        settling.settle(points, HELD, truth[HELD])
    assert len(looked) == 1
    settling.settle(points + np.array([90, 0]), NOBODY, np.empty((0, 2)))
    assert len(looked) == 2


def test_the_other_side_is_settled_in_the_mirror(tmp_path):
    one = replace(fitted(tmp_path), sides=(Side(name="L"), Side(name="R", mirrored=True)))
    truth, points = off(25)
    width = box(25)[0][0]
    sample = box_sample(25).open()
    settling = Settling(one, sample.mirrored(), Side(name="R"))
    found = settling.settle(in_mirror(points, width), HELD, in_mirror(truth, width)[HELD])
    np.testing.assert_allclose(found.points, in_mirror(truth, width), atol=0.4)


def test_landmarks_beside_a_held_one_go_to_even_places(tmp_path):
    one = fitted(tmp_path)
    arc = Outline(name="arc", points=(1, 2, 3, 0))
    even = Evenness((arc,), ((0, 2, 3),), (False,))
    with_even = replace(one, stages=(*one.stages[:-1], replace(one.stages[-1], evenness=even)))
    truth, points = off(20)
    by_votes = Settling(one, box_sample(20).open()).settle(points, HELD, truth[HELD]).points
    found = Settling(with_even, box_sample(20).open()).settle(points, HELD, truth[HELD]).points
    np.testing.assert_allclose(by_votes, truth, atol=0.4)
    np.testing.assert_allclose(found[[0, 1, 3, 4]], by_votes[[0, 1, 3, 4]])
    np.testing.assert_allclose(found[2], even.towards(truth, HELD)[2], atol=0.6)
    assert np.linalg.norm(found[2] - truth[2]) > 3


def test_points_of_a_stage_that_counts_in_part_are_a_mean(tmp_path):
    half = LOCAL.model_copy(update={"name": "half", "weight": 0.5, "voter": SeerSettings(off=(4.0, 0.0))})
    one = fitted(tmp_path, *[stage.settings for stage in fitted(tmp_path / "a").stages], half)
    truth, points = off(26)
    found = Settling(one, box_sample(26).open()).settle(points, HELD, truth[HELD])
    scale = one.looks[-1].placing.frame(0, box(26)[0], truth).scale
    assert np.linalg.norm(found.points[4] - truth[4]) * scale == pytest.approx(2.0, abs=0.3)


def test_a_stage_along_the_outline_moves_points_across_it_alone_and_held_ones_never(tmp_path):
    """The seers of the outline see the truth shifted: what is taken of that is the part across the outline."""
    line = BOX.model_copy(update={"outlines": (Outline(name="line", points=(0, 1, 2, 3, 4)),)})
    outline = StageSettings(
        name="outline", placing={"kind": "outline", "size": (96, 96), "landmarks": 3}, weight=0.7, along=0.0,
        voter=SeerSettings(off=(3.0, 4.0)), search={"kind": "poses", "rounds": 1},
    )  # fmt: skip
    one = fitted(tmp_path, GLOBAL, LOCAL, outline, scheme=line)
    truth, points = off(27)
    place = truth[HELD] + [1.5, 2.5]
    found = Settling(one, box_sample(27, scheme=line).open()).settle(points, HELD, place)
    np.testing.assert_array_equal(found.points[HELD], place)
    coarse = replace(one, stages=one.stages[:2])
    before = Settling(coarse, box_sample(27, scheme=line).open()).settle(points, HELD, place)
    moved = found.points - before.points
    axes = contour_axes(line, before.points)
    others = np.delete(np.arange(5), HELD)
    assert np.abs(np.einsum("nj,nj->n", axes[others, :, 1], moved[others])).max() > 0.5
    np.testing.assert_allclose(np.einsum("nj,nj->n", axes[others, :, 0], moved[others]), 0, atol=0.6)


def test_weak_votes_count_for_nothing():
    votes = votes_at(np.array([[20.0, 20.0], [40.0, 20.0], [30.0, 40.0]]), (64, 64))
    votes.votes[2] *= 0.01
    near = np.array([[22.0, 20.0], [40.0, 22.0], [30.0, 42.0]])
    found = near_peaks(votes, near, np.zeros(3, bool)).points
    np.testing.assert_allclose(found[:2], [[20, 20], [40, 20]], atol=0.1)
    np.testing.assert_array_equal(found[2], near[2])
