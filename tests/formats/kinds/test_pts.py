"""Point files of VXL and menpo: every form, and everything that can be wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.kinds.pts import MenpoPts, VxlPts, read_pts, write_pts
from landvote.formats.points import PointRow
from landvote.formats.reading import read_points

FACES = Path(__file__).parents[4] / "shared" / "data" / "shapes" / "faces80"
NAN = float("nan")
POINTS = np.array([[1.5, 2.25], [NAN, NAN]])


@pytest.fixture
def written(tmp_path):
    """Write text to a file and return its path."""

    def _written(text):
        (tmp_path / "a.pts").write_text(text, encoding="utf-8")
        return tmp_path / "a.pts"

    return _written


def test_what_is_written(tmp_path):
    write_pts(tmp_path / "a.pts", PointRow("a", "", POINTS))
    assert (tmp_path / "a.pts").read_text() == "version: 1\nn_points: 2\n{\n1.500 2.250\nnan nan\n}\n"


def test_the_size_of_the_film_is_read(written):
    path = written("version: 1\nn_points: 1\nimage_size_x: 50\nimage_size_y: 60\n{\n1 2\n}\n")
    assert read_pts(path).rows[0].size == (50, 60)
    assert read_pts(written("version: 1\nn_points: 1\nimage_size_x: 50\n{\n1 2\n}\n")).rows[0].size is None


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nn_points: 2\n{\n1 2\n3 4\n}\n",
        "// made by hand\nversion: 1 // the only one\nn_points:2\nimage_size_x: 50\nimage_size_y: 60\n{ 1 2\n3 4 }",
        "2\n1 2\n3 4\n",
        "2\n{\n1 2\n3 4\n}\n",
        "version: 1\r\nn_points: 2\r\n{\r\n1 2\r\n3 4\r\n}\r\n",
    ],
)
def test_every_form_is_taken_for_vxl_and_it_is_said(written, text):
    table = read_points(written(text))
    np.testing.assert_array_equal(table.rows[0].points, [[1, 2], [3, 4]])
    assert (table.form, table.rows[0].image) == ("vxl-pts", "a")
    said = "the centre of the first pixel is taken as 0; menpo-pts files look the same, and have it at 1"
    assert "; ".join(table.notes) == said


def test_menpo_counts_from_one(written):
    path = written("version: 1\nn_points: 2\n{\n1 2\nnan nan\n}\n")
    for table in (read_points(path, "menpo-pts"), read_points(path, centre=1)):
        np.testing.assert_array_equal(table.rows[0].points, [[0, 1], [NAN, NAN]])
    assert read_points(path, centre=1).notes == ("the centre of the first pixel is taken as 1, as asked",)
    np.testing.assert_array_equal(read_points(path, "menpo-pts", centre=0.5).rows[0].points[0], [0.5, 1.5])
    assert ("missing" in MenpoPts.holds, "missing" in VxlPts.holds) == (True, False)


@pytest.mark.parametrize("row", ["nan nan", "NaN NaN", "{nan nan"])
def test_a_file_with_a_missing_point_is_menpos(written, row):
    table = read_points(written(f"version: 1\nn_points: 2\n{'' if row[0] == '{' else '{'}\n{row}\n1 2\n}}\n"))
    np.testing.assert_array_equal(table.rows[0].points, [[NAN, NAN], [0, 1]])
    assert (table.form, table.notes) == ("menpo-pts", ("the centre of the first pixel is taken as 1",))


def test_a_folder_is_of_the_one_program_that_may_have_written_all_its_files(tmp_path):
    write_pts(tmp_path / "a.pts", PointRow("a", "", POINTS[:1]))
    write_pts(tmp_path / "b.pts", PointRow("b", "", POINTS[1:]))
    write_pts(tmp_path / "c.pts", PointRow("c", "", POINTS[:1]))
    table = read_points(tmp_path)
    assert (table.form, table.notes) == ("menpo-pts", ("the centre of the first pixel is taken as 1",))
    np.testing.assert_array_equal([row.points[0] for row in table.rows], [[0.5, 1.25], [NAN, NAN], [0.5, 1.25]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nn_points: 3\n{\n1 2\n3 4\n}\n", "2 points, expected 3"),
        ("version: 1\nn_points: 1\n{\n1 2\n3 4\n}\n", "2 points, expected 1"),
        ("version: 1\nn_points: 2\n{\n1 2\n3 4\n", "cut short"),
        ("version: 1\nn_points: 1\n{\n1 two\n}\n", "line 4: '1 two', expected two numbers"),
        ("version: 1\nn_points: 1\n{\n1 nan\n}\n", "line 4: '1 nan', expected two numbers"),
        ("version: 1\nn_points: 1\n{\n1 2 3\n}\n", "line 4: 3 values"),
        ("version: 2\nn_points: 1\n{\n1 2\n}\n", "version '2', expected 1"),
        ("version: 1\nn_points: x\n{\n1 2\n}\n", "number of points is 'x'"),
        (f"version: 1\nn_points: {'9' * 5000}\n{{\n1 2\n}}\n", "number of points is '999"),
        ("hello world\n", "number of points is 'hello'"),
        ("", "no points"),
    ],
)
def test_errors(written, text, says):
    with pytest.raises(PointsError, match=r"a\.pts") as caught:
        read_points(written(text))
    assert says in str(caught.value)


@pytest.mark.skipif(not FACES.is_dir(), reason="no sample .pts files beside the checkout")
def test_real_files():
    (row,) = read_pts(FACES / "face_0000.pts").rows
    assert row.points.shape == (80, 2)
    np.testing.assert_allclose(row.points[0], [125.017, 111.015])
