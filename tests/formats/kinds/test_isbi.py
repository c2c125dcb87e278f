"""Rows of x,y: points in order, then classes, and no other text."""

import numpy as np
import pytest
from PIL import Image

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.kinds.isbi import IsbiRows
from landvote.formats.reading import read_points


def test_rows_are_points_and_what_follows_are_classes(tmp_path):
    (tmp_path / "001.txt").write_bytes(b"835,996\r\n1473, 1029.5\r\n1\r\n2\r\n\r\n")
    table = read_points(tmp_path / "001.txt")
    assert (table.form, table.landmarks, table.rows[0].image) == ("isbi", ("0", "1"), "001")
    np.testing.assert_array_equal(table.rows[0].points, [[835, 996], [1473, 1029.5]])
    assert "lines of classes below the points are passed over (2)" in table.notes


def test_folders_are_annotators(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(tmp_path / "images" / "001.bmp")
    for i, folder in enumerate(("400_junior", "400_senior")):
        (tmp_path / "points" / folder).mkdir(parents=True)
        (tmp_path / "points" / folder / "001.txt").write_text(f"{i},2\n3,4\n")
    table = read_points(tmp_path / "points", films=Films.below(tmp_path / "images"))
    found = [(row.image, row.annotator, row.points[0, 0]) for row in table.rows]
    assert found == [("001", "400_junior", 0), ("001", "400_senior", 1)]


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"1,2\n", True),
        (b"\xef\xbb\xbf1.5,-2\n3\n", True),
        (b"1,2\n" * 9000, True),
        (b"1\n1,2\n", False),
        (b"1,2,3\n", False),
        (b"1\t2\n", False),
        (b"x,y\n1,2\n", False),
        (b"1,2\nhip\n", False),
        (b"1,", False),
        (b"", False),
        (b"1,1" + b" \n" * 2000 + b"x\n", False),
    ],
)
def test_it_is_told_by_its_rows(tmp_path, start, told):
    assert IsbiRows.sniff(tmp_path / "a.txt", start) is told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2\nx,3\n", "point 1 has the value 'x'"),
        ("1,2\n1\n3,4\n", "line 3: '3,4', expected a class as in the line above"),
        ("1,2,3\n", "line 1: '1,2,3', expected x and y"),
        ("5\n", "line 1: '5', expected x and y"),
        ("", "no points"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, says):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(PointsError, match=says) as caught:
        read_points(tmp_path / "a.txt", "isbi")
    assert "a.txt" in str(caught.value)
