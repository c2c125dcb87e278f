"""The time limit, by a clock that goes on with each view and each tree, and by nothing else."""

import dataclasses
import types

import numpy as np
import pytest

from landvote.errors import ModelError, StoppedError
from landvote.forests import limit, training
from landvote.forests.forest import Forest, first_trees
from landvote.forests.settings import ForestTraining
from landvote.forests.training import train
from landvote.frames import Augmentation, Views
from landvote.runtime.events import ForestGrown, StageLearned
from landvote.runtime.stop import StopToken

VIEW, TREE = 1.0, 20.0  # seconds; a tree's from 8 views, in proportion to their number
FILMS = 8


class Clock:
    def __init__(self):
        self.now = 1000.0
        self.tree = TREE
        self.grown = 0
        self.at = {}  # what happens when the n-th tree is begun


@pytest.fixture
def clock(monkeypatch):
    clock, varied, grow_tree = Clock(), Views.varied, training.grow_tree

    def timed_view(self, index, rng):
        clock.now += VIEW
        return varied(self, index, rng)

    def timed_tree(patches, *others):
        clock.now += clock.tree * len(np.unique(patches.which)) / FILMS
        clock.grown += 1
        clock.at.get(clock.grown, lambda: None)()
        return grow_tree(patches, *others)

    monkeypatch.setattr(limit, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(Views, "varied", timed_view)
    monkeypatch.setattr(training, "grow_tree", timed_tree)
    monkeypatch.setattr(limit, "grow_tree", timed_tree)
    return clock


@pytest.fixture
def settings(quick):
    return quick.model_copy(update={"trees": 4, "views": 2})


def same(one, other):
    return all(
        np.array_equal(getattr(a, field.name), getattr(b, field.name))
        for a, b in zip(one, other, strict=True)
        for field in dataclasses.fields(Forest)
        if field.name != "origin"
    )


def test_time_enough_changes_nothing_and_all_is_learned(views, settings, lesson, clock, tmp_path):
    events = []
    free = train(lesson(views(), tmp_path / "free"), settings, None)
    limited = train(lesson(views(), tmp_path / "limited", listener=events.append), settings, 100.0)
    assert same(limited, free)
    assert events[:-2] == [ForestGrown("local", done, 3) for done in (1, 2, 3)]
    assert [(event.done, event.asked, event.late) for event in events[-2:]] == [(4, 4, False), (2, 2, False)]


@pytest.mark.parametrize(
    ("minutes", "seen", "trees"),
    [
        (0.1, 1, 1),  # the least there is
        (3.2, 1, 2),  # 51 s of measuring, 8 of looking, 60 for a tree each
        (4.0, 1, 3),
        (6.5, 2, 2),  # two trees of two views of each film: 67 s, then 120 for a tree each
        (9.0, 2, 3),
    ],
)
def test_as_many_views_and_trees_are_had_as_there_is_time_for(
    views, settings, lesson, clock, tmp_path, minutes, seen, trees
):
    events, begun = [], clock.now
    found = train(lesson(views(), tmp_path / "limited", listener=events.append), settings, minutes)
    assert clock.now - begun <= max(1.05 * 60 * minutes, 49 + FILMS + 3 * TREE)
    assert [(forest.trees, forest.views.tolist()) for forest in found] == [(trees, [seen])] * 3
    free = train(lesson(views(), tmp_path / "free"), settings.model_copy(update={"views": seen}), None)
    assert same(found, [first_trees(forest, trees) for forest in free])
    assert events[-2:] == [
        StageLearned("local", "trees", trees, 4, late=trees < 4),
        StageLearned("local", "views of each film", seen, 2, late=seen < 2),
    ]
    assert events[:-2] == [ForestGrown("local", done, 3) for done in (1, 2, 3)]


def test_the_smaller_limit_counts_and_the_voter_tells_what_it_was_enough_for(views, settings, lesson, clock, tmp_path):
    for name, training_minutes, lesson_minutes in (("a", 4.0, 400.0), ("b", 400.0, 4.0), ("c", None, 4.0)):
        own = lesson(views(), tmp_path / name, minutes=lesson_minutes)
        voter = settings.fit(ForestTraining(minutes=training_minutes), own)
        voter.save(tmp_path)
        for each in (voter, settings.load(tmp_path, 3, "cpu")):
            assert [(forest.trees, forest.views.tolist()) for forest in each.forests] == [(3, [1])] * 3
            assert each.settings == settings


def test_fixed_copies_are_seen_once_and_nothing_is_measured(views, settings, lesson, clock, tmp_path):
    fixed = Views(views().working, Augmentation(copies=1))
    found = train(lesson(fixed, tmp_path), settings, (16 + 250) / 60)
    assert [(forest.trees, forest.views.tolist()) for forest in found] == [(2, [1])] * 3
    assert clock.grown == 6


def test_a_round_that_takes_too_long_is_given_up(views, settings, lesson, clock, tmp_path):
    begun = clock.now
    clock.at[6] = lambda: setattr(clock, "tree", 10 * TREE)  # two were measured, three had their first
    found = train(lesson(views(), tmp_path), settings, 4.0)
    assert [forest.trees for forest in found] == [1, 1, 1]
    assert 240 < clock.now - begun <= 1.05 * 240 + 10 * TREE


@pytest.mark.parametrize("tree", [4, 7])
def test_a_stopped_training_keeps_its_trees_and_what_was_decided(views, settings, lesson, clock, tmp_path, tree):
    expected = train(lesson(views(), tmp_path / "whole"), settings, 4.0)
    stop, begun, clock.grown = StopToken(), clock.now, 0
    clock.at[tree] = stop.stop
    with pytest.raises(StoppedError):
        train(lesson(views(), tmp_path / "stopped", stop=stop), settings, 4.0)
    clock.at.clear()
    clock.grown = 0
    found = train(lesson(views(), tmp_path / "stopped"), settings, 4.0)
    assert clock.now - begun <= 240
    trees = found[0].trees
    assert trees in (2, 3)  # looking once more, and perhaps a tree, takes the time of a round
    assert same(found, [first_trees(forest, trees) for forest in expected])
    clock.grown = 0
    assert same(found, train(lesson(views(), tmp_path / "stopped"), settings, 4.0))
    assert clock.grown == 0


def test_a_training_that_has_no_time_left_keeps_what_it_has(views, settings, lesson, clock, tmp_path):
    stop = StopToken()
    clock.at[7] = stop.stop  # in the second round
    with pytest.raises(StoppedError):
        train(lesson(views(), tmp_path, stop=stop), settings, 4.0)
    clock.grown = 0
    clock.at.clear()
    found = train(lesson(views(), tmp_path), settings, 2.0)
    assert [forest.trees for forest in found] == [1, 1, 1]
    assert clock.grown == 0


def test_without_a_limit_any_more_the_forests_go_on_to_be_whole(views, settings, lesson, clock, tmp_path):
    limited = train(lesson(views(), tmp_path / "limited"), settings, 9.0)
    assert [forest.trees for forest in limited] == [3, 3, 3]
    clock.grown = 0
    assert same(
        train(lesson(views(), tmp_path / "limited"), settings, None),
        train(lesson(views(), tmp_path / "free"), settings, None),
    )
    assert clock.grown == 3 + 12


def test_what_was_decided_for_other_films_does_not_count_and_a_damaged_file_is_named(
    views, settings, lesson, clock, tmp_path
):
    train(lesson(views(), tmp_path), settings, 4.0)
    found = train(lesson(views(seed=5), tmp_path), settings, 100.0)
    assert [(forest.trees, forest.views.tolist()) for forest in found] == [(4, [2])] * 3
    (tmp_path / "limit.npz").write_bytes(b"half a file")
    with pytest.raises(ModelError, match=r"limit\.npz: cannot be read"):
        train(lesson(views(seed=5), tmp_path), settings, 100.0)


def test_the_least_minutes_grow_with_films_and_landmarks_and_are_enough(views, settings, lesson, clock, tmp_path):
    few = lesson(views(4), tmp_path)
    begun = clock.now
    found = settings.estimate(ForestTraining(), few, FILMS, 0)
    least = found.least
    measuring = clock.now - begun
    measured = np.log(60 * 6 + 1)  # of 60 views of four films; sorting fewer patches takes less
    tree = TREE * np.log(FILMS * 6 + 1) / measured
    assert least * 60 == pytest.approx(measuring + FILMS * VIEW + 3 * tree)
    whole = 2 * TREE * np.log(2 * FILMS * 6 + 1) / measured  # of two views of each film
    assert found.whole * 60 == pytest.approx(2 * FILMS * VIEW + 3 * 4 * whole)
    assert settings.estimate(ForestTraining(), few, 100 * FILMS, 0).least > 90 * (least - measuring / 60)
    single = settings.estimate(ForestTraining(), dataclasses.replace(few, landmarks=1), FILMS, 0).least
    assert single * 60 == pytest.approx(measuring + FILMS * VIEW + tree)
    begun = clock.now
    train(lesson(views(), tmp_path / "least"), settings, least)
    assert clock.now - begun <= 1.05 * 60 * least + TREE


def test_the_least_minutes_count_films_not_the_parts_of_each(views, settings, lesson, clock, tmp_path):
    one = views(4)
    parts = dataclasses.replace(one, working=[film for film in one.working for _ in range(3)])
    least = [settings.estimate(ForestTraining(), lesson(v, tmp_path), 400, 0).least for v in (one, parts)]
    assert least[1] > 2.2 * least[0]  # three times the work, measured on three times as much
