"""Wide CSV: missing points, annotators, what spreadsheets make of it, and everything that can be wrong with it."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.kinds.wide_csv import WideCsv
from landvote.formats.points import PointTable
from landvote.formats.reading import read_points

NAN = float("nan")
POINTS = np.array([[1.5, 2.25], [NAN, NAN], [-3.0, 400.125]])


@pytest.fixture
def read(tmp_path):
    """Write text to a file and read it."""

    def _read(text):
        (tmp_path / "landmarks.csv").write_text(text, encoding="utf-8")
        return read_points(tmp_path / "landmarks.csv")

    return _read


def test_what_is_written(tmp_path):
    WideCsv().write(tmp_path / "l.csv", PointTable.numbered([("a.png", "", POINTS), ("b, c.png", "", POINTS + 1)]))
    first = 'image,x0,y0,x1,y1,x2,y2\na.png,1.500,2.250,,,-3.000,400.125\n"b, c.png",2.500,3.250,,,-2.000,401.125\n'
    assert (tmp_path / "l.csv").read_text() == first
    WideCsv().write(tmp_path / "l.csv", PointTable.numbered([("a.png", "ann", POINTS), ("a.png", "", POINTS)]))
    assert (tmp_path / "l.csv").read_text().startswith("image,annotator,x0,y0,x1")


def test_rows_of_different_length_are_no_table():
    with pytest.raises(PointsError, match="b: 2 points, expected 3"):
        PointTable.numbered([("a", "", POINTS), ("b", "", POINTS[:2])])


@pytest.mark.parametrize("empty", ["", "nan", "NaN", "NA", " "])
def test_missing_in_every_spelling(read, empty):
    row = read(f"image,x0,y0,x1,y1\na,1,2,{empty},{empty}\n").rows[0]
    np.testing.assert_array_equal(row.points, [[1, 2], [NAN, NAN]])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffimage,x0,y0\na,1,2\n",
        "image;x0;y0\r\na;1;2\r\n",
        "image\tx0\ty0\n\na\t1\t2\n\n",
        'image,x0,y0\n"a",1,2\n,,\n',
        "image,x0,y0,,\na,1,2,,\n,,,,\n",
        "image,x0,y0,,\na,1,2\n",
        "image,x0,y0\na,1,2,,,\n",
        ",image,x0,,y0\n,a,1,,2\n",
    ],
)
def test_as_spreadsheets_write_it(read, text):
    table = read(text)
    assert [row.image for row in table.rows] == ["a"]
    np.testing.assert_array_equal(table.rows[0].points, [[1, 2]])


def test_a_name_may_have_commas_quotes_and_lines(tmp_path):
    names = ['left, "old".png', "two\nlines.png", "form\x0cfeed\u2028.png"]
    WideCsv().write(tmp_path / "l.csv", PointTable.numbered((name, "", POINTS) for name in names))
    assert [row.image for row in read_points(tmp_path / "l.csv").rows] == names


def test_a_name_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(PointsError, match=r"l\.csv: .* cannot be written as UTF-8"):
        WideCsv().write(tmp_path / "l.csv", PointTable.numbered([("\ud800.png", "", POINTS)]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,x0,y0\na,1,2\nb,1\n", "line 3: 2 values, expected 3"),
        ("image,x0,y0\na,1,2,3\n", "line 2: 4 values, expected 3"),
        ("image,x0,y0\na,1,two\n", "line 2: point 0 has the value 'two', expected a number"),
        ("image,x0,y0\na,1,inf\n", "line 2: point 0 has the value 'inf', expected a number"),
        ("image,x0,y0,x1,y1\na,1,2,3,\n", "line 2: point 1 has x = '3' and y = ''"),
        ("image,x0,y0\na,1,2\na,3,4\n", "line 3: 'a' was given before"),
        ("image,annotator,x0,y0\na,ann,1,2\na,ann,3,4\n", "line 3: 'a' by 'ann' was given before"),
        ("image,x0,y0\n,1,2\n", "line 2: names no image"),
        ("image,y0,x0\na,1,2\n", "line 1: columns 'image, y0, x0', expected"),
        ("image,x0,y0,x1\na,1,2,3\n", "line 1: columns"),
        ("image,x1,y1\na,1,2\n", "line 1: columns"),
        ("image,x0,x0\na,1,2\n", "column 'x0' stands there twice"),
        ("image,x0,y0,,\na,1,2,,\nb,1,2,,3\n", "line 1: column 5 has no name, expected one, as"),
        (",image,x0,y0\n0,a,1,2\n", "line 1: column 1 has no name"),
        ("image,x0,y0,,\na,1,2,\nb,1\n", "line 3: 2 values, expected 3"),
        ("image\na\n", "line 1: columns"),
        ("", "empty, expected a header"),
        (",,\n,,\n", "empty, expected a header"),
        ("image,x0,y0\na,1,2" + "0" * 200_000 + "\n", "line 2: cannot be read as CSV (field larger"),
    ],
)
def test_errors_name_file_line_and_value(read, text, says):
    with pytest.raises(PointsError, match=r"landmarks\.csv") as caught:
        read(text)
    assert says in str(caught.value)


def test_names_of_files_keep_their_bytes_and_other_text_is_utf8(tmp_path):
    name = b"h\xfcfte.png".decode(errors="surrogateescape")
    WideCsv().write(tmp_path / "l.csv", PointTable.numbered([(name, "", POINTS)]))
    assert read_points(tmp_path / "l.csv").rows[0].image == name
    WideCsv().write(tmp_path / "l.csv", PointTable.numbered([("a", "", POINTS), ("b", name, POINTS)]))
    with pytest.raises(
        PointsError, match=r"l\.csv, line 3: not UTF-8 \(looks like Latin-1 or Windows-1252\), expected"
    ):
        read_points(tmp_path / "l.csv")
    (tmp_path / "l.csv").write_text("image,x0,y0,h\xfcfte\na,1,2,3\n", encoding="latin-1")
    with pytest.raises(PointsError, match=r"l\.csv, line 1: not UTF-8"):
        read_points(tmp_path / "l.csv")


def test_a_binary_file_is_an_error(tmp_path):
    (tmp_path / "l.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(PointsError, match=r"l\.csv: not UTF-8 \(looks like no text\)"):
        read_points(tmp_path / "l.csv")


def test_errors_of_rows_may_be_kept_and_the_others_are_read(tmp_path):
    lines = ["a,1,2", "b,1,", *(f"c{i},x,2" for i in range(25))]
    (tmp_path / "w.csv").write_text("\n".join(["image,x0,y0", *lines[:3]]))
    problems = []
    assert [row.image for row in read_points(tmp_path / "w.csv", rows=problems).rows] == ["a"]
    assert [str(error).rpartition("w.csv, ")[2][:6] for error in problems] == ["line 3", "line 4"]
    with pytest.raises(PointsError, match="line 3"):
        read_points(tmp_path / "w.csv")
    (tmp_path / "w.csv").write_text("\n".join(["image,x0,y0", *lines]))
    with pytest.raises(PointsError, match="line 23"):  # no use in going on
        read_points(tmp_path / "w.csv", rows=[])
