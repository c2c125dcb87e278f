"""Predictions survive their file; what is not a prediction is refused by line and value."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landvote.data.film import Film, Source, Spacing
from landvote.data.prediction import Prediction
from landvote.errors import PointsError
from landvote.formats.predictions import read_predictions, write_predictions


def prediction(name: str = "a.png") -> Prediction:
    points = np.array([[1.2345, 2.0], [np.nan, np.nan], [-3.5, 1000.25]])
    source = Source("/films/a.dcm", "L\\F", "1.2", "1.2.3", "1.2.3.4", "0f" * 16)
    film = Film((640, 480), Spacing(0.1, 0.2, "PixelSpacing"), inverted=True, pixels_sha256="ab" * 32, source=source)
    expected = np.array([0.5, np.nan, 2.0])
    return Prediction(
        name, points, expected, ("a", "b", "c"), film, "cd" * 32, "femur", "ef" * 32, "val", {"looks": [1]},
        radii=np.outer(expected, [0.5, 1, 2, np.nan]), covariance=np.outer(expected, [4, -1, 9]),
        expected_film_error=1.25, probability_of_failure=0.125, known=False, probability_of_shift=0.375,
    )  # fmt: skip


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    assert write_predictions(path, [prediction("a.png"), prediction("ü \u2028.png")]) == 2
    first, second = read_predictions(path)
    np.testing.assert_allclose(first.points, prediction().points, atol=5e-4)
    np.testing.assert_array_equal(first.expected_error, prediction().expected_error)
    assert first.landmarks == ("a", "b", "c")
    np.testing.assert_array_equal(first.radii, prediction().radii)
    np.testing.assert_array_equal(first.covariance, prediction().covariance)
    plain = dict.fromkeys(("points", "expected_error", "radii", "covariance"))
    assert replace(first, **plain) == replace(prediction(), **plain)
    assert second.identifier == "ü \u2028.png"


def test_not_found_is_null_in_the_file(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.jsonl", [prediction()])
    record = json.loads((tmp_path / "p.jsonl").read_text())
    assert record["points"][1] == [None, None]
    assert record["expected_error"][1] is None


def test_image_and_points_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"image": "a", "points": [[1, 2], [3, null]]}\r\n\r\n')
    (found,) = read_predictions(path)
    assert found.landmarks == ("0", "1")
    assert np.isnan(found.expected_error).all()
    assert np.isnan(found.points[1, 1])


def test_predictions_of_0_1_0_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"image": "a.png", "points": [[1.5, 2]], "expected_error": [0.5], "landmarks": ["tip"], "size": [64, 48], '
        '"spacing": {"x": 0.1, "y": 0.2, "source": "user"}, "inverted": true, "looks": [{"stage": "global"}]}\n'
    )
    (found,) = read_predictions(path)
    assert found.film == Film((64, 48), Spacing(0.1, 0.2, "user"), inverted=True)
    assert (found.model, found.seen) == ("", "")
    assert (found.landmarks, found.details) == (("tip",), {"looks": [{"stage": "global"}]})


def test_predictions_of_form_2_say_nothing_of_radii(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"format": 2, "image": "a.png", "points": [[1.5, 2]], "expected_error": [0.5], "film": {}}\n')
    (found,) = read_predictions(path)
    assert (found.radii, found.covariance, found.known) == (None, None, None)
    assert np.isnan([found.expected_film_error, found.probability_of_failure]).all()
    assert found.expected_error.tolist() == [0.5]


def test_a_film_that_nothing_is_known_of_is_written_without_facts(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.jsonl", [Prediction("a", np.zeros((1, 2)), np.zeros(1), ("tip",))])
    assert json.loads((tmp_path / "p.jsonl").read_text())["film"] == {}
    assert read_predictions(tmp_path / "p.jsonl")[0].film == Film()


def test_a_line_separator_inside_a_name_does_not_cut_the_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"image": "a\u2028b", "points": [[1, 2]]}\n', encoding="utf-8")
    assert read_predictions(path)[0].identifier == "a\u2028b"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"image": ' + "9" * 5000 + "}", "not JSON"),
        ("[1, 2]", "expected an object"),
        ('{"points": [[1, 2]]}', "expected an object"),
        ('{"image": 3, "points": [[1, 2]]}', "expected an object"),
        ('{"image": "a", "points": []}', "expected \\(n, 2\\)"),
        ('{"image": "a", "points": [[1, 2, 3]]}', "expected \\(n, 2\\)"),
        ('{"image": "a", "points": [[1, 2], [3]]}', "'points' must be"),
        ('{"image": "a", "points": [["1", 2]]}', "'points' must be .* not text"),
        ('{"image": "a", "points": {"x": 1}}', "'points' must be"),
        ('{"image": "a", "points": [[1, 2]], "expected_error": "high"}', "'expected_error' must be"),
        ('{"image": "a", "points": [[1, 2]], "error_90": [1, 2]}', r"'error_90' has shape \(2,\), expected \(1,\)"),
        ('{"image": "a", "points": [[1, 2]], "covariance": [1]}', r"'covariance' has shape \(1,\), expected \(1, 3\)"),
        ('{"image": "a", "points": [[1, 2]], "known": 1}', "'known' is 1, expected true, false or null"),
        ('{"image": "a", "points": [[1, 2]], "expected_film_error": [1]}', "'expected_film_error' has shape"),
        ('{"image": "a", "points": [[1, 2]], "expected_error": [[1]]}', "expected equal"),
        ('{"image": "a", "points": [[1, 2]], "expected_error": 5}', "expected equal"),
        ('{"image": "a", "points": [[1, 2]], "expected_error": [1, 2]}', "2 expected errors"),
        ('{"image": "a", "points": [[1, 2]], "landmarks": "tip"}', "'landmarks' is 'tip'"),
        ('{"image": "a", "points": [[1, 2]], "landmarks": ["a", "b"]}', "2 landmarks"),
        (
            '{"format": 4, "image": "a", "points": [[1, 2]]}',
            "format 4, written by a newer landvote; expected 3",
        ),
        ('{"format": "2", "image": "a", "points": [[1, 2]]}', "format '2', expected a number from 1 to 3"),
        ('{"image": "a", "points": [[1, 2]], "size": [3]}', r"'size' is \[3\], expected \[width, height\]"),
        ('{"image": "a", "points": [[1, 2]], "size": "big"}', "'size' is 'big'"),
        ('{"image": "a", "points": [[1, 2]], "spacing": {"x": -1, "y": 1}}', "'spacing' is .* expected x and y in mm"),
        ('{"image": "a", "points": [[1, 2]], "spacing": 0.2}', "'spacing' is 0.2"),
        ('{"image": "a", "points": [[1, 2]], "inverted": "no"}', "'inverted' is 'no'"),
        ('{"format": 2, "image": "a", "points": [[1, 2]], "film": []}', r"'film' is \[\], expected an object"),
        ('{"format": 2, "image": "a", "points": [[1, 2]], "model": 7}', "'model' is 7, expected text"),
        (
            '{"format": 2, "image": "a", "points": [[1, 2]], "seen": "yes"}',
            "'seen' is 'yes', expected train, val, patient, no or null",
        ),
        ('{"format": 2, "image": "a", "points": [[1, 2]], "film": {"study": 7}}', "'study' is 7, expected text"),
    ],
)
def test_bad_lines(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"image": "fine", "points": [[1, 2]]}\n' + line + "\n")
    with pytest.raises(PointsError, match=said) as caught:
        read_predictions(path)
    assert "line 2" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_film_twice_is_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.jsonl", [prediction("a"), prediction("a")])
    with pytest.raises(PointsError, match="'a' is predicted twice"):
        read_predictions(tmp_path / "p.jsonl")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_unreadable_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "p.jsonl").write_bytes(content)
    with pytest.raises(PointsError, match=r"p\.jsonl: (cannot be read|not UTF-8)"):
        read_predictions(tmp_path / "p.jsonl")


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    def broken() -> object:
        yield prediction("a")
        raise RuntimeError("localiser died")

    with pytest.raises(RuntimeError, match="localiser died"):
        write_predictions(tmp_path / "p.jsonl", broken())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_occluded_points_are_kept(tmp_path):
    said = Prediction("a", np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2), ("x", "y"), occluded=np.array([True, False]))
    write_predictions(tmp_path / "p.jsonl", [said])
    (read,) = read_predictions(tmp_path / "p.jsonl")
    assert (read.occluded.tolist(), dict(read.details)) == ([True, False], {})


@pytest.mark.parametrize("told", ["[true]", "[1, 0]", '"yes"', "[false, true]"])
def test_occluded_is_a_flag_for_each_point_that_is_there(tmp_path, told):
    line = '{"image": "a", "points": [[1, 2], [null, null]], "occluded": %s}'
    (tmp_path / "p.jsonl").write_text(line % told)
    with pytest.raises(PointsError, match=r"line 1: .*'occluded'"):
        read_predictions(tmp_path / "p.jsonl")
