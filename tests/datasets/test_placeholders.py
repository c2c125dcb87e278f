"""Codes for missing points are told from points that lie in one place by chance."""

import numpy as np
import pytest

from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.placeholders import placeholders

SCHEME = Scheme.numbered(3)


def films(count, coded=(), place=(0, 0), landmarks=(1,), whole=False, spread=5.0):
    """Return films of a triangle; in those that are coded, landmarks are at one place."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        points = np.array([[50.0, 50], [90, 50], [70, 90]]) + rng.normal(0, spread, (3, 2))
        points = points.round() if whole else points
        if i in coded:
            points[list(landmarks)] = place
        made.append(Sample(f"{i}", lambda: None, SCHEME, {"": points}))
    return made


@pytest.mark.parametrize(
    ("coded", "place"), [(range(9), (0, 0)), (range(2), (-1, -1)), ((3, 7), (-999, -999)), ((1, 2, 5), (1000, 0))]
)
def test_a_place_that_comes_back_is_a_code(coded, place):
    (code,) = placeholders(films(12, coded, place))
    assert (code.place, code.landmarks, code.films) == (place, ("1",), tuple(map(str, coded)))


def test_of_several_landmarks_and_in_all_films():
    (code,) = placeholders(films(5, range(5), landmarks=(0, 2)))
    assert (code.landmarks, len(code.films)) == (("0", "2"), 5)
    assert "2 landmarks" in str(code)


@pytest.mark.parametrize("spread", [1, 5, 20])
def test_whole_numbers_that_meet_by_chance_are_none(spread):
    assert placeholders(films(300, whole=True, spread=spread)) == []


def test_one_annotator_of_two():
    both = [Sample(s.identifier, s.open, SCHEME, {"a": s.points, "b": s.points + 1}) for s in films(6)]
    for s in both[:4]:
        s.annotations["b"][1] = 0
    (code,) = placeholders(both)
    assert (code.landmarks, code.films) == (("1",), ("0", "1", "2", "3"))


def test_missing_points_are_no_code():
    assert placeholders(films(6, range(6), (np.nan, np.nan))) == []
    assert placeholders([Sample("a", lambda: None, SCHEME)]) == []
