"""Long CSV: names and indices, annotators, occluded points, and everything that can be wrong with it."""

import numpy as np
import pytest

from landvote.data.scheme import Scheme
from landvote.errors import PointsError
from landvote.formats.format import Reading
from landvote.formats.kinds.jsonl import PredictionLines
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.predictions import read_predictions
from landvote.formats.reading import read_points

NAN = float("nan")


@pytest.fixture
def read(tmp_path):
    """Write text to a file and read it."""

    def _read(text, scheme=None):
        (tmp_path / "l.csv").write_text(text, encoding="utf-8")
        return read_points(tmp_path / "l.csv", scheme=scheme)

    return _read


def test_indices(read):
    table = read("image,landmark,x,y\na,2,5,6\na,0,1,2\nb,1,3,4\n")
    assert (table.form, table.landmarks, table.named) == ("long-csv", ("0", "1", "2"), False)
    np.testing.assert_array_equal(table.rows[0].points, [[1, 2], [NAN, NAN], [5, 6]])
    np.testing.assert_array_equal(table.rows[1].points, [[NAN, NAN], [3, 4], [NAN, NAN]])


@pytest.mark.parametrize("first", [1, 1000001])
def test_numbers_that_no_index_begins_with_are_names(read, first):
    table = read("image,landmark,x,y\n" + "".join(f"a,{first + i},{i},2\n" for i in (9, 1, 0)))
    assert table.landmarks == (str(first), str(first + 1), str(first + 9))
    assert table.rows[0].points[:, 0].tolist() == [0, 1, 9]


def test_names_without_a_scheme_come_in_order_of_appearance_and_it_is_said(read):
    table = read("image,landmark,x,y\na,hip,1,2\na,knee,3,4\nb,knee,5,6\n")
    assert table.landmarks == ("hip", "knee")
    assert "landmarks are in the order in which they are first named" in table.notes
    np.testing.assert_array_equal(table.rows[1].points, [[NAN, NAN], [5, 6]])


def test_names_and_indices_with_a_scheme(read):
    scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=3, columns=(2, 0))
    table = read("image,landmark,x,y\na,hip,1,2\na,0,3,4\na,1,5,6\n", scheme)
    assert table.landmarks == ("knee", "1", "hip")
    np.testing.assert_array_equal(table.rows[0].points, [[3, 4], [5, 6], [1, 2]])
    table = read("image,landmark,x,y\na,hip,1,2\na,0,3,4\n", scheme)  # the point that is not in use is not given
    assert table.landmarks == ("hip", "knee")
    np.testing.assert_array_equal(table.rows[0].points, [[1, 2], [3, 4]])


def test_annotators_are_kept_apart(read):
    rows = read("image,landmark,x,y,annotator\na,0,1,2,ann\na,0,3,4,bob\n").rows
    assert [(r.annotator, r.points[0, 0]) for r in rows] == [("ann", 1), ("bob", 3)]


def test_occluded_in_every_spelling(read):
    flags = ("", "0", "False", "no", "1", "TRUE", "yes")
    lines = "".join(f"a,{i},1,2,{flag}\n" for i, flag in enumerate(flags))
    (row,) = read("image,landmark,x,y,occluded\n" + lines).rows
    assert row.occluded.tolist() == [False] * 4 + [True] * 3


def test_what_is_written_says_no_more_than_is_known(read, tmp_path):
    for text in (
        "image,landmark,x,y\na,hip,1.000,2.000\na,knee,,\n",
        "image,landmark,x,y,annotator\na,hip,1.000,2.000,ann\na,knee,,,ann\n",
        "image,landmark,x,y,occluded\na,hip,1.000,2.000,1\na,knee,,,0\n",
        "image,landmark,x,y,expected_error\na,hip,1.000,2.000,3.500\na,knee,,,\n",
        "image,landmark,x,y,error_90,known\na,hip,1.000,2.000,7.000,0\na,knee,3.000,4.000,,0\nb,hip,,,,\nb,knee,,,,\n",
    ):
        LongCsv().write(tmp_path / "again.csv", read(text))
        assert (tmp_path / "again.csv").read_text() == text


