"""Write an evaluation as files: a summary, tables, and one page to read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import numpy.typing as npt

from landvote.errors import ImageError
from landvote.evaluation.evaluate import Evaluation
from landvote.evaluation.measure import Errors, film_means
from landvote.evaluation.overlays import overlay_figure
from landvote.evaluation.plots import ANNOTATORS, as_data_uri, calibration_figure, cdf_figure, landmark_figure
from landvote.evaluation.units import SUFFIX
from landvote.files import refuse_existing, write_text
from landvote.sample import Sample

SUMMARY, FILMS, LANDMARKS, SUBGROUPS, REPORT = (
    "summary.json",
    "per_film.csv",
    "per_landmark.csv",
    "subgroups.csv",
    "report.html",
)

METRICS = {"point_to_point": "Point-to-point", "point_to_curve": "Point-to-curve"}

MOST_ROWS = 15
"""Films listed in the page, worst first; the file beside it has them all."""


@dataclass(frozen=True)
class Overlay:
    """A film to show: its rank in words, its name, its errors in words, and the picture or why there is none."""

    rank: str
    identifier: str
    caption: str
    picture: str
    trouble: str = ""


def write_report(evaluation: Evaluation, samples: Sequence[Sample], out: Path, *, force: bool = False) -> Path:
    """Write ``summary.json``, the tables as CSV and ``report.html``, which needs no file beside it.

    Args:
        evaluation: from :func:`landvote.evaluation.evaluate`.
        samples: the films, for the overlays; those shown are decoded, a film that cannot be is named in its place.
        out: a folder that is empty or does not exist.
        force: write into ``out`` whatever is there; files of an earlier report are replaced.

    Returns:
        The path of ``report.html``.

    Raises:
        ExistsError: there is something in ``out``.
        DataError: it cannot be written.
    """
    if not force:
        refuse_existing(out)
    page = render(evaluation, samples)
    tables = {FILMS: evaluation.films, LANDMARKS: evaluation.landmarks, SUBGROUPS: evaluation.subgroups}
    for name, table in tables.items():
        if table is not None:
            write_text(out / name, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        else:
            (out / name).unlink(missing_ok=True)  # an earlier report's, of other films perhaps
    write_text(out / SUMMARY, json.dumps(evaluation.summary, indent=2, allow_nan=False) + "\n")
    write_text(out / REPORT, page)
    return out / REPORT


def render(evaluation: Evaluation, samples: Sequence[Sample]) -> str:
    """Return the page as HTML; see :func:`write_report`."""
    metrics = {key: title for key, title in METRICS.items() if key in evaluation.summary}
    worst_first = evaluation.films.sort_values("point_to_point_px", ascending=False, na_position="last")
    return template("landvote.evaluation").render(
        summary=evaluation.summary,
        unit=evaluation.unit,
        suffix=SUFFIX[evaluation.unit],
        metrics=metrics,
        charts=_charts(evaluation, metrics),
        overlays=list(_overlays(evaluation, {s.identifier: s for s in samples})),
        worst=worst_first.head(MOST_ROWS).to_dict(orient="records"),
        subgroups=[] if evaluation.subgroups is None else evaluation.subgroups.to_dict(orient="records"),
    )


def template(package: str) -> jinja2.Template:
    """Return the template ``report.html.j2`` of a package; all pages share one style, ``page.css``."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(p, ".") for p in (package, "landvote.evaluation")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = three_digits
    return environment.get_template("report.html.j2")


def _charts(evaluation: Evaluation, metrics: dict[str, str]) -> dict[str, str]:
    errors = evaluation.errors
    panels = {title: _curves(errors, key) for key, title in metrics.items()}
    charts = {
        "cdf": as_data_uri(cdf_figure(panels, evaluation.unit)),
        "landmarks": as_data_uri(landmark_figure(evaluation.landmarks, evaluation.unit, evaluation.scheme)),
    }
    if "expected_error" in evaluation.summary:
        films = evaluation.films
        charts["calibration"] = as_data_uri(
            calibration_figure(films["expected_error_px"].to_numpy(), films["actual_error_px"].to_numpy())
        )
    return charts


def _curves(errors: Errors, metric: str) -> dict[str, npt.NDArray[np.float64]]:
    annotators = errors.annotators_to_point if metric == "point_to_point" else errors.annotators_to_curve
    curves = {"predictions": film_means(_distances(errors, metric))}
    if not np.isnan(annotators).all():
        curves[ANNOTATORS] = annotators
    return curves


def _overlays(evaluation: Evaluation, samples: dict[str, Sample]) -> Iterator[Overlay]:
    """Draw the best, the median, the 90th percentile and the three worst films by mean point-to-point error."""
    means = film_means(evaluation.pixels.point_to_point)
    order = np.argsort(means, kind="stable")  # films without a figure last
    order = order[: int((~np.isnan(means)).sum())]
    last = len(order) - 1
    # Of few films a place has several names; the last one given holds.
    ranks = {round(0.9 * last): "90th percentile", last - 2: "third worst", last - 1: "second worst"}
    ranks |= {last // 2: "median", 0: "best", last: "worst"}
    for place in sorted(p for p in ranks if p >= 0):
        row = int(order[place])
        film = evaluation.matched[row]
        caption = _caption(evaluation, row)
        try:
            pixels = samples[film.identifier].open().pixels
        except ImageError as error:
            yield Overlay(ranks[place], film.identifier, caption, "", str(error))
            continue
        scored = np.where(evaluation.modelled[:, None], film.truth, np.nan)
        figure = overlay_figure(pixels, scored, film.predicted, evaluation.scheme)
        yield Overlay(ranks[place], film.identifier, caption, as_data_uri(figure, "jpeg"))


def _caption(evaluation: Evaluation, row: int) -> str:
    """Errors of one film in words."""
    pixels, errors = evaluation.pixels, evaluation.errors
    parts = []
    for key, title in METRICS.items():
        if key in evaluation.summary:
            every = [(film_means(_distances(e, key))[row], e.unit) for e in _each_unit(errors, pixels)]
            if told := [f"{three_digits(mean)} {unit}" for mean, unit in every if np.isfinite(mean)]:
                parts.append(f"{title.lower()} {' = '.join(told)}")
    if missed := int(np.isinf(pixels.point_to_point[row]).sum()):
        parts.append(f"{missed} not found")
    return ", ".join(parts)


def _each_unit(errors: Errors, pixels: Errors) -> list[Errors]:
    return [pixels] if errors.unit == "px" else [errors, pixels]


def _distances(errors: Errors, metric: str) -> npt.NDArray[np.float64]:
    return errors.point_to_point if metric == "point_to_point" else errors.point_to_curve


def three_digits(value: float | None) -> str:
    """Return a figure with three significant digits; what is unknown, or beyond what was found, is a dash."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
