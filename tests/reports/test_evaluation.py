"""The report of an evaluation: its files, what stands in its page, and what it admits to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.data.seen import Seen
from landvote.errors import DataError, ImageError
from landvote.evaluation import Evaluation, evaluate
from landvote.reports.evaluation import seen_in_words, write_report


def test_files(evaluation: Evaluation, samples: list[Sample], tmp_path: Path) -> None:
    page = write_report(evaluation, samples, tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    names = {p.name for p in page.parent.iterdir()}
    assert names == {"report.html", "summary.json", "per_film.csv", "per_landmark.csv", "subgroups.csv"}
    assert json.loads((page.parent / "summary.json").read_text()) == evaluation.summary
    films = pd.read_csv(page.parent / "per_film.csv")
    np.testing.assert_allclose(films["point_to_point_px"], evaluation.films["point_to_point_px"], rtol=1e-5)
    assert len(pd.read_csv(page.parent / "per_landmark.csv")) == 12


def test_page_stands_alone_and_says_what_is_missing(
    evaluation: Evaluation, samples: list[Sample], tmp_path: Path, fetched: Callable[[str], list[str]]
) -> None:
    text = write_report(evaluation, samples, tmp_path).read_text(encoding="utf-8")
    assert len(fetched(text)) == 5 + 5
    assert all(s.startswith("data:image/") for s in fetched(text))
    assert not re.search(r"https?://|@import|url\(", text)
    assert "<3>" not in text  # names are escaped
    assert "film &lt;3&gt;.png" in text
    for said in (
        "7 films of 5 subjects, 12 landmarks",
        "3 of 84 landmarks were not found",
        "no prediction, not scored: 1",
        "error ≤",
        "Bayesian bootstrap over subjects (2000 resamples)",
        "not a medical device",
        "Third worst",
        "side: left",
    ):
        assert said in text


def test_nothing_is_overwritten_unless_forced(evaluation: Evaluation, samples: list[Sample], tmp_path: Path) -> None:
    write_report(evaluation, samples, tmp_path)
    with pytest.raises(DataError, match="exists already"):
        write_report(evaluation, samples, tmp_path)
    write_report(replace(evaluation, subgroups=None), samples, tmp_path, force=True)
    assert not (tmp_path / "subgroups.csv").exists()  # of the earlier report


def test_a_film_that_cannot_be_decoded_is_named(evaluation: Evaluation, samples: list[Sample], tmp_path: Path) -> None:
    def broken() -> Radiograph:
        raise ImageError("film.png: truncated after 12 bytes")

    text = write_report(evaluation, [replace(s, open=broken) for s in samples], tmp_path).read_text(encoding="utf-8")
    assert "No picture: film.png: truncated after 12 bytes" in text


@pytest.mark.parametrize("found", [True, False])
def test_smallest_report(samples: list[Sample], tmp_path: Path, found: bool) -> None:
    """One film, no outlines, no scale, no expectation; even with nothing found there is a page that says so."""
    sample = replace(samples[0], scheme=Scheme.numbered(12), annotations={"": samples[0].points})
    points = sample.points + 1 if found else np.full((12, 2), np.nan)
    result = evaluate([Prediction(sample.identifier, points, np.full(12, np.nan), sample.scheme.landmarks)], [sample])
    text = write_report(result, [sample], tmp_path).read_text(encoding="utf-8")
    assert "1 film, 12 landmarks" in text
    assert ("12 of 12 landmarks were not found" in text) is not found
    assert ("worst film not found at all" in text) is not found
    assert not re.search(r"nan|None|inf\b", re.sub(r'"data:[^"]*"', "", text).partition("<body>")[2])


def predicted(sample: Sample, seen: Seen) -> Prediction:
    return Prediction(sample.identifier, sample.points + 1, np.full(12, 1.0), sample.scheme.landmarks, seen=seen)


def test_films_that_the_model_has_seen_are_named_with_figures_of_their_own(samples: list[Sample], tmp_path: Path):
    own = [replace(s, subject=str(i)) for i, s in enumerate(samples)]
    ways: list[Seen] = ["train", "train", "val", "patient", "no", "no", "", ""]
    result = evaluate([predicted(s, way) for s, way in zip(own, ways, strict=True)], own)
    text = write_report(result, own, tmp_path).read_text(encoding="utf-8")
    for said in (
        "4 films, 12 landmarks",
        "Not in the figures: films that the model learned from: 2",
        "Not in the figures: films that judged the model while it learned: 1",
        "Not in the figures: other films of patients that the model has seen: 1",
        "In the figures, though it is not known whether the model has seen them: 2",
    ):
        assert said in text
    assert cells(text, "Point-to-point, films the model has seen (%)")[1] == "4"
    assert cells(text, "Point-to-point, films (%)")[1] == "4"
    assert pd.read_csv(tmp_path / "per_film_seen.csv")["seen"].tolist() == ["train", "train", "val", "patient"]
    assert seen_in_words(result.summary)[0][1] == ["film <0>.png", "film <1>.png"]


def test_a_report_without_one_unseen_film_says_so(
    samples: list[Sample], tmp_path: Path, fetched: Callable[[str], list[str]]
) -> None:
    result = evaluate([predicted(s, "train") for s in samples], samples, subgroups=["side"])
    text = write_report(result, samples, tmp_path).read_text(encoding="utf-8")
    assert fetched(text) == []  # no charts of nothing
    assert "No figures: the model has seen all films, or others of their patients: 8" in text
    assert cells(text, "Point-to-point, films the model has seen (%)")[1] == "8"
    assert not re.search(r"nan|None|inf\b", text.partition("<body>")[2])
    write_report(evaluate([predicted(s, "no") for s in samples], samples), samples, tmp_path, force=True)
    assert not (tmp_path / "per_film_seen.csv").exists()  # of the earlier report


def test_a_report_on_films_that_are_all_new_says_nothing_of_it(samples: list[Sample], tmp_path: Path) -> None:
    result = evaluate([predicted(s, "no") for s in samples], samples)
    assert seen_in_words(result.summary) == []
    assert "has seen" not in write_report(result, samples, tmp_path).read_text(encoding="utf-8")


def cells(text: str, first: str) -> list[str]:
    """Return the text of the cells of a row, given that of the first."""
    row = next(r for r in re.findall(r"<tr>(.*?)</tr>", text) if re.match(rf"<td[^>]*>{re.escape(first)}</td>", r))
    return [re.sub(r"<[^>]+>", " ", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_figures_in_the_page_are_those_of_the_summary(evaluation: Evaluation, samples: list[Sample], tmp_path: Path):
    """Three digits of each; an upper end left out beside a lower one is infinite, as is a lost percentile."""
    text = write_report(evaluation, samples, tmp_path).read_text(encoding="utf-8")
    films = evaluation.summary["point_to_point"]["%"]["film_means"]
    _, count, mean, median, *_, p99 = cells(text, "Point-to-point, films (%)")
    assert count == "7"
    assert [float(x) for x in re.findall(r"[\d.]+", median)] == pytest.approx(
        [films["median"][k] for k in ("value", "low", "high") if films["median"][k] is not None], rel=5e-3
    )
    assert float(mean.split()[0]) == pytest.approx(films["mean"]["value"], rel=5e-3)
    assert films["p99"]["high"] is None
    assert p99.endswith("to ∞")
    assert cells(text, "Point-to-point, single landmarks (%)")[-1] == "∞"  # 3 of 84 were not found
    worst = cells(text, "film &lt;6&gt;.png")
    assert worst[1].endswith("(not found)")
    assert float(worst[2]) == pytest.approx(evaluation.films["point_to_point_percent"].max(), rel=5e-3)
    share = evaluation.summary["point_to_point"]["%"]["landmarks"]["within"][0]["value"]
    assert cells(text, "Point-to-point, single landmarks")[1].startswith(f"{100 * share:.1f} ")


def test_how_true_expected_errors_are_is_told_in_plain_words(samples: list[Sample], tmp_path: Path) -> None:
    """With radii and ellipses, and films that are not known: all of them in the page, with a line for each word."""
    noise, predictions = np.random.default_rng(2), []
    for i, s in enumerate(samples):
        scale = 1.0 + i
        points = s.points + noise.normal(0, scale, s.points.shape)
        predictions.append(
            Prediction(
                s.identifier, points, np.full(12, 1.25 * scale), s.scheme.landmarks,
                radii=np.outer(np.full(12, scale), [1.18, 1.79, 2.15, 2.45]),
                covariance=np.tile([scale**2, 0.0, scale**2], (12, 1)), known=i not in {1, 2, 4},
            )
        )  # fmt: skip
    found = evaluate(predictions, samples)
    text = write_report(found, samples, tmp_path).read_text(encoding="utf-8")
    for said in (
        "How true the expected errors are", "actual / expected", "radius of 95 %", "ellipse of 90 %", "% of the area",
        "rank correlation over films", "points more than 20 % off", "gain from taking", "<b>Rank correlation</b>",
        "<b>Area under the ROC curve.</b>", "<b>Tenths.</b>", "<b>Radius of 90 %.</b>", "<b>Taking points away.</b>",
        "films not known to the model", "films known to the model", "unlike those that the model was made from: 3",
        "Not known",
    ):  # fmt: skip
        assert said in text, said
    every = [replace(p, known=True, radii=None, covariance=None) for p in predictions]
    text = write_report(evaluate(every, samples), samples, tmp_path, force=True).read_text(encoding="utf-8")
    assert "The model knows all 8 films" in text
    assert "no radii, so there is no coverage to report" in text
