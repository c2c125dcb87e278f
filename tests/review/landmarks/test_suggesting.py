"""Suggestions: pairs by names and by places, points far apart, and the distance that varies least."""

from __future__ import annotations

import pytest

from landvote.data.scheme import Scheme
from landvote.review.landmarks.suggesting import suggestions


@pytest.fixture
def suggest(review):
    """Return a function that approves films with these points, and returns the suggestions."""

    def _suggest(names, *shapes):
        store = review.store
        own = {"name": "own", "landmarks": tuple(names)}
        store.set_scheme(Scheme.numbered(len(names)).model_copy(update=own))
        for number, shape in enumerate(shapes):
            wanted = {
                name: ("missing", None, None) if x is None else ("placed", x, y)
                for name, (x, y) in zip(names, shape, strict=True)
            }
            store.edit("Ana", f"film-{number}.png", "hash", 0, "set", wanted)
            store.edit("Ana", f"film-{number}.png", "hash", 1, "approve")
        return suggestions(store)

    return _suggest


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["left hip", "sacrum", "Right hip"], [(0, 2)]),
        (["hip L", "hip R", "L1"], [(0, 1)]),
        (["Auge_li", "Auge_re", "Nase"], [(0, 1)]),
        (["sella", "upper lip", "lower lip"], []),
        (["rest", "lest", "cleft"], []),
    ],
)
def test_pairs_are_told_by_names_of_sides(suggest, names, pairs):
    told = suggest(names)["mirrored"]
    assert told["points"] == pairs
    assert told["why"]


def test_pairs_are_told_by_places_where_the_shape_is_symmetric(suggest):
    shape = [(10, 5), (20, 20), (30, 5.2), (14, 25), (26, 25)]
    told = suggest("abcde", shape)["mirrored"]
    assert told["points"] == [(0, 2), (3, 4)]
    assert "opposite each other" in told["why"]


def test_a_shape_that_is_not_symmetric_has_no_pairs(suggest):
    assert suggest("abcde", [(1, 1), (9, 3), (20, 8), (30, 9), (38, 28)])["mirrored"]["points"] == []


def test_the_distance_that_varies_least_of_those_far_apart_is_100_percent_whatever_the_magnification(suggest):
    def shape(length, scale):
        still = [(1, 1), (31, 1), (10, 3), (16, 4), (22, 3)]
        return [(x * scale, y * scale) for x, y in [*still, (1, length)]]

    told = suggest("abcdef", shape(24, 1), shape(15, 0.8), shape(27, 0.9), shape(20, 1))
    assert told["normaliser"]["points"] == [0, 1]
    assert "varies least" in told["normaliser"]["why"]
    assert "4 approved films" in told["reference"]["why"]


def test_one_film_gives_the_points_farthest_apart_and_missing_ones_are_no_suggestion(suggest):
    told = suggest("abcd", [(1, 1), (None, None), (38, 28), (20, 10)])
    assert told["normaliser"]["points"] == [0, 2]
    assert "farthest apart, on 1 approved film." in told["normaliser"]["why"]
    assert told["reference"]["points"] == [0, 2, 3]


def test_without_points_the_reason_is_told(suggest):
    told = suggest("abc", [(None, None)] * 3)
    assert [told[key]["points"] for key in told] == [[], [], []]
    assert all(told[key]["why"] for key in told)
