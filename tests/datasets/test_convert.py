"""From one format into another: DATA folders, files and folders of points, by the names of films and of a scheme."""

import json

import numpy as np
import pytest
from PIL import Image

from landvote.data.scheme import Scheme
from landvote.datasets.convert import convert_points, format_for
from landvote.datasets.folder import read_folder
from landvote.datasets.shapes import read_shapes
from landvote.errors import ImageError, PointsError, SettingError
from landvote.formats.family import FORMATS
from landvote.formats.reading import read_points
from toys import write_pts, write_wide_csv

POINTS = np.array([[1.0, 2.0], [3.0, 4.0]])
LONG, WIDE, VXL, MENPO = (FORMATS[kind]() for kind in ("long-csv", "wide-csv", "vxl-pts", "menpo-pts"))
HIDDEN = "image,landmark,x,y,annotator,occluded\na,knee,3,4,ann,1\na,hip,1,2,ann,0\nb,hip,5,6,bob,0\n"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "images").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        Image.new("L", (20, 10)).save(tmp_path / "data" / "images" / name)
    (tmp_path / "data" / "scheme.toml").write_text('name = "s"\npoints = 2\nnames = ["hip", "knee"]\n')
    return tmp_path / "data"


def test_a_data_folder_keeps_occluded_points_names_and_annotators(data, tmp_path):
    (data / "landmarks.csv").write_text(HIDDEN)
    done = convert_points(data, tmp_path / "out.csv", LONG)
    assert (done.read.form, done.written.films, done.written.lost) == ("long-csv", 2, ())
    table = read_points(tmp_path / "out.csv")
    assert (table.landmarks, [(r.image, r.annotator) for r in table.rows]) == (
        ("hip", "knee"), [("a.png", "ann"), ("b.png", "bob")],
    )  # fmt: skip
    assert table.rows[0].occluded.tolist() == [False, True]
    (data / "landmarks.csv").write_bytes((tmp_path / "out.csv").read_bytes())
    assert read_folder(data)[0].occluded["ann"].tolist() == [False, True]


def test_there_and_back_through_the_other_formats(data, tmp_path):
    for name in "ab":
        write_pts(data / "points" / "ann" / f"{name}.pts", POINTS)
    convert_points(data, tmp_path / "menpo", MENPO)
    assert sorted(p.name for p in (tmp_path / "menpo" / "ann").iterdir()) == ["a.pts", "b.pts"]
    assert "2.000 3.000" in (tmp_path / "menpo" / "ann" / "a.pts").read_text()
    done = convert_points(tmp_path / "menpo", tmp_path / "w.csv", WIDE, kind="menpo-pts", images=data)
    assert (tmp_path / "w.csv").read_text().splitlines()[1] == "a.png,ann,1.000,2.000,3.000,4.000"
    assert done.read.notes == ("the centre of the first pixel is taken as 1",)


def test_names_come_from_a_scheme(tmp_path):
    write_wide_csv(tmp_path / "w.csv", [("a", None, POINTS)])
    scheme = Scheme(name="s", landmarks=("hip", "knee"), file_points=2, columns=(0, 1))
    convert_points(tmp_path / "w.csv", tmp_path / "l.csv", LONG, scheme=scheme)
    assert (tmp_path / "l.csv").read_text() == "image,landmark,x,y\na,hip,1.000,2.000\na,knee,3.000,4.000\n"
    with pytest.raises(PointsError, match=r"w\.csv, line 2: 2 points, expected 5 for scheme"):
        convert_points(tmp_path / "w.csv", tmp_path / "m.csv", LONG, scheme=Scheme.numbered(5))


def test_films_that_lack_points_are_left_out_of_vxl(data, tmp_path):
    (data / "landmarks.csv").write_text(HIDDEN)
    written = convert_points(data, tmp_path / "pts", VXL).written
    assert (written.films, written.left_out) == (1, ("b.png by bob",))
    assert [p.name for p in (tmp_path / "pts").rglob("*.pts")] == ["a.pts"]


def test_points_of_other_films_are_an_error(data, tmp_path):
    write_wide_csv(tmp_path / "w.csv", [("a", None, POINTS), ("c", None, POINTS)])
    with pytest.raises(PointsError, match=r"points of 1 films that are not in images/: c"):
        convert_points(tmp_path / "w.csv", tmp_path / "l.csv", LONG, images=data)
    with pytest.raises(ImageError, match="no films"):
        convert_points(tmp_path / "w.csv", tmp_path / "l.csv", LONG, images=tmp_path / "absent")
    with pytest.raises(PointsError, match="no points, expected those of a film at least"):
        convert_points(data, tmp_path / "l.csv", LONG)
    assert not (tmp_path / "l.csv").exists()


def test_the_suffix_names_the_format_where_only_one_has_it(tmp_path):
    assert format_for(tmp_path / "P.JSONL") == "predictions"
    for name, says in (("l.csv", r"several formats end so \(wide-csv, long-csv\)"), ("points", "no format ends so")):
        with pytest.raises(SettingError, match=says):
            format_for(tmp_path / name)


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 20}],
    "categories": [{"id": 1, "name": "leg", "keypoints": ["hip", "knee"]}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]}],
}


def test_a_film_of_another_size_is_an_error(data, tmp_path):
    (data / "points.json").write_text(json.dumps(COCO))
    with pytest.raises(PointsError, match=r"1 films have another size .* a.png \(20 x 10, not 40 x 20\)"):
        convert_points(data, tmp_path / "out.csv", LONG)
    convert_points(data / "points.json", tmp_path / "out.csv", LONG)  # without films nothing is known of them
    (data / "images" / "a.png").write_bytes(b"broken")
    convert_points(data, tmp_path / "again.csv", LONG)


def test_files_that_are_left_out_of_a_folder_are_told_of(data, tmp_path):
    (data / "landmarks.csv").write_text(HIDDEN)
    (data / "notes.txt").write_text("hello")
    (data / "images" / "c.gif").write_bytes(b"GIF89a")
    left_out = convert_points(data, tmp_path / "out.csv", LONG).left_out
    assert sorted(line.rpartition(" ")[2] for line in left_out) == ["c.gif", "notes.txt"]


def test_annotators_far_apart_are_refused(tmp_path):
    write_wide_csv(tmp_path / "w.csv", [("a", "ann", POINTS), ("a", "bob", POINTS + 50)])
    with pytest.raises(PointsError, match=r"a: annotators 'ann' and 'bob' are 70\.71 pixels apart"):
        convert_points(tmp_path / "w.csv", tmp_path / "o.csv", LONG)
    with pytest.raises(PointsError, match="a: annotators 'ann' and 'bob'"):
        read_shapes(tmp_path / "w.csv")
