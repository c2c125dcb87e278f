"""Evenness: the anchors that shapes were spread between are found again, and points that slipped come nearer."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.scheme import Outline, Scheme
from landvote.errors import ModelError
from landvote.shapes import Evenness

ANCHORS = (2, 9, 14)
CLOSED = Scheme.numbered(20).model_copy(
    update={"outlines": (Outline(name="bean", points=tuple(range(20)), closed=True),)}
)
OPEN = Scheme.numbered(5).model_copy(update={"outlines": (Outline(name="arc", points=(0, 1, 2, 3, 4)),)})
LINE = np.column_stack([[0.0, 10, 20, 30, 40], np.zeros(5)])


def bean(number, *, chessboard=False, slip=0.0):
    """Return points that are even between anchors on a curve; both are others on each film, as an annotator has it."""
    rng = np.random.default_rng(number)
    turn = np.linspace(0, 2 * np.pi, 4001)
    curve = np.column_stack([90 * np.cos(turn), 50 * np.sin(turn) + 12 * rng.normal() * np.cos(2 * turn)])
    steps = np.diff(curve, axis=0)
    along = np.r_[0, (np.abs(steps).max(axis=1) if chessboard else np.hypot(*steps.T)).cumsum()]
    ends = along[-1] * (np.array([0.1, 0.5, 0.62, 1.1]) + np.append(d := rng.normal(0, 0.02, 3), d[0]))
    even = np.interp(np.arange(2, 22), [*ANCHORS, 22], ends)
    even += slip * rng.normal(size=20) * ~np.isin(np.arange(2, 22), ANCHORS)
    points = np.stack([np.interp(even % along[-1], along, axis) for axis in curve.T], axis=1)
    return 200 + np.roll(points, 2, axis=0)


@pytest.mark.parametrize("chessboard", [False, True])
def test_the_anchors_are_found_and_how_steps_are_measured(chessboard):
    found = Evenness.fit(CLOSED, [bean(i, chessboard=chessboard) for i in range(12)])
    assert found.anchors == (ANCHORS,)
    assert found.chessboard == (chessboard,)


@pytest.mark.parametrize("chessboard", [False, True])
def test_points_that_slipped_come_nearer_and_anchors_stay(chessboard):
    even = Evenness.fit(CLOSED, [bean(i, chessboard=chessboard) for i in range(12)])
    for number in range(12, 18):
        truth = bean(number, chessboard=chessboard)
        slipped = bean(number, chessboard=chessboard, slip=5.0)
        moved = even.towards(slipped)
        np.testing.assert_array_equal(moved[list(ANCHORS)], slipped[list(ANCHORS)])
        assert ((moved - truth) ** 2).sum() < 0.5 * ((slipped - truth) ** 2).sum()
        np.testing.assert_allclose(even.towards(truth), truth, atol=5)  # a fifth of a step: steps are chords


def test_a_point_in_the_middle_goes_two_thirds_of_the_way():
    even = Evenness(OPEN.outlines, ((0, 4),), (False,))
    slipped = LINE.copy()
    slipped[2, 0] += 3
    np.testing.assert_allclose(even.towards(slipped)[:, 0], [0, 10, 21, 30, 40])


def test_points_beside_a_held_one_move_and_trust_it_more():
    even = Evenness(OPEN.outlines, ((0, 4),), (False,))
    slipped = LINE.copy()
    slipped[2, 0] += 3
    np.testing.assert_allclose(even.towards(slipped, np.array([4]))[:, 0], [0, 10, 20 + 3 / 5, 30, 40])
    np.testing.assert_allclose(even.towards(slipped, np.array([0, 4]))[:, 0], [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(even.towards(slipped, np.empty(0, np.intp)), slipped)
    held = even.towards(slipped, np.array([2]))  # an anchor for the two halves
    np.testing.assert_allclose(held[:, 0], [0, 10 + 1.5 / (1 + 1 / 4), 23, 30 + 1.5 / (1 + 1 / 4), 40])


def test_landmarks_on_spans_without_a_held_one_stay():
    even = Evenness(CLOSED.outlines, (ANCHORS,), (False,))
    slipped = bean(3, slip=5.0)
    moved = np.abs(even.towards(slipped, np.array([9])) - slipped).max(axis=1) > 0
    assert moved.nonzero()[0].tolist() == [3, 4, 5, 6, 7, 8, 10, 11, 12, 13]


def test_points_placed_by_hand_are_left_alone():
    shapes = [bean(i, slip=15.0) for i in range(12)]
    even = Evenness.fit(CLOSED, shapes)
    assert even.anchors == (tuple(range(20)),)
    np.testing.assert_array_equal(even.towards(shapes[0]), shapes[0])


def test_the_ends_of_an_open_outline_are_anchors():
    shapes = [LINE * size + turn * LINE[:, ::-1] for size, turn in ((1, 0), (2, 1), (1.5, -1))]
    assert Evenness.fit(OPEN, shapes).anchors == ((0, 4),)


def test_shapes_with_holes_do_not_count_and_points_with_holes_stay():
    shapes = [bean(i) for i in range(12)]
    holes = [shape.copy() for shape in shapes[:3]]
    for shape in holes:
        shape[5] = np.nan
    even = Evenness.fit(CLOSED, [*holes, *shapes[3:]])
    assert even == Evenness.fit(CLOSED, shapes[3:])
    np.testing.assert_array_equal(even.towards(holes[0]), holes[0])
    assert Evenness.fit(CLOSED, holes).anchors == (tuple(range(20)),)


def test_points_in_one_place_are_no_fault():
    even = Evenness(OPEN.outlines, ((0, 4),), (True,))
    one = np.full((5, 2), 7.0)
    np.testing.assert_array_equal(even.towards(one), one)
    two = LINE.copy()
    two[3] = two[2]
    np.testing.assert_allclose(even.towards(two)[[0, 2, 4]], LINE[[0, 2, 4]])
    assert 20 < even.towards(two)[3, 0] < 30


def test_it_is_what_was_saved(tmp_path):
    even = Evenness.fit(CLOSED, [bean(i, chessboard=True) for i in range(12)])
    even.save(tmp_path)
    assert Evenness.load(tmp_path, CLOSED) == even


def test_files_for_other_outlines_or_without_anchors_are_refused(tmp_path):
    Evenness(OPEN.outlines, ((0, 4),), (False,)).save(tmp_path)
    with pytest.raises(ModelError, match=r"evenness.npz: anchors of shape \(5,\), expected .* 20 landmarks"):
        Evenness.load(tmp_path, CLOSED)
    Evenness(OPEN.outlines, ((3,),), (False,)).save(tmp_path)
    with pytest.raises(ModelError, match=r"evenness.npz: 1 anchors on outline 'arc', expected two at least"):
        Evenness.load(tmp_path, OPEN)
