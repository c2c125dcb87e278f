"""One task: its files, how a run fails, where it stops and goes on, and what is not begun."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.datasets.folder import read_folder
from landvote.errors import TrainingError
from landvote.experiments import work
from landvote.experiments.compare import run_plans
from landvote.experiments.work import Clock, Workspace, run_task
from landvote.runtime.events import FilmLocated
from landvote.runtime.stop import StopToken

pytestmark = pytest.mark.slow


class Knowing:
    """A localiser that is told the truth, and may be told to stop on the way."""

    def __init__(self, stop=None, after=0):
        self.computed_on = {"global": "nothing"}
        self.stop, self.left, self.located = stop, after, []

    def locate(self, radiograph, side):
        assert not side.name
        self.located.append(radiograph.identifier)
        self.left -= 1
        if self.stop is not None and self.left == 0:
            self.stop.stop()
        return Prediction(radiograph.identifier, np.zeros((5, 2)), np.ones(5), tuple("abcde"))


@pytest.fixture
def trained(monkeypatch):
    """Let training be a note of which run was trained with whose voters; return the notes."""
    notes = []

    def train_model(split, chosen, folder, conditions, *, resume, voters, keep_checkpoints):
        assert keep_checkpoints  # runs that share their votes go on from them
        notes.append((folder.parent.name, voters and voters.parent.name))
        conditions.stop.check()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text("{}")

    monkeypatch.setattr(work, "train_model", train_model)
    monkeypatch.setattr(work, "load_model", lambda *_: Knowing())
    return notes


def test_a_task_leaves_two_files_a_run_and_trains_once(plan, workspace, trained):
    task = [plan("a"), plan("b", method="B")]
    assert run_task(task, workspace) == []
    assert trained == [("a", None), ("b", "a")]
    assert sorted(p.name for p in (workspace.results / "runs").iterdir()) == ["a.json", "a.jsonl", "b.json", "b.jsonl"]
    told = [json.loads(workspace.record(p).read_text()) for p in task]
    assert [(t["method"], t["votes_of"], t["films"]) for t in told] == [("A", None, 2), ("B", "A", 2)]
    assert not list((workspace.results / "unfinished").iterdir())
    assert run_task(task, workspace) == []
    assert len(trained) == 2


def test_models_are_kept_if_asked_for(plan, workspace, trained):
    kept = replace(workspace, keep_models=True)
    run_task([plan("a")], kept)
    run_task([plan("a"), plan("b")], kept)
    assert sorted(p.name for p in (workspace.results / "models").iterdir()) == ["a", "b"]
    assert len(trained) == 2


def test_a_run_that_fails_is_named_and_its_siblings_go_on(plan, workspace, trained, monkeypatch):
    train = work.train_model

    def failing(split, chosen, folder, *words, **named):
        if folder.parent.name == "a":
            raise TrainingError("the loss became nan")
        train(split, chosen, folder, *words, **named)

    monkeypatch.setattr(work, "train_model", failing)
    assert run_task([plan("a"), plan("b", method="B")], workspace) == [
        "A, 2 films, fold 0, seed 0: the loss became nan"
    ]
    assert workspace.finished(plan("b"))


def test_a_stop_while_locating_goes_on_at_the_next_film(plan, workspace, trained, monkeypatch):
    stop = StopToken()
    first, second = Knowing(stop, 2), Knowing()
    localisers = iter((first, second))
    monkeypatch.setattr(work, "load_model", lambda *_: next(localisers))
    assert run_task([plan("a")], replace(workspace, stop=stop)) == []
    assert not workspace.finished(plan("a"))
    assert run_task([plan("a")], workspace) == []
    assert (first.located, second.located) == (["07.png", "08.png"], ["09.png"])
    assert len(trained) == 1
    assert len(workspace.predictions(plan("a")).read_text().splitlines()) == 3


def test_stopped_runs_are_neither_failures_nor_begun(plan, workspace, trained):
    stop = StopToken()
    stop.stop()
    here = replace(workspace, stop=stop)
    assert run_plans([plan("a"), plan("b", "w")], here, lambda job: map(job.function, job.tasks)) == ([], 2)
    assert trained == []


def test_no_training_is_begun_that_could_not_learn_after_reading_its_films(plan, workspace, trained, monkeypatch):
    samples = {s.identifier: s for s in read_folder(workspace.data)}

    def slow(*_):
        def opened(sample):
            time.sleep(0.05)
            return sample.open()

        return {name: replace(s, open=lambda s=s: opened(s)) for name, s in samples.items()}

    monkeypatch.setattr(work, "_samples", slow)  # 3 films x 0.05 s x 4 times x 2
    run_task([plan("a")], replace(workspace, stop=StopToken(time.time() + 0.9)))
    assert trained == []
    run_task([plan("a")], replace(workspace, stop=StopToken(time.time() + 5)))
    assert trained == [("a", None)]


def test_a_task_of_another_process_is_waited_for_until_the_stop(plan, workspace, trained):
    with work.lock(workspace.results, "v"):
        assert run_task([plan("a")], replace(workspace, stop=StopToken(time.time() + 0.1))) == []
    assert trained == []


def test_the_clock_goes_on_where_another_process_was_and_notes_a_mark_once(tmp_path):
    file = tmp_path / "progress.json"
    file.write_text(json.dumps({"seconds": 120, "marks": {"train_minutes": 1.5}}))
    clock = Clock(file)
    clock.mark("train_minutes")
    clock.mark("minutes")
    assert clock.marks == {"train_minutes": 1.5, "minutes": pytest.approx(2, abs=0.1)}
    clock(FilmLocated(3, 4))
    found = json.loads(file.read_text())
    assert (found["event"], found["done"], found["seconds"] >= 120) == ("FilmLocated", 3, True)


def test_a_workspace_reads_a_file_of_points_and_its_films(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png"])
    file = (data / "landmarks.csv").rename(tmp_path / "ours.csv")
    workspace = Workspace(file, None, tmp_path / "results", films=data, kind="wide-csv", centre=1)
    plain = Workspace(file, None, tmp_path / "results", films=data)
    for one, other in zip(workspace.samples(), plain.samples(), strict=True):
        np.testing.assert_array_equal(one.points, other.points - 1)
    assert workspace.sources == (file, data)
