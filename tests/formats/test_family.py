"""The table of formats: what a file is taken for, folders of one file per film, and what a format cannot hold."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline
from landvote.errors import DataError, PointsError, SettingError
from landvote.formats.family import FORMATS, format_named
from landvote.formats.films import Films
from landvote.formats.json_text import read_json
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import film_files, read_points
from landvote.formats.writing import Written, write_points
from toys import write_pts

NAN = float("nan")
POINTS = np.array([[1.0, 2.0], [3.0, 4.0]])
PREDICTION = Prediction("a", POINTS, np.ones(2), ("hip", "knee"))


@pytest.fixture
def films(tmp_path):
    for name in ("a.png", "left/a.png", "b.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 10)).save(tmp_path / "images" / name)
    return Films.below(tmp_path / "images")


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("l.csv", "image,x0,y0\na,1,2\n", "wide-csv"),
        ("l.txt", "\ufeffimage;annotator;x0;y0\na;ann;1;2\n", "wide-csv"),
        ("l.csv", "x\ty\tlandmark\timage\n1\t2\t0\ta\n", "long-csv"),
        ("a.txt", "version: 1\nn_points: 1\n{\n1 2\n}\n", "vxl-pts"),
        ("p.json", '{"image": "a", "points": [[1, 2]]}\n', "predictions"),
    ],
)
def test_a_file_is_told_by_its_content(tmp_path, name, text, form):
    (tmp_path / name).write_text(text, encoding="utf-8")
    table = read_points(tmp_path / name)
    assert (table.form, [row.image for row in table.rows]) == (form, ["a"])
    np.testing.assert_array_equal(table.rows[0].points, [[1, 2]])


def test_what_looks_like_nothing_names_what_there_is(tmp_path):
    (tmp_path / "l.xyz").write_text("1 2 3\n")
    for path in (tmp_path / "l.xyz", tmp_path):
        with pytest.raises(PointsError, match=r"no points, expected those of a known format \(wide-csv, long-csv, "):
            read_points(path)
    with pytest.raises(PointsError, match=r"none\.csv: cannot be read \(No such file"):
        read_points(tmp_path / "none.csv")
    with pytest.raises(SettingError, match=r"format 'wide' is unknown, .* did you mean 'wide-csv'"):
        read_points(tmp_path / "l.xyz", "wide")
    with pytest.raises(SettingError, match=r"format vxl-pts: centre: centre = 2.*, expected 0 \(VXL"):
        format_named("vxl-pts", 2)


def test_a_folder_of_shards_is_read_as_one(tmp_path):
    (tmp_path / "shards.json").write_text(json.dumps({"shards": 2}))
    for i in range(2):
        (tmp_path / f"predictions-0000{i}.jsonl").write_text(f'{{"image": "{i}", "points": [[1, 2]]}}\n')
    assert [row.image for row in read_points(tmp_path).rows] == ["0", "1"]


def test_films_in_folders_and_their_annotators(films, tmp_path):
    for name in ("left/a", "ann/a", "ann/left/a", "b"):
        write_pts(tmp_path / "points" / f"{name}.pts", POINTS)
    rows = read_points(tmp_path / "points", films=films).rows
    assert [(r.annotator, r.image) for r in rows] == [("ann", "a"), ("ann", "left/a"), ("", "b"), ("", "left/a")]
    rows = read_points(tmp_path / "points").rows  # nothing tells annotators from folders of films
    assert [(r.annotator, r.image) for r in rows] == [("", "ann/a"), ("", "ann/left/a"), ("", "b"), ("", "left/a")]


def test_annotators_have_a_folder_each(films, tmp_path):
    table = PointTable.numbered([("a.png", "ann", POINTS), ("a.png", "../bob", POINTS + 1), ("b.png", "", POINTS)])
    write_points(tmp_path / "points", table, FORMATS["vxl-pts"]())
    assert sorted(p.relative_to(tmp_path / "points").as_posix() for p in (tmp_path / "points").rglob("*.pts")) == [
        "__/bob/a.pts", "ann/a.pts", "b.pts",
    ]  # fmt: skip


def test_points_beside_films_in_a_linked_folder_are_read(tmp_path):
    archive, images = tmp_path / "archive", tmp_path / "images"
    images.mkdir()
    write_pts(archive / "b.pts", [(1.0, 2.0)])
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(archive / "b.png")
    (images / "more").symlink_to(archive)
    found = film_files(images, Films.below(images), annotators=False)
    assert [(file.image, file.path) for file in found] == [("more/b", images / "more" / "b.pts")]


def test_files_beside_films_that_are_no_points_are_no_points(films, tmp_path):
    for name, text in (("a.csv", "mA,kV\n1,2\n"), ("a.txt", "a note\n"), ("b.json", '{"kV": 70}'), ("b.txt", "7\n")):
        (tmp_path / "images" / name).write_text(text)
    assert film_files(tmp_path / "images", films, annotators=False) == []


def test_a_table_that_is_told_by_its_suffix_alone_looks_like_one_format(tmp_path):
    (tmp_path / "l.csv").write_text('"image","x0","y0"\na,1,2\n')
    assert read_points(tmp_path / "l.csv").notes == ("the centre of the first pixel is taken as 0",)


def test_what_was_parsed_is_not_kept(tmp_path):
    table = PointTable((PointRow("a.png", "", POINTS),), ("hip", "knee"))
    write_points(tmp_path / "l.json", table, FORMATS["coco"]())
    found = read_json(tmp_path / "l.json")
    assert read_json(tmp_path / "l.json") is found
    read_points(tmp_path / "l.json")
    assert read_json(tmp_path / "l.json") is not found


def test_what_a_format_cannot_hold_is_counted(tmp_path):
    hidden, errors = np.array([True, False]), np.array([2.0, NAN])
    rows = (
        PointRow(
            "a",
            "ann",
            POINTS + 1 / 3,
            occluded=hidden,
            expected_error=errors,
            error_90=errors * 2,
            known=False,
            prediction=PREDICTION,
            probability_of_shift=0.25,
        ),
        PointRow("a", "bob", POINTS, occluded=hidden),
        PointRow("b", "", np.array([[1, 2], [NAN, NAN]])),
    )
    rows = tuple(replace(row, size=(60, 40)) for row in rows)
    table = PointTable(rows, ("hip", "knee"), outlines=(Outline(name="leg", points=(0, 1)),))
    kinds = ("wide-csv", "long-csv", "menpo-pts", "predictions", "vxl-pts")
    said = {kind: write_points(tmp_path / kind, table, FORMATS[kind]()) for kind in kinds}
    names, outlines, occluded = "the names of 2 landmarks", "1 outlines", "which 2 points are occluded"
    errors = (
        "the expected errors of 1 points",
        "the radii of 90 % of 1 points",
        "that 1 films are not known to the model",
        "how probably the rows of 1 films are shifted",
    )
    further = "what else the predictions of 1 films say"
    decimals = "more than 3 decimals, of 4 coordinates"
    assert said["wide-csv"].lost == (names, outlines, occluded, *errors, further, decimals)
    assert said["long-csv"].lost == (outlines, further, decimals)
    assert said["menpo-pts"].lost == (names, outlines, occluded, *errors, further, decimals)
    merged = "the annotators of 1 films (what is written is their mean)"
    assert said["predictions"].lost == (merged, outlines, decimals)
    assert read_points(tmp_path / "predictions").rows[0].occluded.tolist() == [True, False]
    assert (said["vxl-pts"].films, said["vxl-pts"].left_out) == (1, ("b",))
    assert "1 outlines" not in said["vxl-pts"].lost
    assert not any(said[kind].left_out for kind in kinds if kind != "vxl-pts")
    mean = read_points(tmp_path / "predictions").rows[0].points
    np.testing.assert_allclose(mean, POINTS + 1 / 6, atol=1e-3)


def test_nothing_is_written_where_no_film_is_whole(tmp_path):
    table = PointTable.numbered([("a", "", np.full((2, 2), NAN))])
    assert write_points(tmp_path / "out", table, FORMATS["vxl-pts"]()) == Written(0, (), ("a",))
    with pytest.raises(PointsError, match=r"out: no points to write, expected those of a film at least"):
        write_points(tmp_path / "out", PointTable((), ("hip",)), FORMATS["wide-csv"]())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["vxl-pts", "wide-csv", "predictions"])
def test_of_two_files_of_one_film_none_is_lost_in_silence(tmp_path, kind):
    for name, points in (("a.pts", POINTS), ("a.PTS", POINTS + 1)):
        write_pts(tmp_path / "in" / name, points)
    with pytest.raises(PointsError, match=r"out: 1 films are given twice by one annotator \('a'\), expected once"):
        write_points(tmp_path / "out", read_points(tmp_path / "in"), FORMATS[kind]())
    assert not (tmp_path / "out").exists()


def test_films_are_brought_under_their_names_or_told_of(films):
    problems: list[DataError] = []
    rows = [("left/a", "", POINTS), ("b", "", POINTS), ("b.png", "", POINTS), ("c", "", POINTS)]
    found = films.match(PointTable.numbered(rows), problems)
    assert [row.image for row in found.rows] == ["left/a.png", "b.png"]
    assert ["points of 'b.png' were given before" in str(p) for p in problems] == [True, False]
    assert "points of 1 films that are not in images/: c" in str(problems[1])
    assert films.film("left/a").identifier == "left/a.png"
    with pytest.raises(PointsError, match=r"'c' is no film; expected a name within images/, such as 'a\.png'"):
        films.film("c")


def test_counts_of_files_are_added_up(tmp_path):
    polygon = {"label": "bone", "points": [[1, 1]], "shape_type": "polygon", "flags": {}}
    hip = {"label": "hip", "points": [[1, 1]], "shape_type": "point", "flags": {}}
    for name in "abc":
        content = {"shapes": [hip, polygon], "imagePath": f"{name}.png", "imageData": None}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert "3 shapes of type 'polygon' are passed over" in read_points(tmp_path).notes


def test_sides_of_a_film_are_counted_as_one_film(tmp_path):
    table = PointTable.numbered([(f"a.png_{side}", "", np.ones((1, 2))) for side in "LR"])
    assert write_points(tmp_path / "w.csv", table, FORMATS["wide-csv"]()).films == 1
