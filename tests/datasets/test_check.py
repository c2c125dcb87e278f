"""The report on a folder, and hashes."""

import json

import numpy as np
import pytest
from PIL import Image

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.datasets.check import check_folder
from landvote.datasets.folder import read_folder
from landvote.films.image import read_image
from landvote.runtime.privacy import keyed_hash
from toys import dicom, write_pts, write_wide_csv

SQUARE = np.array([[5.0, 5.0], [25.0, 5.0], [25.0, 15.0], [5.0, 15.0]])


@pytest.fixture
def data(tmp_path):
    """Twelve different films of 40 x 20 with four points each."""
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        Image.fromarray(rng.integers(0, 255, (20, 40), dtype=np.uint8)).save(tmp_path / "images" / f"f{i:02}.png")
    annotate(tmp_path)
    return tmp_path


def annotate(data, **changed):
    rng = np.random.default_rng(1)
    rows = {f"f{i:02}": SQUARE + rng.normal(0, 0.2, (4, 2)) for i in range(12)} | changed
    write_wide_csv(data / "landmarks.csv", [(f"{name}.png", None, points) for name, points in rows.items()])


class TestReport:
    def test_a_good_folder(self, data):
        report = check_folder(data)
        assert report.ok
        assert not report.warnings
        text = report.text()
        for expected in (
            "40 x 20 pixels",
            "8 bit: 12",
            "unknown: 12",
            "12 of 12 subjects, 12 with points",
            "wide-csv; the centre of the first pixel is taken as 0\n",
            "nothing wrong",
        ):
            assert expected in text

    def test_the_format_of_the_points_and_what_is_assumed_of_it(self, data):
        rows = "".join(f"f{i:02},{k},{x},{y},{i == k}\n" for i in range(12) for k, (x, y) in enumerate(SQUARE))
        (data / "landmarks.csv").write_text("image,landmark,x,y,occluded\n" + rows)
        facts = dict(check_folder(data, centre=0.5).facts)
        assert facts["points"] == "long-csv; the centre of the first pixel is taken as 0.5, as asked"
        assert facts["occluded"] == "4 points, which count as any others do"
        (data / "landmarks.csv").unlink()
        write_pts(data / "points" / "f00.pts", SQUARE)
        assert "menpo-pts files look the same, and have it at 1" in dict(check_folder(data).facts)["points"]

    def test_it_tells_how_far_it_is(self, data):
        told = []
        check_folder(data, seen=lambda *each: told.append(each))
        assert told == [(done, 12) for done in range(12)]

    def test_sizes_depths_and_spacing(self, data):
        Image.fromarray(np.full((30, 10), 5000, np.uint16)).save(data / "images" / "f00.png")
        (data / "films.csv").write_text("image,spacing_mm\nf00,0.25\n")
        text = check_folder(data).text()
        for expected in ("10 to 40 wide, 20 to 30 high", "16 bit: 1", "0.25 mm by films.csv: 1"):
            assert expected in text

    def test_an_unreadable_film_is_named_and_the_rest_goes_on(self, data):
        (data / "images" / "f03.png").write_bytes((data / "images" / "f03.png").read_bytes()[:200])
        report = check_folder(data)
        assert not report.ok
        assert any("f03.png" in problem and "truncated" in problem for problem in report.problems)
        assert "8 bit: 11" in report.text()

    def test_duplicates_by_content_whatever_the_format(self, data):
        Image.open(data / "images" / "f04.png").save(data / "images" / "other.bmp")
        report = check_folder(data)
        assert report.problems == ("the same picture twice: f04.png and other.bmp",)
        assert any("1 films have no points: other.bmp" in w for w in report.warnings)

    def test_missing_points_and_points_outside(self, data):
        gap, far = SQUARE.copy(), SQUARE.copy()
        gap[1], far[2] = np.nan, [39.6, 10]
        annotate(data, f01=gap, f02=far)
        warnings = "\n".join(check_folder(data).warnings)
        assert "1 points are missing, in 1 films: f01.png (1)" in warnings
        assert "f02.png: 1 points (2) outside the film" in warnings

    def test_the_outer_half_of_a_border_pixel_is_inside(self, data):
        edge = SQUARE.copy()
        edge[0], edge[2] = [-0.5, -0.5], [39.5, 19.5]
        annotate(data, f02=edge)
        assert not any("outside" in w for w in check_folder(data).warnings)

    def test_landmarks_that_changed_places_are_noticed(self, data):
        annotate(data, f05=SQUARE[[1, 0, 2, 3]])
        assert any("unlike the others" in w and "f05.png" in w for w in check_folder(data).warnings)

    def test_a_part_of_a_row_that_was_marked_twice_is_noticed(self, tmp_path):
        (tmp_path / "images").mkdir()
        lines = ["image," + ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")]
        for i in range(10):
            rng = np.random.default_rng(i)
            Image.fromarray(rng.integers(0, 255, (600, 60), dtype=np.uint8)).save(tmp_path / "images" / f"s{i}.png")
            corners = np.array([[-10, -8], [10, -8], [-10, 8], [10, 8]])
            row = np.column_stack([np.full(17, 30), 30 * np.arange(17) + 40 + rng.normal(0, 1, 17)])[:, None] + corners
            row[8] = row[7] + 2 if i == 4 else row[8]
            lines.append(f"s{i}.png," + ",".join(map(str, row.ravel())))
        (tmp_path / "landmarks.csv").write_text("\n".join(lines))
        warnings = check_folder(tmp_path, Scheme.named("spine")).warnings
        (found,) = [w for w in warnings if "marked twice" in w]
        assert found.startswith("1 films have parts of the row much nearer or farther apart than those beside")
        assert found.split(": ")[1].startswith("s4.png (T8")

    def test_films_of_one_grey_are_wrong(self, data):
        Image.fromarray(np.full((20, 40), 7, np.uint8)).save(data / "images" / "f03.png")
        for _ in range(2):  # the second time as the survey remembers it
            report = check_folder(data)
            assert report.problems == ("1 films are of one grey, with nothing to see: f03.png",)

    def test_pixels_that_are_not_square_are_told_of(self, data):
        for i, spacing in ((3, [0.2, 0.1]), (4, [0.2, 0.2])):
            ds = dicom(np.random.default_rng(i).integers(0, 4096, (20, 40), dtype=np.uint16), PixelSpacing=spacing)
            (data / "images" / f"f{i:02}.png").unlink()
            ds.save_as(data / "images" / f"f{i:02}.png", enforce_file_format=True)
        report = check_folder(data)
        assert report.ok
        assert report.warnings == (
            "1 films have pixels that are not square, and are looked at as if they were: f03.png",
        )

    def test_negatives_are_noticed(self, data):
        light = np.tile(np.linspace(0, 200, 40), (20, 1))
        for i in range(12):
            grey = light + np.random.default_rng(i).uniform(0, 40, (20, 40))
            file = data / "images" / f"f{i:02}.png"
            Image.fromarray((255 - grey if i in (3, 8) else grey).astype(np.uint8)).save(file)
        warnings = check_folder(data).warnings
        assert [w for w in warnings if "negatives" in w] == [
            "2 films look like negatives of the others and will be inverted: f03.png, f08.png"
        ]

    def test_points_in_one_place_are_named_and_hide_no_other_finding(self, data):
        annotate(data, f03=np.zeros((4, 2)), f05=SQUARE[[1, 0, 2, 3]])
        report = check_folder(data)
        assert len(report.problems) == 1
        assert "1 films have their points" in report.problems[0]
        assert report.problems[0].endswith(": f03.png")
        assert any("unlike the others" in w and "f05.png" in w and "f03.png" not in w for w in report.warnings)

    def test_a_code_for_missing_is_named_and_not_the_films_that_are_right(self, data):
        coded = np.concatenate([SQUARE[:3], [[0, 0]]])
        annotate(data, **{f"f{i:02}": coded for i in range(9)})
        (warning,) = check_folder(data).warnings
        films = ", ".join(f"f{i:02}.png" for i in range(9))
        found = "(0, 0) comes back exactly for landmark 3: a code for missing? leave such points empty"
        assert warning == f"{found}; 9 films: {films}"

    def test_rows_of_tables_and_films_without_a_split(self, data):
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"f{i:02},p{i}\n" for i in range(13)))
        (data / "split.csv").write_text("image,split\n" + "".join(f"f{i:02},val\n" for i in range(10)))
        warnings = "\n".join(check_folder(data).warnings)
        assert "subjects.csv, line 14: 1 rows name no film ('f12')" in warnings
        assert "2 films are in no split and count as train: f10.png, f11.png" in warnings

    def test_copies_are_named_with_their_splits(self, data):
        Image.open(data / "images" / "f04.png").save(data / "images" / "other.bmp")
        (data / "split.csv").write_text("image,split\nf04,train\nother,test\n")
        assert check_folder(data).problems == (
            "the same picture twice: f04.png and other.bmp",
            "f04.png in train and other.bmp in test are the same picture, expected in one split",
        )

    def test_copies_in_another_depth_are_named(self, data):
        deep = np.asarray(Image.open(data / "images" / "f04.png")).astype(np.uint16) * 257
        Image.fromarray(deep).save(data / "images" / "other.tif")
        warnings = "\n".join(check_folder(data).warnings)
        assert (
            "1 pairs of films look like one picture in two formats, depths or sizes: f04.png and other.tif" in warnings
        )
        (data / "split.csv").write_text("image,split\nf04,train\nother,test\n")
        (problem,) = check_folder(data).problems
        assert problem == "f04.png in train and other.tif in test look like one picture, expected in one split"

    def test_films_of_one_patient_by_their_files(self, data):
        for i in range(6):
            pixels = np.random.default_rng(i).integers(0, 4000, (20, 40), dtype=np.uint16)
            dicom(pixels, PatientID=f"SYNTH {i // 2}").save_as(data / "images" / f"d{i}.dcm", enforce_file_format=True)
        text = check_folder(data).text()
        assert "6 films are of 3 patients by their files, and no table names subjects: d0.dcm, d1.dcm, " in text
        assert "SYNTH" not in text
        known = [f"d{i}.dcm,s{i}" for i in range(6)] + [f"f{i:02},p{i}" for i in range(12)]
        (data / "subjects.csv").write_text("\n".join(["image,subject", *known]))
        assert "patients" not in check_folder(data).text()

    def test_films_that_are_transparent_in_part(self, data):
        film = Image.open(data / "images" / "f02.png").convert("RGBA")
        film.putpixel((3, 3), (0, 0, 0, 7))
        film.save(data / "images" / "f02.png")
        (warning,) = check_folder(data).warnings
        assert warning == "1 films are transparent in part, which is read as black: f02.png (0.1%)"

    def test_films_that_exif_turns(self, data):
        exif = Image.Exif()
        exif[0x0112] = 3
        Image.open(data / "images" / "f02.png").save(data / "images" / "f02.png", exif=exif)
        (warning,) = check_folder(data).warnings
        assert warning.startswith("1 films are turned by their EXIF orientation")
        assert warning.endswith(": f02.png")

    def test_points_of_absent_films_and_broken_rows(self, data):
        annotate(data, ghost=SQUARE)
        assert any("not in images/: ghost.png" in p for p in check_folder(data).problems)
        (data / "landmarks.csv").write_text("image,x0,y0\nf00,1,two\n")
        assert any("'two', expected a number" in p for p in check_folder(data).problems)

    def test_one_subject_in_two_splits(self, data):
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"f{i:02},p{i // 2}\n" for i in range(12)))
        (data / "split.csv").write_text("image,split\nf00,train\nf01,test\nf02,train\nf04,nowhere\n")
        problems = "\n".join(check_folder(data).problems)
        assert "films of one subject are f00.png in train and f01.png in test" in problems
        assert "p0" not in problems
        assert "'nowhere', expected train, val or test" in problems

    def test_annotators_and_how_far_they_are_apart(self, data):
        rows = [(f"f{i:02}", who, SQUARE + shift) for i in range(12) for who, shift in (("ann", 0), ("bob", [3, 4]))]
        write_wide_csv(data / "landmarks.csv", rows)
        text = check_folder(data).text()
        assert "ann: 12, bob: 12" in text
        assert "differ by 5.00 pixels" in text


