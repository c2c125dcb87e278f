"""Growing all forests: the same whoever grows them, and a call that was killed or stopped loses nothing."""

import dataclasses

import numpy as np
import pytest

from landvote.errors import ModelError, StoppedError, TrainingError
from landvote.forests import training
from landvote.forests.forest import Forest
from landvote.forests.training import landmark_file, train
from landvote.frames import Augmentation, Views
from landvote.runtime.events import ForestGrown
from landvote.runtime.stop import StopToken


def same(one, other):
    return all(
        np.array_equal(getattr(a, field.name), getattr(b, field.name))
        for a, b in zip(one, other, strict=True)
        for field in dataclasses.fields(Forest)
    )


class Grown(list):
    """The (landmark, tree) that have been begun; ``at[n]`` is called before the n-th is grown."""

    def __init__(self):
        super().__init__()
        self.at = {}


@pytest.fixture
def grown(monkeypatch):
    begun, grow_tree = Grown(), training.grow_tree

    def counted(patches, settings, landmark, tree):
        begun.append((landmark, tree))
        begun.at.get(len(begun), lambda: None)()
        return grow_tree(patches, settings, landmark, tree)

    monkeypatch.setattr(training, "grow_tree", counted)
    return begun


def test_a_landmark_that_no_view_shows_is_named_before_any_tree_is_grown(views, quick, lesson, grown, tmp_path):
    with pytest.raises(TrainingError, match="landmark 1: not one of 16 training views shows it"):
        train(lesson(views(missing=[1]), tmp_path), quick, None)
    with pytest.raises(TrainingError, match="no training film"):
        train(lesson(Views([], Augmentation()), tmp_path), quick, None)
    assert grown == []


def test_an_event_tells_of_each_forest_also_of_those_that_are_found(views, quick, lesson, tmp_path):
    expected = [ForestGrown("local", done, 3) for done in (1, 2, 3)]
    for _ in range(2):
        events = []
        train(lesson(views(), tmp_path, listener=events.append), quick, None)
        assert events[:3] == expected
        assert [(e.unit, e.done, e.asked, e.late) for e in events[3:]] == [
            ("trees", quick.trees, quick.trees, False), ("views of each film", quick.views, quick.views, False),
        ]  # fmt: skip
        landmark_file(tmp_path, 1).unlink()


def test_how_many_at_a_time_changes_nothing(views, quick, lesson, tmp_path):
    forests = [
        train(lesson(views(), tmp_path / str(jobs)), quick.model_copy(update={"jobs": jobs}), None)
        for jobs in (1, 3, 0)
    ]
    assert same(forests[0], forests[1])
    assert same(forests[0], forests[2])


def test_a_killed_training_goes_on_and_ends_the_same(views, quick, lesson, grown, tmp_path):
    expected = train(lesson(views(), tmp_path / "whole"), quick, None)
    grown.clear()

    def kill():
        raise KeyboardInterrupt

    grown.at[8] = kill  # in the middle of the last of three landmarks of three trees
    killed = lesson(views(), tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        train(killed, quick, None)
    damaged = landmark_file(tmp_path / "killed", 0)
    damaged.write_bytes(b"half a file")  # by another program's mischief
    with pytest.raises(ModelError, match=r"landmark_000\.npz: cannot be read .*; delete it to have it grown again"):
        train(killed, quick, None)
    damaged.unlink()
    grown.clear()
    grown.at.clear()
    assert same(expected, train(killed, quick, None))
    assert {landmark for landmark, _ in grown} == {0, 2}
    grown.clear()
    written = [file.stat().st_mtime_ns for file in sorted(killed.folder.iterdir())]
    assert same(expected, train(killed, quick, None))
    assert grown == []
    assert [file.stat().st_mtime_ns for file in sorted(killed.folder.iterdir())] == written


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stopped_training_begins_no_tree_after_it_and_ends_the_same(views, quick, lesson, grown, tmp_path, jobs):
    settings = quick.model_copy(update={"jobs": jobs})
    expected = train(lesson(views(), tmp_path / "whole"), settings, None)
    grown.clear()
    stop = StopToken()
    grown.at[5] = stop.stop
    with pytest.raises(StoppedError):
        train(lesson(views(), tmp_path / "stopped", stop=stop), settings, None)
    assert len(grown) <= 5 + jobs - 1  # the other jobs may have been asked just before
    if jobs == 1:
        assert [file.name for file in (tmp_path / "stopped").iterdir()] == ["landmark_000.npz"]
    grown.at.clear()
    assert same(expected, train(lesson(views(), tmp_path / "stopped"), settings, None))


def test_an_error_ends_the_other_jobs_long_before_their_forests_are_whole(views, quick, lesson, grown, tmp_path):
    def fail():
        raise OSError("no space")

    grown.at[1] = fail
    settings = quick.model_copy(update={"jobs": 2, "trees": 4000})
    with pytest.raises(OSError, match="no space"):
        train(lesson(views(), tmp_path), settings, None)
    assert len(grown) < 2000


@pytest.mark.parametrize("changes", [{"leaf": 4}, {"seed": 3}, {"trees": 2}])
def test_a_forest_of_other_settings_or_films_is_grown_anew(views, quick, lesson, tmp_path, changes):
    first = train(lesson(views(), tmp_path, landmarks=1), quick, None)
    other = train(lesson(views(), tmp_path, landmarks=1), quick.model_copy(update=changes), None)
    assert not same(first, other)
    films = train(lesson(views(seed=5), tmp_path, landmarks=1), quick, None)
    assert same(films, train(lesson(views(seed=5), tmp_path / "fresh", landmarks=1), quick, None))
