"""The report on a folder, hashes, and the division by subject."""

import json
import random
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.check import check_folder
from landvote.datasets.folder import read_folder
from landvote.datasets.split import split_by_subject
from landvote.errors import SettingError, SplitError
from landvote.formats.image import read_image
from landvote.formats.points import write_wide_csv

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
            "nothing wrong",
        ):
            assert expected in text

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

    def test_points_of_absent_films_and_broken_rows(self, data):
        annotate(data, ghost=SQUARE)
        assert any("not in images/: ghost.png" in p for p in check_folder(data).problems)
        (data / "landmarks.csv").write_text("image,x0,y0\nf00,1,two\n")
        assert any("'two', expected a number" in p for p in check_folder(data).problems)

    def test_one_subject_in_two_splits(self, data):
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"f{i:02},p{i // 2}\n" for i in range(12)))
        (data / "split.csv").write_text("image,split\nf00,train\nf01,test\nf02,train\nf04,nowhere\n")
        problems = "\n".join(check_folder(data).problems)
        assert "subject 'p0' is in train (f00.png) and test (f01.png)" in problems
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


def films(subjects):
    film = Radiograph(np.zeros((2, 2), np.uint8), "f")
    return [Sample(f"{s}-{i}", lambda: film, Scheme.numbered(1), subject=str(s)) for i, s in enumerate(subjects)]


class TestSplit:
    def test_subjects_stay_together_and_nothing_is_lost(self):
        samples = films([i // 3 for i in range(90)])
        kept, held = split_by_subject(samples, 0.2, seed=0)
        assert not {s.subject for s in kept} & {s.subject for s in held}
        assert Counter(s.identifier for s in kept + held) == Counter(s.identifier for s in samples)
        assert abs(len(held) - 18) <= 2

    def test_the_order_of_the_samples_does_not_matter_but_the_seed_does(self):
        samples = films(range(50))
        shuffled = random.Random(3).sample(samples, 50)
        names = {s.identifier for s in split_by_subject(samples, 0.3, seed=1)[1]}
        assert {s.identifier for s in split_by_subject(shuffled, 0.3, seed=1)[1]} == names
        assert {s.identifier for s in split_by_subject(samples, 0.3, seed=2)[1]} != names

    @pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
    def test_neither_side_is_empty(self, share):
        kept, held = split_by_subject(films([1, 1, 1, 2]), share, seed=0)
        assert kept
        assert held

    def test_one_subject_cannot_be_divided(self):
        with pytest.raises(SplitError, match=r"3 films of 1 subject\(s\)"):
            split_by_subject(films([7, 7, 7]), 0.2, seed=0)

    @pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
    def test_a_share_out_of_range(self, share):
        with pytest.raises(SettingError, match="expected between 0 and 1"):
            split_by_subject(films([1, 2]), share, seed=0)


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
        "image": "f01.png", "subject": "f01.png", "split": "train", "size": [40, 20], "depth": "8 bit", "spacing": None,
        "annotators": [""], "points": 3, "pixels_sha256": read_image(data / "images" / "f01.png").pixel_hash(),
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
