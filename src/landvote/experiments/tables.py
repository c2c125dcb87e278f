"""The tables of a grid as they are read: in the page, and in LaTeX for print. Every digit there is, is in the CSVs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from landvote.evaluation.plots import ANNOTATORS
from landvote.evaluation.report import METRICS, three_digits
from landvote.experiments.grid import Size
from landvote.experiments.results import Results
from landvote.experiments.statistics import whole_basis

Cell = str | tuple[str, str]
"""What stands in a cell; with its interval, where there is one."""

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "∞": r"$\infty$", "–": "--", "−": "$-$",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table to be read.

    Attributes:
        caption: what it shows, in which unit, and what it rests on.
        header: of the columns.
        rows: one cell a column.
        words: how many of the first columns hold words; they are set to the left.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)
    words: int = 2

    def latex(self, label: str) -> str:
        """Return the table for LaTeX with the package booktabs."""
        rows = [" & ".join(_tex(c if isinstance(c, str) else f"{c[0]} ({c[1]})") for c in row) for row in self.rows]
        columns = "l" * self.words + "r" * (len(self.header) - self.words)
        return "\n".join(
            [
                r"\begin{table}", r"\centering", r"\small", rf"\caption{{{_tex(self.caption)}}}",
                rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
                " & ".join(map(_tex, self.header)) + r" \\", r"\midrule", *(f"{row} \\\\" for row in rows),
                r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
            ]
        )  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)


def number(value: float) -> str:
    """Return a figure with three significant digits; a dash where it is unknown."""
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return three_digits(value).replace("-", "−") if value < 0 else three_digits(value)


def interval(row: Mapping[Any, Any], name: str) -> Cell:
    """Return a figure and its interval from the columns ``name``, ``name_low`` and ``name_high``."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    value = number(row[name])
    return value if np.isnan(low) and np.isnan(high) else (value, f"{number(low)} to {number(high)}")


def probability(p: float) -> str:
    """Return a p-value with two significant digits."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


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
            str(row["size"]),
            row["method"],
            str(row["films"]),
            f"{row['lost']} ({row['lost_percent']:.1f} %)",
            str(row["lost_in_every_run"]),
            str(row["nothing_found"]),
            str(row["some_not_found"]),
        ]
        for row in table.to_dict("records")
    ]
    caption = (
        f"Failures, films counted once a run. Lost: mean point-to-point error beyond {number(limit)} {results.unit}, "
        f"or most landmarks not found. {whole_basis(results)}."
    )
    header = ["training films", "method", "films × runs", "lost", "lost in every run", "nothing found"]
    return Table(caption, [*header, "some landmarks not found"], rows)


def subgroups(results: Results, table: pd.DataFrame, size: Size) -> Table:
    """Return the groups at one size from :func:`landvote.experiments.statistics.subgroup_table`."""
    rows = [
        [
            row["column"],
            row["value"],
            row["method"],
            METRICS[row["metric"]].lower(),
            str(row["films"]),
            interval(row, "median"),
            interval(row, "p95"),
        ]
        for row in table[table["size"] == size].to_dict("records")
    ]
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
            row["method"],
            str(row["size"]),
            f"{row['fold']}",
            f"{row['seed']}",
            number(row["train_minutes"]),
            number(row["minutes"]),
            row["votes_of"] or "–",
            f"{row['computed_on']}; {row['machine']}",
        ]
        for row in table.to_dict("records")
    ]
    total = table["minutes"].sum() / 60
    caption = f"Cost of each run. {len(table)} runs took {number(total)} hours in all."
    header = ["method", "training films", "fold", "seed", "minutes of training", "minutes in all", "voters of"]
    return Table(caption, [*header, "machine"], rows, words=1)
