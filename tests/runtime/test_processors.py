"""How many threads: what is asked for, else what is ours, for numba and torch alike."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from landvote.runtime.processors import processors, threads

_ASK = """
from landvote.runtime.processors import limit_numba
limit_numba()
import torch
before = torch.get_num_threads()
from landvote.networks.settings import NetworkSettings
NetworkSettings().prepare_process()
import numba
print(before, torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS)
"""


def threads_in_a_process(**variables: str) -> list[int]:
    plain = {k: v for k, v in os.environ.items() if k not in {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"}}
    told = subprocess.run(
        [sys.executable, "-c", _ASK], env=plain | variables, capture_output=True, text=True, check=True
    )
    return [int(word) for word in told.stdout.split()]


@pytest.mark.parametrize(("wish", "found"), [("3", 3), ("2,1", 2), (" 4 ", 4)])
def test_a_wish_is_taken(monkeypatch, wish, found):
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert threads() == found


@pytest.mark.parametrize("wish", ["", "0", "many", "-2"])
def test_without_one_there_is_a_thread_for_each_processor_that_is_ours(monkeypatch, wish):
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert threads() == processors() >= 1
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # as a container's share would
    assert threads() == 1


def test_numba_and_torch_take_no_more_than_are_ours():
    _, torch, numba = threads_in_a_process(LOKY_MAX_CPU_COUNT="1")
    assert (torch, numba) == (1, 1)


def test_a_wish_is_not_held_against_what_is_ours():
    torch_before, torch, numba = threads_in_a_process(OMP_NUM_THREADS="3", LOKY_MAX_CPU_COUNT="1")
    assert torch == torch_before  # which reads it itself
    assert numba == 3


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("import sys; sys.argv[1:] = ['--version']; import landvote.cli; landvote.cli.main()", "1"),
        ("import numba; from landvote.runtime.processors import limit_numba; limit_numba()", "None"),  # too late for it
        (
            "os.environ['NUMBA_NUM_THREADS'] = '7'; from landvote.runtime.processors import limit_numba; limit_numba()",
            "7",
        ),
        ("import landvote", "None"),
    ],
    ids=["the command line", "after numba", "a wish of its own", "a library"],
)  # fmt: skip
def test_entry_points_alone_tell_numba_how_many_threads_to_start(program, found):
    told = "import atexit, os; atexit.register(lambda: print(os.environ.get('NUMBA_NUM_THREADS')))"
    plain = {k: v for k, v in os.environ.items() if k not in {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"}}
    run = subprocess.run(
        [sys.executable, "-c", f"{told}; {program}"],
        env=plain | {"LOKY_MAX_CPU_COUNT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split()[-1] == found
