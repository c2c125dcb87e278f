"""TPS: where y counts from, missing points, curves, keys, names, and everything that can be wrong with them."""

import os

import numpy as np
import pytest
from PIL import Image

from landvote.data.scheme import Outline
from landvote.errors import PointsError, SettingError
from landvote.formats.family import format_named
from landvote.formats.films import Films
from landvote.formats.kinds.tps import Tps
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")
HIGH = 40  # pixels


@pytest.fixture
def films(tmp_path):
    for name in ("a.png", "left/b.png", "röntgen.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (60, HIGH)).save(tmp_path / "images" / name)
    return Films.below(tmp_path / "images")


@pytest.fixture
def read(tmp_path, films):
    """Write text to a file and read it."""

    def _read(text, kind=None, films=films, centre=None):
        (tmp_path / "l.tps").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_points(tmp_path / "l.tps", kind, films=films, centre=centre)

    return _read


@pytest.mark.parametrize(
    ("kind", "centre", "xy", "says"),
    [
        ("tps", None, (12.25, 31), "taken as 0"),
        ("tps:origin=pixel", None, (12.25, 31), "taken as 0"),
        ("tps:origin=edge", None, (11.75, 31.5), "taken as 0.5"),
        ("tps:origin=edge,centre=0.5", None, (11.75, 31.5), "taken as 0.5"),
        ("tps", 1, (11.25, 32), "taken as 1, as asked"),
        ("tps:origin=below", None, (12.25, 32), "taken as 0"),
    ],
)
def test_y_counts_from_the_bottom_and_from_where_is_said(read, kind, centre, xy, says, tmp_path, films):
    table = read("LM=1\n12.25 8\nIMAGE=a.png\n", kind, centre=centre)
    np.testing.assert_array_equal(table.rows[0].points, [xy])
    assert says in table.notes[0]
    assert "y is counted from the bottom up, by origin=" in table.notes[1]
    write_points(tmp_path / "again.tps", table, format_named(kind, centre), films)
    assert (tmp_path / "again.tps").read_text() == "LM=1\n12.250 8.000\nIMAGE=a.png\nID=a.png\n\n"


def test_an_edge_is_half_a_pixel_away():
    with pytest.raises(SettingError, match=r"origin = 'edge' and centre = 1, expected 0\.5, which it means"):
        format_named("tps:origin=edge", 1)
    with pytest.raises(SettingError, match="origin"):
        format_named("tps:origin=top")


def test_missing_points_are_negative_or_na(read):
    points = read("LM=5\n-1 -1\n-1.0 -1.0\nNA na\n-999 -3\n-2 3\nIMAGE=a.png\n").rows[0].points
    np.testing.assert_array_equal(points, [[NAN, NAN]] * 4 + [[-2, 36]])


def test_keys_in_small_letters_in_any_order_and_of_three_dimensions(read):
    text = "lm3=2\r\n1 2 0\r\nNA NA NA\r\nid=7\r\nvariables=x\r\nimage=C:\\films\\left\\b.png\r\nscale=0.5\r\n"
    table = read(text)
    assert table.rows[0].image == "left/b.png"
    np.testing.assert_array_equal(table.rows[0].points, [[1, 37], [NAN, NAN]])
    assert "SCALE is not applied, since coordinates are in pixels" in table.notes


def test_a_film_may_be_named_by_its_id_and_in_latin_1(read):
    assert read("LM=1\n1 2\nID=a\n").rows[0].image == "a"
    for name in ("röntgen.png".encode("latin-1"), "röntgen.png".encode()):
        assert read(b"LM=1\n1 2\nIMAGE=" + name + b"\n").rows[0].image == "röntgen.png"


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
    name = os.fsdecode(b"r\xf6.png")
    table = PointTable((PointRow(name, "", np.ones((1, 2)), size=(60, HIGH)),), ("0",))
    write_points(tmp_path / "l.tps", table, Tps())
    assert b"IMAGE=r\xf6.png\n" in (tmp_path / "l.tps").read_bytes()
    Image.new("L", (60, HIGH)).save(tmp_path / name)
    assert read_points(tmp_path / "l.tps", films=Films.below(tmp_path)).rows[0].image == name


def test_the_sides_of_a_film_come_back(read, tmp_path):
    rows = tuple(PointRow(f"a.png_{side}", "", np.full((1, 2), i), size=(60, HIGH)) for i, side in enumerate("LR"))
    write_points(tmp_path / "l.tps", PointTable(rows, ("0",)), Tps())
    text = (tmp_path / "l.tps").read_text()
    assert text.count("IMAGE=a.png\n") == 2
    assert [row.image for row in read(text).rows] == ["a.png_L", "a.png_R"]


CURVED = "LM=3\n1 2\n-1 -1\n5 6\nIMAGE={}\nCURVES=1\nPOINTS=2\n{}\n"


def test_curves_through_landmarks_are_outlines(read):
    text = CURVED.format("a.png", "5 6\n-1 -1") + CURVED.format("b.png", "5 6\n-1 -1")
    table = read(text)
    assert (len(table.landmarks), table.outlines) == (3, (Outline(name="curve 1", points=(2, 1)),))
    table = read(text.replace("CURVES", "OUTLINES"))
    assert table.outlines == (Outline(name="curve 1", points=(2, 1), closed=True),)


def test_other_curves_follow_the_landmarks_or_are_passed_over_and_it_is_said(read):
    table = read(CURVED.format("a.png", "5 6\n1 2") + CURVED.format("b.png", "5 6\n8 9"))
    np.testing.assert_array_equal(table.rows[1].points[3:], [[5, 33], [8, 30]])
    assert "the 2 points of curves follow the landmarks" in table.notes
    longer = CURVED.format("b.png", "1 2\n8 9\n8 9").replace("POINTS=2", "POINTS=3")
    table = read(CURVED.format("a.png", "5 6\n1 2") + longer)
    assert len(table.landmarks) == 3
    assert "curves are passed over, since films differ in their number of points" in table.notes
    assert read("LM=0\nCURVES=1\nPOINTS=1\n1 2\nIMAGE=a.png\n").rows[0].points.tolist() == [[1, 37]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LM=2\n1 2\nIMAGE=a.png\n", "line 3: 1 values ('IMAGE=a.png'), expected 2"),
        ("LM=2\n1 2\n", "line 1: 1 points follow, expected 2"),
        ("LM=1\n1 2\n3 4\n", "line 3: '3 4', expected a key, such as 'IMAGE=NAME'"),
        ("LM=1\n1 2\n", "line 1: names no film, expected IMAGE=NAME"),
        ("LM=1\n1 2\nID=0\n", "line 1: names no film, expected IMAGE=NAME"),
        ("LM=1\n1 2\nIMAGE=c.png\n", "l.tps, line 1: 'c.png' is no film"),
        ("LM=1\n1 2 3\nIMAGE=a.png\n", "line 2: 3 values ('1 2 3'), expected 2"),
        ("LM3=1\n1 2 3\nIMAGE=a.png\n", "line 2: z is 3, expected 0"),
        ("LM=1\n1 NA\nIMAGE=a.png\n", "line 2: '1 NA', expected numbers or NA"),
        ("LM=1\n1 two\nIMAGE=a.png\n", "line 2: '1 two', expected numbers or NA"),
        ("LM=1\n1 inf\nIMAGE=a.png\n", "line 2: '1 inf', expected numbers or NA"),
        ("LM=one\n", "line 1: LM is 'one', expected a number of points"),
        ("IMAGE=a.png\nLM=1\n1 2\n", "line 1: 'IMAGE=a.png', expected records that begin with 'LM=N'"),
        ("LM=1\n1 2\nIMAGE=a.png\nLM=2\n1 2\n3 4\nIMAGE=b.png\n", "line 4: 2 landmarks, expected 1 as in the first"),
    ],
)
def test_errors(read, text, says):
    with pytest.raises(PointsError) as caught:
        read(text, "tps")
    assert says in str(caught.value)


def test_without_films_it_is_said_that_they_are_needed(read):
    with pytest.raises(PointsError, match=r"line 1: points of 'a\.png' cannot be brought to pixels"):
        read("LM=1\n1 2\nIMAGE=a.png\n", films=None)


def test_a_point_where_tps_has_missing_ones_and_a_name_of_two_lines_are_refused(tmp_path):
    row = PointRow("a.png", "", np.array([[-1.0, 41.0]]), size=(60, HIGH))
    with pytest.raises(PointsError, match=r"l\.tps: point 0 of 'a\.png' is left of the film and below it"):
        write_points(tmp_path / "l.tps", PointTable((row,), ("0",)), Tps())
    for name in ("a\nb.png", "", " a.png"):
        row = PointRow(name, "", np.ones((1, 2)), size=(60, HIGH))
        with pytest.raises(PointsError, match="cannot be written in a line, expected another name"):
            write_points(tmp_path / "l.tps", PointTable((row,), ("0",)), Tps())
    assert not (tmp_path / "l.tps").exists()
