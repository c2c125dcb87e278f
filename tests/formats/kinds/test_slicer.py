"""3D Slicer's markups and fiducials: millimetres to pixels, what is undefined, what is occluded, what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from landvote.errors import PointsError, SettingError
from landvote.formats.family import format_named, recognised
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from toys import dicom

NAN = float("nan")
DX = "1.2.840.10008.5.1.4.1.1.1.1"


def point(label, position, **more):
    return {"id": "1", "label": label, "description": "", "position": position, "positionStatus": "defined"} | more


def markup(points, kind="Fiducial", system="LPS", unit="mm"):
    return {"type": kind, "coordinateSystem": system, "coordinateUnits": unit, "controlPoints": points}


@pytest.fixture
def write(tmp_path):
    def to_file(*markups, name="a.mrk.json"):
        (tmp_path / name).write_text(json.dumps({"@schema": "markups-schema-v1.0.4.json#", "markups": markups}))
        return tmp_path / name

    return to_file


@pytest.fixture
def films(tmp_path):
    (tmp_path / "films").mkdir()
    Image.new("L", (60, 40)).save(tmp_path / "films" / "a.png")
    film = dicom(np.zeros((4, 6), np.uint8), SOPClassUID=DX, ImagerPixelSpacing=[0.25, 0.5])
    film.save_as(tmp_path / "films" / "b.dcm")
    return Films.below(tmp_path / "films")


@pytest.mark.parametrize(
    ("name", "system", "unit", "expected"),
    [("a", "LPS", "mm", (5, 10)), ("b", "LPS", "mm", (10, 40)), ("b", "RAS", "mm", (-10, -40)),
     ("b", "LPS", "um", (0.01, 0.04))],
)  # fmt: skip
def test_millimetres_become_pixels_by_the_film(write, films, name, system, unit, expected):
    path = write(markup([point("hip", [5, 10, 0])], system=system, unit=unit), name=f"{name}.mrk.json")
    assert recognised(path) == ["slicer"]
    (row,) = read_points(path, films=films).rows
    np.testing.assert_allclose(row.points, [expected])


def test_without_the_film_the_spacing_has_to_be_told(write):
    path = write(markup([point("hip", [5, 10, 0])]))
    with pytest.raises(PointsError, match="millimetres, expected the film at hand, or the setting spacing"):
        read_points(path)
    np.testing.assert_allclose(read_points(path, "slicer:spacing=0.5").rows[0].points, [[10, 20]])
    with pytest.raises(SettingError, match="spacing"):
        read_points(path, "slicer:spacing=0")


def test_a_film_that_is_not_there_or_not_read_is_named_with_the_file(write, films, tmp_path):
    with pytest.raises(PointsError, match=r"c\.mrk\.json: 'c' is no film"):
        read_points(write(markup([point("hip", [5, 10, 0])]), name="c.mrk.json"), films=films)
    (tmp_path / "films" / "a.png").write_text("no film")
    with pytest.raises(PointsError, match=r"a\.mrk\.json: .*a\.png: cannot be read"):
        read_points(write(markup([point("hip", [5, 10, 0])])), films=films)


def test_undefined_points_are_missing_and_curves_are_outlines(write):
    preview = {"positionStatus": "preview"}
    path = write(
        markup([point("hip", [1, 2, 0], description="Occluded"), point("knee", "", positionStatus="undefined")]),
        markup([point("a", [3, 4, 0]), point("b", [5, 6, 0], **preview), point("c", [7, 8, 0])], "Curve"),
        markup([{"label": "d"}], "ClosedCurve"), markup([point("x", [1, 2, 3])], "Line"), markup([], "ROI"),
    )  # fmt: skip
    table = read_points(path, "slicer:spacing=1")
    assert table.landmarks == ("hip", "knee", "a", "b", "c", "d")
    (row,) = table.rows
    np.testing.assert_array_equal(row.points, [[1, 2], [NAN, NAN], [3, 4], [NAN, NAN], [7, 8], [NAN, NAN]])
    assert row.occluded.tolist() == [True, *[False] * 5]
    assert [(o.points, o.closed) for o in table.outlines] == [((2, 3, 4), False), ((5,), True)]
    assert table.notes[-2:] == ("1 markups of type Line are passed over", "1 markups of type ROI are passed over")


def test_points_without_labels_are_in_order_and_as_many_on_each_film(write, tmp_path):
    write(markup([point("", [1, 2, 0]), point("", [3, 4, 0])]), name="a.mrk.json")
    assert read_points(tmp_path / "a.mrk.json", "slicer:spacing=1").landmarks == ("0", "1")
    write(markup([point("", [1, 2, 0])]), name="b.mrk.json")
    with pytest.raises(PointsError, match=r"b\.mrk\.json: 1 points, expected 2"):
        read_points(tmp_path, "slicer:spacing=1")


@pytest.mark.parametrize(
    ("markups", "said"),
    [
        ([markup([point("hip", [1, 2, 0])], system="IJK")], "coordinates 'IJK' in 'mm', expected 'LPS' or 'RAS'"),
        ([markup([point("hip", [1, 2, 0])], unit=["cm"])], r"in \"\['cm'\]\", expected"),
        ([markup([point("hip", [1, 2])])], "a position of 2 numbers, expected 3"),
        ([markup([point("hip", [1, None, 0])])], "'None', expected a number"),
        ([markup([point("hip", [1, 10**400, 0])])], "expected a number"),
        ([markup([point("hip", [1, 1e300, 0])])], "'hip' is at .*, expected coordinates between -1e9 and 1e9"),
        ([markup([point("hip", [1, 2, 0]), point("hip", [3, 4, 0])])], "'hip' of '' is given twice"),
        ([markup([point("hip", [1, 2, 0]), point("", [3, 4, 0])])], "point 2 has no label"),
        ([markup(["hip"])], "'hip', expected a control point"),
        ([markup([point("hip", [1, 2, 0])], "Plane")], "1 markups of type Plane are passed over, expected a markup of"),
        ([markup([])], "no control points"),
        ([3], "no 'type'"),
    ],
)
def test_what_is_wrong_is_named(write, markups, said):
    with pytest.raises(PointsError, match=said):
        read_points(write(*markups), "slicer:spacing=1")


def test_a_written_file_says_all_that_slicer_writes(tmp_path, films):
    points = np.array([[10.0, 40], [NAN, NAN]])
    table = PointTable((PointRow("b", "", points, occluded=np.array([True, False])),), ("hip", "knee"))
    write_points(tmp_path / "out", table, format_named("slicer"), films)
    content = json.loads((tmp_path / "out" / "b.mrk.json").read_text())
    assert content["@schema"].endswith("markups-schema-v1.0.3.json#")
    (written,) = content["markups"]
    assert (written["type"], written["coordinateSystem"], written["coordinateUnits"]) == ("Fiducial", "LPS", "mm")
    first, second = written["controlPoints"]
    assert (first["label"], first["position"], first["positionStatus"]) == ("hip", [5, 10, 0], "defined")
    assert (first["description"], second["position"], second["positionStatus"]) == ("occluded", "", "undefined")
    (row,) = read_points(tmp_path / "out", films=films).rows
    np.testing.assert_allclose(row.points, points)


FCSV = "# Markups fiducial file version = 4.11\n# CoordinateSystem = {}\n{}{}"
COLUMNS = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
ROWS = (
    '1,5,10,0,0,0,0,1,1,1,0,"hip, left",occluded,vtkMRMLScalarVolumeNode1,2,0\n'
    "2,0,0,0,0,0,0,1,1,1,0,knee,,,0,0\n\n3,1,1,0,0,0,0,1,1,1,0,ankle,,,2,0\n"
)


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("1", 1), ("RAS", -1), ("0", -1)])
@pytest.mark.parametrize("columns", [COLUMNS, ""])
def test_fiducials_of_slicer_4(tmp_path, films, system, sign, columns):
    (tmp_path / "b.fcsv").write_text(FCSV.format(system, columns, ROWS))
    assert recognised(tmp_path / "b.fcsv") == ["slicer-fcsv"]
    table = read_points(tmp_path / "b.fcsv", films=films)
    assert table.landmarks == ("hip, left", "knee", "ankle")
    np.testing.assert_allclose(table.rows[0].points, np.array([[10, 40], [NAN, NAN], [2, 4]]) * sign)
    assert table.rows[0].occluded.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FCSV.format("IJK", "", ROWS), "CoordinateSystem is 'IJK', expected LPS"),
        (FCSV.format("LPS", "# columns = label,x,y\n", ROWS), "expected x, y, z and label among them"),
        (
            FCSV.format("LPS", COLUMNS, "1,5,ten,0,0,0,0,1,1,1,0,hip,,\n"),
            "position '5, ten, 0', expected three numbers",
        ),
        (FCSV.format("LPS", COLUMNS, "1,5\n"), "line 4: position '5, , ', expected three numbers"),
        (FCSV.format("LPS", COLUMNS, ""), "no points, expected a row for each"),
    ],
)
def test_fiducials_that_are_wrong_are_named(tmp_path, text, said):
    (tmp_path / "b.fcsv").write_text(text)
    with pytest.raises(PointsError, match=said):
        read_points(tmp_path / "b.fcsv", "slicer-fcsv:spacing=1")
