"""Without torch: all that needs no network works, and what does says at once how to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from landvote.localiser import Conditions
from landvote.models import divide, train_model
from toys import draw_crosses, ell_sample, tiny, tiny_words

pytestmark = pytest.mark.slow

SRC = Path(__file__).parents[2] / "src"
COMMAND = "pip install 'landvote[networks]'"
ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "safetensors"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""  # each Python imports it when it starts, those of worker processes too
GRID = f"""
title = "crosses"
sizes = [4]
test = 4
[data]
folder = "data"
[[methods]]
name = "forest"
recipe = "rfrv"
set = {tiny_words("rfrv")[1::2][:-1]}
"""
NETWORK = """
[[methods]]
name = "network"
recipe = "whdv"
"""


@pytest.fixture
def run(tmp_path_factory):
    """Return the function that runs the command where nothing of torch can be imported."""
    start = tmp_path_factory.mktemp("start")
    (start / "sitecustomize.py").write_text(ABSENT)
    paths = os.pathsep.join([str(start), str(SRC)])

    def landvote(*words):
        return subprocess.run(
            [sys.executable, "-m", "landvote", *map(str, words)],
            env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return landvote


def well(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def one_line(done):
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("landvote: a voter of kind 'network' needs torch, found none")
    assert done.stderr.rstrip().endswith(COMMAND)
    assert done.stderr.count("\n") == 1


def test_hips_are_simulated_learned_by_forests_located_and_evaluated(run, tmp_path):
    data, model, found = tmp_path / "hips", tmp_path / "model", tmp_path / "found.jsonl"
    well(run("simulate", data, "--films", 6))
    well(run("check", data, "--sheet", tmp_path / "sheet.png"))
    well(run("train", data, "--recipe", "rfrv", "--out", model, *tiny_words("rfrv")))
    well(run("locate", model, data, "--out", found, "--overlays", tmp_path / "overlays"))
    well(run("evaluate", found, "--truth", data, "--out", tmp_path / "report"))
    assert (tmp_path / "report" / "report.html").is_file()


def test_recipes_are_listed(run):
    assert "whdv" in well(run("recipes"))


def test_a_training_of_networks_is_refused_before_anything_is_written(run, tmp_path):
    data = draw_crosses(tmp_path / "data", [f"{i}.png" for i in range(8)])
    one_line(run("train", data, "--recipe", "whdv", "--out", tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_a_model_of_networks_is_not_loaded(run, tmp_path):
    chosen = tiny("whdv", "validation=0.34", steps=1, judge_every=1)
    train_model(divide([ell_sample(i) for i in range(8)], chosen), chosen, tmp_path / "model", Conditions(device="cpu"))
    data = draw_crosses(tmp_path / "data", ["0.png"])
    one_line(run("locate", tmp_path / "model", data, "--out", tmp_path / "found.jsonl"))


def test_forests_are_compared_and_networks_refused_before_the_first_run(run, tmp_path):
    draw_crosses(tmp_path / "data", [f"{i}.png" for i in range(10)])
    (tmp_path / "both.toml").write_text(GRID + NETWORK)
    one_line(run("compare", tmp_path / "both.toml", "--out", tmp_path / "results", "--jobs", 1))
    assert list((tmp_path / "results").rglob("*.json")) == []
    (tmp_path / "forests.toml").write_text(GRID)
    well(run("compare", tmp_path / "forests.toml", "--out", tmp_path / "results", "--jobs", 1))
    assert len(list((tmp_path / "results" / "runs").glob("*.json"))) == 1


def test_the_demonstration_says_what_it_needs(run, tmp_path):
    one_line(run("demo", "--out", tmp_path / "demo"))
    assert not (tmp_path / "demo").exists()
