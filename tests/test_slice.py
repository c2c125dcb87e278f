"""A slice of a grid on a borrowed machine: what is carried is enough, and what comes back is reported on at home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGE = ["network.width=4", "network.depth=2", "network.stride=2", "network.head_width=8", "training.batch=2",
         "fit_aspect=false", "size=[32, 32]"]  # fmt: skip
GRID = f"""
title = "crosses"
sizes = [4]
test = 4
[data]
folder = "data"
[[methods]]
name = "network"
recipe = "whdv"
set = {[f"{stage}.{change}" for stage in ("global", "local") for change in (*STAGE, "training.steps=STEPS")]}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bash") is None or shutil.which("split") is None, reason="needs a shell"),
]


@pytest.fixture
def home(tmp_path, draw):
    draw(tmp_path / "data", [f"{i:02}.png" for i in range(10)])
    return tmp_path


def call(*words, **environment):
    own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"PYTHON": sys.executable, **environment}
    return subprocess.run(list(map(str, words)), env=own, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(("steps", "said"), [(4, ""), (10**6, "landvote: stopped with 1 runs left")])
def test_a_slice_goes_there_and_back(home, steps, said):
    (home / "grid.toml").write_text(GRID.replace("STEPS", str(steps)))
    script, slice_, results = ROOT / "benchmarks" / "slice.sh", home / "slice", home / "results"
    packed = call(script, "pack", slice_, home / "grid.toml", results, DATA=str(home / "data"))
    assert packed.stdout == "2 MiB to carry\n", packed.stderr
    there = shutil.move(slice_, home / "there")
    minutes = 4 if said == "" else 0.5
    done = call(there / "slice.sh", "run", there, minutes, "--data", there / "data", "--jobs", 1, PART="1")
    assert (done.returncode, said in done.stderr) == (0, True), done.stderr
    shutil.copytree(there, slice_, ignore=lambda _, names: [n for n in names if not n.startswith("back.")])
    assert call(script, "take", slice_, results).returncode == 0
    assert len(list(results.glob("runs/*"))) == (2 if said == "" else 0)
    if said == "":
        words = ("compare", home / "grid.toml", "--out", results, "--engine", "none")
        report = call(sys.executable, "-m", "landvote", *words, PYTHONPATH=str(ROOT / "src"))
        assert report.stdout == f"report: {results / 'report' / 'report.html'}\n", report.stderr
