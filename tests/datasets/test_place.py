"""DATA in each of its forms: where films, points and tables are found, and what is passed over."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landvote.data.scheme import Scheme
from landvote.datasets.convert import convert_points
from landvote.datasets.folder import read_folder, survey_folder
from landvote.datasets.place import Place
from landvote.datasets.shapes import read_shapes
from landvote.datasets.split import split_folder
from landvote.errors import ExistsError, ImageError, PointsError, SettingError
from toys import write_pts, write_wide_csv

POINTS = np.array([[1.0, 2.0], [3.0, 4.0], [15.0, 6.0]])


def draw_films(folder, names="abcd"):
    folder.mkdir(parents=True, exist_ok=True)
    for value, name in enumerate(names):
        pixels = np.random.default_rng(value).integers(0, 255, (10, 20), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def write_points(file, names="abcd"):
    write_wide_csv(file, [(f"{name}.png", None, POINTS + i) for i, name in enumerate(names)])
    return file


def with_points(samples):
    return {s.identifier: s.points.tolist() for s in samples if s.annotations}


EACH = {f"{name}.png": (POINTS + i).tolist() for i, name in enumerate("abcd")}


class TestForms:
    def test_a_bare_folder_of_films(self, tmp_path):
        samples = read_folder(draw_films(tmp_path / "data"))
        assert ([s.identifier for s in samples], with_points(samples)) == ([*EACH], {})
        with pytest.raises(PointsError, match="no points, expected a file of them or one per film"):
            read_folder(tmp_path / "data", require_points=True)

    def test_a_bare_folder_with_points_and_tables_among_the_films(self, tmp_path):
        data = draw_films(tmp_path / "data")
        write_points(data / "ours.csv")
        (data / "split.csv").write_text("image,split\na,test\n")
        (data / "scheme.toml").write_text('name = "three"\npoints = 3\n')
        found = survey_folder(data)
        assert with_points(found.samples) == EACH
        assert (found.samples[0].split, found.samples[0].scheme.name) == ("test", "three")
        assert found.left_out == ()

    @pytest.mark.parametrize("place", [".", "points", "anna", "points/anna"])
    def test_a_bare_folder_with_a_file_per_film(self, tmp_path, place):
        data = draw_films(tmp_path / "data")
        write_pts(data / place / "a.pts", POINTS)
        (sample,) = (s for s in read_folder(data) if s.annotations)
        assert (sample.identifier, list(sample.annotations)) == ("a.png", ["anna" if "anna" in place else ""])

    @pytest.mark.parametrize("films", ["films", "data"])
    def test_a_file_of_points_and_the_folder_of_its_films(self, tmp_path, films):
        draw_films(tmp_path / "films" if films == "films" else tmp_path / "data" / "images")
        (tmp_path / "points").mkdir()
        (tmp_path / "points" / "films.csv").write_text("image,age\na,7\n")
        file = write_points(tmp_path / "points" / "by-us.csv")
        samples = read_folder(file, films=tmp_path / films)
        assert (with_points(samples), samples[0].attributes) == (EACH, {"age": "7"})

    def test_a_folder_of_points_and_the_folder_of_its_films(self, tmp_path):
        films = draw_films(tmp_path / "films")
        for annotator in ("anna", "ben"):
            write_pts(tmp_path / "points" / annotator / "a.pts", POINTS)
        assert list(read_folder(tmp_path / "points", films=films)[0].annotations) == ["anna", "ben"]

    def test_a_file_without_films_is_refused(self, tmp_path):
        file = write_points(tmp_path / "ours.csv")
        with pytest.raises(SettingError, match=r"films: none given for .*ours\.csv, which is a file"):
            read_folder(file)
        with pytest.raises(ImageError, match=r"none: no such folder"):
            Place.of(tmp_path / "none")

    def test_a_split_lies_beside_a_file_and_over_nothing(self, tmp_path):
        films, file = draw_films(tmp_path / "films"), write_points(tmp_path / "points" / "by-us.csv")
        split_folder(file, films=films, val=0.25)
        first = (tmp_path / "points" / "split.csv").read_text()
        assert {s.split for s in read_folder(file, films=films)} == {"train", "val", "test"}
        with pytest.raises(ExistsError, match="split"):
            split_folder(file, films=films)
        assert (tmp_path / "points" / "split.csv").read_text() == first

    def test_shapes_and_conversion_know_the_same_forms(self, tmp_path):
        data = draw_films(tmp_path / "data")
        file = write_points(data / "ours.csv")
        assert read_shapes(data).films == tuple(EACH)
        assert read_shapes(file, films=data).points.tolist() == list(EACH.values())
        convert_points(data, tmp_path / "out.csv", "long-csv")
        assert with_points(read_folder(tmp_path / "out.csv", films=data)) == EACH


class TestPointsAtTheTop:
    @pytest.fixture
    def data(self, tmp_path):
        draw_films(tmp_path / "images")
        return tmp_path

    @pytest.mark.parametrize("name", ["annotations.csv", "Points of hips.CSV", "landmarks.csv"])
    def test_a_file_of_all_films_has_any_name(self, data, name):
        write_points(data / name)
        assert with_points(read_folder(data)) == EACH

    def test_tables_and_files_that_landvote_writes_are_none(self, data):
        write_points(data / "landmarks.csv")
        write_points(data / "truth.csv")
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"{n},{n}\n" for n in "abcd"))
        (data / "predictions.jsonl").write_text('{"image": "a.png", "points": [[1, 2]], "landmarks": ["hip"]}\n')
        found = survey_folder(data)
        assert (with_points(found.samples), found.problems) == (EACH, ())
        (line,) = found.left_out
        assert line.endswith("if they are called landmarks: predictions.jsonl")

    def test_two_are_an_error_that_names_both(self, data):
        write_points(data / "anna.csv")
        write_points(data / "ben.csv")
        with pytest.raises(PointsError, match=r"has anna\.csv and ben\.csv, expected one kind of points"):
            read_folder(data)

    def test_what_holds_no_points_is_passed_over_and_told_of(self, data):
        write_points(data / "points.csv")
        (data / "README.txt").write_text("hips\n")
        (data / "notes.json").write_text('{"scanner": 3}')
        (data / "patients.csv").write_text("image,age\na,7\n")
        (data / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
        write_pts(data / "a.pts", POINTS)
        (data / ".hidden").write_text("")
        told: list[str] = []
        assert with_points(read_folder(data, warn=told.append)) == EACH
        assert "3 files beside the films that hold no points: README.txt, notes.json, patients.csv" in told
        assert any("an HDF5 file" in line and line.endswith("model.h5") for line in told)
        assert any("points of one film" in line and line.endswith("a.pts") for line in told)
        assert not any("hidden" in line for line in told)

    def test_what_was_passed_over_is_told_where_points_are_missing(self, data):
        (data / "points.csv").write_text("Image,x,y\na,7,8\n")
        with pytest.raises(
            PointsError, match=r"no points, .*1 files beside the films that hold no points: points\.csv"
        ):
            read_folder(data, require_points=True)

    def test_a_format_that_is_named_chooses_the_file(self, data):
        write_points(data / "ours.csv")
        (data / "theirs.csv").write_text("image,landmark,x,y\na,hip,1,2\n")
        assert read_folder(data, kind="long-csv")[0].scheme.landmarks == ("hip",)
        with pytest.raises(SettingError, match=r"long-cvs.*did you mean 'long-csv'"):
            read_folder(data, kind="long-cvs")

    def test_a_format_that_is_named_and_not_there_is_an_error(self, data):
        write_points(data / "ours.csv")
        with pytest.raises(PointsError, match="no points of format 'tps', expected a file of them"):
            read_folder(data, kind="tps")
        with pytest.raises(SettingError, match=r"origin: .*found 'up'"):
            read_folder(data, kind="tps:origin=up")


def test_a_scheme_that_is_made_is_told_of(tmp_path):
    draw_films(tmp_path / "images")
    (tmp_path / "points.csv").write_text("image,landmark,x,y\na,hip,1,2\na,knee,3,4\n")
    found = survey_folder(tmp_path)
    assert (found.made_scheme, found.samples[0].scheme.landmarks) == (True, ("hip", "knee"))
    assert not survey_folder(tmp_path, Scheme.numbered(2).model_copy(update={"landmarks": ("hip", "knee")})).made_scheme


def test_a_place_is_of_the_films_that_are_given(tmp_path):
    for folder in ("data/images", "others"):
        draw_films(tmp_path / folder)
    assert Place.of(tmp_path / "data").images == tmp_path / "data" / "images"
    assert Place.of(tmp_path / "data", tmp_path / "others").images == Path(tmp_path / "others")
