"""The tables of a grid as they are read: in the page, and in LaTeX for print."""

from __future__ import annotations

import pandas as pd

from landvote.evaluation.measure import ANNOTATORS, METRICS
from landvote.experiments.grid import Size
from landvote.experiments.results import Results
from landvote.experiments.statistics import whole_basis
from landvote.reports.tables import Table, interval, number, probability


def errors(results: Results, table: pd.DataFrame, metric: str) -> Table:
    """Return the figures of each size and method from :func:`landvote.experiments.statistics.error_table`."""
    rows = []
    for row in table[table["metric"] == metric].to_dict("records"):
        alone = row["method"] == ANNOTATORS
        figures = [interval(row, name) for name in ("median", "p95", "p99", "mean")]
        on = "–" if alone else f"{row['folds']} × {row['seeds']}" if row["runs"] else "–"
        rows.append(["–" if alone else str(row["size"]), row["method"], *figures, str(row["films"]), on])
    caption = (
        f"Mean {METRICS[metric].lower()} errors of films in {results.unit}, with 95 % intervals over films and folds"
        f"{' (films alone: there is one fold)' if results.grid.folds == 1 else ''}. {whole_basis(results, metric)}."
    )
    header = ["training films", "method", "median", "95th percentile", "99th percentile", "mean", "films"]
    return Table(caption, [*header, "folds × seeds"], rows)


def comparisons(results: Results, table: pd.DataFrame, metric: str) -> Table:
    """Return the pairs of methods from :func:`landvote.experiments.paired.paired_table`."""
    rows = [
        [
            str(row["size"]),
            row["first"],
            row["second"],
            interval(row, "difference"),
            (probability(row["p_holm"]), probability(row["p"])),
            f"{row['rank_biserial']:.2f}".replace("-", "−"),
            f"{row['first_better']} : {row['second_better']}",
            interval(row, "ratio"),
            f"{row['folds_first_better']} of {row['folds']}",
        ]
        for row in table[table["metric"] == metric].to_dict("records")
    ]
    caption = (
        f"Methods in pairs, {METRICS[metric].lower()} errors in {results.unit}: a difference below 0, or a ratio below "
        f"1, is in favour of the first. p: Wilcoxon’s signed-rank test, corrected by Holm for all "
        f"{len(table)} tests, and as it was before. "
        f"{whole_basis(results, metric)}."
    )
    header = ["training films", "first", "second", "difference", "p, corrected", "rank-biserial", "won : lost"]
    return Table(caption, [*header, "ratio of medians", "folds won"], rows, words=3)


def failures(results: Results, table: pd.DataFrame, limit: float) -> Table:
    """Return the counts from :func:`landvote.experiments.failures.failure_table`."""
    rows = [
        [
            *map(str, (row["size"], row["method"], row["films"])), f"{row['lost']} ({row['lost_percent']:.1f} %)",
            *map(str, (row["lost_in_every_run"], row["nothing_found"], row["some_not_found"])),
        ]
        for row in table.to_dict("records")
    ]  # fmt: skip
    caption = (
        f"Failures, films counted once a run. Lost: mean point-to-point error beyond {number(limit)} {results.unit}, "
        f"or most landmarks not found. {whole_basis(results)}."
    )
    header = ["training films", "method", "films × runs", "lost", "lost in every run", "nothing found"]
    return Table(caption, [*header, "some landmarks not found"], rows)


def expectations(results: Results, table: pd.DataFrame) -> Table:
    """Return the rows of :func:`landvote.experiments.statistics.calibration_table`."""
    names = ("mean_expected", "mean_actual", "spearman_film_means", "spearman_landmarks")
    rows = [
        [str(row["size"]), row["method"], str(row["films"]), *(number(row[name]) for name in names)]
        for row in table.to_dict("records")
    ]
    caption = (
        f"The point-to-point errors that a method expects, and those it makes, in {results.unit}, means over films and "
        f"runs; Spearman’s rank correlation between the two, mean over runs. {whole_basis(results)}."
    )
    header = ["training films", "method", "films × runs", "expected", "actual", "correlation of films", "of landmarks"]
    return Table(caption, header, rows)


def subgroups(results: Results, table: pd.DataFrame, size: Size) -> Table:
    """Return the groups at one size from :func:`landvote.experiments.statistics.subgroups_by_method`."""
    rows = [
        [
            row["column"], row["value"], row["method"], METRICS[row["metric"]].lower(), str(row["films"]),
            interval(row, "median"), interval(row, "p95"),
        ]
        for row in table[table["size"] == size].to_dict("records")
    ]  # fmt: skip
    caption = (
        f"Errors of films in {results.unit} by subgroup, {size} training films, with 95 % intervals. An annotator’s "
        f"films are measured against that annotator’s points. {whole_basis(results, size=size)}."
    )
    header = ["column", "group", "method", "error", "films", "median", "95th percentile"]
    return Table(caption, header, rows, words=4)


def costs(table: pd.DataFrame) -> Table:
    """Return the cells from :func:`landvote.experiments.statistics.cost_table`."""
    rows = [
        [
            *map(str, (row["method"], row["size"], row["fold"], row["seed"])), number(row["train_minutes"]),
            number(row["minutes"]), row["votes_of"] or "–", f"{row['computed_on']}; {row['machine']}",
        ]
        for row in table.to_dict("records")
    ]  # fmt: skip
    total = table["minutes"].sum() / 60
    caption = f"Cost of each run. {len(table)} runs took {number(total)} hours in all."
    header = ["method", "training films", "fold", "seed", "minutes of training", "minutes in all", "voters of"]
    return Table(caption, [*header, "machine"], rows, words=1)
