"""The forest voter: finds what it learned, near what is known and anywhere else; and its files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError

from landvote.errors import ModelError
from landvote.forests.settings import ForestSettings
from landvote.forests.training import landmark_file
from landvote.forests.voter import ForestVoter
from landvote.frames import View
from landvote.votes import VoteMap


def quiet(row):
    pass


@pytest.fixture
def voter(views, quick, tmp_path):
    one = ForestVoter(3, quick)
    one.fit(views(20), views(0), tmp_path / "training", quiet)
    return one


def without_points(view):
    return dataclasses.replace(view, points=np.full_like(view.points, np.nan))


def test_landmarks_are_found_near_a_guess_and_without_one(voter, views):
    films = views(6, seed=7)
    for film in range(6):
        view = films.plain(film)
        rng = np.random.default_rng(film)
        guess = dataclasses.replace(view, points=view.points + rng.uniform(-4, 4, (3, 2)))
        for seen in (guess, without_points(view)):
            points, spread = voter.vote(seen).peaks()
            assert np.linalg.norm(points - view.points, axis=1).max() < 3.5
            assert (spread > 0).all()


def test_known_points_are_searched_within_the_radius_and_unknown_ones_where_they_lay(voter, views, quick):
    view = views(1, seed=7).plain(0)
    view.points[1] = np.nan
    positions = voter.positions(view)
    last = positions.first + (positions.count - 1) * positions.step
    for p in (0, 2):
        assert (np.abs(positions.first[p] - view.points[p]) <= 8.5).all()
        assert (np.abs(last[p] - view.points[p]) <= 8.5).all()
    mean, sd = voter._forests[1].region[0]
    assert (np.abs((positions.first[1] + last[1]) / 2 - mean) <= 1).all()
    assert (np.abs(last[1] - mean) <= 2 * sd + 1).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_votes_cover_the_grid_and_add_up_to_one_at_most(views, quick, tmp_path, weighted):
    for cell, shape in [(1, (3, 40, 48)), (2, (3, 20, 24)), (5, (3, 8, 10))]:
        settings = quick.model_copy(update={"cell": cell, "smoothing": 2.5, "weighted": weighted})
        one = ForestVoter(3, settings)
        one.fit(views(4), views(0), tmp_path / f"{cell}", quiet)
        votes = one.vote(views(1, seed=7).plain(0))
        assert isinstance(votes, VoteMap)
        assert (votes.votes.shape, votes.votes.dtype) == (shape, np.float32)
        assert (votes.cell, votes.smoothing) == (cell, 2.5)
        total = votes.votes.sum(axis=(1, 2))
        assert (total <= 1 + 1e-4).all()
        assert (total > 0.9).all() or weighted


def test_a_point_known_to_lie_beyond_the_grid_is_not_found(voter, views):
    view = views(1, seed=7).plain(0)
    view.points[0] = [-200, 1e12]
    points, spread = voter.vote(view).peaks()
    assert np.isnan(points[0]).all()
    assert np.isnan(spread[0])
    assert np.isfinite(points[1:]).all()


def test_landmarks_at_the_border_are_found(views, quick, tmp_path):
    """Patches leave the grid there: films shifted until the first landmark lies on its edge."""
    near = views(20)
    shifted = [dataclasses.replace(w, frame=w.frame.then(1, 0, (-12, -10))) for w in near.working]
    films = dataclasses.replace(near, working=shifted)
    one = ForestVoter(3, quick.model_copy(update={"trees": 6}))
    one.fit(films, films, tmp_path, quiet)
    errors = []
    for film in range(5):
        view = films.plain(film)
        errors.append(np.linalg.norm(one.vote(without_points(view)).peaks()[0][0] - view.points[0]))
    assert max(errors) < 4


def test_a_film_unlike_any_other_gets_large_expected_errors(voter, views):
    view = without_points(views(1, seed=7).plain(0))
    strange = View(
        np.random.default_rng(3).normal(0, 0.3, view.pixels.shape).astype(np.float32), view.points, view.frame
    )
    usual, unusual = (voter.vote(v).peaks()[1] for v in (view, strange))
    assert (unusual > 1.5 * usual).all()


def test_a_saved_voter_votes_the_same_and_saves_the_same(voter, views, tmp_path):
    view = views(1, seed=7).plain(0)
    for part in ("one", "two"):
        voter.save(tmp_path / part)
        other = ForestVoter(3, voter.settings)
        other.load(tmp_path / part)
        np.testing.assert_array_equal(other.vote(view).votes, voter.vote(view).votes)
        voter = other


def test_looking_changes_nothing_and_views_may_differ_in_size(voter, views):
    view = views(1, seed=7).plain(0)
    first = voter.vote(view).votes
    smaller = dataclasses.replace(view, pixels=view.pixels[:30, :37].copy())
    assert voter.vote(smaller).votes.shape == (3, 30, 37)
    np.testing.assert_array_equal(voter.vote(view).votes, first)


def test_a_folder_that_is_no_voter_of_ours_is_named(voter, tmp_path):
    folder = tmp_path / "saved"
    with pytest.raises(ModelError, match=r"landmark_000\.npz: not a forest"):
        ForestVoter(3, voter.settings).load(folder)
    voter.save(folder)
    with pytest.raises(ModelError, match=r"landmark_003\.npz: not a forest"):
        ForestVoter(4, voter.settings).load(folder)
    with pytest.raises(ModelError, match=r"landmark_002\.npz: a forest of another scheme, expected 2 landmarks"):
        ForestVoter(2, voter.settings).load(folder)
    landmark_file(folder, 1).write_bytes(b"garbage" * 9)
    with pytest.raises(ModelError, match=r"landmark_001\.npz: not a forest"):
        ForestVoter(3, voter.settings).load(folder)


@pytest.mark.parametrize(
    "wrong", [{"trees": 0}, {"patch": 3}, {"patch": 129}, {"tried": 0}, {"tried": 1.1}, {"step": 0}, {"treees": 3}]
)
def test_settings_out_of_range_or_unknown_are_refused(wrong):
    with pytest.raises(ValidationError):
        ForestSettings(**wrong)
