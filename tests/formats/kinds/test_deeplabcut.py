"""DeepLabCut's tables: both forms of the film's cells, scorers, individuals, and header lines that do not fit."""

from pathlib import Path

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.reading import read_points

NAN = float("nan")
HEAD = "scorer,,,ann,ann,ann,ann\nbodyparts,,,hip,hip,knee,knee\ncoords,,,x,y,x,y\n"


@pytest.fixture
def read(tmp_path):
    """Write a table, and read it."""

    def _read(text, films=None, kind=None):
        (tmp_path / "CollectedData_ann.csv").write_text(text)
        return read_points(tmp_path / "CollectedData_ann.csv", kind, films=films)

    return _read


@pytest.mark.parametrize("cells", ["labeled-data,one,a.png", "labeled-data\\one\\a.png", "labeled-data/one/a.png"])
def test_the_film_stands_in_three_cells_or_in_one(read, cells):
    head = HEAD if "," in cells else HEAD.replace(",,,", ",")
    table = read(f"{head}{cells},1.5,2,,\n", Films({"a.png": Path("a.png")}, "images/"))
    (row,) = table.rows
    assert (table.form, table.landmarks) == ("deeplabcut", ("hip", "knee"))
    assert (row.image, row.annotator) == ("a.png", "ann")
    np.testing.assert_array_equal(row.points, [[1.5, 2], [NAN, NAN]])


def test_scorers_are_annotators(read):
    table = read(
        HEAD.replace("ann,ann,ann,ann", "ann,ann,bob,bob").replace("knee", "hip") + "d,f,a,1,2,3,4\nd,f,b,,,5,6\n"
    )
    assert [(r.image, r.annotator, r.points[0, 0]) for r in table.rows] == [
        ("d/f/a", "ann", 1), ("d/f/a", "bob", 3), ("d/f/b", "bob", 5),
    ]  # fmt: skip


def test_individuals_are_sides(read):
    head = "scorer,ann,ann,ann,ann\nindividuals,right,right,left,left\nbodyparts,hip,hip,hip,hip\ncoords,x,y,x,y\n"
    table = read(head + "a.png,1,2,3,4\nb.png,,,5,6\n")
    assert [(r.image, r.points[0, 0]) for r in table.rows] == [("a.png_R", 1), ("a.png_L", 3), ("b.png_L", 5)]
    table = read(head.replace("right", "two").replace("left", "one") + "a.png,9,2,3,4\n")
    assert [(r.image, r.points[0, 0]) for r in table.rows] == [("a.png_1", 3), ("a.png_2", 9)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + "d,f,a,1,2,3\n", "line 4: 6 values, expected 7"),
        (HEAD + "d,f,a,1,2,3,\n", "point knee has x = '3' and y = ''"),
        (HEAD + "d,f,a,1,2,3,4\nd,f,a,1,2,3,4\n", "line 5: film 'd/f/a' was given before"),
        (HEAD + ",,,1,2,3,4\n", "line 4: names no image"),
        (HEAD.replace("x,y,x,y", "x,y,x,likelihood"), "columns 6 and 7 are knee x and knee likelihood"),
        (HEAD.replace("knee", "hip"), "landmark 'hip' has columns twice"),
        (HEAD.replace("bodyparts", "parts"), "header lines scorer, coords, expected"),
        (HEAD.replace("coords,,,x", "coords,,x"), "header lines scorer, bodyparts, coords, expected"),
        ("", "header lines missing"),
    ],
)
def test_errors_name_file_and_value(read, text, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(text, kind="deeplabcut")
    assert "CollectedData_ann.csv" in str(caught.value)
