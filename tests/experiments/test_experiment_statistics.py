"""Tables of a grid: what stands in them, from made-up errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from landvote.errors import SettingError
from landvote.evaluation.tables import group
from landvote.experiments.failures import failure_table, lost_films, threshold
from landvote.experiments.results import Results
from landvote.experiments.statistics import (
    against_one,
    cost_table,
    error_table,
    film_table,
    landmark_table,
    main_size,
    subgroup_table,
    whole_basis,
)

MakeResults = Callable[..., Results]


def test_errors_are_means_over_folds_of_numpys_percentiles(make_results: MakeResults):
    results = make_results(methods=2, folds=3, seeds=2, films=40, lost=0.0)
    table = error_table(results)
    assert len(table) == 2 * (2 * 2 + 1)  # kinds of error x (methods x sizes + annotators)
    row = table[(table["method"] == "WHDV") & (table["size"] == 400)].iloc[0]
    runs = results.of("WHDV", 400)
    for name, p in (("median", 50), ("p95", 95), ("p99", 99)):
        assert row[name] == pytest.approx(np.mean([np.percentile(r.point_means, p) for r in runs]))
    assert row["mean"] == pytest.approx(np.mean([r.point_means.mean() for r in runs]))
    assert (row["films"], row["folds"], row["seeds"], row["runs"]) == (40, 3, 2, 6)
    between = table[table["method"] == "annotators"].iloc[0]
    assert between["median"] == pytest.approx(np.median(results.annotators_to_point))


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
    apart = [replace(r, to_point=r.to_point * (1 + r.fold)) for r in three.runs]

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
    errors = first.to_point.copy()
    errors[3] = np.inf  # nothing found
    errors[5, :7] = np.inf  # 7 of 12 not found
    errors[6, 0] = np.inf  # one not found
    errors[9] = 1000.0
    results = replace(results, runs=(replace(first, to_point=errors), second))
    limit = threshold(results)
    pooled = np.median(np.concatenate([r.point_means for r in results.runs]))
    assert limit == pytest.approx(min(50.0, 10 * pooled))
    row = failure_table(results, limit).iloc[0]
    wild = int((second.point_means > limit).sum()) + int((np.delete(first.point_means, [3, 5, 9]) > limit).sum())
    assert (row["films"], row["nothing_found"], row["some_not_found"], row["lost"]) == (40, 1, 3, 3 + wild)
    named = lost_films(results, limit)
    assert list(named["film"][:2]) == ["film 3", "film 9"]  # worst first
    assert "film 5" in set(named["film"])
    assert np.isinf(named["error"][0])


def test_the_limit_is_half_the_normalising_pair_at_most(make_results: MakeResults):
    results = make_results(lost=0.0)
    far = tuple(replace(r, to_point=r.to_point * 100) for r in results.runs)
    assert threshold(replace(results, runs=far)) == 50.0
    assert threshold(replace(results, runs=far, unit="px")) > 50.0
    lost = tuple(replace(r, to_point=np.full_like(r.to_point, np.inf)) for r in results.runs)
    everything = replace(results, runs=lost, unit="px")
    assert failure_table(everything, threshold(everything))["lost_percent"].tolist() == [100.0] * 4


def test_landmarks(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), folds=2, films=20)
    table = landmark_table(results)
    row = table[(table["metric"] == "point_to_point") & (table["landmark"] == "p4")].iloc[0]
    found = [np.where(np.isfinite(r.to_point[:, 4]), r.to_point[:, 4], np.nan) for r in results.runs]
    assert row["mean"] == pytest.approx(np.mean([np.nanmean(f) for f in found]))
    assert row["low"] < row["mean"] < row["high"]
    assert (row["not_found"], row["outline"]) == (int(np.isnan(found).sum()), "arc")


def test_subgroups(make_results: MakeResults):
    results = make_results(methods=1, sizes=(100,), films=24, folds=2, subgroups=("disease", "age:4.5,5"), lost=0.0)
    table = subgroup_table(results)
    assert list(dict.fromkeys(table["value"])) == [
        "left", "none", "age <= 4.5", "4.5 < age <= 5", "age > 5", "reader 0", "reader 1", "reader 2",
    ]  # fmt: skip
    inside = np.array([f.attributes["disease"] == "none" for f in results.films])
    row = table[table["value"] == "none"].iloc[0]
    assert row["films"] == inside.sum() == 8
    assert row["median"] == pytest.approx(np.mean([np.median(r.point_means[inside]) for r in results.runs]))
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
    films = film_table(results)
    assert list(films.columns[:6]) == ["method", "size", "fold", "seed", "film", "subject"]
    assert len(films) == 5 * len(results.runs)
    costs = cost_table(results)
    assert len(costs) == len(results.runs)
    assert (costs["minutes"] == 3.25).all()
    assert (costs["votes_of"] == "").all()
