"""The tables of a grid as they are read."""

from __future__ import annotations

from collections.abc import Callable

from landvote.experiments import tables
from landvote.experiments.results import Results
from landvote.experiments.statistics import cost_table, error_table, failure_table, threshold
from landvote.reports.tables import interval

MakeResults = Callable[..., Results]


def test_a_figure_stands_with_its_interval_below_its_header(make_results: MakeResults):
    results = make_results(folds=3)
    found = error_table(results)
    shown = tables.errors(results, found, "point_to_curve")
    own = found[found["metric"] == "point_to_curve"].to_dict("records")
    assert len(shown.rows) == len(own)
    for row, of in zip(shown.rows, own, strict=True):
        cells = dict(zip(shown.header, row, strict=True))
        assert cells["95th percentile"] == interval(of, "p95")
        assert cells["films"] == "12"
    assert [row[0] for row in shown.rows] == ["100", "100", "400", "400", "–"]
    assert [row[-1] for row in shown.rows] == ["3 × 1"] * 4 + ["–"]


def test_counts_stand_as_they_are(make_results: MakeResults):
    results = make_results(lost=0.2)
    limit = threshold(results)
    found = failure_table(results, limit)
    shown = tables.failures(results, found, limit)
    column = shown.header.index("some landmarks not found")
    assert [row[column] for row in shown.rows] == [str(n) for n in found["some_not_found"]]


def test_minutes_have_three_digits(make_results: MakeResults):
    shown = tables.costs(cost_table(make_results()))
    assert shown.rows[0][4:7] == ["3.00", "3.25", "–"]