class TestHashes:
    def test_of_pixels(self):
        pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
        same = Radiograph(pixels.astype(np.uint16), "b").pixel_hash()
        assert Radiograph(pixels, "a").pixel_hash() == same
        assert Radiograph(pixels.reshape(3, 2), "a").pixel_hash() != same
        assert Radiograph(pixels + np.uint8(1), "a").pixel_hash() != same


def test_the_record_holds_what_the_text_says_and_every_film(data):
    (data / "images" / "f00.png").write_bytes(b"no film")
    annotate(data, f01=np.array([[5.0, 5.0], [np.nan, np.nan], [25.0, 15.0], [5.0, 15.0]]))
    (data / "split.csv").write_text("image,split\n" + "".join(f"f{i:02}.png,train\n" for i in range(12)))
    report = check_folder(data)
    found = json.loads(json.dumps(report.record()))
    assert found["ok"] is report.ok is False
    assert all(text in report.text() for text in (*found["facts"].values(), *found["warnings"], *found["problems"]))
    assert [film["image"] for film in found["films"]] == [f"f{i:02}.png" for i in range(1, 12)]
    assert found["films"][0] == {
        "image": "f01.png", "subject": keyed_hash("f01.png"), "split": "train", "size": [40, 20], "depth": "8 bit",
        "spacing": None, "annotators": [""], "points": 3,
        "pixels_sha256": read_image(data / "images" / "f01.png").pixel_hash(),
    }  # fmt: skip


