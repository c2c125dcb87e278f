"""ImageJ's points: ROIs and sets of them, names, orders, what is refused, and zips that mean harm."""

import struct
import zipfile
from contextlib import suppress

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from landvote.errors import PointsError
from landvote.formats.family import format_named, recognised
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")


def roi(points, name="", subpixel=True, kind=10, position=0):
    """Return a ROI as ImageJ lays it out: coordinates from its corner in whole pixels, and floats after them."""
    points = np.array(points, float)
    n, (left, top) = len(points), np.floor(points.min(axis=0)).astype(int)
    whole = (np.floor(points) - (left, top)).astype(">i2").T.tobytes()
    coordinates = whole + (points.astype(">f4").T.tobytes() if subpixel else b"")
    header2 = 64 + len(coordinates)
    first = struct.pack(">4shBx4hH32xH4x2i", b"Iout", 228, kind, top, left, top + 1, left + 1, n, 128 * subpixel,
                        position, header2)  # fmt: skip
    text = name.encode("utf-16-be")
    return first + coordinates + struct.pack(">16x2i40x", header2 + 64, len(name)) + text


def write_zip(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_set_of_rois_has_names_and_its_film(tmp_path):
    (tmp_path / "films").mkdir()
    Image.new("L", (60, 40)).save(tmp_path / "films" / "hip-01.png")
    entries = {
        "../../hip.roi": roi([[12.25, 8.5]], "hip: left/right"), "C:knee.roi": roi([[1.5, 2]]), "notes.txt": b"no ROI",
        "__MACOSX/._knee.roi": b"no ROI", "whole.ROI": roi([[7.0, 3.0]], subpixel=False),
    }  # fmt: skip
    path = write_zip(tmp_path / "hip-01-RoiSet.zip", **entries)
    assert recognised(path) == ["imagej-roi"]
    for films in (None, Films.below(tmp_path / "films")):
        table = read_points(path, films=films)
        assert table.landmarks == ("hip: left/right", "C:knee", "whole")
        assert [row.image for row in table.rows] == ["hip-01"]
        np.testing.assert_array_equal(table.rows[0].points, [[12.25, 8.5], [1.5, 2], [7, 3]])
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["films", "hip-01-RoiSet.zip", "hip-01.png"]


@pytest.mark.parametrize(
    "entries",
    [
        {"film-01.roi": roi([[1.5, 2], [3, 4.25]], "film-01")},
        {"0002-0001.roi": roi([[1.5, 2]], "0002-0001"), "0001-0004-0003-1.roi": roi([[3, 4.25]])},
    ],
)
def test_without_names_of_their_own_points_are_in_order(tmp_path, entries):
    table = read_points(write_zip(tmp_path / "film-01.zip", **entries))
    np.testing.assert_array_equal(table.rows[0].points, [[1.5, 2], [3, 4.25]])
    assert (table.landmarks, table.notes[-1]) == (("0", "1"), "ROIs have no names of their own: their order is taken")


def test_films_without_names_have_as_many_points_as_each_other(tmp_path):
    (tmp_path / "a.roi").write_bytes(roi([[1, 2], [3, 4]]))
    (tmp_path / "b.roi").write_bytes(roi([[1, 2], [3, 4], [5, 6]]))
    with pytest.raises(PointsError, match=r"b\.roi: 3 points, expected 2 as in .*a\.roi"):
        read_points(tmp_path)


def test_several_points_of_several_rois_are_numbered_after_them(tmp_path):
    path = write_zip(tmp_path / "a.zip", **{"a.roi": roi([[1, 2], [3, 4]], "rim"), "b.roi": roi([[5, 6]], "shaft")})
    assert read_points(path).landmarks == ("rim-1", "rim-2", "shaft")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a.roi": roi([[1, 2]], "hip"), "a-1.roi": roi([[3, 4]], "hip")}, "'hip' of '' is given twice"),
        ({"a.roi": roi([[1, 2]], "hip"), "0001-0002.roi": roi([[3, 4]])}, "'0001-0002' has no name of its own"),
        ({"a.roi": roi([[1, 2]], kind=7)}, "'a.roi': a ROI of type freehand, expected points"),
        ({"a.roi": roi([[1, 2]], kind=99)}, r"a ROI of type unknown kind \(99\)"),
        ({"a.roi": roi([[1, 2]])[:70]}, "cut short at 70 bytes, expected 1 points"),
        ({"a.roi": b"Iout"}, r"cut short \(4 bytes\)"),
        ({"a.roi": roi([[1, 2]])[:68] + b"\x7f\xc0\0\0" + roi([[1, 2]])[72:]}, "a coordinate that is no number"),
        ({"a.roi": roi([[1, 2]], "a", position=1), "b.roi": roi([[1, 2]], "b", position=2)}, r"on slices \[1, 2\]"),
        ({"a.roi": b"Iout" + bytes(1 << 20)}, "more than 1048576 bytes"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, entries, said):
    with pytest.raises(PointsError, match=said):
        read_points(write_zip(tmp_path / "a.zip", **entries))


def test_a_zip_that_grows_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", b"Iout" + bytes(50_000_000))
    assert (tmp_path / "a.zip").stat().st_size < 100_000
    with pytest.raises(PointsError, match=r"'a\.roi': more than 1048576 bytes"):
        read_points(tmp_path / "a.zip")


def test_a_zip_that_lies_or_is_locked_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", **{"a.roi": roi([[1, 2]], "hip")})
    content = bytearray(path.read_bytes())
    content[content.index(b"Iout") + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(PointsError, match="Bad CRC-32"):
        read_points(path)
    content = bytearray(write_zip(path, **{"a.roi": roi([[1, 2]], "hip")}).read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + place] |= 1
    path.write_bytes(content)
    with pytest.raises(PointsError, match="encrypted"):
        read_points(path)


def test_written_names_come_back_and_entries_are_harmless(tmp_path):
    names = ("../hip", "a:b", "A/B", "a?b", "knee", "ü" * 99)
    points = np.array([[1.5, 2], [70000.5, -40000.25], [3, 4], [5, 6], [NAN, NAN], [7, 8]])
    write_points(tmp_path / "out", PointTable((PointRow("hip.png", "", points),), names), format_named("imagej-roi"))
    with zipfile.ZipFile(tmp_path / "out" / "hip-roiset.zip") as archive:
        entries = archive.namelist()
    assert entries == [".._hip.roi", "a_b.roi", "A_B-1.roi", "a_b-2.roi", f"{'ü' * 99}.roi"]
    table = read_points(tmp_path / "out")
    assert table.landmarks == tuple(name for name in names if name != "knee")
    np.testing.assert_array_equal(table.rows[0].points, points[np.isfinite(points[:, 0])])


def test_a_film_without_points_is_a_film_without_points(tmp_path):
    rows = (PointRow("a", "", np.full((1, 2), NAN)), PointRow("b", "", np.ones((1, 2))))
    write_points(tmp_path / "out", PointTable(rows, ("hip",)), format_named("imagej-roi"))
    first, second = read_points(tmp_path / "out").rows
    np.testing.assert_array_equal([*first.points, *second.points], [[NAN, NAN], [1, 1]])


def test_another_reader_agrees(tmp_path):
    roifile = pytest.importorskip("roifile")
    points = np.array([[12.25, 8.5], [3000.125, 41.0]])
    write_points(
        tmp_path / "out", PointTable((PointRow("a", "", points),), ("hip", "knée")), format_named("imagej-roi")
    )
    found = roifile.roiread(tmp_path / "out" / "a-roiset.zip")
    assert [r.name for r in found] == ["hip", "knée"]
    np.testing.assert_array_equal([r.coordinates()[0] for r in found], points)
    both = roifile.ImagejRoi.frompoints(points, name="both")
    both.roitype = roifile.ROI_TYPE.POINT
    roifile.roiwrite(tmp_path / "b.zip", [both])
    np.testing.assert_array_equal(read_points(tmp_path / "b.zip").rows[0].points, points)


@settings(max_examples=200)
@given(data=st.data())
def test_a_damaged_roi_is_read_or_refused(data, tmp_path_factory):
    content = bytearray(roi([[1.5, 2], [3, 4]], "hip"))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.roi"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(PointsError):
        read_points(path, "imagej-roi")


def test_a_zip_of_something_else_is_none_of_its_own(tmp_path):
    write_zip(tmp_path / "a.zip", **{"a.txt": b"text"})
    assert recognised(tmp_path / "a.zip") == []
    with pytest.raises(PointsError, match="no points, expected those of a known format"):
        read_points(tmp_path / "a.zip")
