"""LabelMe's files: as the program lays them out, whichever film they are of, and what can be wrong with them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from landvote.errors import PointsError
from landvote.formats.family import recognised
from landvote.formats.films import Films
from landvote.formats.kinds.labelme import LabelMe
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")


def shape(label="hip", x=1.0, y=2.0, **more):
    return {"label": label, "points": [[x, y]], "group_id": None, "description": "", "shape_type": "point", "flags": {},
            "mask": None} | more  # fmt: skip


def content(*shapes, **more):
    return {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "a.png", "imageData": None,
            "imageHeight": 40, "imageWidth": 60} | more  # fmt: skip


@pytest.fixture
def read(tmp_path):
    """Write files, each of one film, and read them as a folder."""

    def _read(films=None, **files):
        for name, value in files.items():
            (tmp_path / "in").mkdir(exist_ok=True)
            (tmp_path / "in" / f"{name}.json").write_text(json.dumps(value))
        return read_points(tmp_path / "in", films=films)

    return _read


@pytest.fixture
def films(tmp_path):
    """Draw films a.png, b.png and c.png, of 60 x 40 pixels."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.fromarray(np.eye(40, 60, dtype=np.uint8)).save(tmp_path / "images" / f"{name}.png")
    return Films.below(tmp_path / "images")


def test_points_are_counted_from_the_corner_of_the_first_pixel(read):
    table = read(a=content(shape(x=12.75, y=9.0), shape("knee", 5, 6, flags={"occluded": True}),
                           shape("toe", description="Occluded", attributes={"x": 1}, difficult=False)))  # fmt: skip
    (row,) = table.rows
    assert (table.form, table.landmarks, row.image, row.size) == ("labelme", ("hip", "knee", "toe"), "a.png", (60, 40))
    assert row.points[0].tolist() == [12.25, 8.5]
    assert row.occluded.tolist() == [False, True, True]


def test_a_landmark_without_a_shape_is_missing(read):
    table = read(a=content(shape(), shape("knee")), b=content(shape("knee"), imagePath="b.png"),
                 c=content(imagePath="c.png"))  # fmt: skip
    assert table.landmarks == ("hip", "knee")
    np.testing.assert_array_equal(table.rows[1].points[:, 0], [NAN, 0.5])
    assert np.isnan(table.rows[2].points).all()


def test_shapes_that_are_no_points_are_passed_over_and_counted(read):
    line = {"label": "edge", "points": [[1, 2], [3, 4]], "shape_type": "linestrip"}
    table = read(a=content(shape(), line, line))
    assert table.landmarks == ("hip",)
    assert "2 shapes of type 'linestrip' are passed over" in table.notes


def test_groups_with_labels_in_common_are_sides_on_every_film(read):
    both = content(shape(x=50, group_id=1), shape("knee", 51, group_id=1), shape(x=9, group_id=2))
    one = content(shape(x=40), imagePath="b.png")
    table = read(a=both, b=one)
    assert [(row.image, row.points[0, 0]) for row in table.rows] == [
        ("a.png_1", 8.5),
        ("a.png_2", 49.5),
        ("b.png_2", 39.5),
    ]
    table = read(a=content(shape(group_id=1), shape("knee", group_id=2)), b=one)  # they just belong together
    assert [row.image for row in table.rows] == ["a.png", "b.png"]


