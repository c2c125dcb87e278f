"""Predictions are saved by the name of a format, whole or not at all, and nothing is overwritten unless asked."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.errors import ExistsError, PointsError, SettingError
from landvote.formats.predictions import read_predictions
from landvote.formats.reading import read_points
from landvote.formats.saving import save_predictions

POINTS = np.array([[1.5, 2.25], [np.nan, np.nan]])


def predictions(*names):
    return (Prediction(name, POINTS + i, np.ones(2), ("a", "b")) for i, name in enumerate(names))


def test_predictions_keep_all_there_is(tmp_path):
    assert save_predictions(str(tmp_path / "p.jsonl"), predictions("a.png", "b.png")).films == 2
    found = read_predictions(tmp_path / "p.jsonl")
    assert [(p.identifier, p.landmarks, p.expected_error.tolist()) for p in found] == [
        ("a.png", ("a", "b"), [1, 1]), ("b.png", ("a", "b"), [1, 1])
    ]  # fmt: skip


def test_other_formats_keep_the_points_and_say_what_they_lose(tmp_path):
    written = save_predictions(tmp_path / "p.csv", predictions("a.png", "b.png"), "wide-csv")
    assert written.films == 2
    assert any("expected errors" in lost for lost in written.lost)
    assert save_predictions(tmp_path / "pts", predictions("a.png", "b.png"), "menpo-pts").films == 2
    for found in (read_points(tmp_path / "p.csv").rows, read_points(tmp_path / "pts", "menpo-pts").rows):
        assert [row.image.partition(".")[0] for row in found] == ["a", "b"]
        np.testing.assert_array_equal(found[1].points, POINTS + 1)


def test_what_is_there_is_kept_unless_asked(tmp_path):
    (tmp_path / "p.jsonl").write_text("precious")
    with pytest.raises(ExistsError, match=r"p\.jsonl: exists already"):
        save_predictions(tmp_path / "p.jsonl", predictions("a.png"))
    assert (tmp_path / "p.jsonl").read_text() == "precious"
    assert save_predictions(tmp_path / "p.jsonl", predictions("a.png"), force=True).films == 1


@pytest.mark.parametrize("kind", ["predictions", "wide-csv", "menpo-pts"])
def test_two_of_one_film_are_refused_and_nothing_is_written(tmp_path, kind):
    with pytest.raises(PointsError, match=r"a\.png"):
        save_predictions(tmp_path / "out", predictions("a.png", "a.png"), kind)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(SettingError, match=r"format 'wide_csv' is unknown, expected .*did you mean 'wide-csv'"):
        save_predictions(tmp_path / "out", predictions("a.png"), "wide_csv")
