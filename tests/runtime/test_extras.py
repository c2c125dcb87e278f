"""Extras: what needs one that is not there says how to get it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from landvote.errors import MissingExtraError
from landvote.runtime import extras
from landvote.runtime.extras import PACKAGES, require

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_extras_are_those_of_the_project_and_all_has_each():
    declared = PROJECT["optional-dependencies"]
    own = [name for name in declared if name not in {"all", "test", "dev"}]
    assert own == list(PACKAGES)
    assert declared["all"] == [f"landvote[{','.join(own)}]"]
    for name, packages in PACKAGES.items():
        required = {line.partition(">")[0] for line in declared[name]}
        assert set(packages) <= required


@pytest.mark.parametrize("extra", PACKAGES)
def test_a_missing_package_is_told_with_the_command_that_installs_it(extra, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES[extra][-1], None)
    with pytest.raises(MissingExtraError, match=rf"^a stage needs .*, found none .*pip install 'landvote\[{extra}\]'$"):
        require(extra, "a stage")


def test_a_broken_package_is_told_like_a_missing_one(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("raise OSError('a library is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extras, "PACKAGES", {"odd": ("half_there",)})
    with pytest.raises(MissingExtraError, match=r"half_there, found none \(a library is missing\)"):
        require("odd", "a stage")


def test_packages_that_are_there_are_imported(tmp_path, monkeypatch):
    (tmp_path / "whole.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extras, "PACKAGES", {"odd": ("whole",)})
    require("odd", "a stage")
    assert "whole" in sys.modules
