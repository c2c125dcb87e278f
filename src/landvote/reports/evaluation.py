"""Write an evaluation as files: a summary, tables, and one page to read."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landvote.data.sample import Sample
from landvote.data.seen import FLATTERING
from landvote.evaluation import METRICS, Evaluation
from landvote.evaluation.measure import ANNOTATORS
from landvote.evaluation.units import SUFFIX
from landvote.reports.charts import (
    calibration_figure,
    cdf_figure,
    landmark_figure,
    reliability_figure,
    sparsification_figure,
)
from landvote.reports.overlays import Expectation, Overlay, overlay
from landvote.reports.page import page
from landvote.reports.style import as_data_uri
from landvote.reports.tables import Cell, Table, interval, number, write_csv
from landvote.runtime.files import StrPath, expect_folder, refuse_existing, write_json, write_text

_MOST_ROWS = 15  # films listed in the page, worst first; the file beside it has them all
_MOST_UNKNOWN = 3  # films drawn because the model does not know them


def write_report(evaluation: Evaluation, samples: Sequence[Sample], out: StrPath, *, force: bool = False) -> Path:
    """Write ``summary.json``, the tables as CSV and ``report.html``, which needs no file beside it; return its path.

    The samples are the films, for the overlays; those shown are decoded, a film that cannot be is named in its place.

    Raises:
        DataError: there is something in ``out`` and no ``force``, which replaces an earlier report; or it cannot be
            written.
    """
    out = Path(out)
    expect_folder(out)
    if not force:
        refuse_existing(out)
    summary, metrics = evaluation.summary, {m: t for m, t in METRICS.items() if m in evaluation.errors["px"].landmarks}
    text = page(
        "evaluation", title=f"Landmark evaluation: {summary['films']['scored']} films", summary=summary,
        unit=evaluation.unit, metrics=metrics, annotators="annotators" in summary,
        key=list(_key(evaluation, metrics)), tables=_tables(evaluation, metrics), charts=_charts(evaluation, metrics),
        overlays=list(_overlays(evaluation, {s.identifier: s for s in samples})), seen=seen_in_words(summary),
    )  # fmt: skip
    tables = {
        "per_film": evaluation.films, "per_film_seen": evaluation.seen, "per_landmark": evaluation.landmarks,
        "subgroups": evaluation.subgroups,
    }  # fmt: skip
    for name, table in tables.items():
        if table is not None:
            write_csv(out / f"{name}.csv", table)
        else:
            (out / f"{name}.csv").unlink(missing_ok=True)  # an earlier report's, of other films perhaps
    write_json(out / "summary.json", summary)
    write_text(out / "report.html", text)
    return out / "report.html"


def seen_in_words(summary: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what a summary says of films that the model has seen: a heading and the films under it, each.

    It is empty where it is known that the model has seen no film.
    """
    seen = summary["seen"]
    every = [] if summary["films"]["scored"] else [name for way in FLATTERING for name in seen[way]]
    said = {
        "no figures: the model has seen all films, or others of their patients": every,
        "not in the figures: films that the model learned from": seen["train"],
        "not in the figures: films that judged the model while it learned": seen["val"],
        "not in the figures: other films of patients that the model has seen": seen["patient"],
        "in the figures, though it is not known whether the model has seen them": seen["unknown"],
    }  # fmt: skip
    return [(heading, names) for heading, names in said.items() if names]


def _charts(evaluation: Evaluation, metrics: dict[str, str]) -> dict[str, str]:
    if not evaluation.matching.films:
        return {}
    errors, films = evaluation.errors[evaluation.unit], evaluation.films
    panels = {}
    for metric, title in metrics.items():
        beside = {ANNOTATORS: errors.annotators[metric]} if metric in errors.annotators else {}
        panels[title] = {"predictions": errors.means(metric), **beside}
    charts = {"cdf": cdf_figure(panels, evaluation.unit)}
    charts["landmarks"] = landmark_figure(evaluation.landmarks, evaluation.unit, evaluation.matching.scheme)
    if told := evaluation.summary.get("expected_error"):
        unit = evaluation.unit
        pairs = films[[f"{name}_error_{SUFFIX[unit]}" for name in ("expected", "actual")]].to_numpy(dtype=np.float64)
        charts["calibration"] = calibration_figure(pairs[:, 0], pairs[:, 1], unit)
        charts["reliability"] = reliability_figure(told["tenths"], unit)
        charts["sparsification"] = sparsification_figure(told["sparsification"], unit)
    return {name: as_data_uri(figure) for name, figure in charts.items()}


