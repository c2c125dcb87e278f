"""VIA's files of both versions: project, annotations and table, and the attribute that names landmarks."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.reading import read_points


def region(x=13, y=9, shape="point", **attributes):
    return {"shape_attributes": {"name": shape, "cx": x, "cy": y}, "region_attributes": attributes}


def film(*regions, name="a.png"):
    return {"filename": name, "size": 457, "regions": list(regions), "file_attributes": {}}


@pytest.fixture
def read(tmp_path):
    """Write JSON or a table, and read it."""

    def _read(value, kind=None, films=None):
        path = tmp_path / ("v.csv" if isinstance(value, list) else "v.json")
        if isinstance(value, list):
            with path.open("w", newline="") as file:
                csv.writer(file).writerows(value)
        else:
            path.write_text(json.dumps(value))
        return read_points(path, kind, films=films)

    return _read


HIP, KNEE = region(landmark="hip", seen="yes"), region(30, 20, landmark="knee", seen="occluded")


def check(table):
    (row,) = table.rows
    assert (table.form, table.landmarks, row.image) == ("via", ("hip", "knee"), "a.png")
    np.testing.assert_array_equal(row.points, [[12.5, 8.5], [29.5, 19.5]])
    assert row.occluded.tolist() == [False, True]


def test_annotations_of_version_2(read):
    check(read({"a.png457": film(HIP, KNEE), "b.png9": film(name="b.png")}))


def test_annotations_of_version_1_number_the_regions(read):
    check(read({"a.png457": film() | {"regions": {"0": HIP, "1": KNEE}, "base64_img_data": "", "fileref": ""}}))


def test_a_project_lists_the_names_in_order(read):
    options = {"landmark": {"type": "dropdown", "options": {"hip": "", "knee": ""}}}
    value = {"_via_settings": {}, "_via_img_metadata": {"a.png457": film(KNEE, HIP)}}
    check(read(value | {"_via_attributes": {"region": options, "file": {}}}))
    assert read(value).landmarks == ("knee", "hip")


@pytest.mark.parametrize("mark", ["", "#"])
def test_a_table_of_either_version(read, mark):
    header = [mark + "filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
              "region_attributes"]  # fmt: skip
    rows = [["a.png", 457, "{}", 2, i, json.dumps(r["shape_attributes"]), json.dumps(r["region_attributes"])]
            for i, r in enumerate((HIP, KNEE))]  # fmt: skip
    check(read([header, *rows, ["b.png", 9, "{}", 0, 0, "{}", "{}"]]))
    rows[0][5] = "{name"
    with pytest.raises(PointsError, match=r"v\.csv, line 2: '{name', expected an object of JSON"):
        read([header, *rows])


def test_the_attribute_may_be_the_only_one_or_asked_for(read):
    assert read({"a": film(region(type="hip"))}).landmarks == ("hip",)
    assert read({"a": film(region(type={"hip": True, "knee": False}))}).landmarks == ("hip",)
    value = {"a": film(region(side="left", part="hip"), region(side="right", part="knee"))}
    with pytest.raises(PointsError, match=r"attributes side, part, .* as in format 'via:attribute=side'"):
        read(value)
    assert read(value, "via:attribute=part").landmarks == ("hip", "knee")


def test_other_shapes_are_passed_over_and_counted_and_films_are_found_by_the_end_of_their_path(read):
    films = Films({"one/a.png": Path("a.png")}, "images/")
    value = {"a": film(HIP, region(shape="rect"), region(shape="rect"), name="http://there/one/a.png")}
    table = read(value, "via:attribute=landmark", films)
    assert table.rows[0].image == "one/a.png"
    assert "2 regions of shape 'rect' are passed over" in table.notes


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": film(region(shape="rect"))}, "no region is a point"),
        ({"a": film(region())}, "points without attributes, expected"),
        ({"a": film(region(name=""))}, "a, region 1: a point without 'name'"),
        ({"a": film(region(name="hip"), region(name="hip"))}, "region 2: landmark 'hip' of 'a.png' is given twice"),
        ({"a": film(region(name="hip", x=None))}, "a, region 1: 'hip': 'None', expected a number"),
        ({"a": {"filename": "a", "regions": 5}}, "a: 'regions' is '5', expected list or dict"),
        ({"a": film(4)}, "a, region 1: no 'shape_attributes'"),
        ({"_via_img_metadata": 3}, "no region is a point"),
        ([["filename", "x"], ["a", "1"]], r"line 1: columns 'filename, x', expected 'filename, \.\.\., region_shape"),
    ],
)
def test_errors_name_file_and_region(read, value, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(value, "via")
    assert "v." in str(caught.value)


def test_two_shapes_are_two_sides(read):
    table = read(
        {"a": film(*(region(x, landmark=name) for x, name in ((5, "hip"), (9, "knee"), (50, "hip"), (40, "knee"))))}
    )
    assert {row.image: row.points[:, 0].tolist() for row in table.rows} == {
        "a.png_1": [4.5, 8.5], "a.png_2": [49.5, 39.5],
    }  # fmt: skip
