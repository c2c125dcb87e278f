"""The tables of a grid for readers: for the page, and in LaTeX for print."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from landvote.evaluation.measure import METRICS
from landvote.experiments.grid import Size
from landvote.experiments.results import Results
from landvote.experiments.statistics import whole_basis
from landvote.reports.tables import Cell, Table, interval, number, probability

Columns = Mapping[str, str | Callable[[Mapping[Any, Any]], Cell]]
"""Header -> the column below it, a figure with its interval where it has one; or how a cell is made from a row."""


def _table(caption: str, frame: pd.DataFrame, columns: Columns, words: int = 2) -> Table:
    def cell(row: Mapping[Any, Any], of: str | Callable[[Mapping[Any, Any]], Cell]) -> Cell:
        if not isinstance(of, str):
            return of(row)
        if f"{of}_low" in row:
            return interval(row, of)
        return number(row[of]) if isinstance(row[of], float) else str(row[of])

    rows = [[cell(row, of) for of in columns.values()] for row in frame.to_dict("records")]
    return Table(caption, list(columns), rows, words)


def errors(results: Results, table: pd.DataFrame, metric: str) -> Table:
    """Return the figures of each size and method from :func:`landvote.experiments.statistics.error_table`."""
    caption = (
        f"Mean {METRICS[metric].lower()} errors of films in {results.unit}, with 95 % intervals over films and folds"
        f"{' (films alone: there is one fold)' if results.grid.folds == 1 else ''}. {whole_basis(results, metric)}."
    )
    columns: Columns = {
        "training films": lambda row: str(row["size"]) if row["runs"] else "–", "method": "method",
        "median": "median", "95th percentile": "p95", "99th percentile": "p99", "mean": "mean", "films": "films",
        "folds × seeds": lambda row: f"{row['folds']} × {row['seeds']}" if row["runs"] else "–",  # annotators have none
    }  # fmt: skip
    return _table(caption, table[table["metric"] == metric], columns)


def comparisons(results: Results, table: pd.DataFrame, metric: str) -> Table:
    """Return the pairs of methods from :func:`landvote.experiments.paired.paired_table`."""
    caption = (
        f"Methods in pairs, {METRICS[metric].lower()} errors in {results.unit}: a difference below 0, or a ratio below "
        f"1, favours the first. p is that of Wilcoxon’s signed-rank test, first with Holm’s correction for all "
        f"{len(table)} tests, then without it. {whole_basis(results, metric)}."
    )
    columns: Columns = {
        "training films": "size", "first": "first", "second": "second", "difference": "difference",
        "p, corrected": lambda row: (probability(row["p_holm"]), probability(row["p"])),
        "rank-biserial": lambda row: f"{row['rank_biserial']:.2f}".replace("-", "−"),
        "won : lost": lambda row: f"{row['first_better']} : {row['second_better']}",
        "ratio of medians": "ratio",
        "folds won": lambda row: f"{row['folds_first_better']} of {row['folds']}",
    }  # fmt: skip
    return _table(caption, table[table["metric"] == metric], columns, words=3)


def failures(results: Results, table: pd.DataFrame, limit: float) -> Table:
    """Return the counts from :func:`landvote.experiments.statistics.failure_table`."""
    caption = (
        f"Failures; each film counts once in each run. A film is lost if its mean point-to-point error exceeds "
        f"{number(limit)} {results.unit}, or if more than half of its landmarks were not found. {whole_basis(results)}."
    )
    columns: Columns = {
        "training films": "size", "method": "method", "films × runs": "films",
        "lost": lambda row: f"{row['lost']} ({row['lost_percent']:.1f} %)", "lost in every run": "lost_in_every_run",
        "nothing found": "nothing_found", "some landmarks not found": "some_not_found",
    }  # fmt: skip
    return _table(caption, table, columns)


def expectations(results: Results, table: pd.DataFrame) -> Table:
    """Return the rows of :func:`landvote.experiments.statistics.calibration_table`."""
    caption = (
        f"Expected and actual point-to-point errors of each method in {results.unit}, means over films and runs; "
        f"Spearman’s rank correlation between the two, mean over runs. {whole_basis(results)}."
    )
    columns: Columns = {
        "training films": "size", "method": "method", "films × runs": "films", "expected": "mean_expected",
        "actual": "mean_actual", "correlation of films": "spearman_film_means", "of landmarks": "spearman_landmarks",
    }  # fmt: skip
    return _table(caption, table, columns)


def subgroups(results: Results, table: pd.DataFrame, size: Size) -> Table:
    """Return the groups at one size from :func:`landvote.experiments.statistics.subgroups_by_method`."""
    caption = (
        f"Errors of films in {results.unit} by subgroup, {size} training films, with 95 % intervals. An annotator’s "
        f"films are measured against that annotator’s points. {whole_basis(results, size=size)}."
    )
    columns: Columns = {
        "column": "column", "group": "value", "method": "method", "error": lambda row: METRICS[row["metric"]].lower(),
        "films": "films", "median": "median", "95th percentile": "p95",
    }  # fmt: skip
    return _table(caption, table[table["size"] == size], columns, words=4)


def costs(table: pd.DataFrame) -> Table:
    """Return the cells from :func:`landvote.experiments.statistics.cost_table`."""
    hours = number(table["minutes"].sum() / 60)
    columns: Columns = {
        "method": "method", "training films": "size", "fold": "fold", "seed": "seed",
        "minutes of training": "train_minutes", "minutes in all": "minutes",
        "voters of": lambda row: row["votes_of"] or "–",
        "machine": lambda row: f"{row['computed_on']}; {row['machine']}",
    }  # fmt: skip
    return _table(f"Cost of each run. {len(table)} runs took {hours} hours in all.", table, columns, words=1)
