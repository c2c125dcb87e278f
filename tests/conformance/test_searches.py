"""One contract for every search: it finds the landmarks from near them, keeps few candidates, and changes none."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.frames.placings import RepeatSettings, RowSettings
from landvote.localiser.families import SEARCHES
from landvote.localiser.look import Candidate, Look
from landvote.localiser.peaks import Peaks
from toys import SPINE_PARTS, Eyes, films_of, shapes_of, spine, votes_at

TRAINING = spine(jitter=0)
TRUTH = TRAINING[0]
FILM = Radiograph(np.zeros(films_of(TRAINING)[0][::-1], np.uint8), "row.png")


def nearest_part(view):
    """Vote for the part whose middle lies nearest to that of the view."""
    middle = (np.array(view.frame.size) - 1) / 2
    parts = [view.frame.to_grid(TRUTH[list(part)]) for part in SPINE_PARTS]
    return votes_at(min(parts, key=lambda p: np.linalg.norm(p.mean(axis=0) - middle)), view.frame.size)


@pytest.fixture(params=["row", "repeats"])
def look(request):
    kind = {"row": RowSettings, "repeats": RepeatSettings}[request.param]
    placing = kind(size=(64, 64), border=0.2).fit(shapes_of(TRAINING, films_of(TRAINING), parts=SPINE_PARTS))
    return Look("parts", placing, Eyes(nearest_part), Peaks(), Scheme.numbered(20))


@pytest.fixture(params=SEARCHES)
def kind(request):
    return SEARCHES[request.param]


def near():
    return Candidate.at(TRUTH + np.random.default_rng(0).uniform(-4, 4, TRUTH.shape))


def test_its_settings_survive_json_and_the_table(kind):
    settings = kind(rounds=2, angles=(-5.0, 5.0), scales=(0.9, 1.1), keep=3)
    assert SEARCHES.parse(settings.model_dump(mode="json")) == settings
    assert settings.poses == [(s, pytest.approx(np.deg2rad(a))) for s in (0.9, 1.1) for a in (-5, 5)]
    assert kind().poses == [(1.0, 0.0)]


@pytest.mark.parametrize("rounds", [1, 3])
def test_from_near_the_landmarks_it_finds_them(kind, look, rounds):
    (found,) = kind(rounds=rounds).run(look, FILM, [near()])
    np.testing.assert_allclose(found.points, TRUTH, atol=1.0)
    assert np.isfinite(found.dispersion).all()
    assert found.votes > 0


def test_it_changes_nothing_that_it_was_given(kind, look):
    candidates = [near(), Candidate.at(TRUTH.copy())]
    before = deepcopy(candidates)
    kind(keep=2).run(look, FILM, candidates)
    assert len(candidates) == 2
    for after, was in zip(candidates, before, strict=True):
        np.testing.assert_array_equal(after.points, was.points)
        np.testing.assert_array_equal(after.dispersion, was.dispersion)
        assert (after.looks, after.votes) == (was.looks, was.votes)
    assert not FILM.pixels.any()


def test_it_finds_the_same_twice(kind, look):
    one, again = (kind(rounds=2).run(look, FILM, [near()])[0] for _ in range(2))
    np.testing.assert_array_equal(one.points, again.points)
    assert (one.looks, one.votes) == (again.looks, again.votes)


def test_it_keeps_as_many_candidates_as_it_is_told_those_with_votes_first(kind, look):
    beside = Candidate.at(TRUTH + 5000.0)
    for keep in (1, 2, 3):
        found = kind(keep=keep).run(look, FILM, [beside, near(), beside])
        assert len(found) == min(keep, 2)  # the same place is kept once
        np.testing.assert_allclose(found[0].points, TRUTH, atol=1.0)


def test_each_look_is_noted_with_the_stages_name(kind, look):
    (found,) = kind().run(look, FILM, [near()])
    laid = [each for each in found.looks if "matrix" in each]
    assert len(laid) == len(SPINE_PARTS)
    assert {each["stage"] for each in found.looks} == {"parts"}


def test_of_nothing_known_nothing_is_found(kind, look):
    (found,) = kind(rounds=2).run(look, FILM, [Candidate.unknown(20)])
    assert np.isnan(found.points).all()
