"""Points that napari saves: y before x, the column with names, and stacks of films."""

from pathlib import Path

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.reading import read_points


@pytest.fixture
def read(tmp_path):
    """Write a table, and read it."""

    def _read(text, kind=None, films=None):
        (tmp_path / "a.csv").write_text(text)
        return read_points(tmp_path / "a.csv", kind, films=films)

    return _read


def test_y_comes_before_x_and_names_stand_in_the_column_of_text(read):
    table = read("index,axis-0,axis-1,sure,label\n0,8.5,12.25,0.5,hip\n1,20,30,,knee\n")
    assert (table.form, table.landmarks, table.rows[0].image) == ("napari", ("hip", "knee"), "a")
    np.testing.assert_array_equal(table.rows[0].points, [[12.25, 8.5], [30, 20]])
    assert "columns sure are passed over" in table.notes


def test_without_names_the_order_counts(read):
    table = read("index,axis-0,axis-1\n0,8.5,12.25\n1,20,30\n")
    assert (table.landmarks, table.named) == (("0", "1"), False)


def test_of_several_columns_of_text_one_is_asked_for(read):
    text = "index,axis-0,axis-1,colour,name\n0,1,2,red,hip\n1,3,4,blue,knee\n"
    with pytest.raises(PointsError, match=r"columns of text colour, name, .* 'napari:label=colour'"):
        read(text)
    assert read(text, "napari:label=name").landmarks == ("hip", "knee")


def test_the_films_of_a_stack_are_counted_by_their_names(read):
    films = Films({name: Path(name) for name in ("b.png", "a.png")}, "images/")
    text = "index,axis-0,axis-1,axis-2,label\n0,1.0,8,12,hip\n1,0.0,20,30,hip\n"
    table = read(text, films=films)
    assert [(row.image, *row.points[0]) for row in table.rows] == [("b.png", 12, 8), ("a.png", 30, 20)]
    assert "films are counted in the order of their names" in table.notes
    with pytest.raises(PointsError, match="line 2: points of a stack, expected the films at hand"):
        read(text)
    for place in ("2", "0.5", "-1", "", "9" * 400):
        with pytest.raises(PointsError, match=f"line 2: film '{place}' of the stack, expected 0 to 1"):
            read(text.replace("1.0", place, 1), films=films)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("index,axis-0,axis-1,label\n0,1,2,hip\n1,3,4,hip\n", "line 3: landmark 'hip' of 'a' is given twice"),
        ("index,axis-0,axis-1,label\n0,1,2,hip\n1,3,4,\n", "line 3: names no landmark"),
        ("index,axis-0,axis-1,label\n0,1,,hip\n", "point hip has x = '' and y = '1'"),
        ("index,axis-0\n0,1\n", "line 1: columns 'index, axis-0', expected"),
        ("index,axis-0,axis-1\n", "no points, expected one"),
    ],
)
def test_errors_name_file_and_line(read, text, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(text, "napari")
    assert "a.csv" in str(caught.value)
    with pytest.raises(PointsError, match="no column 'x', expected label to be one of: none"):
        read("index,axis-0,axis-1\n0,1,2\n", "napari:label=x")