def _key(evaluation: Evaluation, metrics: dict[str, str]) -> Iterator[tuple[str, Cell, str]]:
    """Yield the figures to read first: a label, the figure with its interval, and a note."""
    summary, unit, worst = evaluation.summary, evaluation.unit, evaluation.films["point_to_point_px"].max()
    for metric, title in metrics.items():
        yield f"{title}, median film", _percentile(summary[metric][unit]["film_means"], "median"), ""
    note = "worst film not found at all" if np.isinf(worst) else f"worst film {number(worst)} px"
    p95 = _percentile(summary["point_to_point"][unit]["film_means"], "p95")
    yield "Point-to-point, 95th percentile of films", p95, note
    if between := summary.get("annotators", {}).get(unit, {}).get("point_to_point"):
        yield "Annotators against their mean, median film", _percentile(between, "median"), f"films: {between['count']}"


def _tables(evaluation: Evaluation, metrics: dict[str, str]) -> dict[str, Table]:
    summary, unit, suffix = evaluation.summary, evaluation.unit, SUFFIX[evaluation.unit]
    levels = {"film_means": "films", "landmarks": "single landmarks"}
    errors = [
        _distribution(f"{title}, {words} ({u})", found[level])
        for metric, title in metrics.items()
        for u, found in summary[metric].items()
        for level, words in levels.items()
    ]
    for metric, found in summary.get("annotators", {}).get(unit, {}).items():
        errors.append(_distribution(f"Annotators, {METRICS[metric].lower()}, films ({unit})", found))
    errors += _occluded(summary, unit)
    errors.append(_distribution("Squared error per coordinate, films (px²)", summary["squared_error_px2"]))
    for metric, title in metrics.items():
        for part, found in summary.get("known", {}).get(metric, {}).get(unit, {}).items():
            errors.append(_distribution(f"{title}, films {part.replace('_', ' ')} to the model ({unit})", found))
        if found := summary["seen"].get(metric):
            errors.append(_distribution(f"{title}, films the model has seen ({unit})", found[unit]))
    header = ["error", "count", "mean", "median", "90th", "95th", "99th percentile"]
    out = {"errors": Table("", header, errors, words=1), "worst": _worst(evaluation, metrics)}

    if radii := [w["radius"] for w in summary["point_to_point"][unit]["film_means"].get("within", ())]:
        rows = []
        for metric, title in metrics.items():
            for level, words in reversed(levels.items()):
                shares = summary[metric][unit][level]["within"]
                rows.append([f"{title}, {words}", *(_cell(s, lambda v: f"{100 * v:.1f}") for s in shares)])
        out["success"] = Table("", ["share (%) with error ≤", *(f"{r:g} {unit}" for r in radii)], rows, words=1)

    if evaluation.subgroups is not None:
        rows = []
        for row in evaluation.subgroups.to_dict("records"):
            column, value, names = row["column"], row["value"], ("mean", "median", "p95")
            figures = [interval(row, f"{m}_{name}", f"_{suffix}") for m in metrics for name in names]
            named = value if column.partition(":")[0] in value else f"{column}: {value}"
            rows.append([named, str(row["films"]), *figures])
        header = [x for t in metrics.values() for x in (f"{t.lower()}, mean ({unit})", "median", "95th percentile")]
        out["subgroups"] = Table("", ["group", "films", *header], rows, words=1)
    return out | _expected(summary.get("expected_error", {}), unit)


def _expected(told: dict[str, Any], unit: str) -> dict[str, Table]:
    """Return the tables of what the summary tells of expected errors: tenths, coverage, and what they are good for."""
    if not told:
        return {}
    tenths: list[list[Cell]] = [
        [str(i), str(t["points"]), number(t["expected"]), _cell(t["actual"]), _cell(t["ratio"])]
        for i, t in enumerate(told["tenths"], 1)
    ]
    header = ["tenth", "points", f"expected error ({unit})", f"actual error ({unit})", "actual / expected"]
    out = {"tenths": Table("", header, tenths, words=1)}

    def percent(share: float) -> str:
        return f"{100 * share:.1f}"

    inside: list[list[Cell]] = [
        [f"radius of {c['level']:.0%}".replace("%", " %"), str(c["points"]), percent(c["level"]), _cell(c, percent)]
        for c in told["coverage"]
    ]
    if ellipse := told.get("ellipse"):
        inside.append(["ellipse of 90 %", str(ellipse["points"]), percent(ellipse["level"]), _cell(ellipse, percent)])
    if inside:
        out["coverage"] = Table("", ["region", "points", "to be inside (%)", "inside (%)"], inside, words=1)
    large = told["large"]
    order = {
        "rank correlation over points": told["spearman_points"], "rank correlation over films": told["spearman_films"],
        f"area under the ROC curve, {large['count']} points more than {large['limit']:g} {unit} off": large["auc"],
    }  # fmt: skip
    gained = told["sparsification"]["gained"]
    last: list[Cell] = ["gain from taking the most doubtful points away (%)", percent(gained) if gained else "–"]
    rows = [*([name, _cell(figure)] for name, figure in order.items()), last]
    return out | {"order": Table("", ["how well expected errors tell large from small ones", ""], rows, words=1)}


