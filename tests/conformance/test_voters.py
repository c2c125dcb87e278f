"""One contract for every voter: whichever votes, the rest of landvote may rely on this."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from landvote.errors import ModelError, StoppedError
from landvote.frames import Frame, View
from landvote.localiser.families import VOTERS
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.runtime.events import ForestGrown, StageLearned, StepTaken
from landvote.runtime.stop import StopToken
from landvote.votes import Lesson
from toys import ELL_SIZE, NETWORK, VOTER_SETTINGS, ell, ell_sample, ell_views

pytestmark = pytest.mark.slow


def view(i, lines=True, known=False):
    pixels, points = ell(i, lines)
    frame = Frame.whole((96, 96), ELL_SIZE, 0.05)
    return View.through(frame, pixels, points if known else np.full((6, 2), np.nan))


def lesson(folder, samples=None, **others):
    chosen = [ell_sample(i) for i in range(16)] if samples is None else samples
    return Lesson("local", 6, ell_views(chosen), ell_views([]), folder, "cpu", **others)


@pytest.fixture(scope="module", params=VOTERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind, tmp_path_factory):
    settings, training = VOTER_SETTINGS[kind]
    return settings.fit(training, lesson(tmp_path_factory.mktemp("stage")))


def test_every_voter_stands_this_test():
    assert set(VOTER_SETTINGS) == set(VOTERS)


def test_its_settings_survive_json_and_the_table(kind):
    settings, training = VOTER_SETTINGS[kind]
    assert VOTERS.parse(settings.model_dump(mode="json")) == settings
    assert isinstance(training, settings.training_settings)
    assert settings.training_settings.model_validate_json(training.model_dump_json()) == training
    assert settings.training_settings() == settings.training_settings.model_validate({})  # all have defaults
    settings.check(ELL_SIZE)
    assert settings.multiple >= 1


def test_a_voter_is_complete_and_cannot_be_changed(fitted):
    assert fitted.computed_on
    with pytest.raises(FrozenInstanceError):
        setattr(fitted, fields(fitted)[0].name, None)


def test_a_voter_fills_a_vote_map_of_the_views_grid(fitted):
    votes = fitted.vote(view(40))
    assert votes.votes.dtype == np.float32
    assert votes.votes.shape == (6, *(-(-n // votes.cell) for n in ELL_SIZE[::-1]))
    assert (votes.votes >= 0).all()
    assert (votes.votes.sum(axis=(1, 2)) > 0).all()


def test_a_voter_learns(fitted):
    errors = []
    for i in range(40, 48):
        seen = view(i)
        truth = seen.frame.to_grid(ell(i)[1])
        errors.append(np.linalg.norm(fitted.vote(seen).peaks()[0] - truth, axis=1))
    assert np.median(errors) < 3  # of 48 cells


def test_a_voter_votes_the_same_twice_and_changes_no_view(fitted):
    seen, before = view(41, known=True), view(41, known=True)
    np.testing.assert_array_equal(fitted.vote(seen).votes, fitted.vote(seen).votes)
    np.testing.assert_array_equal(seen.pixels, before.pixels)
    np.testing.assert_array_equal(seen.points, before.points)


def test_the_same_seed_gives_the_same_voter_and_another_does_not(kind, tmp_path):
    settings, training = short(kind)
    some = [ell_sample(i) for i in range(4)]
    for name in "abc":
        (tmp_path / name).mkdir()
    one, again, other = (
        settings.fit(training, lesson(tmp_path / name, some, seed=seed)).vote(view(42)).votes
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_voter_that_was_saved_and_loaded_votes_the_same(fitted, tmp_path):
    files = fitted.save(tmp_path)
    assert sorted(files) == sorted(tmp_path.iterdir())
    loaded = fitted.settings.load(tmp_path, 6, "cpu")
    assert loaded.computed_on == fitted.computed_on
    np.testing.assert_array_equal(loaded.vote(view(43)).votes, fitted.vote(view(43)).votes)


def test_a_voter_of_other_landmarks_or_a_broken_one_is_not_loaded(fitted, tmp_path):
    first, *_ = fitted.save(tmp_path)
    with pytest.raises(ModelError):
        fitted.settings.load(tmp_path, 5, "cpu")
    first.write_bytes(b"garbage" * 9)
    with pytest.raises(ModelError, match=first.name):
        fitted.settings.load(tmp_path, 6, "cpu")
    first.unlink()
    with pytest.raises(ModelError, match=first.name):
        fitted.settings.load(tmp_path, 6, "cpu")


def short(kind):
    settings, _ = VOTER_SETTINGS[kind]
    training = TrainingSettings(steps=6, batch=2, judge_every=3) if kind == "network" else settings.training_settings()
    return settings.model_copy(update={"trees": 1} if kind == "forest" else {}), training


def test_missing_points_are_learned_around(kind, tmp_path):
    settings, training = VOTER_SETTINGS[kind]
    some = [ell_sample(i, missing=[i % 6]) for i in range(12)]
    points, spread = settings.fit(training, lesson(tmp_path, some)).vote(view(44)).peaks()
    assert np.isfinite(points).all()
    assert np.isfinite(spread).all()


def test_learning_is_told_of_step_by_step_with_the_stages_name(kind, tmp_path):
    settings, training = short(kind)
    told = []
    settings.fit(training, lesson(tmp_path, listener=told.append))
    steps = [event for event in told if isinstance(event, StepTaken | ForestGrown)]
    assert len(steps) >= 6
    assert {event.stage for event in steps} == {"local"}
    assert [e.progress for e in steps] == sorted(e.progress for e in steps)
    assert steps[-1].progress == 1
    ends = [event for event in told if isinstance(event, StageLearned)]
    assert [(e.stage, e.done, e.late) for e in ends] == [("local", e.asked, False) for e in ends] != []


class StopsAfter(StopToken):
    """Stops when it has been asked so many times."""

    def __init__(self, times):
        super().__init__()
        self.times, self.asked = times, 0

    @property
    def stopped(self):
        self.asked += 1
        return self.asked > self.times


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_a_voter_stopped_and_gone_on_with_is_as_one_that_was_not(kind, tmp_path, share):
    settings, training = short(kind)
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    counted = StopsAfter(math.inf)
    whole = settings.fit(training, lesson(tmp_path / "whole", stop=counted))
    assert counted.asked >= 6
    with pytest.raises(StoppedError):
        settings.fit(training, lesson(tmp_path / "stopped", stop=StopsAfter(int(share * counted.asked))))
    again = settings.fit(training, lesson(tmp_path / "stopped"))
    np.testing.assert_array_equal(again.vote(view(45)).votes, whole.vote(view(45)).votes)


def test_how_long_learning_takes_is_measured_on_a_few_films(kind, tmp_path):
    settings, training = VOTER_SETTINGS[kind]
    few = lesson(tmp_path, [ell_sample(i) for i in range(3)])
    found = settings.estimate(training, few, 100, 10)
    assert 0 < found.least < found.whole < 60
    assert settings.estimate(training.model_copy(update={"minutes": 1e-9}), few, 100, 10).whole == 1e-9
    assert list(tmp_path.iterdir()) == []


def test_far_from_training_the_votes_say_that_they_do_not_know(fitted):
    known, unknown = (
        np.concatenate([fitted.vote(view(i, lines)).peaks()[1] for i in range(50, 56)]) for lines in (True, False)
    )
    unknown = np.where(np.isfinite(unknown), unknown, np.inf)  # no votes at all is an answer too
    assert np.median(unknown) > 1.25 * np.median(known)


def test_views_that_a_network_cannot_halve_are_refused():
    with pytest.raises(ValueError, match=r"size \(50, 48\) with depth 2: expected multiples of 4"):
        NetworkSettings(**NETWORK).check((50, 48))