ROWS = Scheme(
    name="rows", landmarks=tuple("abcd"), file_points=4, columns=(0, 1, 2, 3), repeats=((0, 1), (2, 3)), order="down"
)


def test_parts_in_another_order_are_sorted_by_the_reader_and_named(data):
    upside_down = SQUARE[[3, 2, 1, 0]]
    annotate(data, f03=upside_down)
    samples = {s.identifier: s for s in read_folder(data, ROWS)}
    assert [name for name, s in samples.items() if s.sorted] == ["f03.png"]
    np.testing.assert_allclose(samples["f03.png"].points, upside_down[[2, 3, 0, 1]], atol=1e-3)
    (warning,) = [w for w in check_folder(data, ROWS).warnings if "sorted" in w]
    assert "1 films" in warning
    assert "f03.png" in warning
    assert not any(s.sorted for s in read_folder(data))  # numbered landmarks have no order


def test_a_broken_row_blinds_no_check_and_films_of_broken_points_are_not_called_without(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png", "c.png"])
    lines = (data / "landmarks.csv").read_text().splitlines()
    (data / "landmarks.csv").write_text("\n".join([*lines[:2], lines[2].replace(",", ",x", 1), *lines[3:]]) + "\n")
    report = check_folder(data)
    assert dict(report.facts)["films"] == "3 of 3 subjects, 2 with points"
    (problem,) = report.problems
    assert "line 3" in problem
    (data / "landmarks.csv").write_text("image,x0\n")
    assert not any("no points" in line for line in check_folder(data).warnings)


def test_a_film_of_another_size_than_the_points_say_is_named(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png"])
    (data / "landmarks.csv").unlink()
    for name, width in (("a", 90), ("b", 180)):
        hip = {"label": "hip", "points": [[5 * width / 9, 20]], "shape_type": "point", "flags": {}}
        told = {"imagePath": f"{name}.png", "imageData": None, "imageWidth": width, "imageHeight": 80}
        (data / "images" / f"{name}.json").write_text(json.dumps({"shapes": [hip], **told}))
    (problem,) = check_folder(data).problems
    assert problem == "1 films have another size than the file of their points says: b.png (90 x 80, not 180 x 80)"
