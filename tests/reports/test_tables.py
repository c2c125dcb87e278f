"""Tables as they are read: figures in words, intervals, LaTeX."""

from __future__ import annotations

import numpy as np
import pandas as pd

from landvote.reports.tables import Table, interval, number, probability, write_csv


def test_latex():
    table = Table("50 % of a_b & <c>", ("method", "median"), [["WHDV + {x}", ("∞", "1.2 to ∞")]], words=1)
    tex = table.latex("errors")
    assert r"\caption{50 \% of a\_b \& \textless{}c\textgreater{}}" in tex
    assert r"WHDV + \{x\} & $\infty$ (1.2 to $\infty$) \\" in tex
    assert r"\begin{tabular}{lr}" in tex
    assert tex.count(r"\begin") == tex.count(r"\end")


def test_numbers():
    assert [number(v) for v in (0.01234, 1.0, 12.34, 1234.5, np.inf, -np.inf, np.nan, -2.5)] == [
        "0.0123", "1.00", "12.3", "1234", "∞", "−∞", "–", "−2.50",
    ]  # fmt: skip
    assert [probability(p) for p in (1e-6, 0.0123, 1.0)] == ["< 0.0001", "0.012", "1"]
    assert interval({"a": 1.0, "a_low": np.nan, "a_high": np.nan}, "a") == "1.00"
    assert interval({"a": 1.0, "a_low": 0.5, "a_high": np.inf}, "a") == ("1.00", "0.500 to ∞")


def test_a_csv_has_so_many_significant_digits(tmp_path):
    table = pd.DataFrame({"film": ["a", "b"], "error": [1234.5678, np.nan], "films": [12345678, 2]})
    write_csv(tmp_path / "6.csv", table)
    write_csv(tmp_path / "3.csv", table, digits=3)
    assert (tmp_path / "6.csv").read_bytes() == b"film,error,films\na,1234.57,12345678\nb,,2\n"
    assert (tmp_path / "3.csv").read_bytes() == b"film,error,films\na,1.23e+03,12345678\nb,,2\n"
