"""Point files: wide and long CSV, VXL .pts, missing points, and everything that can be wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from landvote.data.scheme import Scheme
from landvote.errors import PointsError, SettingError
from landvote.formats.points import read_csv, read_long_csv, read_wide_csv, write_wide_csv
from landvote.formats.pts import read_pts, write_pts

FACES = Path(__file__).parents[2].parent / "shared" / "data" / "shapes" / "faces80"
NAN = float("nan")
POINTS = np.array([[1.5, 2.25], [NAN, NAN], [-3.0, 400.125]])


@pytest.fixture
def written(tmp_path):
    """Write text to a file and return its path."""

    def _written(text, name="landmarks.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return _written


class TestWide:
    def test_round_trip_with_a_missing_point(self, tmp_path):
        assert write_wide_csv(tmp_path / "l.csv", [("a.png", None, POINTS), ("b.png", None, POINTS + 1)]) == 2
        table = read_wide_csv(tmp_path / "l.csv")
        assert [(r.image, r.annotator) for r in table.rows] == [("a.png", ""), ("b.png", "")]
        np.testing.assert_array_equal(table.rows[1].points, POINTS + 1)
        assert table.landmarks == ("0", "1", "2")

    def test_round_trip_with_annotators(self, tmp_path):
        write_wide_csv(tmp_path / "l.csv", [("a.png", "ann", POINTS), ("a.png", "bob", POINTS)])
        assert (tmp_path / "l.csv").read_text().startswith("image,annotator,x0,y0,x1")
        assert [r.annotator for r in read_wide_csv(tmp_path / "l.csv").rows] == ["ann", "bob"]

    def test_rows_of_different_length_are_not_written(self, tmp_path):
        with pytest.raises(PointsError, match="equally many"):
            write_wide_csv(tmp_path / "l.csv", [("a", None, POINTS), ("b", None, POINTS[:2])])
        assert not (tmp_path / "l.csv").exists()

    @pytest.mark.parametrize("empty", ["", "nan", "NaN", "NA", " "])
    def test_missing_in_every_spelling(self, written, empty):
        row = read_wide_csv(written(f"image,x0,y0,x1,y1\na,1,2,{empty},{empty}\n")).rows[0]
        np.testing.assert_array_equal(row.points, [[1, 2], [NAN, NAN]])

    @pytest.mark.parametrize(
        "text", ["\ufeffimage,x0,y0\na,1,2\n", "image;x0;y0\r\na;1;2\r\n", "image\tx0\ty0\n\na\t1\t2\n\n"]
    )
    def test_as_spreadsheets_write_it(self, written, text):
        np.testing.assert_array_equal(read_csv(written(text)).rows[0].points, [[1, 2]])

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
            ("image\na\n", "line 1: columns"),
            ("", "empty, expected a header"),
        ],
    )
    def test_errors_name_file_line_and_value(self, written, text, says):
        with pytest.raises(PointsError, match=r"landmarks\.csv") as caught:
            read_csv(written(text))
        assert says in str(caught.value)

    def test_a_binary_file_is_an_error(self, tmp_path):
        (tmp_path / "l.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
        with pytest.raises(PointsError, match="cannot be read as CSV"):
            read_csv(tmp_path / "l.csv")


class TestLong:
    def test_indices(self, written):
        table = read_csv(written("image,landmark,x,y\na,2,5,6\na,0,1,2\nb,1,3,4\n"))
        np.testing.assert_array_equal(table.rows[0].points, [[1, 2], [NAN, NAN], [5, 6]])
        np.testing.assert_array_equal(table.rows[1].points, [[NAN, NAN], [3, 4], [NAN, NAN]])

    def test_names_without_a_scheme_come_in_order_of_appearance(self, written):
        table = read_long_csv(written("image,landmark,x,y\na,hip,1,2\na,knee,3,4\nb,knee,5,6\n"))
        assert table.landmarks == ("hip", "knee")
        np.testing.assert_array_equal(table.rows[1].points, [[NAN, NAN], [5, 6]])

    def test_names_and_indices_with_a_scheme(self, written):
        scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=3, columns=(2, 0))
        table = read_long_csv(written("image,landmark,x,y\na,hip,1,2\na,0,3,4\na,1,5,6\n"), scheme)
        np.testing.assert_array_equal(table.rows[0].points, [[3, 4], [5, 6], [1, 2]])

    def test_annotators_are_kept_apart(self, written):
        rows = read_csv(written("image,landmark,x,y,annotator\na,0,1,2,ann\na,0,3,4,bob\n")).rows
        assert [(r.annotator, r.points[0, 0]) for r in rows] == [("ann", 1), ("bob", 3)]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a,knees,1,2\n", "line 2: unknown landmark 'knees'; did you mean 'knee'?"),
            ("a,7,1,2\n", "line 2: unknown landmark '7'"),
            ("a,hip,1,2\na,0,1,2\n", "line 3: landmark '0' of 'a' is given twice"),
            ("a,hip,1,\n", "point hip has x = '1' and y = ''"),
            ("a,hip,x,y\n", "point hip has the value 'x'"),
            ("a,hip,1\n", "line 2: 3 values, expected 4"),
        ],
    )
    def test_errors(self, written, text, says):
        scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=2, columns=(0, 1))
        with pytest.raises(PointsError) as caught:
            read_csv(written("image,landmark,x,y\n" + text), scheme)
        assert says in str(caught.value)


class TestPts:
    @pytest.mark.parametrize("origin", [0, 1])
    def test_round_trip(self, tmp_path, origin):
        write_pts(tmp_path / "a.pts", POINTS, origin)
        np.testing.assert_allclose(read_pts(tmp_path / "a.pts", origin), POINTS)

    def test_the_origin_is_one_pixel(self, tmp_path):
        write_pts(tmp_path / "a.pts", POINTS)
        np.testing.assert_allclose(read_pts(tmp_path / "a.pts", 1), POINTS - 1)

    def test_what_is_written(self, tmp_path):
        write_pts(tmp_path / "a.pts", POINTS[:2])
        assert (tmp_path / "a.pts").read_text() == "version: 1\nn_points: 2\n{\n1.500 2.250\nnan nan\n}\n"

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
    def test_every_form(self, written, text):
        np.testing.assert_array_equal(read_pts(written(text, "a.pts")), [[1, 2], [3, 4]])

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
            ("hello world\n", "number of points is 'hello'"),
            ("", "no points"),
        ],
    )
    def test_errors(self, written, text, says):
        with pytest.raises(PointsError, match=r"a\.pts") as caught:
            read_pts(written(text, "a.pts"))
        assert says in str(caught.value)

    def test_another_origin_is_refused(self, tmp_path):
        with pytest.raises(SettingError, match="origin = 2, expected 0"):
            read_pts(tmp_path / "a.pts", 2)

    @pytest.mark.skipif(not FACES.is_dir(), reason="no sample .pts files beside the checkout")
    def test_real_files(self):
        points = read_pts(FACES / "face_0000.pts")
        assert points.shape == (80, 2)
        np.testing.assert_allclose(points[0], [125.017, 111.015])
