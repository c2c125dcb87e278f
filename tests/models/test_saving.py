"""Predictions are saved by the name of a format, whole or not at all, and nothing is overwritten unless asked."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.errors import ExistsError, PointsError, SettingError
from landvote.formats.points import read_csv
from landvote.formats.predictions import read_predictions
from landvote.formats.pts import read_pts
from landvote.models.saving import save_predictions

POINTS = np.array([[1.5, 2.25], [np.nan, np.nan]])


def predictions(*names):
    return (Prediction(name, POINTS + i, np.ones(2), ("a", "b")) for i, name in enumerate(names))


def test_predictions_keep_all_there_is(tmp_path):
    assert save_predictions(str(tmp_path / "p.jsonl"), predictions("a.png", "b.png")) == 2
    found = read_predictions(tmp_path / "p.jsonl")
    assert [(p.identifier, p.landmarks, p.expected_error.tolist()) for p in found] == [
        ("a.png", ("a", "b"), [1, 1]), ("b.png", ("a", "b"), [1, 1])
    ]  # fmt: skip


def test_other_formats_keep_the_points(tmp_path):
    assert save_predictions(tmp_path / "p.csv", predictions("a.png", "b.png"), "wide-csv") == 2
    assert save_predictions(tmp_path / "pts", predictions("a.png", "b.png"), "vxl-pts") == 2
    rows = read_csv(tmp_path / "p.csv").rows
    assert [row.image for row in rows] == ["a.png", "b.png"]
    for points in (rows[1].points, read_pts(tmp_path / "pts" / "b.pts")):
        np.testing.assert_array_equal(points, POINTS + 1)


def test_what_is_there_is_kept_unless_asked(tmp_path):
    (tmp_path / "p.jsonl").write_text("precious")
    with pytest.raises(ExistsError, match=r"p\.jsonl: exists already"):
        save_predictions(tmp_path / "p.jsonl", predictions("a.png"))
    assert (tmp_path / "p.jsonl").read_text() == "precious"
    assert save_predictions(tmp_path / "p.jsonl", predictions("a.png"), force=True) == 1


@pytest.mark.parametrize("kind", ["predictions", "wide-csv", "vxl-pts"])
def test_two_of_one_film_are_refused_and_nothing_is_written(tmp_path, kind):
    with pytest.raises(PointsError, match=r"film 'a\.png' is predicted twice"):
        save_predictions(tmp_path / "out", predictions("a.png", "a.png"), kind)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(SettingError, match=r"format 'wide_csv' is unknown, expected .*did you mean 'wide-csv'"):
        save_predictions(tmp_path / "out", predictions("a.png"), "wide_csv")
