"""DATA folders -> samples: where points, subjects, splits and spacing come from, and what contradicts what."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Spacing
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder, survey_folder
from landvote.errors import DataError, ImageError, PointsError, SchemeError, SettingError, SplitError
from toys import write_pts, write_wide_csv

DATA = Path(__file__).parents[2].parent / "shared" / "data"
POINTS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


@pytest.fixture
def data(tmp_path):
    """A folder of three films a, b, c with different pixels."""
    (tmp_path / "images").mkdir()
    for value, name in enumerate("abc"):
        Image.new("L", (20, 10), 50 * value).save(tmp_path / "images" / f"{name}.png")
    return tmp_path


def annotate(data, names="abc", **points):
    write_wide_csv(data / "landmarks.csv", [(f"{n}.png", None, points.get(n, POINTS)) for n in names])


class TestPoints:
    def test_wide(self, data):
        annotate(data)
        samples = read_folder(data, require_points=True)
        assert [s.identifier for s in samples] == ["a.png", "b.png", "c.png"]
        np.testing.assert_array_equal(samples[0].points, POINTS)
        assert samples[0].scheme.landmarks == ("0", "1", "2")

    def test_long_with_names(self, data):
        (data / "landmarks.csv").write_text("image,landmark,x,y\na.png,hip,1,2\na.png,knee,3,4\n")
        sample = read_folder(data)[0]
        assert sample.scheme.landmarks == ("hip", "knee")
        np.testing.assert_array_equal(sample.points, POINTS[:2])

    @pytest.mark.parametrize("place", ["images", "points"])
    def test_pts(self, data, place):
        for name in "abc":
            write_pts(data / place / f"{name}.pts", POINTS)
        samples = read_folder(data)
        assert len(samples) == 3
        np.testing.assert_array_equal(samples[2].points, POINTS)

    def test_pts_of_two_annotators(self, data):
        write_pts(data / "points" / "ann" / "a.pts", POINTS)
        write_pts(data / "points" / "bob" / "a.pts", POINTS + 2)
        sample = read_folder(data)[0]
        assert set(sample.annotations) == {"ann", "bob"}
        np.testing.assert_array_equal(sample.points, POINTS + 1)

    @pytest.mark.parametrize("kind", ["pts", "csv"])
    def test_points_counted_from_one(self, data, kind):
        if kind == "pts":
            write_pts(data / "images" / "a.pts", POINTS)
        else:
            annotate(data)
        np.testing.assert_array_equal(read_folder(data, centre=1)[0].points, POINTS - 1)

    @pytest.mark.parametrize("centre", [0.25, 2, float("nan")])
    def test_another_centre_is_refused(self, data, centre):
        with pytest.raises(SettingError, match=r"centre = .*, expected 0 \(VXL, BoneFinder\), 0.5 .* or 1 \(menpo"):
            read_folder(data, centre=centre)

    def test_hidden_files_and_capital_suffixes(self, data):
        write_pts(data / "points" / "a.PTS", POINTS)
        for name in ("._a.pts", ".trash/b.pts"):
            (data / "points" / name).parent.mkdir(exist_ok=True)
            (data / "points" / name).write_bytes(b"\x00\x05\x16\x07")
        assert [len(s.annotations) for s in read_folder(data)] == [1, 0, 0]

    def test_predictions_and_capital_names_are_points_as_well(self, data):
        (data / "Landmarks.jsonl").write_text('{"image": "b.png", "points": [[1, 2]], "landmarks": ["hip"]}\n')
        sample = read_folder(data)[1]
        assert (sample.points.tolist(), sample.scheme.landmarks) == ([[1, 2]], ("hip",))

    def test_occluded_points_are_points_and_are_told_of(self, data):
        (data / "landmarks.csv").write_text(
            "image,landmark,x,y,annotator,occluded\na,hip,1,2,ann,1\na,knee,3,4,ann,0\na,hip,1,2,bob,\nb,knee,3,4,bob,\n"
        )
        (data / "scheme.toml").write_text('name = "s"\npoints = 2\nnames = ["knee", "hip"]\n')
        a, b, c = read_folder(data)
        np.testing.assert_array_equal(a.points, [[3, 4], [1, 2]])
        assert {name: hidden.tolist() for name, hidden in a.occluded.items()} == {
            "ann": [False, True],
            "bob": [False, False],
        }
        assert (list(b.occluded), dict(c.occluded)) == (["bob"], {})

    def test_occluded_parts_of_a_row_are_sorted_with_their_points(self, data):
        (data / "landmarks.csv").write_text("image,landmark,x,y,occluded\na,0,5,9,1\na,1,5,3,0\n")
        (data / "scheme.toml").write_text('name = "s"\npoints = 2\ngroups = [["0"], ["1"]]\norder = "down"\n')
        sample = read_folder(data)[0]
        assert (sample.points[:, 1].tolist(), sample.occluded[""].tolist()) == ([3, 9], [False, True])

    def test_names_without_suffix(self, data):
        (data / "landmarks.csv").write_text("image,x0,y0\na,1,2\n")
        assert read_folder(data)[0].points[0, 0] == 1

    def test_a_name_that_fits_two_films_is_an_error(self, data):
        Image.new("L", (20, 10)).save(data / "images" / "a.bmp")
        (data / "landmarks.csv").write_text("image,x0,y0\na,1,2\n")
        with pytest.raises(PointsError, match=r"line 2: 'a' may be 'a\.bmp' or 'a\.png'"):
            read_folder(data)

    def test_films_in_subfolders_keep_their_folder(self, data):
        (data / "images" / "left").mkdir()
        (data / "images" / "a.png").rename(data / "images" / "left" / "b.png")
        (data / "landmarks.csv").write_text("image,x0,y0\nleft/b.png,1,2\nb.png,3,4\n")
        points = {s.identifier: s.points[0, 0] for s in read_folder(data) if s.annotations}
        assert points == {"left/b.png": 1, "b.png": 3}
        assert next(s for s in read_folder(data) if s.identifier == "left/b.png").open().identifier == "left/b.png"

    def test_films_without_points_stay(self, data):
        annotate(data, "a", a=POINTS)
        assert [bool(s.annotations) for s in read_folder(data)] == [True, False, False]

    def test_a_row_of_missing_points_is_a_film_without_points(self, data):
        annotate(data, a=np.full((3, 2), np.nan))
        assert not read_folder(data)[0].annotations

    def test_points_of_absent_films_are_an_error_that_names_them(self, data):
        annotate(data, "abcdefgh")
        with pytest.raises(PointsError, match=r"5 films that are not in images/: d\.png, e\.png, f\.png, \.\.\."):
            read_folder(data)

    @pytest.mark.parametrize("name", ["images/b.png", "./b.png", "B.png", r"C:\study\b.png", r"images\B.PNG"])
    def test_the_nearest_film_is_named(self, data, name):
        (data / "landmarks.csv").write_text(f"image,x0,y0\n{name},1,2\n")
        with pytest.raises(PointsError, match=r"; expected a name within images/; did you mean 'b\.png'\?"):
            read_folder(data)

    def test_names_are_compared_in_one_form_of_unicode(self, data):
        letter = "\u00fc", "u\u0308"
        for name in ("one", "two"):
            (data / "images" / "left").mkdir(exist_ok=True)
            Image.new("L", (20, 10)).save(data / "images" / "left" / f"h{letter[1]}{name}.png")
        (data / "landmarks.csv").write_text(
            f"image,x0,y0\nleft/h{letter[0]}one.png,1,2\nh{letter[0]}two,3,4\n", encoding="utf-8"
        )
        (data / "split.csv").write_text(f"image,split\nh{letter[0]}one.png,test\n", encoding="utf-8")
        found = {s.identifier: (s.points[0, 0], s.split) for s in read_folder(data) if s.annotations}
        assert found == {f"left/h{letter[1]}one.png": (1, "test"), f"left/h{letter[1]}two.png": (3, None)}

    def test_films_that_differ_in_case_or_form_alone_are_told_apart_by_their_whole_names(self, data):
        for name in ("x.png", "X.png", "\u00fc.png", "u\u0308.png"):
            Image.new("L", (20, 10)).save(data / "images" / name)
        if len(list((data / "images").iterdir())) < 7:
            pytest.skip("this file system takes them for one")
        (data / "landmarks.csv").write_text(
            "image,x0,y0\nx,1,0\nX.png,2,0\n\u00fc.png,3,0\nu\u0308.png,4,0\n", encoding="utf-8"
        )
        found = {s.identifier: s.points[0, 0] for s in read_folder(data) if s.annotations}
        assert found == {"x.png": 1, "X.png": 2, "\u00fc.png": 3, "u\u0308.png": 4}
        (data / "landmarks.csv").write_text("image,x0,y0\n\u00fc,3,0\n", encoding="utf-8")
        with pytest.raises(PointsError, match="may be"):
            read_folder(data)

    def test_a_point_too_far_away_to_be_one_leaves_the_other_films(self, data):
        annotate(data, b=np.array([[1, 2], [3, 1e300], [5, 6]]))
        with pytest.raises(
            PointsError, match=r"line 3: point 1 of 'b\.png' is at \(3, 1e\+300\), expected .* between -1e6 and 1e6"
        ):
            read_folder(data)
        found = survey_folder(data)
        assert len(found.problems) == 1
        assert [bool(s.annotations) for s in found.samples] == [True, False, True]

    def test_two_kinds_of_points_are_an_error(self, data):
        annotate(data)
        write_pts(data / "images" / "a.pts", POINTS)
        with pytest.raises(PointsError, match=r"has landmarks\.csv and a\.pts, expected one"):
            read_folder(data)

    def test_pts_that_differ_in_number_are_an_error(self, data):
        write_pts(data / "images" / "a.pts", POINTS)
        write_pts(data / "images" / "b.pts", POINTS[:2])
        with pytest.raises(PointsError, match=r"b\.pts: 2 points, expected 3 as in .*a\.pts"):
            read_folder(data)

    def test_one_film_under_two_names_is_an_error(self, data):
        (data / "landmarks.csv").write_text("image,x0,y0\na,1,2\na.png,1,2\n")
        with pytest.raises(PointsError, match=r"line 3: points of 'a\.png' were given before"):
            read_folder(data)

    def test_required_points(self, data):
        assert len(read_folder(data)) == 3
        with pytest.raises(PointsError, match="no points, expected"):
            read_folder(data, require_points=True)


class TestScheme:
    def test_scheme_toml_is_used(self, data):
        annotate(data)
        (data / "scheme.toml").write_text('name = "mine"\npoints = 3\nuse = [2, 0]\n')
        sample = read_folder(data)[0]
        assert sample.scheme.name == "mine"
        np.testing.assert_array_equal(sample.points, POINTS[[2, 0]])

    def test_the_argument_wins(self, data):
        annotate(data)
        (data / "scheme.toml").write_text('name = "mine"\npoints = 3\n')
        assert read_folder(data, Scheme.numbered(3))[0].scheme.name == "numbered"

    def test_files_that_hold_only_the_points_in_use(self, data):
        annotate(data)
        scheme = Scheme(name="s", landmarks=("p", "q", "r"), file_points=5, columns=(4, 2, 0))
        np.testing.assert_array_equal(read_folder(data, scheme)[0].points, POINTS)

    def test_the_wrong_number_of_points(self, data):
        annotate(data)
        with pytest.raises(PointsError, match=r"line 2: 3 points, expected 58 for scheme 'numbered'"):
            read_folder(data, Scheme.numbered(58))

    def test_a_broken_scheme(self, data):
        (data / "scheme.toml").write_text("name = 'mine'\npoint = 3\n")
        with pytest.raises(SchemeError, match="unknown key 'point'; did you mean 'points'"):
            read_folder(data)


class TestTables:
    def test_subjects_attributes_split_and_spacing(self, data):
        (data / "subjects.csv").write_text("image,subject,age\na.png,p1,7\nb.png,p1,8\nc.png,p2,\n")
        (data / "films.csv").write_text("image,side,spacing_mm\na,left,0.2\nb,right,\n")
        (data / "split.csv").write_text("image,split\na.png,train\nb.png,Train\nc.png,validation\n")
        a, b, c = read_folder(data)
        assert (a.subject, b.subject, c.subject) == ("p1", "p1", "p2")
        assert (a.split, b.split, c.split) == ("train", "train", "val")
        assert dict(a.attributes) == {"age": "7", "side": "left"}
        assert dict(c.attributes) == {}
        spacing = a.open().spacing
        assert (spacing.x, spacing.y, spacing.source) == (0.2, 0.2, "films.csv")
        assert b.open().spacing is None

    def test_a_ruler_goes_before_the_spacing_of_the_table_and_of_the_film(self, data):
        (data / "films.csv").write_text("image,ruler_mm,spacing_mm\na,0.3,0.2\nb,,0.2\n")
        a, b, _ = read_folder(data)
        assert (a.open().spacing, b.open().spacing) == (Spacing(0.3, 0.3, "ruler"), Spacing(0.2, 0.2, "films.csv"))
        film = replace(a.open(), spacing=Spacing(0.1, 0.1, "PixelSpacing"))
        assert film.spaced(a.spacing).spacing.x == 0.3
        assert film.spaced(b.spacing).spacing.x == 0.1
        assert dict(a.attributes) == {}

    def test_without_tables_each_film_is_its_own_subject(self, data):
        assert [s.subject for s in read_folder(data)] == ["a.png", "b.png", "c.png"]

    @pytest.mark.parametrize(
        ("name", "text", "error", "says"),
        [
            ("split.csv", "image,split\na,training set\n", SplitError, "'training set', expected train, val or test"),
            ("subjects.csv", "image,subject\na,p1\nb,p1\n", SplitError, "1 films without a subject ('c.png', ...)"),
            ("subjects.csv", "image,subject\na,p1\na.png,p2\n", DataError, "line 3: film 'a.png' was given before"),
            ("subjects.csv", "film,subject\na,p1\n", DataError, "expected 'image' among them"),
            (
                "subjects.csv",
                "image,subject\nx,p1\n",
                DataError,
                "line 2: 1 rows name no film ('x'); expected a name within",
            ),
            ("subjects.csv", "image,subject\n", DataError, "no rows below the header, expected one for each film"),
            ("subjects.csv", "image,age\na,7\n", DataError, "columns 'image, age', expected 'subject' among them"),
            ("split.csv", "image,side\na,test\n", DataError, "columns 'image, side', expected 'split' among them"),
            ("films.csv", "image,spacing_mm\na,0\n", DataError, "spacing_mm of 'a.png' is '0', expected a positive"),
            ("films.csv", "image,spacing_mm\na,wide\n", DataError, "'wide', expected a positive number"),
            ("films.csv", "image,ruler_mm\na,-1\n", DataError, "ruler_mm of 'a.png' is '-1', expected a positive"),
            ("films.csv", "image,Spacing (mm)\na,0.2\n", DataError, "column 'Spacing (mm)', expected 'spacing_mm'"),
            ("split.csv", "image,Split\na,test\n", DataError, "column 'Split', expected 'split', which it seems to be"),
            ("films.csv", "image,age\na,1,2\n", DataError, "line 2: 3 values, expected 2"),
        ],
    )
    def test_errors(self, data, name, text, error, says):
        (data / name).write_text(text)
        with pytest.raises(error) as caught:
            read_folder(data)
        assert says in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "column"),
        [("split.csv", "split"), ("films.csv", "split"), ("films.csv", "spacing_mm"), ("films.csv", "ruler_mm")],
    )
    def test_a_split_or_spacing_of_no_film_is_an_error_that_names_the_nearest(self, data, name, column):
        value = "test" if column == "split" else "0.2"
        (data / name).write_text(f"image,{column}\na.png,{value}\nB.PNG,{value}\nc0.png,{value}\n")
        with pytest.raises(DataError) as caught:
            read_folder(data)
        found = f"{name}, line 3: 2 rows name no film ('B.PNG', 'c0.png'); expected a name within images/; did you mean"
        assert f"{found} 'b.png'?" in str(caught.value)

    def test_other_rows_of_no_film_are_told_of(self, data):
        (data / "subjects.csv").write_text("image,subject\na,p1\nb,p1\nc,p2\nd,p3\n")
        (data / "films.csv").write_text("image,side,split\na,left,test\nx,right,\n")
        told = []
        assert len(read_folder(data, warn=told.append)) == 3
        assert [text.partition(f"{data}/")[2].partition(";")[0] for text in told] == [
            "subjects.csv, line 5: 1 rows name no film ('d')",
            "films.csv, line 3: 1 rows name no film ('x')",
        ]

    def test_a_table_whose_name_fits_two_films_is_an_error(self, data):
        Image.new("L", (20, 10)).save(data / "images" / "a.bmp")
        (data / "split.csv").write_text("image,split\na,test\n")
        with pytest.raises(DataError, match=r"split\.csv, line 2: 'a' may be 'a\.bmp' or 'a\.png'"):
            read_folder(data)

    def test_tables_that_contradict_each_other(self, data):
        (data / "subjects.csv").write_text("image,subject\na,p1\nb,p2\nc,p3\n")
        (data / "films.csv").write_text("image,subject\na,p2\n")
        with pytest.raises(
            DataError, match=r"films\.csv, line 2: subject of 'a\.png' is one, but another one in another"
        ):
            read_folder(data)

    def test_one_subject_in_two_splits(self, data):
        (data / "subjects.csv").write_text("image,subject\na,p1\nb,p1\nc,p2\n")
        (data / "split.csv").write_text("image,split\na,train\nb,test\nc,test\n")
        with pytest.raises(SplitError, match=r"films of one subject are a\.png in train and b\.png in test, expected"):
            read_folder(data)

    @pytest.mark.parametrize("pair", [("p1", "P1"), ("1", "001"), ("a b", "ab"), ("P-07", "p 7")])
    def test_one_subject_spelt_two_ways_in_two_splits(self, data, pair):
        (data / "subjects.csv").write_text(f"image,subject\na,{pair[0]}\nb,{pair[1]}\nc,p2\n")
        (data / "split.csv").write_text("image,split\na,train\nb,test\nc,test\n")
        with pytest.raises(SplitError, match=r"subjects spelt alike but for case.* a\.png in train and b\.png in test"):
            read_folder(data)
        (data / "split.csv").write_text("image,split\na,train\nb,train\nc,test\n")
        assert len(read_folder(data)) == 3

    @pytest.mark.parametrize("pair", [("p1", "p10"), ("1", "2"), ("100", "1"), ("ä", "a")])
    def test_subjects_that_differ_otherwise_are_two(self, data, pair):
        (data / "subjects.csv").write_text(f"image,subject\na,{pair[0]}\nb,{pair[1]}\nc,p2\n")
        (data / "split.csv").write_text("image,split\na,train\nb,test\nc,test\n")
        assert len(read_folder(data)) == 3


class TestFilms:
    def test_samples_survive_pickling_and_decode_anew(self, data):
        sample = pickle.loads(pickle.dumps(read_folder(data)[1]))  # noqa: S301 - our own bytes
        assert sample.open().pixels[0, 0] == 50
        Image.new("L", (20, 10), 77).save(data / "images" / "b.png")
        assert sample.open().pixels[0, 0] == 77

    def test_a_broken_film_fails_when_opened_not_before(self, data):
        (data / "images" / "b.png").write_bytes(b"broken")
        with pytest.raises(ImageError, match=r"b\.png"):
            read_folder(data)[1].open()

    def test_no_images_folder(self, tmp_path):
        with pytest.raises(ImageError, match="no films"):
            read_folder(tmp_path)

    def test_an_empty_images_folder(self, tmp_path):
        (tmp_path / "images").mkdir()
        with pytest.raises(ImageError, match="no films"):
            read_folder(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="no real data beside the checkout")
@pytest.mark.parametrize(
    ("name", "scheme", "films", "points", "subjects"),
    [
        ("chest", "chest", 195, 166, 195),
        ("chest", "chest-lungs-heart", 195, 120, 195),
        ("spine", "spine", 481, 68, 237),
        ("wings", "wings", 58, 12, 58),
    ],
)
def test_real_folders(name, scheme, films, points, subjects):
    samples = read_folder(DATA / name, Scheme.named(scheme), require_points=True)
    assert len(samples) == films
    assert len({s.subject for s in samples}) == subjects
    assert all(s.points.shape == (points, 2) and np.isfinite(s.points).all() for s in samples)
    width, height = samples[0].open().size
    assert (samples[0].points < [width, height]).all()
