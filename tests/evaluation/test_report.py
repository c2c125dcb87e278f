"""The report: its files, its figures, and what it admits to."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from landvote.errors import DataError, ImageError
from landvote.evaluation import Evaluation, cdf_figure, evaluate, overlay_figure, write_report
from landvote.evaluation.plots import as_data_uri
from landvote.prediction import Prediction
from landvote.sample import Points, Radiograph, Sample
from landvote.scheme import Scheme

MakeSample = Callable[..., Sample]


@pytest.fixture
def samples(make_sample: MakeSample, truth: Points) -> list[Sample]:
    noise = np.random.default_rng(0)
    both = {"x": truth + noise.normal(0, 1, truth.shape), "y": truth + noise.normal(0, 1, truth.shape)}
    return [make_sample(f"film <{i}>.png", annotations=both, side="left" if i % 2 else "right") for i in range(8)]


@pytest.fixture
def evaluation(samples: list[Sample]) -> Evaluation:
    noise = np.random.default_rng(1)
    predictions = []
    for i, s in enumerate(samples[:7]):
        points = s.points + noise.normal(0, 1 + i, s.points.shape)
        predictions.append(Prediction(s.identifier, points, np.full(26, 1.0 + i), s.scheme.landmarks))
    predictions[6].points[:3] = np.nan
    return evaluate(predictions, samples, subgroups=["side"])


def test_files(evaluation: Evaluation, samples: list[Sample], tmp_path: Path) -> None:
    page = write_report(evaluation, samples, tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    names = {p.name for p in page.parent.iterdir()}
    assert names == {"report.html", "summary.json", "per_film.csv", "per_landmark.csv", "subgroups.csv"}
    assert json.loads((page.parent / "summary.json").read_text()) == evaluation.summary
    films = pd.read_csv(page.parent / "per_film.csv")
    np.testing.assert_allclose(films["point_to_point_px"], evaluation.films["point_to_point_px"], rtol=1e-5)
    assert len(pd.read_csv(page.parent / "per_landmark.csv")) == 26


def test_page_stands_alone_and_says_what_is_missing(
    evaluation: Evaluation, samples: list[Sample], tmp_path: Path, fetched: Callable[[str], list[str]]
) -> None:
    text = write_report(evaluation, samples, tmp_path).read_text(encoding="utf-8")
    assert len(fetched(text)) == 3 + 5
    assert all(s.startswith("data:image/") for s in fetched(text))
    assert not re.search(r"https?://|@import|url\(", text)
    assert "<3>" not in text  # names are escaped
    assert "film &lt;3&gt;.png" in text
    for said in ("7 films, 26 landmarks", "3 of 182 landmarks were not found", "not predicted, not scored: 1",
                 "error &le;", "2000 resamples", "Not a medical device", "Third worst", "side: left"):  # fmt: skip
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
def test_smallest_report(make_sample: MakeSample, tmp_path: Path, found: bool) -> None:
    """One film, no outlines, no scale, no expectation; even with nothing found there is a page that says so."""
    sample = make_sample("only.png", of=Scheme.numbered(26))
    points = sample.points + 1 if found else np.full((26, 2), np.nan)
    result = evaluate([Prediction("only.png", points, np.full(26, np.nan), sample.scheme.landmarks)], [sample])
    text = write_report(result, [sample], tmp_path).read_text(encoding="utf-8")
    assert "1 film, 26 landmarks" in text
    assert ("26 of 26 landmarks were not found" in text) is not found
    assert "nan" not in re.sub(r'"data:[^"]*"', "", text)


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def test_overlay_shows_points_where_they_are() -> None:
    """The picture is cropped and scaled; truth and prediction must still land on the film's bright dots."""
    film = np.zeros((400, 600), dtype=np.uint16)
    truth, predicted = np.array([[200.0, 100.0], [400.0, 300.0]]), np.array([[260.0, 100.0], [400.0, 240.0]])
    figure = overlay_figure(film, truth, predicted, Scheme.numbered(2))
    axes = figure.axes[0]
    image = np.asarray(picture(as_data_uri(figure, "jpeg")).convert("RGB")).astype(int)
    for (x, y), blue in [(truth[0], True), (truth[1], True), (predicted[0], False), (predicted[1], False)]:
        column, up = axes.transData.transform((x, y))
        red, _, b = image[round(image.shape[0] - up), round(column)]
        assert (b > red) == blue


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_overlay_of_odd_films(dtype: type) -> None:
    """Constant films, points far outside, nothing found: a picture all the same."""
    film = np.full((50, 40), 7, dtype=dtype)
    far = np.array([[-5000.0, 20.0], [20.0, 9000.0]])
    nothing = np.full((2, 2), np.nan)
    for truth, predicted in [(np.array([[10.0, 10.0], [30.0, 40.0]]), far), (far, nothing), (nothing, nothing)]:
        width, height = picture(as_data_uri(overlay_figure(film, truth, predicted, Scheme.numbered(2)), "jpeg")).size
        assert max(width, height) <= 800


def test_cdf_curve_ends_below_the_top_where_films_failed() -> None:
    figure = cdf_figure({"Point-to-point": {"predictions": np.array([1.0, 2.0, 3.0, np.inf])}}, "mm")
    (line,) = figure.axes[0].get_lines()
    assert np.asarray(line.get_ydata()).max() == pytest.approx(75)
    assert figure.axes[0].get_xlabel() == "mean error of a film (mm)"


def test_the_same_chart_is_the_same_file() -> None:
    curves = {"Point-to-point": {"a": np.arange(5.0), "annotators": np.arange(3.0)}}
    assert as_data_uri(cdf_figure(curves, "px")) == as_data_uri(cdf_figure(curves, "px"))
