"""The engine of a grid: which runs make one task, and how far all of them are."""

from __future__ import annotations

import json
import math

import pytest

from landvote.errors import SettingError
from landvote.experiments.engine import choose_engine, progress, tasks
from landvote.runtime.events import RunsProgressed


def end(plan, workspace, minutes):
    workspace.record(plan).parent.mkdir(parents=True, exist_ok=True)
    workspace.record(plan).write_text(json.dumps({"minutes": minutes}))


def begin(plan, workspace, minutes):
    workspace.unfinished(plan).mkdir(parents=True)
    (workspace.unfinished(plan) / "progress.json").write_text(json.dumps({"seconds": 60 * minutes}))


def test_runs_that_share_votes_are_one_task_and_small_trainings_come_first(plan):
    plans = [plan("a", "x", films=4), plan("b", "y", films=2), plan("c", "x", films=4)]
    assert [[p.key for p in task] for task in tasks(plans)] == [["b"], ["a", "c"]]


def test_progress_without_a_finished_run_counts_runs(plan, workspace):
    plans = [plan("a"), plan("b")]
    begin(plans[0], workspace, 3)
    found = progress(plans, workspace)
    assert (found.done, found.runs, found.progress) == (0, 2, 0.0)
    assert math.isnan(found.minutes_left)


def test_progress_expects_of_a_run_what_others_of_its_method_and_size_took(plan, workspace):
    plans = [plan("a"), plan("b"), plan("c"), plan("d", method="B"), plan("e", films=3), plan("f", method="C")]
    end(plans[0], workspace, 10)
    end(plans[1], workspace, 20)
    end(plans[3], workspace, 3)
    begin(plans[2], workspace, 5)  # 15 expected, as a and b on average; e takes as long, by its method; f 11, as any
    assert progress(plans, workspace) == RunsProgressed(
        3, 6, pytest.approx(38 / (38 + 36)), pytest.approx(10 + 15 + 11)
    )
    begin(plans[4], workspace, 60)  # far longer than expected: it takes a little more
    assert progress(plans, workspace).minutes_left == pytest.approx(10 + 0.05 * 15 + 11)


def test_progress_of_a_grid_that_is_done_is_whole(plan, workspace):
    plans = [plan("a"), plan("b")]
    for each in plans:
        end(each, workspace, 1)
    assert progress(plans, workspace) == RunsProgressed(2, 2, 1.0, 0.0)


def test_engines_are_known_by_name():
    assert choose_engine("none") is None
    assert choose_engine("local", 2) is not None
    with pytest.raises(SettingError, match="engine 'nnoe': expected local, ray, none; did you mean 'none'"):
        choose_engine("nnoe")
