"""COCO keypoints: as other programs lay them out, and everything that can be wrong with them."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.family import recognised
from landvote.formats.films import Films
from landvote.formats.kinds.coco import Coco
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")
NAMES = ["head", "neck", "shaft"]


def image(key, name="a.png", **more):
    return {"id": key, "file_name": name, "width": 100, "height": 50, **more}


def annotation(image_id, *keypoints, category=1, **more):
    return {"id": 7, "image_id": image_id, "category_id": category, "keypoints": list(keypoints), **more}


def category(key=1, name="hip", keypoints=NAMES, **more):
    return {"id": key, "name": name, "keypoints": keypoints, **more}


def content(images, annotations, categories=None):
    return {"images": images, "annotations": annotations, "categories": categories or [category()]}


@pytest.fixture
def read(tmp_path):
    """Write a file, and read it."""

    def _read(value, kind=None, films=None):
        (tmp_path / "f.json").write_text(json.dumps(value))
        return read_points(tmp_path / "f.json", kind, films=films)

    return _read


SEEN = (1, 2, 2, 3, 4, 2, 5, 6, 2)


def test_visibility_is_believed_and_not_the_coordinates(read):
    table = read(content([image(1)], [annotation(1, 0, 0, 2, 3.5, 4.25, 1, 5, 6, 0)]))
    (row,) = table.rows
    assert (table.form, table.landmarks, row.image, row.size) == ("coco", tuple(NAMES), "a.png", (100, 50))
    np.testing.assert_array_equal(row.points, [[0, 0], [3.5, 4.25], [NAN, NAN]])
    assert row.occluded.tolist() == [False, True, False]


@pytest.mark.parametrize("missing", [(None, None, None), (None, None, 2), (NAN, NAN, 2), (8, 9, 0), (None, 9, 0)])
def test_what_stands_for_a_missing_point(read, missing):
    (row,) = read(content([image(1)], [annotation(1, *missing, 3, 4, 2, 5, 6, 2)])).rows
    np.testing.assert_array_equal(row.points, [[NAN, NAN], [3, 4], [5, 6]])


def test_ids_may_be_large_or_text(read):
    images = [image(4_000_000_000_000_000_000), image("b", "b.png")]
    table = read(content(images, [annotation("b", *SEEN), annotation(4_000_000_000_000_000_000, *SEEN)]))
    assert [row.image for row in table.rows] == ["b.png", "a.png"]


def test_a_film_that_is_listed_again_has_another_annotator(read):
    images = [image(0), image(1), image(2, "b.png"), image(3, "b.png"), image(4, "c.png")]
    table = read(content(images, [annotation(i, i, *SEEN[1:]) for i in (0, 1, 2, 3, 4)]))
    found = [(row.image, row.annotator, row.points[0, 0]) for row in table.rows]
    expected = [("a.png", "1", 0), ("a.png", "2", 1), ("b.png", "1", 2), ("b.png", "2", 3), ("c.png", "1", 4)]
    assert found == expected
    table = read(content(images, [annotation(1, *SEEN), annotation(2, *SEEN)]))  # the others have no points
    assert [(row.image, row.annotator) for row in table.rows] == [("a.png", ""), ("b.png", "")]


def test_films_are_found_by_the_end_of_their_paths(read):
    films = Films({"one/a.png": Path("a.png"), "b.png": Path("b.png")}, "images/")
    names = ["C:\\films\\one\\a.png", "/data/upload/1/b5058c39-b.png"]
    table = read(content([image(0, names[0]), image(1, names[1])], [annotation(0, *SEEN), annotation(1, *SEEN)]),
                 films=films)  # fmt: skip
    assert [row.image for row in table.rows] == ["one/a.png", "b.png"]


def test_two_annotations_of_a_film_are_its_sides(read):
    here, there = annotation(1, 60, 2, 2, 70, 4, 2, 80, 6, 2), annotation(1, *SEEN)
    table = read(content([image(1), image(2, "b.png")], [here, there, annotation(2, 90, 2, 2, *SEEN[3:])]))
    assert [(r.image, r.points[0, 0]) for r in table.rows] == [("a.png_1", 1), ("a.png_2", 60), ("b.png_1", 90)]
    categories = [category(1, "left hip"), category(2, "right hip")]
    table = read(content([image(1)], [here, annotation(1, *SEEN, category=2)], categories))
    assert [(r.image, r.points[0, 0]) for r in table.rows] == [("a.png_L", 60), ("a.png_R", 1)]


def test_one_of_several_categories_is_chosen(read):
    categories = [category(1, "hip"), category(2, "knee", ["top", "bottom"]), {"id": 3, "name": "bone"}]
    value = content([image(1)], [annotation(1, *SEEN), annotation(1, 1, 2, 2, 3, 4, 2, category=2)], categories)
    with pytest.raises(PointsError, match=r"f\.json: several .* \(hip, knee\), .* as format 'coco:category=hip' does"):
        read(value)
    table = read(value, "coco:category=knee")
    assert (table.landmarks, len(table.rows)) == (("top", "bottom"), 1)
    assert "1 annotations of other categories are passed over" in table.notes


def test_what_has_no_keypoints_is_passed_over_and_counted(read):
    bare = {"id": 9, "image_id": 1, "category_id": 2, "segmentation": [[1, 2, 3, 4, 5, 6]]}
    crowd = annotation(1, *SEEN, iscrowd=1)
    table = read(content([image(1)], [bare, crowd, annotation(1, *SEEN), bare], [category(), category(2, "bone", [])]))
    assert len(table.rows) == 1
    assert "2 annotations without keypoints are passed over" in table.notes
    assert "1 annotations of crowds are passed over" in table.notes


def test_a_skeleton_becomes_outlines_or_is_said_to_be_passed_over(read):
    value = content([image(1)], [annotation(1, *SEEN)], [category(skeleton=[[2, 3], [1, 2]])])
    assert [o.points for o in read(value).outlines] == [(2, 1, 0)]
    for broken in ([[0, 1]], [[1, 4]], [[1]], ["ab"], 5, [[1, None]]):
        table = read(content([image(1)], [annotation(1, *SEEN)], [category(skeleton=broken)]))
        assert table.outlines == ()
        assert any("skeleton of category 'hip' is passed over" in note for note in table.notes)


def test_the_centre_of_label_studio_is_pointed_out(read):
    value = content([image(1)], [annotation(1, *SEEN)]) | {"info": {"contributor": "Label Studio"}}
    assert "Label Studio wrote the file, and has that centre at 0.5" in read(value).notes


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (content([image(1)], []), "no annotation with keypoints"),
        (content([image(1), image(1)], []), "image 1 is given twice"),
        (content([{"id": 1}], []), "image 1: no 'file_name'"),
        (content([3], []), "an image: no 'id'"),
        (content([image(1)], [4]), "annotation 1: no 'category_id'"),
        (content([image(2)], [annotation(1, *SEEN)]), "annotation 7: image 1 is not in the file"),
        (content([image(1)], [annotation(1, *SEEN, category=5)]), "annotation 7: category 5 is not in the file"),
        (content([image(1)], [annotation(1, *SEEN[:-1])]), "annotation 7: 8 values in keypoints, expected 9"),
        (content([image(1)], [annotation(1, *SEEN[:-1], 3)]), "keypoint 'shaft' has visibility 3, expected 0, 1 or 2"),
        (content([image(1)], [annotation(1, *SEEN[:-1], None)]), "keypoint 'shaft' has visibility nan"),
        (content([image(1)], [annotation(1, None, *SEEN[1:])]), "keypoint 'head' has x and y nan and 2, expected two"),
        (content([image(1)], [annotation(1, "1", *SEEN[1:])]), "annotation 7: '1', expected a number"),
        (content([image(1)], [annotation(1, [1], *SEEN[1:])]), r"annotation 7: '\[1\]', expected a number"),
        (content([image(1)], [annotation(1, 10**400, *SEEN[1:])]), "annotation 7: '1000"),
        (content([image(1)], [annotation(1, *SEEN, annotator=3)]), "annotation 7: annotator 3"),
        (content([image(1)], [annotation(1, *SEEN)], [category(keypoints=[])]), "category 'hip' names no keypoints"),
        (content([image(1)], [], [category(keypoints=["a", "a"])]), "category 1: keypoint 'a' is named twice"),
        (content([image(1)], [], [category(keypoints=[1])]), r"category 1: keypoints \[1\], expected a list of names"),
        (content([image(1)], [annotation(1, *SEEN)] * 3), "annotation 7: 3 shapes on 'a.png', expected two at most"),
        (content([image(1)], [annotation(1, *SEEN)], [category(outlines=[{"name": "o", "points": [3]}])]),
         "category 'hip': an outline names keypoint 3, expected 0 to 2"),
        ({"images": [], "annotations": []}, "no 'categories'"),
    ],
)  # fmt: skip
def test_errors_name_file_and_place(read, value, says):
    with pytest.raises(PointsError, match=says) as caught:
        read(value, "coco")
    assert "f.json" in str(caught.value)


def test_numbers_of_every_kind_mean_the_same(read):
    (row,) = read(content([image(1)], [annotation(1, 1, 2, 2.0, 47.119998931884766, 4, 1, 5e0, 6, 2)])).rows
    assert row.points[1, 0] == 47.119998931884766


@st.composite
def tables(draw):
    """Return points of sides and annotators, and outlines through them."""
    n = draw(st.integers(1, 6))
    names = draw(st.lists(st.text(min_size=1, max_size=6), min_size=n, max_size=n, unique=True))
    curves = draw(st.lists(st.permutations(range(n)), max_size=2))
    outlines = [Outline(name=f"curve {i}", points=tuple(c), closed=draw(st.booleans())) for i, c in enumerate(curves)]
    rows = []
    for film in draw(st.lists(st.from_regex(r"[a-z]{1,4}\.png", fullmatch=True), min_size=1, max_size=4, unique=True)):
        for side in draw(st.sampled_from([("",), ("_L", "_R"), ("_2",)])):
            for annotator in draw(st.sampled_from([("",), ("ann", "bob")])):
                points = np.array(
                    draw(st.lists(st.tuples(*[st.integers(-(10**7), 10**7)] * 2), min_size=n, max_size=n))
                )
                points = points / 1000
                points[draw(st.lists(st.booleans(), min_size=n, max_size=n))] = NAN
                hidden = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))) & np.isfinite(points[:, 0])
                size = draw(st.none() | st.just((60, 40)))
                rows.append(PointRow(film + side, annotator, points, "", hidden, size=size))
    return PointTable(tuple(rows), tuple(names), tuple(outlines))


@given(tables())
def test_all_it_holds_comes_back(table):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.json"
        written = write_points(file, table, Coco())
        back = read_points(file)
        assert recognised(file) == ["coco"]
    assert written.lost == ()
    assert (back.landmarks, back.outlines) == (table.landmarks, table.outlines)
    found = {(row.image, row.annotator): row for row in back.rows}
    assert len(found) == len(back.rows) == len(table.rows)
    sizes = {row.image.rpartition("_")[0] or row.image: row.size for row in reversed(table.rows)}
    for row in table.rows:
        same = found[row.image, row.annotator]
        np.testing.assert_allclose(same.points, row.points, atol=1e-9)
        np.testing.assert_array_equal(same.occluded, row.occluded)
        assert same.size == sizes[row.image.rpartition("_")[0] or row.image]


def test_the_evaluation_of_coco_takes_it(tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    rows = [PointRow(f"{i}.png", "", np.array([[i + 1.0, 2], [30, 40], [NAN, NAN]]), size=(60, 50)) for i in range(3)]
    write_points(tmp_path / "f.json", PointTable(tuple(rows), tuple(NAMES)), Coco())
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(tmp_path / "f.json")
        results = [{**each, "score": 1.0} for each in truth.loadAnns(truth.getAnnIds())]
        run = evaluation.COCOeval(truth, truth.loadRes(results), "keypoints")
        run.params.kpt_oks_sigmas = np.full(3, 0.1)
        run.evaluate()
        run.accumulate()
        run.summarize()
    assert run.stats[0] == 1
