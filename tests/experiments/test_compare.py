"""A small grid from end to end: killed and restarted, in shards, with a run that fails."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock, Timeout
from typer.testing import CliRunner

from landvote.cli import app
from landvote.errors import StoppedError
from landvote.experiments import compare_grid, report, results
from landvote.experiments.compare import find_data, lay_out
from landvote.experiments.grid import read_grid
from landvote.experiments.statistics import error_table
from landvote.experiments.tables import number
from landvote.experiments.work import Clock, Workspace
from landvote.phantom import simulate_folder
from landvote.runtime.events import RunsProgressed, StepTaken, ignore
from landvote.runtime.stop import StopToken

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GRID = """
title = "small"
sizes = [4]
folds = 2
test = 4
unit = "%"
data = {folder = "hips"}

[[methods]]
name = "WHDV"
recipe = "whdv"
set = [NETWORK]

[[methods]]
name = "WHDV + shape"
recipe = "whdv-shape"
set = [NETWORK]

[[methods]]
name = "RFRV"
recipe = "rfrv"
set = [FOREST]
""".replace(
    "NETWORK",
    ", ".join(
        f'"{stage}.{s}"'
        for stage in ("global", "local", "outline")
        for s in ("size=[32,32]", "training.steps=3", "training.batch=2")
    ),
).replace(
    "FOREST",
    ", ".join(
        f'"{stage}.forest.{s}"'
        for stage in ("global", "local", "fine")
        for s in ("trees=1", "views=1", "pool=10", "patches=4")
    ),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    simulate_folder(folder / "hips", 12, seed=3)
    (folder / "grid.toml").write_text(GRID)
    return folder


@pytest.fixture(scope="module")
def undisturbed(place):
    assert run(place, "undisturbed").exit_code == 0
    return place / "undisturbed"


def run(place, out, *more):
    return CliRunner().invoke(app, ["compare", str(place / "grid.toml"), "--out", str(place / out), *more])


def finished(folder):
    return {f.stem for f in folder.glob("runs/*.json")}


def tables(folder):
    """Return every table, figure and prediction of a grid; costs are minutes, which no two runs have in common."""
    kept = [f for f in (folder / "report").rglob("*") if f.suffix in (".csv", ".tex", ".svg") and "cost" not in f.name]
    kept += folder.glob("runs/*.jsonl")
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in kept}


def test_a_grid_gives_two_files_per_run_and_a_report(undisturbed):
    told = [json.loads(f.read_text()) for f in undisturbed.glob("runs/*.json")]
    assert sorted((t["method"], t["fold"]) for t in told) == [
        (m, f) for m in ("RFRV", "WHDV", "WHDV + shape") for f in (0, 1)
    ]
    assert {t["votes_of"] for t in told if t["method"] == "WHDV + shape"} == {"WHDV"}
    assert all(t["minutes"] >= t["train_minutes"] > 0 for t in told)
    assert (undisturbed / "report" / "report.html").is_file()
    assert any(name.endswith(".csv") for name in tables(undisturbed))


def test_finished_runs_are_not_worked_on_again(place, undisturbed):
    before = {f: f.stat().st_mtime_ns for f in undisturbed.glob("runs/*")}
    assert run(place, "undisturbed").exit_code == 0
    assert {f: f.stat().st_mtime_ns for f in undisturbed.glob("runs/*")} == before


def test_the_hip_tables_are_those_of_the_report(undisturbed, place, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("hips", ROOT / "results" / "hips.py")
    hips = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hips)
    files = {"FILMS": tmp_path / "films.csv", "RUNS": tmp_path / "runs.csv"}
    for name, file in files.items():
        monkeypatch.setattr(hips, name, file)
    grid = read_grid(place / "grid.toml")
    there = tmp_path / "results"
    shutil.copytree(undisturbed / "runs", there / "runs")
    (there / "data").symlink_to(place / "hips")
    hips.take_over(grid, there)
    once = {file: file.read_bytes() for file in files.values()}
    next(f for f in there.glob("runs/*.json") if json.loads(f.read_text())["method"] == "WHDV").unlink()
    hips.take_over(grid, there)  # the run that is not there again is kept from before, in its place
    assert {file: file.read_bytes() for file in files.values()} == once

    films, runs = (pd.read_csv(f, dtype={"size": str, "fold": str}).fillna("") for f in files.values())
    rebuilt = hips.rebuilt(grid, films)
    assert len(rebuilt.runs) == len(runs) == 6
    assert rebuilt.missing == ()
    written = pd.read_csv(undisturbed / "report" / "tables" / "errors.csv")
    found = error_table(rebuilt)
    columns = ["median", "median_low", "median_high", "p95", "p99"]
    np.testing.assert_allclose(found[columns], written[columns].to_numpy(), rtol=1e-4)  # six digits are kept
    hips.print_errors(found, runs)
    printed = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[1:3] for row in printed[:3]] == [[m, "2"] for m in ("WHDV", "WHDV + shape", "RFRV")]
    assert number(written["median"][0]) in printed[0]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_killed_twice_and_begun_again_it_gives_the_same_tables(place, undisturbed):
    out = place / "killed"
    for enough in (1, 3):
        kill_with(place, out, enough)
    until(lambda: not working(out))
    assert len(finished(out)) < len(finished(undisturbed))
    assert run(place, "killed").exit_code == 0
    assert tables(out) == tables(undisturbed)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C reaches a group of processes")
def test_ctrl_c_stops_all_processes_and_the_same_command_goes_on(place, undisturbed):
    out = place / "interrupted"
    process = begin(place, out, start_new_session=True, stderr=subprocess.PIPE, text=True)
    until(lambda: list(out.glob("unfinished/*/*/model/global/*")) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 3
    assert "stopping after this step or film" in said
    assert re.search(r"landvote: stopped with \d runs left; the same command goes on from here", said)
    assert "Traceback" not in said
    assert not list(out.glob(".stop-*"))
    assert len(finished(out)) < len(finished(undisturbed))
    assert run(place, "interrupted").exit_code == 0
    assert tables(out) == tables(undisturbed)


def test_stopped_in_a_training_it_goes_on_there_in_a_copy_of_the_folder(place, undisturbed, monkeypatch):
    stop, steps, told = StopToken(), [], Clock.__call__

    def noting(clock, event):
        told(clock, event)
        if isinstance(event, StepTaken):
            steps.append(event.stage)
            if len(steps) == 5 and not stop.stopped:  # of 4 in the global stage, the last of which is told twice
                stop.stop()
                until(lambda: list((place / "stopped").glob(".stop-*")))

    monkeypatch.setattr(Clock, "__call__", noting)
    found = compare_grid(place / "grid.toml", place / "stopped", here, stop=stop)
    assert (found.report, found.failures, found.stopped) == (None, (), 6)
    assert steps == ["global"] * 4 + ["local"]
    shutil.move(place / "stopped", place / "elsewhere")
    files = [f for f in (place / "elsewhere").rglob("*") if f.is_file()]
    assert len(files) < 20
    named = [f for f in files if str(place).encode() in f.read_bytes()]
    assert {f.name for f in named} <= {"films.csv"}  # says where the films lay; nothing goes by that
    steps.clear()
    found = compare_grid(place / "grid.toml", place / "elsewhere", here)
    assert found.stopped == 0
    assert steps[:4] == ["global", *["local"] * 3]  # that it is done; two steps that were left, the last told twice
    assert tables(place / "elsewhere") == tables(undisturbed)


def test_without_time_nothing_is_begun_and_the_report_is_on_what_is_there(place, undisturbed):
    late = StopToken(time.time())
    found = compare_grid(place / "grid.toml", place / "late", here, stop=late)
    assert (found.report, found.stopped) == (None, 6)
    found = compare_grid(place / "grid.toml", undisturbed, here, stop=late)
    assert (found.report, found.stopped) == (undisturbed / "report" / "report.html", 0)
    assert compare_grid(place / "grid.toml", undisturbed, None, report=False).report is None


def test_the_listener_is_told_how_far_the_runs_are(place, undisturbed):
    events = []
    compare_grid(place / "grid.toml", undisturbed, here, listener=events.append, report=False)
    assert events == [RunsProgressed(6, 6, 1.0, 0.0)]


def test_simulated_films_are_known_by_their_seed_alone(tmp_path):
    def keys(seed, blot=False):
        source = f"simulate = 12, seed = {seed}"
        (tmp_path / "grid.toml").write_text(GRID.replace('folder = "hips"', source))
        grid = read_grid(tmp_path / "grid.toml")
        results = (tmp_path / str(seed)).resolve()
        workspace = Workspace(*find_data(grid, tmp_path, results, None, ignore, StopToken()), results)
        if blot:
            cv2.imwrite(str(next((workspace.data / "images").iterdir())), np.zeros((9, 9), np.uint8))
        return [plan.key for plan in lay_out(grid, workspace)[1]]

    before = keys(1)
    assert keys(1, blot=True) == before
    assert not set(keys(2)) & set(before)
    stop = StopToken()
    stop.stop()
    with pytest.raises(StoppedError):
        compare_grid(tmp_path / "grid.toml", tmp_path / "stopped", None, stop=stop)
    assert [p.name for p in (tmp_path / "stopped").iterdir()] == ["locks"]


def test_shards_together_are_the_whole(place, undisturbed):
    assert run(place, "shards", "--shard", "1/2").exit_code == 0
    first = finished(place / "shards")
    assert first < finished(undisturbed)
    before = tables(place / "shards")
    shutil.rmtree(place / "shards" / "report")
    assert run(place, "shards", "--engine", "none").exit_code == 0  # the report alone, on what there is
    assert finished(place / "shards") == first
    assert tables(place / "shards") == before
    assert run(place, "shards", "--shard", "2/2").exit_code == 0
    assert tables(place / "shards") == tables(undisturbed)


def test_of_shards_that_end_at_once_one_writes_after_the_other(place, undisturbed, monkeypatch):
    told = []

    def alone(act):
        def acting(*words):
            with pytest.raises(Timeout):
                FileLock(undisturbed / "locks" / "report.lock").acquire(timeout=0)
            told.append(act.__name__)
            return act(*words)

        return acting

    for module, act in ((results, results.gather), (report, report.write_comparison)):
        monkeypatch.setattr(module, act.__name__, alone(act))
    before = tables(undisturbed)
    assert run(place, "undisturbed", "--engine", "none").exit_code == 0
    assert told == ["gather", "write_comparison"]
    assert tables(undisturbed) == before


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_shard_that_is_none_is_refused(place, shard):
    result = run(place, "none", "--shard", shard)
    assert result.exit_code != 0
    assert "expected I/N" in str(result.exception)


def test_an_engine_that_is_none_of_them_is_refused(place):
    result = run(place, "none", "--engine", "nnoe")
    assert result.exit_code != 0
    assert str(result.exception) == "engine 'nnoe': expected local, ray, none; did you mean 'none'?"


def test_a_run_that_fails_is_named_and_the_others_go_on(place):
    grid = GRID.replace('"local.forest.views=1"', '"local.forest.views=1", "local.forest.memory_gib=0.0001"')
    (place / "failing.toml").write_text(grid)
    result = CliRunner().invoke(app, ["compare", str(place / "failing.toml"), "--out", str(place / "failing")])
    assert result.exit_code == 1
    assert result.output.count("failed: RFRV, 4 films, fold") == 2
    assert "memory_gib" in result.output
    assert len(finished(place / "failing")) == 4


def test_films_that_are_not_there_are_told_of(place, tmp_path):
    (tmp_path / "grid.toml").write_text(GRID)
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "grid.toml"), "--out", str(tmp_path / "out")])
    assert "hips: no such folder" in str(result.exception)
    assert run(place, "given", "--data", str(place / "nothing")).exit_code != 0


def here(job):
    """Run all tasks in this process."""
    return map(job.function, job.tasks)


def begin(place, out, **how):
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "landvote", "compare", str(place / "grid.toml"), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}, stdout=subprocess.DEVNULL, **how,
    )  # fmt: skip


def kill_with(place, out, enough):
    """Run the grid until so many runs are finished, and kill it."""
    process = begin(place, out, stderr=subprocess.DEVNULL)
    until(lambda: len(finished(out)) >= enough or process.poll() is not None)
    assert process.poll() is None, "the grid was through before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


def until(true, seconds=120.0):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def working(folder):
    """Say whether any process still holds a lock of a task."""
    from filelock import FileLock, Timeout

    for lock in folder.glob("locks/*.lock"):
        try:
            FileLock(lock).acquire(timeout=0).lock.release()
        except Timeout:
            return True
    return False
