"""The report of a grid: its files, what it admits to, and the smallest grids there can be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.evaluation import METRICS
from landvote.experiments import report
from landvote.experiments.report import write_comparison
from landvote.experiments.results import Results
from landvote.experiments.statistics import error_table
from landvote.reports.style import save_figure

MakeResults = Callable[..., Results]


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw coarse pictures: tests of the charts are in tests/reports."""
    monkeypatch.setattr(report, "DPI", 30)


@pytest.fixture
def _svg_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(figure: object, file: Path, *rest: object) -> None:
        if file.suffix == ".svg":
            save_figure(figure, file, *rest)

    monkeypatch.setattr(report, "save_figure", save)


@pytest.fixture
def written(fetched: Callable[[str], list[str]]) -> Callable[[Results, Path], str]:
    """Write a report, check that its page stands alone, and return its text without the pictures."""

    def write(results: Results, folder: Path) -> str:
        text = write_comparison(results, folder).read_text(encoding="utf-8")
        assert all(s.startswith(("data:image/", "#")) for s in fetched(text))
        return re.sub(r'"data:[^"]*"', "", text)

    return write


def test_files_are_all_there_and_the_same_twice(make_results: MakeResults, tmp_path: Path, written):
    """Only what costs is told in may differ: the same results took other minutes on another day."""
    results = make_results(subgroups=("age:5",), skip=1, films=9)
    text = written(results, tmp_path / "a")
    later = tuple(replace(r, told={**r.told, "minutes": 99.0, "machine": "another"}) for r in results.runs)
    write_comparison(replace(results, runs=later), tmp_path / "b")
    names = {str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*.*")}
    kinds = ("point_to_point", "point_to_curve")
    csvs = ("errors", "pairs", "failures", "lost_films", "calibration", "subgroups", "landmarks", "films", "costs")
    texs = ("failures", "calibration", "subgroups", "costs", *(f"{t}_{k}" for t in ("errors", "pairs") for k in kinds))
    drawn = ("cdf_sizes", "cdf_methods", "landmarks", "shape")
    figures = ("size", "subgroups", *(f"{f}_{k}" for f in drawn for k in kinds))
    assert names == {
        "report.html",
        *(f"tables/{n}.csv" for n in csvs),
        *(f"tables/{n}.tex" for n in texs),
        *(f"figures/{n}.{kind}" for n in figures for kind in ("svg", "png")),
    }
    differ = {n for n in names if (tmp_path / "a" / n).read_bytes() != (tmp_path / "b" / n).read_bytes()}
    assert differ == {"report.html", "tables/costs.csv", "tables/costs.tex"}
    for said in (
        "A grid &lt;made up&gt;", "reduced scale of the experiment: fewer steps", "1 of 8 runs is missing",
        "WHDV + shape, 400 films, fold 1, seed 0", "seed=1", "9 films, 2 folds, 1 seed; 7 of 8 runs finished",
        "with Holm’s correction for all 4 tests", "age &lt;= 5", "not a medical device", "a machine",
    ):  # fmt: skip
        assert said in text, said
    told = pd.read_csv(tmp_path / "a" / "tables" / "errors.csv")
    np.testing.assert_allclose(told["median"], error_table(results)["median"], rtol=1e-5)
    assert "9 films, 2 folds, 1 seed" in (tmp_path / "a" / "tables" / "errors_point_to_point.tex").read_text()


@pytest.mark.parametrize(
    "given",
    [
        {"methods": 1, "sizes": (100,), "folds": 1},
        {"methods": 2, "sizes": ("all",), "folds": 1, "scheme": Scheme.numbered(3), "annotators": 1},
        {"methods": 1, "sizes": (100, 400), "folds": 2, "scheme": Scheme.numbered(1), "annotators": 0, "films": 1},
        {"methods": 2, "sizes": (100, 400), "folds": 2, "lost": 1.0},
        {"methods": 5, "sizes": (50, 100, 200, 400), "folds": 2, "seeds": 2, "films": 6, "skip": 70},
    ],
    ids=["one of each", "no outlines, no second annotator", "one landmark, one film", "all lost", "barely begun"],
)
@pytest.mark.usefixtures("_svg_alone")
def test_the_smallest_grids_there_can_be(make_results: MakeResults, tmp_path: Path, written, given):
    text = written(make_results(**given), tmp_path)
    assert not re.search(r"\b(nan|none|inf)\b", text.partition("<body>")[2])
    assert ("point_to_curve" in text) == ("scheme" not in given)
    assert ('id="pairs"' in text) == (given["methods"] > 1)
    assert ("that another draw of training films would bring" in text) == (given["folds"] == 1)


@pytest.mark.usefixtures("_svg_alone")
def test_what_is_said_no_more_is_removed(make_results: MakeResults, tmp_path: Path):
    (tmp_path / "tables").mkdir()
    for name in ("pairs.csv", "pairs_point_to_point.tex", "notes.txt"):
        (tmp_path / "tables" / name).write_text("of an earlier report")
    write_comparison(make_results(methods=1, sizes=(100,), films=4), tmp_path)
    left = {p.name for p in (tmp_path / "tables").iterdir()}
    assert {"pairs.csv", "pairs_point_to_point.tex"} & left == set()
    assert "notes.txt" in left  # is not ours


def test_a_film_that_cannot_be_decoded_is_named(make_results: MakeResults):
    def broken() -> Radiograph:
        raise ImageError("film.png: truncated after 12 bytes")

    results = make_results(methods=1, films=4)
    (shown,) = report._overlays(replace(results, films=tuple(replace(f, open=broken) for f in results.films)))
    assert shown.trouble == "film.png: truncated after 12 bytes"


@pytest.mark.usefixtures("_svg_alone")
def test_curves_are_of_all_runs_pooled(make_results: MakeResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results, given = make_results(methods=2, folds=2, seeds=2, films=5), []
    draw = report.charts.cdf_by_size
    monkeypatch.setattr(report.charts, "cdf_by_size", lambda *told: given.append(told) or draw(*told))
    write_comparison(results, tmp_path)
    for (_, pooled, between, metric, note), kind in zip(given, METRICS, strict=True):
        runs = results.of("WHDV + shape", 400)
        expected = np.concatenate([r.errors.means(kind) for r in runs])
        np.testing.assert_array_equal(pooled["WHDV + shape", 400], expected)
        np.testing.assert_array_equal(between, results.annotators[kind])
        assert (len(expected), metric, note) == (2 * 2 * 5, kind, "5 films, 2 folds, 2 seeds")
