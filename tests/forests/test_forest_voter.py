"""The forest voter: finds what it learned, near what is known and anywhere else; and its files."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from landvote.errors import ModelError, SettingError
from landvote.forests.forest import first_trees
from landvote.forests.settings import ForestSettings, ForestTraining
from landvote.forests.training import landmark_file
from landvote.frames import View
from landvote.votes import VoteMap


@pytest.fixture
def voter(views, quick, lesson, tmp_path):
    return quick.fit(ForestTraining(), lesson(views(20), tmp_path / "training"))


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
    mean, sd = voter.forests[1].region[0]
    assert (np.abs((positions.first[1] + last[1]) / 2 - mean) <= 1).all()
    assert (np.abs(last[1] - mean) <= 2 * sd + 1).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_votes_cover_the_grid_and_add_up_to_one_at_most(views, quick, lesson, tmp_path, weighted):
    for cell, shape in [(1, (3, 40, 48)), (2, (3, 20, 24)), (5, (3, 8, 10))]:
        settings = quick.model_copy(update={"cell": cell, "smoothing": 2.5, "weighted": weighted})
        one = settings.fit(ForestTraining(), lesson(views(4), tmp_path / f"{cell}"))
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


def test_landmarks_at_the_border_are_found(views, quick, lesson, tmp_path):
    """Patches leave the grid there: films shifted until the first landmark lies on its edge."""
    near = views(20)
    shifted = [dataclasses.replace(w, frame=w.frame.then(1, 0, (-12, -10))) for w in near.working]
    films = dataclasses.replace(near, working=shifted)
    one = quick.model_copy(update={"trees": 6}).fit(ForestTraining(), lesson(films, tmp_path))
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
    files = []
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        files.append(voter.save(tmp_path / part))
        assert sorted((tmp_path / part).iterdir()) == files[-1]
        other = voter.settings.load(tmp_path / part, 3, "auto")
        np.testing.assert_array_equal(other.vote(view).votes, voter.vote(view).votes)
        voter = other
    assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]


def test_a_voter_saved_where_it_learned_leaves_no_second_copy(voter, tmp_path):
    folder = tmp_path / "training"
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(before) == 3
    assert [file.name for file in voter.save(folder)] == sorted(before)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_seeds_of_forests_training_and_lesson_add_up(voter, views, quick, lesson, tmp_path):
    def grown(forests, training, of_lesson):
        settings = quick.model_copy(update={"seed": forests})
        views_of = lesson(views(20), tmp_path / f"{forests}{training}{of_lesson}", seed=of_lesson)
        return settings.fit(ForestTraining(seed=training), views_of).joined.nodes.tobytes()

    assert grown(2, 0, 0) == grown(0, 2, 0) == grown(0, 0, 2) == grown(3, 0, -1)
    assert grown(0, 0, 0) == voter.joined.nodes.tobytes() != grown(0, 0, 2)
    with pytest.raises(SettingError, match=r"seed: 0 \+ 1 \+ -2, expected 0 at least"):
        grown(0, 1, -2)


def test_looking_changes_nothing_and_views_may_differ_in_size(voter, views):
    view = views(1, seed=7).plain(0)
    first = voter.vote(view).votes
    smaller = dataclasses.replace(view, pixels=view.pixels[:30, :37].copy())
    assert voter.vote(smaller).votes.shape == (3, 30, 37)
    np.testing.assert_array_equal(voter.vote(view).votes, first)


def test_a_folder_that_is_no_voter_of_ours_is_named(voter, tmp_path):
    settings, folder = voter.settings, tmp_path / "saved"
    with pytest.raises(ModelError, match=r"landmark_000\.npz: cannot be read"):
        settings.load(folder, 3, "cpu")
    voter.save(folder)
    with pytest.raises(ModelError, match=r"landmark_003\.npz: cannot be read"):
        settings.load(folder, 4, "cpu")
    with pytest.raises(ModelError, match=r"landmark_002\.npz: a forest of another scheme, expected 2 landmarks"):
        settings.load(folder, 2, "cpu")
    first_trees(voter.forests[1], 2).save(landmark_file(folder, 1))
    with pytest.raises(ModelError, match=r"landmark_001\.npz: 2 trees, expected 3 as in landmark_000\.npz"):
        settings.load(folder, 3, "cpu")
    landmark_file(folder, 1).write_bytes(b"garbage" * 9)
    with pytest.raises(ModelError, match=r"landmark_001\.npz: cannot be read"):
        settings.load(folder, 3, "cpu")


def test_a_patch_may_be_larger_than_its_views(views, quick, lesson, tmp_path):
    large = quick.model_copy(update={"patch": 60})
    large.check((48, 40))
    votes = large.fit(ForestTraining(), lesson(views(4), tmp_path)).vote(views(1, seed=7).plain(0))
    assert (votes.votes.sum(axis=(1, 2)) > 0.9).all()


def test_forests_are_grown_by_one_process(quick):
    with pytest.raises(SettingError, match="a voter of kind 'forest' in several processes: expected one"):
        quick.together()


def test_the_settings_are_of_a_kind_and_bring_no_scikit_learn():
    assert ForestSettings().kind == "forest"
    assert ForestSettings.training_settings is ForestTraining
    program = "import sys, landvote.forests.settings; print('sklearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize(
    "wrong", [{"trees": 0}, {"patch": 3}, {"patch": 129}, {"tried": 0}, {"tried": 1.1}, {"step": 0}, {"treees": 3}]
)
def test_settings_out_of_range_or_unknown_are_refused(wrong):
    with pytest.raises(ValidationError):
        ForestSettings(**wrong)
