"""The JSON of CL-Detection: films and landmarks by number."""

import json
from pathlib import Path

import numpy as np
import pytest

from landvote.data.scheme import Scheme
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.reading import read_points

POINTS = [("1", [831.5, 993.75, 1]), ("2", [5, 6, 1]), ("2", [7, 8, 2]), ("1", [9, 10, 2])]


@pytest.fixture
def read(tmp_path):
    """Write points, and read them."""

    def _read(points, **more):
        value = {"name": "Orthodontic landmarks", "type": "Multiple points", "version": {"major": 1, "minor": 0},
                 "points": [{"name": name, "point": point} for name, point in points]}  # fmt: skip
        (tmp_path / "f.json").write_text(json.dumps(value))
        return read_points(tmp_path / "f.json", **more)

    return _read


def test_films_and_landmarks_have_numbers(read):
    table = read(POINTS)
    assert (table.form, table.landmarks, [row.image for row in table.rows]) == ("cl-detection", ("1", "2"), ["1", "2"])
    np.testing.assert_array_equal(table.rows[1].points, [[9, 10], [7, 8]])


def test_films_are_called_after_their_number(read):
    films = Films({name: Path(name) for name in ("001.bmp", "a/2.png", "hip.png")}, "images/")
    assert [row.image for row in read(POINTS, films=films).rows] == ["001.bmp", "a/2.png"]
    films = Films({name: Path(name) for name in ("001.bmp", "1.bmp")}, "images/")
    with pytest.raises(PointsError, match=r"point 1: film 1 may be '001\.bmp' or '1\.bmp'"):
        read(POINTS, films=films)


def test_a_scheme_with_other_names_takes_them_in_order(read):
    scheme = Scheme(name="s", landmarks=("sella", "nasion", "porion"), file_points=3, columns=(0, 1, 2))
    points = [*POINTS, ("3", [1, 2, 1])]
    np.testing.assert_array_equal(read(points, scheme=scheme).rows[0].points, [[831.5, 993.75], [5, 6], [1, 2]])
    scheme = Scheme(name="s", landmarks=("2", "1"), file_points=2, columns=(0, 1))
    np.testing.assert_array_equal(read(POINTS, scheme=scheme).rows[0].points, [[5, 6], [831.5, 993.75]])


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([], "no points, expected one"),
        ([("1", [1, 2])], "point 1: '1' at"),
        ([("1", [1, 2, 0])], "expected a name, and x, y and a film from 1"),
        ([("1", [1, 2, 1.5])], "expected a name, and x, y and a film from 1"),
        ([("", [1, 2, 1])], "expected a name, and x, y and a film from 1"),
        ([(1, [1, 2, 1])], "point 1: 'name' is '1', expected str"),
        ([("1", [1, None, 1])], "point 1: 'None', expected a number"),
        ([("1", [1, 2, 1]), ("1", [1, 2, 1])], "point 2: landmark '1' of '1' is given twice"),
    ],
)
def test_errors_name_file_and_point(read, points, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(points, kind="cl-detection")
    assert "f.json" in str(caught.value)
