"""Label Studio: four exports, annotators, films by their ends, predictions for import, and what can be wrong."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.errors import PointsError
from landvote.formats.family import FORMATS, format_named
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")
WIDE, HIGH = 60, 40
UPLOADED = "/data/upload/1/b5058c39-a.png"


def region(name="hip", x=21.25, y=22.5, **more):
    """Return a key point, at (12.25, 8.5) on a film of 60 x 40 pixels."""
    names = name if isinstance(name, list) else [name]
    return {
        "original_width": WIDE, "original_height": HIGH, "image_rotation": 0, "id": "r", "type": "keypointlabels",
        "value": {"x": x, "y": y, "width": 0.5, "keypointlabels": names}, "from_name": "kp", "to_name": "image",
    } | more  # fmt: skip


def annotation(*regions, who=1, **more):
    return {"completed_by": who, "was_cancelled": False, "result": list(regions or [region()])} | more


def task(*annotations, image=UPLOADED, **more):
    return {"id": 7, "data": {"image": image}, "annotations": list(annotations), "predictions": [], "drafts": []} | more


@pytest.fixture
def films(tmp_path):
    for name in ("a.png", "left/b c.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (WIDE, HIGH)).save(tmp_path / "images" / name)
    return Films.below(tmp_path / "images")


@pytest.fixture
def read(tmp_path):
    """Write content to a file and read it."""

    def _read(content, kind=None, name="l.json", **more):
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return read_points(tmp_path / name, kind, **more)

    return _read


def test_per_cent_from_the_corner_by_annotator(read):
    table = read(
        [task(annotation(region(), region("knee", 50, 50)), annotation(region(x=20), who={"id": 12, "email": "x@y"}))]
    )
    assert (table.form, table.landmarks) == ("label-studio", ("hip", "knee"))
    assert [(row.image, row.annotator, row.size) for row in table.rows] == [
        ("a.png", "1", (60, 40)),
        ("a.png", "12", (60, 40)),
    ]
    np.testing.assert_allclose(table.rows[0].points, [[12.25, 8.5], [29.5, 19.5]])
    np.testing.assert_allclose(table.rows[1].points, [[11.5, 8.5], [NAN, NAN]])
    assert table.notes[0] == "the centre of the first pixel is taken as 0.5"
    np.testing.assert_allclose(read([task(annotation())], centre=0).rows[0].points, [[12.75, 9]])


def flat(*rows):
    """Return rows as the exports of one row per annotation have them."""
    value = region()["value"] | {"original_width": WIDE, "original_height": HIGH}
    return [
        {"annotation_id": i, "annotator": who, "created_at": "2026-11-26T01:08:17.98Z", "id": 7, "image": image,
         "kp": [value], "lead_time": 12.5}
        for i, (who, image) in enumerate(rows)
    ]  # fmt: skip


def table_text(rows, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(rows[0])
    writer.writerows([json.dumps(cell) if isinstance(cell, list) else cell for cell in row.values()] for row in rows)
    return text.getvalue()


@pytest.mark.parametrize("name", ["l.json", "l.csv", "l.tsv"])
def test_the_exports_of_one_row_per_annotation(read, name):
    rows = flat((2, UPLOADED), ("anna@example.org", UPLOADED), ("bob", UPLOADED), ("anna@example.org", "b.png"))
    content = rows if name == "l.json" else table_text(rows, "\t" if name == "l.tsv" else ",")
    table = read(content, name=name)
    assert (table.form, table.landmarks) == ("label-studio", ("hip",))
    found = [(row.image, row.annotator) for row in table.rows]
    assert found == [("a.png", "2"), ("a.png", "annotator 1"), ("a.png", "annotator 2"), ("b.png", "annotator 1")]
    np.testing.assert_allclose(table.rows[0].points, [[12.25, 8.5]])
    assert "2 annotators are numbered, since the file has their names" in table.notes
    assert "example" not in str(table)


def test_what_is_passed_over_is_counted(read):
    box = region(type="rectanglelabels")
    choices = {"type": "choices", "id": "q", "value": {"choices": ["good film"]}}
    relation = {"type": "relation", "from_id": "r", "to_id": "s"}
    drawn = annotation(region(), box, choices, relation)
    cancelled = annotation(region("knee"), who=2, was_cancelled=True)
    table = read([task(drawn, cancelled, drafts=[annotation()], predictions=[{"result": []}])])
    assert [row.annotator for row in table.rows] == ["1"]
    for said in (
        "1 cancelled annotations are",
        "1 drafts are",
        "1 regions that are no key points are",
        "1 predictions are",
    ):
        assert f"{said} passed over" in table.notes


def test_predictions_are_read_where_there_are_no_annotations_or_when_asked_for(read):
    predicted = {"predictions": [{"model_version": "m1", "score": 0.5, "result": [region(x=50)]}]}
    table = read([task(**predicted)])
    assert [(row.annotator, row.points[0, 0]) for row in table.rows] == [("m1", 29.5)]
    both = [task(annotation(), **predicted), task(image="b.png", **predicted)]
    assert [(row.image, row.annotator) for row in read(both).rows] == [("a.png", "1")]
    table = read(both, "label-studio:predictions=true")
    assert [(row.image, row.annotator) for row in table.rows] == [("a.png", "m1"), ("b.png", "m1")]
    assert "1 annotations are passed over" in table.notes


@pytest.mark.parametrize(
    ("place", "alone", "found"),
    [
        (UPLOADED, "a.png", "a.png"),
        ("/data/local-files/?d=films/left/b%20c.png", "films/left/b c.png", "left/b c.png"),
        ("/data/local-files/?d=C:\\films\\left\\b c.png", "C:\\films\\left\\b c.png", "left/b c.png"),
        ("https://host:80/x/left/b%20c.png?key=1", "x/left/b c.png", "left/b c.png"),
        ("s3://bucket/0a1b2c3d-a.png", "0a1b2c3d-a.png", "a.png"),
        ("images/a.png", "images/a.png", "a.png"),
        ("http://[a.png", "http://[a.png", "http://[a.png"),
    ],
)
def test_films_are_found_by_the_end_of_their_place(read, films, place, alone, found):
    content = [task(annotation(), image=place)]
    assert (read(content).rows[0].image, read(content, films=films).rows[0].image) == (alone, found)


def test_a_film_whose_own_name_begins_so_is_found_first(read, tmp_path, films):
    Image.new("L", (WIDE, HIGH)).save(tmp_path / "images" / "b5058c39-a.png")
    films = Films.below(tmp_path / "images")
    assert read([task(annotation())], films=films).rows[0].image == "b5058c39-a.png"


def test_of_several_pictures_one_is_chosen(read):
    content = [task(annotation()) | {"data": {"film": "a.png", "mask": "m.png", "text": "of a.png, as sent"}}]
    assert read(content, "label-studio:image=film").rows[0].image == "a.png"
    with pytest.raises(
        PointsError, match=r"2 keys name a picture \(film, mask\), expected one, or one to be chosen, as"
    ):
        read(content)
    with pytest.raises(PointsError, match="no key names a picture, expected one"):
        read([task(annotation()) | {"data": {"number": 5}}])
    assert read([task(annotation(), image="film without suffix")]).rows[0].image == "film without suffix"


def test_the_films_of_sleap_stand_elsewhere(read):
    meta = {"video": {"filename": ["images/a.png", "images/b.png"], "frame_idx": 1}}
    assert read([task(annotation()) | {"data": {}, "meta": meta}]).rows[0].image == "images/b.png"


def test_labels_beside_the_point_several_labels_and_occluded_ones(read):
    bare = region(type="keypoint", id="p")
    bare["value"] = {"x": 50, "y": 50}
    labels = {"type": "labels", "id": "p", "value": {"labels": ["knee"]}}
    hidden = {"type": "choices", "id": "r", "value": {"choices": ["Occluded"]}}
    table = read([task(annotation(region(["hip", "head"]), bare, labels, hidden))])
    assert table.landmarks == ("hip", "head", "knee")
    np.testing.assert_allclose(table.rows[0].points, [[12.25, 8.5], [12.25, 8.5], [29.5, 19.5]])
    assert table.rows[0].occluded.tolist() == [True, True, False]


def test_a_size_that_is_not_given_is_that_of_the_film(read, films):
    bare = region()
    del bare["original_width"], bare["original_height"]
    np.testing.assert_allclose(read([task(annotation(bare))], films=films).rows[0].points, [[12.25, 8.5]])
    with pytest.raises(PointsError, match="expected the films at hand"):
        read([task(annotation(bare))])


def test_predictions_are_written_as_label_studio_takes_them(tmp_path):
    points, error = np.array([[12.25, 8.5], [NAN, NAN], [29.5, 19.5]]), np.array([1.0, NAN, 3.0])
    told = Prediction("left/b c.png", points, error, ("hip", "knee", "foot"), model="0123456789abcdef")
    row = PointRow("left/b c.png", "", points, expected_error=error, size=(WIDE, HIGH), prediction=told)
    written = write_points(tmp_path / "l.json", PointTable((row,), told.landmarks), FORMATS["label-studio"]())
    assert written.lost == ("the expected errors of 2 points", "what else the predictions of 1 films say")
    (made,) = json.loads((tmp_path / "l.json").read_text())
    assert made["data"] == {"image": "/data/local-files/?d=left/b%20c.png"}
    (prediction,) = made["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("landvote 01234567", 0.25)
    first, second = prediction["result"]
    assert first == region(id="point-0", score=0.5)
    assert (second["value"]["keypointlabels"], second["id"], second["score"]) == (["foot"], "point-2", 0.25)
    sure = replace(row, error_90=np.array([4.0, NAN, NAN]))  # the radius counts where it is known
    write_points(tmp_path / "r.json", PointTable((sure,), told.landmarks), FORMATS["label-studio"]())
    (made,) = json.loads((tmp_path / "r.json").read_text())
    assert [each["score"] for each in made["predictions"][0]["result"]] == [0.2, 0.25]
    form = format_named("label-studio:from_name=points,to_name=film,image=url,prefix=https://host/")
    write_points(tmp_path / "m.json", PointTable((row,), told.landmarks), form)
    (made,) = json.loads((tmp_path / "m.json").read_text())
    assert made["data"] == {"url": "https://host/left/b%20c.png"}
    assert {(each["from_name"], each["to_name"]) for each in made["predictions"][0]["result"]} == {("points", "film")}


def test_order_sides_and_annotators_come_back(tmp_path, films):
    rows = tuple(
        PointRow(f"a.png{side}", who, np.array([[1.5, 2], [NAN, NAN]]), size=(WIDE, HIGH))
        for side in ("_L", "_R") for who in ("ann", "bob")
    )  # fmt: skip
    write_points(tmp_path / "l.json", PointTable(rows, ("knee", "hip")), FORMATS["label-studio"]())
    table = read_points(tmp_path / "l.json", films=films)
    assert table.landmarks == ("knee", "hip")
    assert [(row.image, row.annotator) for row in table.rows] == [(row.image, row.annotator) for row in rows]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            [task(annotation(region(image_rotation=90)))],
            "'a.png' was turned by 90 degrees, expected points set without",
        ),
        ([task(annotation(region([])))], "task 7: a key point without a label"),
        ([task(annotation(region(), region()))], "landmark 'hip' of 'a.png' is given twice"),
        ([task(annotation(region(x="1")))], "'x' is '1', expected int or float"),
        ([task(annotation(region(original_width=0)))], "'a.png' is 0 x 40 pixels, expected whole numbers"),
        ([task(annotation(region(original_width=10**400)))], "expected a number"),
        ([task(annotation(region(value=5)))], "'value' is '5', expected dict"),
        ([task(annotation(5))], "a result that is no region"),
        ([task(predictions=[1])], "task 7: an annotation or prediction is given by its number alone (1)"),
        ([task({"completed_by": 1})], "no 'result', expected one"),
        ([task(annotations=5)], "'annotations' is '5', expected a list"),
        ([task() | {"data": 5}, 5], "not a list of tasks"),
        ([task(annotation(region(type="rectanglelabels")))], "no key points in 1 annotations, expected one at least"),
        ("annotation_id,annotator,image,kp\n1,2,a.png,[{\n", "line 2: a cell is not whole JSON"),
    ],
)
def test_errors(read, content, says):
    with pytest.raises(PointsError, match=r"l\.json") as caught:
        read(content, "label-studio")
    assert says in str(caught.value)


def test_two_shapes_of_the_same_labels_in_one_annotation_are_two_sides(read):
    hips = [region("hip", 80), region("knee", 85), region("knee", 15), region("hip", 20)]
    alone = task(annotation(region("hip", 90), region("knee", 80)), image="b.png")
    table = read([task(annotation(*hips)), alone])
    found = {row.image: row.points[:, 0].tolist() for row in table.rows}
    assert found == {"a.png_1": [11.5, 8.5], "a.png_2": [47.5, 50.5], "b.png_2": [53.5, 47.5]}
    with pytest.raises(PointsError, match=r"'hip' of 'a\.png' is given twice"):
        read([task(annotation(region("hip", 80), region("hip", 81), region("knee", 15)))])
