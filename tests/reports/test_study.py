import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from landvote.cli import app
from landvote.datasets.shapes import read_shapes
from landvote.errors import DataError, ShapeError
from landvote.reports.study import study
from landvote.shapes import ShapeModel
from toys import write_pts, write_wide_csv

T = np.linspace(0, 2 * np.pi, 12, endpoint=False)
CIRCLE = np.column_stack([50 * np.cos(T), 70 * np.sin(T)])
MODE = np.column_stack([np.cos(3 * T), np.sin(3 * T)])


def shapes(m=15):
    rng = np.random.default_rng(0)
    return 200 + CIRCLE + rng.normal(0, 6, (m, 1, 1)) * MODE + rng.normal(0, 0.3, (m, 12, 2))


@pytest.fixture
def csv(tmp_path):
    write_wide_csv(tmp_path / "points.csv", [(f"film{i:02}", None, s) for i, s in enumerate(shapes())])
    return tmp_path / "points.csv"


def test_a_csv_becomes_pictures_curves_and_a_row_per_film(csv, tmp_path):
    result = CliRunner().invoke(app, ["shape", str(csv), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "15 shapes of 12 landmarks" in result.output
    out = tmp_path / "out"
    for name in ("modes.png", "aligned.png", "curves.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(out / "parameters.csv")
    assert list(table["image"]) == [f"film{i:02}" for i in range(15)]
    strength = np.tensordot(shapes() - 200 - CIRCLE, MODE, 2)
    assert abs(np.corrcoef(table["b1"], strength)[0, 1]) > 0.99
    assert table["b1"].std() == pytest.approx(1, abs=0.05)
    curves = pd.read_csv(out / "curves.csv")
    assert curves["compactness"].iloc[-1] >= 0.98
    aligned = read_shapes(out / "aligned.csv")
    np.testing.assert_allclose(aligned.points.mean(axis=(0, 1)), 0, atol=0.01)


def test_an_earlier_study_is_not_overwritten_unasked(csv, tmp_path):
    table = read_shapes(csv)
    study(table, tmp_path / "out")
    with pytest.raises(DataError, match="exists already"):
        study(table, tmp_path / "out")
    study(table, tmp_path / "out", force=True)


def test_films_with_too_few_points_are_named(csv, tmp_path):
    table = read_shapes(csv)
    table.points[4, 2:] = np.nan
    assert study(table, tmp_path / "out")["left_out"] == ["film04"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["films"] == 14


def test_a_single_film_is_refused_and_nothing_is_written(tmp_path):
    write_wide_csv(tmp_path / "one.csv", [("film", None, CIRCLE)])
    with pytest.raises(ShapeError, match="1 of 1 shapes"):
        study(read_shapes(tmp_path / "one.csv"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pts_files_are_read_as_they_count(tmp_path):
    for i, s in enumerate(shapes(3)):
        (tmp_path / "a").mkdir(exist_ok=True)
        write_pts(tmp_path / "a" / f"{i}.pts", s + 1)
    table = read_shapes(tmp_path, centre=1)
    assert table.films == ("a/0", "a/1", "a/2")
    np.testing.assert_allclose(table.points, shapes(3), atol=1e-3)


def test_shapes_of_different_length_are_named(tmp_path):
    write_pts(tmp_path / "a.pts", CIRCLE)
    write_pts(tmp_path / "b.pts", CIRCLE[:5])
    with pytest.raises(DataError, match=r"b\.pts: 5 points, expected 12 as in .*a\.pts"):
        read_shapes(tmp_path)


def test_nothing_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no points, expected those of a known format"):
        read_shapes(tmp_path)


def test_mirror_images_are_learned_from_where_the_scheme_names_pairs(csv, tmp_path):
    table = read_shapes(csv)
    with pytest.raises(ShapeError, match="names no mirrored pairs"):
        study(table, tmp_path / "out", mirrored=True)
    pairs = tuple((i, (6 - i) % 12) for i in range(12) if i < (6 - i) % 12)  # x -> -x takes the angle t to pi - t
    scheme = table.scheme.model_copy(update={"mirrored": pairs})
    study(replace(table, scheme=scheme), tmp_path / "out", mirrored=True)
    mean = ShapeModel.load(tmp_path / "out" / "shape.npz").mean
    np.testing.assert_allclose(mean[scheme.mirror()] * [-1, 1], mean, atol=1e-6)
