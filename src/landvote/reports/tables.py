"""Tables for readers: for a page, and in LaTeX for print. They are rounded; the CSVs have every digit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landvote.runtime.files import write_text

Cell = str | tuple[str, str]
"""The text of a cell; with its interval, where there is one."""

_TEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "∞": r"$\infty$", "–": "--", "−": "$-$",
})  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table to be read.

    Attributes:
        caption: what it shows, in which unit, and what it rests on; may be empty in a page.
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
        lines = [
            r"\begin{table}", r"\centering", r"\small", rf"\caption{{{_tex(self.caption)}}}",
            rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
            " & ".join(map(_tex, self.header)) + r" \\", r"\midrule", *(f"{row} \\\\" for row in rows),
            r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
        ]  # fmt: skip
        return "\n".join(lines)


def _tex(text: str) -> str:
    return text.translate(_TEX)


def number(value: float | None) -> str:
    """Return a figure with three significant digits; a dash where it is unknown (NaN or None)."""
    if value is None or np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    return digits.replace("-", "−")


def interval(row: Mapping[Any, Any], name: str, suffix: str = "") -> Cell:
    """Return a figure and its interval from the columns ``name``, ``name_low`` and ``name_high``, and a suffix each."""
    value, low, high = (row[f"{name}{end}{suffix}"] for end in ("", "_low", "_high"))
    return number(value) if np.isnan(low) and np.isnan(high) else (number(value), f"{number(low)} to {number(high)}")


def write_csv(file: Path, table: pd.DataFrame, digits: int = 6) -> None:
    """Write a table as CSV, whole or not at all; its figures to so many significant digits."""
    write_text(file, table.to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n"))


def probability(p: float) -> str:
    """Return a p-value with two significant digits."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"
