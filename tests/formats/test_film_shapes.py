"""Two shapes on one film are two sides of it, told by their names or by where they lie."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.film_shapes import by_side, shape_numbers, side_named
from landvote.formats.points import PointRow

NAN = float("nan")


def shape(film, *xs, size=(100, 50), annotator=""):
    return PointRow(film, annotator, np.array([[x, x] for x in xs], float), f"file, {film}", size=size)


def sides(*shapes, films=None):
    rows, notes = by_side(shapes, films)
    return {(row.image, row.annotator): row.points[0, 0] for row in rows}, notes


def test_one_shape_a_film_is_the_film_itself():
    found, notes = sides((shape("a.png", 5), "hip"), (shape("b.png", 5), "hip"))
    assert (found, notes) == ({("a.png", ""): 5, ("b.png", ""): 5}, [])


def test_of_two_the_one_farther_left_is_the_first_and_a_single_one_goes_by_the_middle_of_its_film():
    found, notes = sides(
        (shape("a.png", 70), "hip"), (shape("a.png", 20), "hip"), (shape("b.png", 49), "hip"),
        (shape("c.png", 50), "hip"),
    )  # fmt: skip
    assert found == {("a.png_1", ""): 20, ("a.png_2", ""): 70, ("b.png_1", ""): 49, ("c.png_2", ""): 50}
    assert notes == ["of two shapes on a film the one farther left is _1"]


def test_left_is_told_by_the_landmarks_that_both_have():
    found, _ = sides((shape("a.png", 30, NAN), "hip"), (shape("a.png", 20, 90), "hip"))
    assert found == {("a.png_1", ""): 20, ("a.png_2", ""): 30}


def test_annotators_are_not_sides():
    found, _ = sides((shape("a.png", 30, annotator="ann"), "hip"), (shape("a.png", 20, annotator="bob"), "hip"))
    assert set(found) == {("a.png", "ann"), ("a.png", "bob")}


def test_labels_that_name_both_sides_are_believed_wherever_the_shapes_lie():
    found, notes = sides(
        (shape("a.png", 20), "left hip"), (shape("a.png", 70), "right hip"), (shape("b.png", 20), "hip_R")
    )
    assert (found, notes) == ({("a.png_L", ""): 20, ("a.png_R", ""): 70, ("b.png_R", ""): 20}, [])
    assert set(sides((shape("a.png", 20), "left hip"))[0]) == {("a.png", "")}


@pytest.mark.parametrize(
    ("label", "side"),
    [("left hip", "L"), ("Hip_R", "R"), ("L", "L"), ("RIGHT", "R"), ("hip", ""), ("L to R", ""), ("leftover", "")],
)  # fmt: skip
def test_a_label_names_a_side_by_a_word_of_its_own(label, side):
    assert side_named(label) == side


def test_shapes_without_points_are_passed_over_beside_others():
    found, notes = sides((shape("a.png", NAN), "hip"), (shape("a.png", 20), "hip"), (shape("b.png", NAN), "hip"))
    assert set(found) == {("a.png", ""), ("b.png", "")}
    assert notes == ["1 shapes without points beside others are passed over"]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("hip", "hip", "hip"), "file, a.png: 3 shapes on 'a.png', expected two at most"),
        (("left", "left"), "two shapes of side L on 'a.png', expected one of each"),
    ],
)
def test_more_is_an_error_that_names_the_film(labels, says):
    shapes = [(shape("a.png", i), label) for i, label in enumerate(labels)]
    with pytest.raises(PointsError, match=says):
        by_side([*shapes, (shape("b.png", 1), "right"), (shape("c.png", 1), "left")], None)


def test_the_middle_of_a_film_that_nobody_knows_is_an_error():
    with pytest.raises(PointsError, match=r"b\.png"):
        sides((shape("a.png", 1), ""), (shape("a.png", 2), ""), (shape("b.png", 3, size=None), ""))


@pytest.mark.parametrize(
    ("points", "numbers"),
    [
        ([("a", 5), ("b", 9), ("a", 50), ("b", 40)], [0, 0, 1, 1]),
        ([("a", 50), ("a", 5), ("b", 9), ("b", 40)], [1, 0, 0, 1]),  # in whatever order they were set
        ([("a", 5), ("b", 9), ("a", 50), ("b", 40), ("c", 45)], [0, 0, 1, 1, 1]),  # one side lacks c
        ([("a", 5), ("b", 9), ("c", 7), ("a", 6)], [0, 0, 0, 0]),  # one point was set twice
        ([("a", 5), ("a", 50)], [0, 0]),
        ([("a", 5), ("b", 30), ("a", 20), ("b", 60)], [0, 0, 0, 0]),  # no gap between left and right
        ([("a", 5), ("b", 9), ("a", 50), ("b", 40), ("a", 90)], [0] * 5),
    ],
)
def test_two_shapes_without_groups_are_told_by_a_gap_between_left_and_right(points, numbers):
    assert shape_numbers([label for label, _ in points], [(x, 3) for _, x in points]) == numbers
