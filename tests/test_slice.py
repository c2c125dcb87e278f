"""A slice of a grid on a borrowed machine: what is carried is enough, and what comes back is reported on at home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIG = ("numpy", "scipy", "opencv-python-headless", "numba", "llvmlite", "scikit-learn", "pandas", "python-gdcm")
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


def names(package):
    asked = (r for r in requires(package) or () if "extra ==" not in r or (package == "landvote" and "networks" in r))
    return {re.match(r"[\w-]+", r)[0].lower().replace("_", "-") for r in asked}


def needs(*packages):
    """Return what is installed of packages and all they need."""
    installed = {d.name.lower().replace("_", "-"): d for d in distributions()}
    found, left = set(), set(packages) & installed.keys()
    while left:
        found |= left
        left = set().union(*map(names, left)) & installed.keys() - found
    return [installed[name] for name in sorted(found)]


@pytest.fixture
def bare(tmp_path):
    """Make a Python with torch, and packages that are big."""
    venv.create(tmp_path / "bare", symlinks=True)
    folder = next((tmp_path / "bare").glob("lib/python*/site-packages"))
    for package in needs("torch", *BIG):
        for top in {file.parts[0] for file in package.files if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(package.locate_file(top))
    return tmp_path / "bare" / "bin" / "python"


@pytest.fixture
def wheels(tmp_path):
    """Make wheels of all that a bare Python lacks, from what is installed."""
    there = {package.name for package in needs("torch", *BIG)}
    for package in needs(*names("landvote")):
        if package.name not in there:
            (tmp_path / "wheels").mkdir(exist_ok=True)
            with zipfile.ZipFile(tmp_path / "wheels" / f"{package.name}-{package.version}.whl", "w") as wheel:
                for file in package.files:
                    if ".." not in file.parts and "__pycache__" not in file.parts:
                        wheel.write(file.locate(), str(file))
    return tmp_path / "wheels"


@pytest.mark.parametrize(("steps", "said"), [(4, ""), (10**6, "landvote: stopped with 1 runs left")])
def test_a_slice_goes_there_and_back(home, bare, wheels, steps, said):
    (home / "grid.toml").write_text(GRID.replace("STEPS", str(steps)))
    script, slice_, results = ROOT / "benchmarks" / "slice.sh", home / "slice", home / "results"
    packed = call(script, "pack", slice_, home / "grid.toml", results, DATA=str(home / "data"))
    assert re.fullmatch(r"[1-9] MiB to carry\n", packed.stdout), packed.stderr
    assert call(script, "wheels", slice_, "3.11", WHEELS=str(wheels), LIMIT="4").returncode == 0
    parts = sorted(home.glob("slice.wheels.*"))
    assert len(parts) > 1
    there, site = shutil.move(slice_, home / "there"), home / "site"
    for part in parts:
        assert call(part / "slice.sh", "unpack", part, site, PYTHON=str(bare)).returncode == 0
    minutes = 4 if said == "" else 0.5
    done = call(there / "slice.sh", "run", there, minutes, "--data", there / "data", "--jobs", 1,
                PART="1", PYTHON=str(bare), SITE=str(site))  # fmt: skip
    assert (done.returncode, said in done.stderr) == (0, True), done.stderr
    shutil.copytree(there, slice_, ignore=lambda _, names: [n for n in names if not n.startswith("back.")])
    assert call(script, "take", slice_, results).returncode == 0
    assert len(list(results.glob("runs/*"))) == (2 if said == "" else 0)
    if said == "":
        words = ("compare", home / "grid.toml", "--out", results, "--engine", "none")
        report = call(sys.executable, "-m", "landvote", *words, PYTHONPATH=str(ROOT / "src"))
        assert report.stdout == f"report: {results / 'report' / 'report.html'}\n", report.stderr