def test_errors_of_predictions_go_from_format_to_format(read, tmp_path):
    """Under a scheme too, whose landmarks have another order; other radii are not made up."""
    text = (
        "image,landmark,x,y,annotator,expected_error,error_90,known\n"
        "a,hip,1,2,,3.5,7,1\na,knee,3,4,,4.5,,TRUE\nb,knee,5,6,,,9,no\n"
    )
    scheme = Scheme(name="s", landmarks=("knee", "hip"), file_points=2, columns=(0, 1))
    for table, hip in ((read(text), 0), (read(text, scheme), 1)):
        first, second = table.rows
        assert (first.known, second.known) == (True, False)
        assert (first.expected_error[hip], first.error_90[hip]) == (3.5, 7)
        assert np.isnan([first.error_90[1 - hip], second.expected_error[1 - hip]]).all()
        assert second.error_90[1 - hip] == 9
        PredictionLines().write(tmp_path / "p.jsonl", table)
        one, other = read_predictions(tmp_path / "p.jsonl")
        assert (one.known, other.known) == (True, False)
        np.testing.assert_array_equal(one.radii[hip], [NAN, NAN, 7, NAN])
        again = PredictionLines().read(tmp_path / "p.jsonl", Reading())
        assert (again.rows[0].error_90[hip], again.rows[1].known) == (7, False)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,hip,1,2,x,,", "line 2: point hip has the value 'x', expected a number"),
        ("a,hip,1,2,-1,,", "line 2: landmark 'hip' has expected_error = '-1', expected a number of pixels"),
        ("a,hip,1,2,,inf,", "line 2: point hip has the value 'inf'"),
        ("a,hip,1,2,,,maybe", "line 2: landmark 'hip' has known = 'maybe', expected 1, 0 or nothing"),
        ("a,hip,1,2,,,1\na,knee,1,2,,,0", "line 3: known = '0', and another value before, expected the same"),
    ],
)
def test_errors_of_predictions_that_cannot_be(read, row, says):
    with pytest.raises(PointsError) as caught:
        read(f"image,landmark,x,y,expected_error,error_90,known\n{row}\n")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,hip,1,2,1.5", "line 2: probability_of_shift = '1.5', expected a number from 0 to 1"),
        ("a,hip,1,2,-0.1", "line 2: probability_of_shift = '-0.1', expected a number from 0 to 1"),
        ("a,hip,1,2,0.1\na,knee,1,2,0.2", "line 3: probability_of_shift = '0.2', and another value before"),
        ("a,hip,1,2,0.1\na,knee,1,2,", "line 3: probability_of_shift = '', and another value before"),
    ],
)
def test_probabilities_of_a_shift_that_cannot_be(read, row, says):
    with pytest.raises(PointsError) as caught:
        read(f"image,landmark,x,y,probability_of_shift\n{row}\n")
    assert says in str(caught.value)
    table = read("image,landmark,x,y,probability_of_shift\na,hip,1,2,0.25\na,knee,1,2,0.25\nb,hip,3,4,\n")
    assert table.rows[0].probability_of_shift == 0.25
    assert np.isnan(table.rows[1].probability_of_shift)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,knees,1,2,\n", "line 2: unknown landmark 'knees'; did you mean 'knee'?"),
        ("a,7,1,2,\n", "line 2: unknown landmark '7', expected one of 2 known landmarks"),
        ("a,,1,2,\n", "line 2: names no landmark"),
        ("a,hip,1,2,\na,0,1,2,\n", "line 3: landmark '0' of 'a' is given twice"),
        ("a,hip,1,,\n", "point hip has x = '1' and y = ''"),
        ("a,hip,x,y,\n", "point hip has the value 'x'"),
        ("a,hip,1\n", "line 2: 3 values, expected 5"),
        ("a,hip,1,2,maybe\n", "line 2: landmark 'hip' has occluded = 'maybe', expected 1, 0 or nothing"),
        ("a,hip,,,1\n", "line 2: landmark 'hip' is occluded and has no x and y"),
    ],
)
def test_errors(read, text, says):
    scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=2, columns=(0, 1))
    with pytest.raises(PointsError) as caught:
        read("image,landmark,x,y,occluded\n" + text, scheme)
    assert says in str(caught.value)


def test_a_column_that_is_not_known_is_an_error(read):
    with pytest.raises(PointsError, match=r"line 1: columns 'image, landmark, x, y, z', expected"):
        read("image,landmark,x,y,z\na,hip,1,2,3\n")


def test_errors_of_rows_may_be_kept_and_the_others_are_read(tmp_path):
    (tmp_path / "l.csv").write_text("image,landmark,x,y\na,hip,1,2\nb,hip,1,\nb,knee,3,4\n")
    problems = []
    table = read_points(tmp_path / "l.csv", rows=problems)
    assert table.rows[0].points.tolist() == [[1, 2], [pytest.approx(np.nan, nan_ok=True)] * 2]
    assert [row.image for row in table.rows] == ["a", "b"]
    assert len(problems) == 1