def _occluded(summary: dict[str, Any], unit: str) -> list[list[Cell]]:
    """Return rows of the errors of occluded points, and of the others."""
    words = {"occluded": "occluded points", "seen": "points not occluded"}
    return [
        _distribution(f"{METRICS[metric]}, {words[part]} ({unit})", figures)
        for metric, found in summary.get("occluded", {}).items()
        for part, figures in found[unit].items()
    ]


def _worst(evaluation: Evaluation, metrics: dict[str, str]) -> Table:
    units = list(dict.fromkeys([evaluation.unit, "px"]))
    columns = {f"{t.lower()} ({u})": f"{m}_{SUFFIX[u]}" for u in units for m, t in metrics.items()}
    worst_first = evaluation.films.sort_values("point_to_point_px", ascending=False, na_position="last")
    rows = []
    for film in worst_first.head(_MOST_ROWS).to_dict("records"):
        far = film["worst_landmark_px"]
        worst = f"{film['worst_landmark']} ({f'{number(far)} px' if np.isfinite(far) else 'not found'})"
        errors = [number(film[column]) for column in (*columns.values(), "squared_error_px2")]
        rows.append([film["image"], worst, *errors, str(film["not_found"])])
    return Table("", ["film", "worst landmark", *columns, "squared (px²)", "not found"], rows)


def _distribution(label: str, found: dict[str, Any]) -> list[Cell]:
    percentiles = [_percentile(found, name) for name in ("median", "p90", "p95", "p99")]
    return [label, str(found["count"]), _cell(found["mean"]), *percentiles]


def _percentile(found: dict[str, Any], name: str) -> Cell:
    """Return a percentile; one that the summary leaves out, of errors that were measured, is infinite."""
    return _cell(found[name], unknown="∞" if found["count"] else "–")


def _cell(figure: dict[str, float | None], words: Callable[[float], str] = number, *, unknown: str = "–") -> Cell:
    """Return a figure of the summary and its interval; an upper end left out beside a lower one is infinite."""
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    if value is None or low is None:
        return unknown if value is None else words(value)
    return words(value), f"{words(low)} to {'∞' if high is None else words(high)}"


def _overlays(evaluation: Evaluation, samples: dict[str, Sample]) -> Iterator[Overlay]:
    """Draw the best, the median, the 90th percentile and the three worst films by mean point-to-point error.

    Some of the films that are not known follow.
    """
    means, matching = evaluation.errors["px"].means("point_to_point"), evaluation.matching
    order = np.argsort(means, kind="stable")  # films without a figure last
    last = int((~np.isnan(means)).sum()) - 1
    # Of few films a place has several names; the last one given holds.
    ranks = {round(0.9 * last): "90th percentile", last - 2: "Third worst", last - 1: "Second worst"}
    ranks |= {last // 2: "Median", 0: "Best", last: "Worst"}
    shown = [(ranks[place], order[place]) for place in sorted(p for p in ranks if 0 <= p < len(order))]
    unknown = [row for row in order[::-1] if matching.films[row].known is False and row not in {r for _, r in shown}]
    for heading, row in [*shown, *(("Not known", row) for row in unknown[:_MOST_UNKNOWN])]:
        film = matching.films[row]
        scored, caption = np.where(matching.modelled[:, None], film.truth, np.nan), _caption(evaluation, row)
        expected = Expectation(film.expected_error, film.covariance, film.told.spacing, film.known)
        yield overlay(heading, caption, samples[film.identifier], scored, film.predicted, expected)


def _caption(evaluation: Evaluation, row: int) -> str:
    """Return the errors of one film in words."""
    parts, pixels = [], evaluation.errors["px"]
    for metric in pixels.landmarks:
        every = {unit: e.means(metric)[row] for unit, e in evaluation.errors.items()}
        if told := [f"{number(mean)} {unit}" for unit, mean in every.items() if np.isfinite(mean)]:
            parts.append(f"{METRICS[metric].lower()} {' = '.join(told)}")
    if missed := int(pixels.missed[row].sum()):
        parts.append(f"{missed} not found")
    return ", ".join(parts)
