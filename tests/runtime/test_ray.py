"""A Ray cluster of three nodes: results as in-process, each once, though a node is lost while runs are worked on."""

from __future__ import annotations

import importlib.util
import json
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (the extra 'cluster')"),
    pytest.mark.skipif(
        sys.platform != "linux", reason="each node has a loopback address of its own, as Linux has them"
    ),
]

NETWORK = ["width=4", "depth=2", "stride=2", "head_width=8"]
TRAINING = ["steps=60", "batch=2", "judge_every=20"]
STAGE = [*(f"network.{n}" for n in NETWORK), *(f"training.{t}" for t in TRAINING), "fit_aspect=false", "size=[32, 32]"]
FOREST = ["forest.trees=2", "forest.views=2", "forest.pool=20", "fit_aspect=false", "size=[32, 32]"]
GRID = f"""
title = "crosses"
sizes = [4, 6]
folds = 2
test = 4
[data]
folder = "data"
[[methods]]
name = "network"
recipe = "whdv"
set = {[f"{stage}.{change}" for stage in ("global", "local") for change in STAGE]}
[[methods]]
name = "forest"
recipe = "rfrv"
set = {[f"{stage}.{change}" for stage in ("global", "local", "fine") for change in FOREST]}
"""

WORK_ON_THE_GRID = """
import sys
from pathlib import Path
from landvote.experiments import choose_engine, read_grid
from landvote.experiments.compare import lay_out, run_plans
from landvote.experiments.results import gather
from landvote.experiments.work import Workspace

if __name__ == "__main__":
    engine, grid, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    workspace = Workspace(grid.parent / "data", None, out)
    whole = read_grid(grid).at("paper")
    samples, plans = lay_out(whole, workspace)
    failures, left = run_plans(plans, workspace, choose_engine(engine))
    results = gather(whole, plans, samples, workspace)
    print(len(results.runs), failures, left, results.missing)
"""

DIE = """
import os, sys
from pathlib import Path
from landvote.errors import WorkerError
from landvote.runtime.executor import Job, choose_executor

def die(task):
    if task == 1:
        os._exit(1)
    return task

found = []
try:
    for task in choose_executor("ray")(Job(die, range(4), 4, (), Path(sys.argv[1]))):
        found.append(task)
except WorkerError as error:
    print(sorted(found), error)
"""


@pytest.fixture(scope="module")
def cluster():
    """Yield the environment of programs that use a cluster of three nodes, and the nodes."""
    nodes = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "nodes.py"))
    with nodes["cluster"](3) as running:
        yield running


@pytest.fixture(scope="module")
def grid(tmp_path_factory, draw):
    folder = tmp_path_factory.mktemp("ray")
    draw(folder / "data", [f"{i:02}.png" for i in range(12)])
    (folder / "grid.toml").write_text(GRID)
    return folder / "grid.toml"


def program(text, *words, environment=None):
    return subprocess.Popen(
        [sys.executable, "-c", text, *map(str, words)], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(running):
    """Return the last line a program says, after what Ray has to say."""
    with running:
        try:
            out, err = running.communicate(timeout=240)
        finally:
            running.kill()
    assert running.returncode == 0, err
    return out.splitlines()[-1]


def test_a_task_that_always_takes_its_process_along_is_told_of_when_all_others_are_done(cluster, tmp_path):
    said = finish(program(DIE, tmp_path, environment=cluster[0]))
    assert said.startswith("[0, 2, 3] 1 of 4 tasks were lost 4 times with their process or machine")


def test_nothing_at_the_address_is_one_line(cluster, tmp_path):
    environment = cluster[0] | {"RAY_ADDRESS": "127.0.0.9:1024"}
    running = program(DIE.replace("except WorkerError", "except Exception"), tmp_path, environment=environment)
    assert "RAY_ADDRESS 127.0.0.9:1024: no Ray cluster there" in finish(running)


def test_films_in_shards_are_located_as_in_one_process(cluster, grid, tmp_path):
    from landvote.datasets.folder import read_folder
    from landvote.localiser import Conditions
    from landvote.models import divide, train_model
    from landvote.models.shards import locate_shards
    from landvote.recipes import recipe

    chosen = recipe("whdv", [f"{s}.{c}" for s in ("global", "local") for c in STAGE])
    train_model(divide(read_folder(grid.parent / "data")[:6], chosen), chosen, tmp_path / "model", Conditions("cpu"))
    words = ["locate", tmp_path / "model", grid.parent / "data", "--out", tmp_path / "ray", "--films-per-shard", 3]
    command = "from landvote.cli import main; main()"
    finish(program(command, *words, "--engine", "ray", "--device", "cpu", environment=cluster[0]))
    locate_shards(
        tmp_path / "model",
        [grid.parent / "data"],
        tmp_path / "here",
        3,
        lambda job: map(job.function, job.tasks),
        "cpu",
    )
    shards = sorted((tmp_path / "here").iterdir())
    assert [p.name for p in shards] == sorted(p.name for p in (tmp_path / "ray").iterdir())
    assert [p.read_bytes() for p in shards] == [(tmp_path / "ray" / p.name).read_bytes() for p in shards]


def test_a_node_is_killed_while_runs_are_worked_on_and_each_result_is_there_once_as_in_process(cluster, grid, tmp_path):
    environment, nodes = cluster
    here, ray = tmp_path / "here", tmp_path / "ray"
    running = program(WORK_ON_THE_GRID, "ray", grid, ray, environment=environment)
    begun, done = set(), set()
    until = time.monotonic() + 120
    while len(begun) < 3 + len(done):  # a run on each of the three nodes
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
        done = set(ray.glob("runs/*.json"))
        begun = {f.parent.name for f in ray.glob("unfinished/*/*/progress.json")} | {f.stem for f in done}
    nodes[-1].kill()
    said = finish(running)
    assert said == "8 [] 0 ()"
    assert finish(program(WORK_ON_THE_GRID, "local", grid, here)) == said

    results = {f.name: f.read_bytes() for f in (here / "runs").glob("*.jsonl")}
    assert len(results) == 8
    assert {f.name: f.read_bytes() for f in (ray / "runs").glob("*.jsonl")} == results
    assert all(json.loads(f.read_text())["minutes"] > 0 for f in (ray / "runs").glob("*.json"))
    assert not list(ray.glob("unfinished/*"))
