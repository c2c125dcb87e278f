"""The wheel: pure, with all that is no Python in it, and enough for every verb."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import landvote

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Return the Python of a new venv that has the wheel, and finds what that needs where this Python has it."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    found = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", found, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return found


def said(*words, at):
    own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run([*map(str, words)], cwd=at, env=own, check=True, capture_output=True, text=True).stdout


def test_it_is_pure_and_holds_every_file_of_the_package(wheel):
    assert wheel.name == f"landvote-{landvote.__version__}-py3-none-any.whl"
    tracked = subprocess.run(["git", "ls-files", "src/landvote"], cwd=ROOT, capture_output=True, text=True, check=True)
    expected = {name.removeprefix("src/") for name in tracked.stdout.splitlines()}
    assert {"landvote/py.typed", "landvote/recipes/whdv.toml", "landvote/data/schemes/femur.toml"} < expected
    with zipfile.ZipFile(wheel) as content:
        assert {name for name in content.namelist() if ".dist-info/" not in name} == expected


def test_the_command_it_installs_runs(python, tmp_path):
    landvote_ = python.with_name("landvote")
    assert said(landvote_, "--version", at=tmp_path) == f"landvote {landvote.__version__}\n"
    assert "rfrv-clm" in said(landvote_, "recipes", at=tmp_path)
    program = "import landvote, sys; print(landvote.Scheme.named('femur').name, landvote.__file__)"
    name, file = said(python, "-c", program, at=tmp_path).split()
    assert name == "femur"
    assert Path(file).is_relative_to(python.parents[1])
    said(landvote_, "simulate", "hips", "--films", 2, at=tmp_path)
    said(landvote_, "check", "hips", at=tmp_path)