def test_a_file_is_of_the_film_it_is_called_after_or_else_of_that_in_it(read, films):
    names = {"a": "..\\images\\a.jpg", "one": "C:\\films\\b.png", "c": ""}
    files = {name: content(shape(), imagePath=path) for name, path in names.items()}
    del files["c"]["imagePath"]
    assert [row.image for row in films.match(read(films, **files), []).rows] == ["a.png", "c.png", "b.png"]
    assert [row.image for row in read(**files).rows] == ["a.jpg", "c", "b.png"]
    with pytest.raises(PointsError, match=r"a\.json: imagePath is 'b\.png', and the file is called after 'a\.png'"):
        read(films, a=content(shape(), imagePath="b.png"))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (content(shape(), shape()), "shape 2: landmark 'hip' of 'a.png' is given twice"),
        (content(shape(""), shape()), "shape 1: the label is empty"),
        (content({"label": "old", "points": [[1, 2]]}), "shape 1: no 'shape_type'"),
        (content(shape(label=3)), "shape 1: 'label' is '3', expected str"),
        (content(shape(points=[[1, 2], [3, 4]])), "shape 1: points of 'hip' are"),
        (content(shape(x="1")), "shape 1: point 'hip': '1', expected a number"),
        (content(shape(x=NAN)), "shape 1: point 'hip': 'nan', expected a number"),
        (content(*(shape(group_id=i) for i in range(3))), "3 shapes on 'a.png', expected two at most"),
    ],
)
def test_errors_name_file_and_shape(read, bad, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(a=bad)
    assert "a.json" in str(caught.value)


def test_a_file_of_a_side_stays_one(read):
    table = read(**{"a_L": content(shape()), "a.png_R": content(shape()), "other": content(shape(), imagePath="b.png")})
    assert [row.image for row in table.rows] == ["a.png_R", "a_L", "b.png"]


def test_what_is_written_has_all_that_labelme_asks_for_and_leads_to_the_film(tmp_path, films):
    row = PointRow("b.png", "", np.array([[1.25, 2], [NAN, NAN]]), occluded=np.array([True, False]))
    write_points(tmp_path / "out", PointTable((row,), ("hip", "knee")), LabelMe(), films)
    made = json.loads((tmp_path / "out" / "b.json").read_text())
    expected = content(shape(x=1.75, y=2.5, flags={"occluded": True}), imagePath="../images/b.png")
    assert made == expected | {"landmarks": ["hip", "knee"]}
    write_points(tmp_path / "alone", PointTable((row,), ("hip", "knee")), LabelMe())
    made = json.loads((tmp_path / "alone" / "b.json").read_text())
    assert (made["imagePath"], made["imageHeight"], made["imageWidth"]) == ("b.png", None, None)


@st.composite
def tables(draw):
    """Return points of some films; which are missing, which occluded."""
    n = draw(st.integers(1, 5))
    names = draw(st.lists(st.text(min_size=1, max_size=6), min_size=n, max_size=n, unique=True))
    rows = []
    for film in draw(st.lists(st.from_regex(r"[a-z]{1,4}\.png", fullmatch=True), min_size=1, max_size=4, unique=True)):
        values = draw(st.lists(st.integers(-(10**7), 10**7), min_size=2 * n, max_size=2 * n))
        points = np.array(values).reshape(n, 2) / 1000
        points[draw(st.lists(st.booleans(), min_size=n, max_size=n))] = NAN
        hidden = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))) & np.isfinite(points[:, 0])
        rows.append(PointRow(film, "", points, "", hidden, size=draw(st.none() | st.just((60, 40)))))
    return PointTable(tuple(rows), tuple(names))


@given(tables())
def test_all_it_holds_comes_back(table):
    with tempfile.TemporaryDirectory() as name:
        assert write_points(Path(name) / "out", table, LabelMe()).lost == ()
        back = read_points(Path(name) / "out")
        assert recognised(next((Path(name) / "out").iterdir())) == ["labelme"]
    assert back.landmarks == table.landmarks
    found = {row.image: row for row in back.rows}
    assert len(found) == len(table.rows)
    for row in table.rows:
        same = found[row.image]
        np.testing.assert_allclose(same.points, row.points, atol=1e-9)
        np.testing.assert_array_equal(same.occluded, row.occluded)
        assert same.size == row.size


def test_two_shapes_without_groups_are_two_sides(read):
    a = content(shape("hip", 50), shape("knee", 45), shape("hip", 5), shape("knee", 10))
    table = read(**{"a.json": a, "b.json": content(shape("hip", 5), shape("knee", 10), imagePath="b.png")})
    found = {row.image: row.points[:, 0].tolist() for row in table.rows}
    assert found == {"a.png_1": [4.5, 9.5], "a.png_2": [49.5, 44.5], "b.png_1": [4.5, 9.5]}
