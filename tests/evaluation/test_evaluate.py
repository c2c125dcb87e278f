"""Whole evaluations on films whose errors are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landvote.data.film import Film, Spacing
from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.data.seen import Seen
from landvote.errors import DataError, ImageError, SettingError
from landvote.evaluation import evaluate

MakeSample = Callable[..., Sample]


def predicted(sample: Sample, shift: float = 3.0, film: Film | None = None) -> Prediction:
    """All points ``shift`` pixels to the right."""
    n = len(sample.scheme)
    return Prediction(
        sample.identifier, sample.points + np.array([shift, 0.0]), np.full(n, shift), sample.scheme.landmarks,
        film or Film(),
    )  # fmt: skip


def without_normaliser(scheme: Scheme) -> Scheme:
    return scheme.model_copy(update={"normaliser": None})


def unreadable() -> Radiograph:
    raise ImageError("film.png: not an image")


def test_known_errors_in_per_cent_and_pixels(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abcde"]
    shifts = [1.0, 2.0, 3.0, 4.0, 10.0]
    found = evaluate([predicted(s, d) for s, d in zip(samples, shifts, strict=True)], samples, radii=[5, 2.5])
    assert found.unit == "%"  # the normalising pair is 80 px apart
    np.testing.assert_allclose(found.films["point_to_point_px"], shifts)
    np.testing.assert_allclose(found.films["point_to_point_percent"], np.array(shifts) / 0.8)
    assert (found.films["point_to_curve_px"] < found.films["point_to_point_px"]).all()
    np.testing.assert_allclose(found.films["squared_error_px2"], np.array(shifts) ** 2 / 2)
    film_means = found.summary["point_to_point"]["%"]["film_means"]
    assert film_means["mean"]["value"] == pytest.approx(5.0)
    assert film_means["median"]["value"] == pytest.approx(3.75)
    assert [(w["radius"], w["value"]) for w in film_means["within"]] == [(2.5, 0.4), (5.0, 0.8)]
    assert found.summary["point_to_point"]["px"]["landmarks"]["count"] == 5 * 26
    assert found.summary["squared_error_px2"]["max"] == 50
    assert list(found.landmarks["outline"].iloc[[0, 20, 24]]) == ["ellipse", "line", ""]
    np.testing.assert_allclose(found.landmarks["point_to_point_max_percent"], 12.5)
    assert found.subgroups is None
    json.dumps(found.summary, allow_nan=False)


def test_unit_follows_what_is_known(make_sample: MakeSample, scheme: Scheme) -> None:
    plain = without_normaliser(scheme)
    known, unknown = make_sample("a", of=plain, spacing=0.5), make_sample("b", of=plain)
    assert evaluate([predicted(known)], [known]).unit == "mm"
    assert evaluate([predicted(known), predicted(unknown)], [known, unknown]).unit == "px"
    in_mm = evaluate([predicted(known, 4.0)], [known], unit="mm")
    assert in_mm.films["point_to_point_mm"].item() == pytest.approx(2.0)


def test_spacing_told_by_the_prediction_spares_decoding(make_sample: MakeSample) -> None:
    sample = replace(make_sample("a"), open=unreadable)
    told = predicted(sample, 4.0, Film(spacing=Spacing(0.25, 0.5, "user")))
    assert evaluate([told], [sample], unit="mm").films["point_to_point_mm"].item() == pytest.approx(1.0)
    evaluate([predicted(sample)], [sample])  # % needs no pixels at all
    with pytest.raises(DataError, match="no error can be given in mm: on all 1 films the spacing is unknown"):
        evaluate([predicted(sample)], [sample], unit="mm")
    with pytest.raises(DataError, match="no error can be given in mm"):  # the prediction says that it is unknown
        evaluate([predicted(sample, film=Film(size=(9, 9)))], [replace(sample, open=make_sample("a").open)], unit="mm")


def test_films_without_a_scale_are_named_and_scored_in_pixels(make_sample: MakeSample, truth: Points) -> None:
    holed = truth.copy()
    holed[23] = np.nan
    samples = [make_sample("a"), make_sample("b", holed)]
    found = evaluate([predicted(s) for s in samples], samples)
    assert found.summary["films"]["without_scale"] == ["b"]
    assert found.summary["point_to_point"]["%"]["film_means"]["count"] == 1
    assert found.summary["point_to_point"]["px"]["film_means"]["count"] == 2
    assert found.summary["landmarks"]["truth_missing"] == 1


def test_not_found_is_a_failure_and_never_dropped(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abc"]
    predictions = [predicted(s, 1.0) for s in samples]
    predictions[1].points[5] = np.nan
    predictions[2].points[:] = np.nan
    found = evaluate(predictions, samples, unit="px", radii=[2])
    assert found.summary["films"]["some_not_found"] == ["b"]
    assert found.summary["films"]["nothing_found"] == ["c"]
    assert found.summary["landmarks"]["not_found"] == 27
    assert found.summary["landmarks"]["measured"] == 3 * 26
    landmarks = found.summary["point_to_point"]["px"]["landmarks"]
    assert landmarks["within"][0]["value"] == pytest.approx((3 * 26 - 27) / (3 * 26))
    assert landmarks["p90"]["value"] is None
    assert found.summary["point_to_curve"]["px"]["landmarks"]["not_found"] == 25  # two points lie on no outline
    assert found.films["not_found"].tolist() == [0, 1, 26]
    assert np.isinf(found.films["point_to_point_px"].iloc[2])
    assert found.landmarks["not_found"].iloc[5] == 2


def test_a_missing_truth_is_masked_not_failed(make_sample: MakeSample, truth: Points) -> None:
    holed = truth.copy()
    holed[[0, 24]] = np.nan
    sample = make_sample("a", holed)
    prediction = predicted(make_sample("a"))
    prediction.points[24] = np.nan
    found = evaluate([prediction], [sample])
    assert found.summary["landmarks"]["not_found"] == 0
    assert found.films["landmarks"].item() == 24
    assert found.films["point_to_point_px"].item() == pytest.approx(3)


def test_landmarks_the_model_does_not_have_are_not_failures(make_sample: MakeSample) -> None:
    sample = make_sample("a")
    whole = predicted(sample)
    some = replace(
        whole, points=whole.points[:20], expected_error=whole.expected_error[:20], landmarks=whole.landmarks[:20]
    )
    found = evaluate([some], [sample])
    assert found.summary["landmarks"]["not_found"] == 0
    assert found.summary["landmarks"]["not_in_model"] == [f"p{i}" for i in range(20, 26)]
    assert len(found.landmarks) == 20


def test_annotator_curve(make_sample: MakeSample, truth: Points) -> None:
    two = make_sample("a", annotations={"x": truth - np.array([2.0, 0.0]), "y": truth + np.array([2.0, 0.0])})
    one = make_sample("b")
    found = evaluate([predicted(two), predicted(one)], [two, one], unit="px")
    np.testing.assert_allclose(found.films["annotators_to_point_px"], [2, np.nan])
    annotators = found.summary["annotators"]["px"]
    assert annotators["point_to_point"]["count"] == 1
    assert annotators["point_to_curve"]["mean"]["value"] < 2
    assert "annotators" not in evaluate([predicted(one)], [one]).summary


def test_expected_error_is_compared_with_the_actual(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abcd"]
    found = evaluate([predicted(s, d) for s, d in zip(samples, [1.0, 2.0, 5.0, 3.0], strict=True)], samples)
    told = found.summary["expected_error"]
    assert told["mean_expected"] == pytest.approx(told["mean_actual"]) == pytest.approx(2.75 / 0.8)  # %
    assert told["spearman_films"]["value"] == pytest.approx(1)
    same = evaluate([predicted(s, 2.0) for s in samples], samples).summary["expected_error"]
    assert same["spearman_films"]["value"] is None
    silent = [replace(predicted(s), expected_error=np.full(26, np.nan)) for s in samples]
    assert "expected_error" not in evaluate(silent, samples).summary


def test_films_that_are_not_known_are_counted_and_measured_apart(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abcd"]
    marked = zip(samples, [1.0, 2.0, 3.0, 4.0], [True, True, False, None], strict=True)
    found = evaluate([replace(predicted(s, d), known=known) for s, d, known in marked], samples)
    known = found.summary["known"]
    assert (known["told"], known["not_known"]) == (3, ["c"])
    assert known["point_to_point"]["px"]["known"]["mean"]["value"] == pytest.approx(1.5)
    assert known["point_to_point"]["px"]["not_known"]["mean"]["value"] == pytest.approx(3)
    assert found.summary["point_to_point"]["px"]["film_means"]["count"] == 4  # they stay in all other figures
    assert found.films["known"].tolist() == ["yes", "yes", "no", ""]
    assert "probability_of_shift" not in found.films
    shifts = [
        replace(predicted(s), probability_of_shift=p) for s, p in zip(samples, [0.1, 0.9, 0.2, np.nan], strict=True)
    ]
    np.testing.assert_array_equal(evaluate(shifts, samples).films["probability_of_shift"], [0.1, 0.9, 0.2, np.nan])
    every = evaluate([replace(predicted(s), known=True) for s in samples], samples).summary["known"]
    assert every == {"told": 4, "not_known": []}
    assert "known" not in evaluate([predicted(s) for s in samples], samples).summary


def test_intervals_resample_subjects(make_sample: MakeSample) -> None:
    """Each patient filmed three times over says no more than once; three times as many patients do."""
    names = [f"{i:02}" for i in range(30)]
    once = [make_sample(name) for name in names]
    again = [replace(make_sample(f"{name}-{k}"), subject=name) for name in names for k in range(3)]
    others = [replace(sample, subject=sample.identifier) for sample in again]
    errors = dict(zip(names, np.random.default_rng(0).lognormal(1, 0.5, 30), strict=True))

    def summary(samples: list[Sample]) -> dict[str, Any]:
        return evaluate([predicted(s, errors[s.identifier[:2]]) for s in samples], samples, radii=[5]).summary

    def width(found: dict[str, Any]) -> float:
        median = found["point_to_point"]["px"]["film_means"]["median"]
        return float(median["high"] - median["low"])

    first, thrice = summary(once), summary(again)
    assert (first["films"]["subjects"], thrice["films"]["subjects"], thrice["films"]["scored"]) == (30, 30, 90)
    assert first["intervals"]["method"] == "Bayesian bootstrap, subjects"
    assert width(first) == pytest.approx(width(thrice))
    assert width(summary(others)) < 0.8 * width(first)
    within = [found["point_to_point"]["%"]["film_means"]["within"][0] for found in (first, thrice)]
    assert within[0] == pytest.approx(within[1])


def test_an_upper_end_that_few_subjects_cannot_bound_is_left_out(make_sample: MakeSample) -> None:
    samples = [make_sample(f"{i:02}") for i in range(20)]
    found = evaluate([predicted(s, 1.0 + i) for i, s in enumerate(samples)], samples).summary
    p99 = found["point_to_point"]["px"]["film_means"]["p99"]
    assert p99["high"] is None
    assert p99["low"] < p99["value"]


def test_subgroups(make_sample: MakeSample) -> None:
    samples = [make_sample(str(i), side="left" if i % 2 else "", age=str(i / 2)) for i in range(16)]
    predictions = [predicted(s, 1.0 + (s.attributes["side"] == "left")) for s in samples]
    found = evaluate(predictions, samples, subgroups=["side", "age"], unit="px").subgroups
    assert found is not None
    side = found[found["column"] == "side"]
    assert side["value"].tolist() == ["left", "not stated"]
    np.testing.assert_allclose(side["point_to_point_mean_px"], [2, 1])
    age = found[found["column"] == "age"]
    assert age["films"].tolist() == [4, 4, 4, 4]
    assert age["value"].iloc[0].startswith("age <= ")
    assert age["value"].iloc[-1].startswith("age > ")


def test_few_numbers_are_groups_in_their_order(make_sample: MakeSample) -> None:
    samples = [make_sample(str(i), age=age) for i, age in enumerate(["10", "2", "2", "9"])]
    found = evaluate([predicted(s) for s in samples], samples, subgroups=["age"]).subgroups
    assert found is not None
    assert found["value"].tolist() == ["2", "9", "10"]


def test_no_outlines_no_curve(make_sample: MakeSample, truth: Points) -> None:
    sample = make_sample("a", of=Scheme.numbered(26))
    found = evaluate([predicted(sample)], [sample])
    assert found.unit == "px"
    assert "point_to_curve" not in found.summary
    assert not [c for c in found.films.columns if "curve" in str(c)]


def test_the_same_seed_gives_the_same_figures(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abcd"]
    predictions = [predicted(s, d) for s, d in zip(samples, [1.0, 2.0, 5.0, 3.0], strict=True)]
    first = evaluate(predictions, samples, seed=1).summary
    assert first == evaluate(predictions[::-1], samples[::-1], seed=1).summary


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unit": "cm"}, "unit 'cm', expected one of auto, px, mm, %; did you mean"),
        ({"radii": [0.0]}, "radius 0.0, expected a positive number"),
        ({"radii": [float("nan")]}, "radius nan"),
        ({"subgroups": ["sid"]}, "subgroup column 'sid', expected one of side, split; did you mean 'side'"),
    ],
)
def test_bad_settings(make_sample: MakeSample, settings: dict[str, Any], said: str) -> None:
    sample = make_sample("a", side="left")
    with pytest.raises(SettingError, match=said.replace("?", r"\?")):
        evaluate([predicted(sample)], [sample], **settings)


def test_per_cent_needs_a_normalising_pair(make_sample: MakeSample, scheme: Scheme, truth: Points) -> None:
    sample = make_sample("a", of=without_normaliser(scheme))
    with pytest.raises(SettingError, match="scheme 'toy' has none"):
        evaluate([predicted(sample)], [sample], unit="%")
    holed = truth.copy()
    holed[20] = np.nan
    sample = make_sample("a", holed)
    with pytest.raises(DataError, match="the normalising pair is missing"):
        evaluate([predicted(sample)], [sample])


def test_films_the_model_has_seen_enter_no_figure_but_their_own(make_sample: MakeSample) -> None:
    samples = [make_sample(name, side="left") for name in "abcde"]
    shifts: list[tuple[float, Seen]] = [(1.0, "train"), (4.0, "no"), (2.0, "val"), (8.0, "no"), (3.0, "patient")]
    found = [replace(predicted(s, d), seen=seen) for s, (d, seen) in zip(samples, shifts, strict=True)]
    got = evaluate(found, samples, unit="px", subgroups=["side"])
    alone = evaluate([found[1], found[3]], samples, unit="px", subgroups=["side"])
    assert got.summary["films"] == alone.summary["films"] | {"not_predicted": []}
    assert got.films["image"].tolist() == ["b", "d"]
    for key in ("landmarks", "point_to_point", "point_to_curve", "squared_error_px2", "expected_error"):
        assert got.summary[key] == alone.summary[key]
    assert got.subgroups is not None
    assert got.subgroups["films"].tolist() == [2]
    seen = got.summary["seen"]
    assert [seen[key] for key in ("train", "val", "patient", "unknown")] == [["a"], ["c"], ["e"], []]
    assert seen["point_to_point"]["px"]["mean"]["value"] == pytest.approx(2)
    assert got.seen is not None
    assert got.seen[["image", "seen"]].to_numpy().tolist() == [["a", "train"], ["c", "val"], ["e", "patient"]]
    assert alone.seen is None
    assert "point_to_point" not in alone.summary["seen"]


def test_other_films_of_a_subject_that_the_model_has_seen_are_told(make_sample: MakeSample) -> None:
    """Also where the film that it has seen has no points, and where the prediction does not know."""
    samples = [replace(make_sample(name), subject=name[0]) for name in ("a1", "a2", "b1", "b2", "c1")]
    found = [replace(predicted(s), seen="no") for s in samples]
    found[0] = replace(found[0], seen="val")
    found[2], found[3] = replace(found[2], seen="train"), replace(found[3], seen="")
    samples[2] = replace(samples[2], annotations={})
    summary = evaluate(found, samples).summary
    assert summary["seen"]["patient"] == ["a2", "b2"]
    assert summary["films"]["scored"] == 1


def test_predictions_that_do_not_say_are_counted_and_named(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "ab"]
    summary = evaluate([replace(predicted(samples[0]), seen="no"), predicted(samples[1])], samples).summary
    assert summary["seen"] == {"train": [], "val": [], "patient": [], "unknown": ["b"]}
    assert summary["films"]["scored"] == 2


def test_of_seen_films_alone_there_are_no_figures(make_sample: MakeSample, truth: Points) -> None:
    two = {"x": truth, "y": truth + 1}
    samples = [make_sample(name, annotations=two, side="left") for name in "abc"]
    found = [replace(predicted(s), seen="train") for s in samples]
    got = evaluate(found, samples, subgroups=["side"])
    assert got.summary["films"]["scored"] == got.summary["films"]["subjects"] == len(got.films) == 0
    for unit in ("%", "px"):
        figures = got.summary["point_to_point"][unit]["film_means"]
        assert (figures["count"], figures["median"]["value"], figures["mean"]["value"]) == (0, None, None)
    assert got.subgroups is None
    assert "annotators" not in got.summary
    assert got.summary["seen"]["point_to_point"]["px"]["count"] == 3
    json.dumps(got.summary, allow_nan=False)


def test_tables_number_subjects_and_do_not_name_them(make_sample: MakeSample) -> None:
    samples = [replace(make_sample(name), subject=who) for name, who in (("a", "Zoe"), ("b", "Ann"), ("c", "Zoe"))]
    assert evaluate([predicted(s) for s in samples], samples).films["subject"].tolist() == [1, 2, 1]


def test_occluded_points_count_and_are_reported_apart(make_sample: MakeSample) -> None:
    samples = [make_sample(name) for name in "abc"]
    hidden = np.arange(len(samples[0].scheme)) < 2
    samples[1] = replace(samples[1], occluded={next(iter(samples[1].annotations)): hidden})
    away = np.where(np.arange(26)[:, None] < 2, 7.0, 3.0) * np.array([1, 0])
    found = [replace(predicted(s), points=s.points + away) for s in samples]
    summary = evaluate(found, samples, unit="px").summary
    apart = summary["occluded"]["point_to_point"]["px"]
    assert (apart["occluded"]["count"], apart["occluded"]["mean"]["value"]) == (2, pytest.approx(7))
    assert apart["seen"]["count"] == 3 * 26 - 2
    assert apart["seen"]["mean"]["value"] == pytest.approx((4 * 7 + 72 * 3) / 76)
    assert summary["point_to_point"]["px"]["landmarks"]["count"] == 3 * 26
    assert "occluded" not in evaluate(found, [make_sample(name) for name in "abc"]).summary
