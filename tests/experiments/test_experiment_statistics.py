"""Tables of a grid: what stands in them, from made-up errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from landvote.data.prediction import Prediction
from landvote.errors import SettingError
from landvote.evaluation import METRICS, evaluate
from landvote.evaluation.tables import group
from landvote.experiments.results import Results, Run, gather
from landvote.experiments.statistics import (
    against_one,
    calibration_table,
    cost_table,
    error_table,
    failure_table,
    films_by_run,
    landmarks_by_method,
    lost_films,
    main_size,
    mean_shape,
    subgroups_by_method,
    threshold,
    whole_basis,
)
from landvote.formats.predictions import read_predictions, write_predictions

MakeResults = Callable[..., Results]


def with_points(run: Run, errors: np.ndarray) -> Run:
    """Return a run with other point-to-point errors."""
    return replace(run, errors=replace(run.errors, landmarks={**run.errors.landmarks, "point_to_point": errors}))


def to_point(run: Run) -> np.ndarray:
    return run.errors.landmarks["point_to_point"]


def point_means(run: Run) -> np.ndarray:
    return run.errors.means("point_to_point")


def test_errors_are_means_over_folds_of_numpys_percentiles(make_results: MakeResults):
    results = make_results(methods=2, folds=3, seeds=2, films=40, lost=0.0)
    table = error_table(results)
    assert len(table) == 2 * (2 * 2 + 1)  # kinds of error x (methods x sizes + annotators)
    row = table[(table["method"] == "WHDV") & (table["size"] == 400)].iloc[0]
    runs = results.of("WHDV", 400)
    for name, p in (("median", 50), ("p95", 95), ("p99", 99)):
        assert row[name] == pytest.approx(np.mean([np.percentile(point_means(r), p) for r in runs]))
    assert row["mean"] == pytest.approx(np.mean([point_means(r).mean() for r in runs]))
    assert (row["films"], row["folds"], row["seeds"], row["runs"]) == (40, 3, 2, 6)
    between = table[table["method"] == "annotators"].iloc[0]
    assert between["median"] == pytest.approx(np.median(results.annotators["point_to_point"]))


def test_evaluate_and_compare_say_the_same_of_the_same_predictions(make_results: MakeResults, tmp_path: Path):
    """One run, films of patients who were filmed again: the same errors, figures and intervals, to the digit."""
    made = make_results(methods=1, sizes=(100,), folds=1, films=30, lost=0.1, subgroups=("disease",))
    films = [replace(f, subject=f"child {i // 2}") for i, f in enumerate(made.films)]
    predictions = [
        Prediction(f.identifier, points, expected, made.scheme.landmarks)
        for f, points, expected in zip(films, made.runs[0].predicted, made.runs[0].errors.expected, strict=True)
    ]
    write_predictions(tmp_path / "predictions.jsonl", predictions)
    (tmp_path / "run.json").write_text('{"computed_on": {}, "votes_of": null, "machine": "m"}')
    plan = SimpleNamespace(
        method="WHDV", size=100, fold=0, seed=0, films=100, name="", key="", test=[f.identifier for f in films]
    )
    workspace = SimpleNamespace(
        finished=lambda _: True,
        record=lambda _: tmp_path / "run.json",
        predictions=lambda _: tmp_path / "predictions.jsonl",
    )
    grid = made.grid.model_copy(update={"unit": "px"})

    results = gather(grid, [plan], films, workspace)
    found = evaluate(read_predictions(tmp_path / "predictions.jsonl"), films, unit="px", subgroups=["disease"])
    errors = error_table(results).set_index(["method", "metric"])
    landmarks = landmarks_by_method(results)
    groups = subgroups_by_method(results).set_index(["column", "value", "metric"])
    assert errors.loc[("WHDV", "point_to_point"), "subjects"] == found.summary["films"]["subjects"] == 15
    for metric in METRICS:
        np.testing.assert_array_equal(films_by_run(results)[metric], found.films[f"{metric}_px"])
        told = {
            "WHDV": found.summary[metric]["px"]["film_means"],
            "annotators": found.summary["annotators"]["px"][metric],
        }
        for method, figures in told.items():
            row = errors.loc[(method, metric)]
            for name in ("median", "p95", "p99", "mean"):
                ends = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
                assert figures[name] == {k: round(v, 6) if np.isfinite(v) else None for k, v in ends.items()}
        for name in ("mean", "low", "high"):
            own = landmarks.loc[landmarks["metric"] == metric, name]
            np.testing.assert_array_equal(own, found.landmarks[f"{metric}_{name}_px"])
        for _, row in found.subgroups.iterrows():
            for name in ("median", "median_low", "median_high", "p95_low", "mean_high"):
                plain, _, end = name.partition("_")
                column = f"{metric}_{plain}{'_' * bool(end)}{end}_px"
                np.testing.assert_equal(groups.loc[("disease", row["value"], metric), name], row[column])


def test_seeds_are_averaged_within_folds(make_results: MakeResults):
    """Seeds that repeat each other add nothing: the interval is that of one seed."""
    one = make_results(folds=3, seeds=1, lost=0.0)
    again = tuple(replace(r, seed=1) for r in one.runs)
    columns = ["median", "median_low", "median_high"]
    a, b = error_table(one)[columns], error_table(replace(one, runs=one.runs + again))[columns]
    np.testing.assert_allclose(a.to_numpy(), b.to_numpy())


def test_one_fold_says_less_than_it_seems(make_results: MakeResults):
    """Folds that differ widen the interval; one alone cannot tell."""
    three = make_results(folds=3, films=40, methods=1, sizes=(100,), lost=0.0)
    apart = [with_points(r, to_point(r) * (1 + r.fold)) for r in three.runs]

    def width(results: Results) -> float:
        row = error_table(results).iloc[0]
        return float(np.log(row["median_high"] / row["median_low"]))

    assert width(replace(three, runs=tuple(apart))) > 2 * width(replace(three, runs=(apart[0],)))


def test_basis_in_words(make_results: MakeResults):
    results = make_results(films=12, folds=2, seeds=1, skip=1)
    assert str(whole_basis(results)) == "12 films, 2 folds, 1 seed; 7 of 8 runs finished"
    shared = tuple(replace(f, subject="one" if i < 2 else f.subject) for i, f in enumerate(results.films))
    assert str(whole_basis(replace(results, films=shared), size=100)) == "12 films of 11 subjects, 2 folds, 1 seed"


def test_the_size_shown_is_the_largest_that_all_methods_have(make_results: MakeResults):
    results = make_results(methods=2, folds=1)
    assert main_size(results) == 400
    assert main_size(replace(results, runs=results.runs[:3])) == 100  # at 400 films only one method is finished


def test_failures_are_counted_and_named(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), folds=2, films=20, lost=0.0)
    first, second = results.runs
    errors = to_point(first).copy()
    errors[3] = np.inf  # nothing found
    errors[5, :7] = np.inf  # 7 of 12 not found
    errors[6, 0] = np.inf  # one not found
    errors[9] = 1000.0
    results = replace(results, runs=(with_points(first, errors), second))
    limit = threshold(results)
    pooled = np.median(np.concatenate([point_means(r) for r in results.runs]))
    assert limit == pytest.approx(min(50.0, 10 * pooled))
    row = failure_table(results, limit).iloc[0]
    wild = int((point_means(second) > limit).sum()) + int((np.delete(point_means(first), [3, 5, 9]) > limit).sum())
    assert (row["films"], row["nothing_found"], row["some_not_found"], row["lost"]) == (40, 1, 3, 3 + wild)
    named = lost_films(results, limit)
    assert list(named["film"][:2]) == ["film 3", "film 9"]  # worst first
    assert "film 5" in set(named["film"])
    assert np.isinf(named["error"][0])


def test_the_limit_is_half_the_normalising_pair_at_most(make_results: MakeResults):
    results = make_results(lost=0.0)
    far = tuple(with_points(r, to_point(r) * 100) for r in results.runs)
    assert threshold(replace(results, runs=far)) == 50.0
    assert threshold(replace(results, runs=far, unit="px")) > 50.0
    lost = tuple(with_points(r, np.full_like(to_point(r), np.inf)) for r in results.runs)
    everything = replace(results, runs=lost, unit="px")
    assert failure_table(everything, threshold(everything))["lost_percent"].tolist() == [100.0] * 4


def test_landmarks(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), folds=2, films=20)
    table = landmarks_by_method(results)
    row = table[(table["metric"] == "point_to_point") & (table["landmark"] == "p4")].iloc[0]
    found = [np.where(np.isfinite(to_point(r)[:, 4]), to_point(r)[:, 4], np.nan) for r in results.runs]
    assert row["mean"] == pytest.approx(np.mean([np.nanmean(f) for f in found]))
    assert row["low"] < row["mean"] < row["high"]
    assert (row["not_found"], row["outline"]) == (int(np.isnan(found).sum()), "arc")


def test_subgroups(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), films=24, folds=2, subgroups=("disease", "age:4.5,5"), lost=0.0)
    table = subgroups_by_method(results)
    assert list(dict.fromkeys(table["value"])) == [
        "left", "none", "age <= 4.5", "4.5 < age <= 5", "age > 5", "reader 0", "reader 1", "reader 2",
    ]  # fmt: skip
    inside = np.array([f.attributes["disease"] == "none" for f in results.films])
    row = table[table["value"] == "none"].iloc[0]
    assert row["films"] == inside.sum() == 8
    assert row["median"] == pytest.approx(np.mean([np.median(point_means(r)[inside]) for r in results.runs]))
    edges = table[table["column"] == "age"].drop_duplicates("value")["films"]
    assert list(edges) == [6, 5, 13]  # ages 4.0, 4.1, ...; one equal to an edge belongs below it


def test_an_annotators_films_are_measured_against_their_points(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), films=6, folds=1, lost=0.0)
    run = results.runs[0]
    marked = results.films[0].annotations["reader 0"]
    found = against_one(replace(results, scale=np.full((6, 2), 2.0)), run, "reader 0")
    assert found[0] == pytest.approx(2 * np.linalg.norm(run.predicted[0] - marked, axis=1).mean())
    assert np.isnan(found[1])  # of readers 1 and 2
    lost = run.predicted.copy()
    lost[0] = np.nan
    assert against_one(results, replace(run, predicted=lost), "reader 0")[0] == np.inf


@pytest.mark.parametrize(
    ("column", "told"),
    [("age:4,old", "expected numbers such as 4,8"), ("disease:1", "a column of numbers"), ("agee", "did you mean")],
)
def test_subgroups_that_cannot_be(make_results: MakeResults, column, told):
    with pytest.raises(SettingError, match=told):
        group(make_results().films, column)


def test_films_and_costs(make_results: MakeResults):
    results = make_results(films=5)
    films = films_by_run(results)
    assert list(films.columns[:6]) == ["method", "size", "fold", "seed", "film", "subject"]
    assert len(films) == 5 * len(results.runs)
    assert films["subject"].tolist() == [1, 2, 3, 4, 5] * len(results.runs)  # numbers, not names
    costs = cost_table(results)
    assert len(costs) == len(results.runs)
    assert (costs["minutes"] == 3.25).all()
    assert (costs["votes_of"] == "").all()


def test_expected_errors_are_compared_with_those_made(make_results: MakeResults):
    results = make_results(methods=2, sizes=(100,), folds=3, films=20, lost=0.0)
    table = calibration_table(results).set_index("method")
    runs = results.of("WHDV", 100)
    assert table.loc["WHDV", ["runs", "films"]].tolist() == [3, 60]
    assert table.loc["WHDV", "mean_expected"] == pytest.approx(np.mean([r.errors.expected.mean() for r in runs]))
    assert table.loc["WHDV", "mean_actual"] == pytest.approx(np.mean([point_means(r).mean() for r in runs]))
    ranks = [stats.spearmanr(r.errors.expected[:, 0], point_means(r)).statistic for r in runs]
    assert table.loc["WHDV", "spearman_film_means"] == pytest.approx(np.mean(ranks))
    silent = [replace(r, errors=replace(r.errors, expected=np.full_like(to_point(r), np.nan))) for r in runs]
    assert calibration_table(replace(results, runs=tuple(silent))).empty


def test_landmarks_that_lie_on_one_spot_have_no_mean_shape(make_results: MakeResults):
    results = make_results(methods=1, films=4)
    assert mean_shape(results).shape == (12, 2)
    spot = tuple(replace(f, annotations={"": np.ones((12, 2))}) for f in results.films)
    assert mean_shape(replace(results, films=spot)) is None
