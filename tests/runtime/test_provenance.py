"""Provenance: which versions and processors a result was computed with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from landvote.runtime import provenance
from landvote.runtime.provenance import machine, versions


def test_the_versions_are_those_that_are_installed():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["landvote"] == version("landvote")
    assert {"scipy", "numba", "torch", "scikit-learn", "pydicom"} <= set(found)


def test_what_is_not_installed_is_left_out(monkeypatch):
    def told(name):
        if name == "torch":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(provenance, "version", told)
    assert "torch" not in versions()
    assert versions()["numpy"] == "1"


def test_the_machine_is_told_by_its_kind_and_the_processors_that_are_ours(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    kind, _, rest = machine().partition(" ")
    assert kind
    assert rest == f"({platform.machine()}), 1 processors"
