"""Predictions and truth meet by film and by landmark, or it is said why not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import DataError, PointsError, SchemeError
from landvote.evaluation.matching import match


def predicted(name: str, points: Points, names: tuple[str, ...] | None = None) -> Prediction:
    names = tuple(map(str, range(len(points)))) if names is None else names
    return Prediction(name, points, np.arange(len(points), dtype=np.float64), names)


def test_films_are_matched_by_name(make_sample: Callable[..., Sample], truth: Points) -> None:
    empty = make_sample("empty", annotations={})
    samples = [make_sample("b"), make_sample("a"), make_sample("alone"), empty]
    found = match([predicted(n, truth) for n in ("a", "ghost", "b", "empty")], samples)
    assert [f.identifier for f in found.films] == ["a", "b"]
    assert found.not_predicted == ("alone",)
    assert found.without_truth == ("empty", "ghost")
    assert found.order == "in the order of the scheme"


def test_a_model_of_some_landmarks_is_matched_by_name(
    make_sample: Callable[..., Sample], truth: Points, scheme: Scheme
) -> None:
    kept = [22, 3, 0]
    names = tuple(scheme.landmarks[i] for i in kept)
    found = match([predicted("a", truth[kept], names)], [make_sample("a")])
    (film,) = found.films
    assert np.flatnonzero(found.modelled).tolist() == [0, 3, 22]
    np.testing.assert_array_equal(film.predicted[kept], truth[kept])
    np.testing.assert_array_equal(film.expected_error[kept], [0, 1, 2])
    assert np.isnan(film.predicted[~found.modelled]).all()
    np.testing.assert_array_equal(film.truth, truth)
    assert found.order == "by name"


def test_a_model_of_more_landmarks_is_matched_by_name(
    make_sample: Callable[..., Sample], truth: Points, scheme: Scheme
) -> None:
    more = predicted("a", np.concatenate([[[1.0, 1.0]], truth]), ("tip", *scheme.landmarks))
    found = match([more], [make_sample("a")])
    assert found.modelled.all()
    assert found.extra == ("tip",)
    np.testing.assert_array_equal(found.films[0].predicted, truth)


def test_same_names_in_another_order_are_put_right(
    make_sample: Callable[..., Sample], truth: Points, scheme: Scheme
) -> None:
    found = match([predicted("a", truth[::-1], scheme.landmarks[::-1])], [make_sample("a")])
    np.testing.assert_array_equal(found.films[0].predicted, truth)


@pytest.mark.parametrize(
    "names",
    [tuple(map(str, range(19))), tuple(f"q{i}" for i in range(26)), ("p0", "p0")],
    ids=["fewer, by number", "other names", "one name twice"],
)
def test_landmarks_that_do_not_fit(make_sample: Callable[..., Sample], names: tuple[str, ...]) -> None:
    with pytest.raises(PointsError, match=rf"a: {len(names)} predicted landmarks.*expected the 26 of scheme 'toy'"):
        match([predicted("a", np.zeros((len(names), 2)), names)], [make_sample("a")])


def test_films_with_different_landmarks(make_sample: Callable[..., Sample], truth: Points) -> None:
    with pytest.raises(PointsError, match="b: 2 landmarks predicted, expected the same 26"):
        match([predicted("a", truth), predicted("b", truth[:2])], [make_sample("a"), make_sample("b")])


def test_films_of_different_schemes(make_sample: Callable[..., Sample], truth: Points) -> None:
    samples = [make_sample("a"), make_sample("b", of=Scheme.numbered(26))]
    with pytest.raises(SchemeError, match="b: scheme 'numbered'"):
        match([predicted("a", truth), predicted("b", truth)], samples)


@pytest.mark.parametrize("names", [[], ["other"]])
def test_nothing_in_common(make_sample: Callable[..., Sample], truth: Points, names: list[str]) -> None:
    with pytest.raises(DataError, match=f"none of the {len(names)} predicted films"):
        match([predicted(n, truth) for n in names], [make_sample("a")])


def test_names_are_compared_in_one_form_of_unicode(make_sample: Callable[..., Sample], truth: Points) -> None:
    composed, apart = "h\u00fcfte", "hu\u0308fte"
    (film,) = match([predicted(apart, truth)], [make_sample(composed)]).films
    assert film.identifier == composed
    found = match([predicted(composed, truth), predicted(apart, truth)], [make_sample(apart), make_sample(composed)])
    assert {film.identifier for film in found.films} == {composed, apart}
    found = match([predicted(composed, truth), predicted(apart, truth + 1)], [make_sample(composed)])
    np.testing.assert_array_equal(found.films[0].predicted, truth)
    assert found.without_truth == (apart,)
    scheme = Scheme.numbered(1).model_copy(update={"landmarks": (composed,)})
    sample = Sample("a", make_sample("a").open, scheme, {"": np.ones((1, 2))})
    assert match([predicted("a", np.ones((1, 2)), (apart,))], [sample]).order == "in the order of the scheme"


def test_a_film_whose_true_points_are_in_one_place_is_named_and_not_scored(
    make_sample: Callable[..., Sample], truth: Points
) -> None:
    flat = make_sample("flat", annotations={"": np.full_like(truth, 7.0)})
    found = match([predicted(name, truth) for name in ("a", "flat")], [make_sample("a"), flat])
    assert ([f.identifier for f in found.films], found.collapsed) == (["a"], ("flat",))
    assert (found.not_predicted, found.without_truth) == ((), ())
    with pytest.raises(DataError, match="1 of them have their true points in one place"):
        match([predicted("flat", truth)], [flat])
