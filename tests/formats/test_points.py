"""The table that readers and writers of points share: the order and names that a scheme gives it."""

import numpy as np
import pytest

from landvote.data.scheme import Outline, Scheme
from landvote.errors import PointsError
from landvote.formats.points import Mark, PointRow, PointTable, table_of

NAN = float("nan")
SCHEME = Scheme(name="s", landmarks=("hip", "knee"), file_points=3, columns=(2, 0),
                outlines=(Outline(name="leg", points=(0, 1)),))  # fmt: skip
POINTS = np.array([[0.0, 1], [10, 11], [20, 21]])


def table(points, landmarks):
    row = PointRow("a.png", "", points, "l.csv, line 2", occluded=points[:, 0] == 0, expected_error=points[:, 1])
    return PointTable((row,), landmarks)


def test_all_points_of_a_file_take_names_by_their_order():
    found = table(POINTS, ("0", "1", "2")).named_by(SCHEME)
    assert (found.landmarks, found.outlines[0].points) == (("knee", "1", "hip"), (2, 0))
    np.testing.assert_array_equal(found.rows[0].points, POINTS)


def test_points_that_are_not_in_use_and_not_given_are_left_out():
    points = POINTS.copy()
    points[1] = NAN
    found = table(points, ("0", "1", "2")).named_by(SCHEME)
    assert (found.landmarks, found.outlines) == (("hip", "knee"), SCHEME.outlines)
    np.testing.assert_array_equal(found.rows[0].points, POINTS[[2, 0]])
    assert found.rows[0].occluded.tolist() == [False, True]
    assert found.rows[0].expected_error.tolist() == [21, 1]


def test_only_the_points_in_use_take_their_names():
    assert table(POINTS[:2], ("0", "1")).named_by(SCHEME).landmarks == ("hip", "knee")


def test_named_points_are_found_by_their_names():
    found = table(POINTS[:2], ("knee", "1")).named_by(SCHEME)
    assert found.landmarks == ("knee", "1", "hip")
    np.testing.assert_array_equal(found.rows[0].points, [[0, 1], [10, 11], [NAN, NAN]])
    assert found.rows[0].occluded.tolist() == [True, False, False]
    np.testing.assert_array_equal(found.rows[0].expected_error, [1, 11, NAN])


@pytest.mark.parametrize(
    ("landmarks", "says"),
    [
        (("hip", "kne", "1"), "l.csv, line 2: unknown landmark 'kne'; did you mean 'knee'?"),
        (("hip", "2", "1"), "l.csv, line 2: landmark '2' is 'hip' as well"),
        (("0", "1", "2", "3"), r"l.csv, line 2: 4 points, expected 3 \(or the 2 in use\) for scheme 's'"),
    ],
)
def test_points_that_do_not_fit_the_scheme(landmarks, says):
    with pytest.raises(PointsError, match=says):
        table(np.arange(2.0 * len(landmarks)).reshape(-1, 2), landmarks).named_by(SCHEME)


def test_an_order_that_is_assumed_is_said():
    scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=2, columns=(0, 1))
    said = "order assumed: points have no names of scheme 's' and are taken in its order"
    assert PointTable.numbered([("a", "", np.zeros((2, 2)))]).named_by(scheme).notes == (said,)
    for names, notes in ((("knee", "hip"), ()), (("1", "0"), (said,))):
        marks = [Mark("f", "a", "", name, (1, 2)) for name in names]
        assert table_of(marks, scheme).named_by(scheme).notes == notes  # by a reader that heeds the scheme
    assert table_of([Mark("f", "a", "", n, (1, 2)) for n in ("knee", "hip")], None).named_by(scheme).notes == (
        "landmarks are in the order in which they are first named",
    )
    assert not PointTable.numbered([("a", "", np.zeros((2, 2)))]).named_by(Scheme.numbered(2)).notes
