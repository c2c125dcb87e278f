"""The process belongs to the program that uses landvote: nothing of it is changed, and threads may share it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from landvote.localiser import Conditions
from landvote.models import divide, load_model, train_model
from toys import ell_sample, tiny

pytestmark = pytest.mark.slow

NAMES = ("whdv-shape", "rfrv-clm")
FILMS = range(40, 43)

IMPORTS = """
import os
import cv2, sklearn.tree, torch.optim  # which change some themselves
before = dict(os.environ)
import landvote.votes, landvote.models, landvote.networks.voter, landvote.forests.voter
after = {k: v for k, v in os.environ.items() if not k.startswith(("TORCH", "GDCM"))}  # theirs
assert after == before, set(after.items()) ^ set(before.items())
"""
UNTOUCHED = """
import os, random, sys
from pathlib import Path
import cv2, numpy as np, sklearn.tree, torch
from toys import ell_sample, tiny

torch.set_num_threads(1)

def state():
    drawn = np.random.get_state()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("TORCH", "GDCM"))}  # theirs
    return (own, torch.get_num_threads(), torch.get_num_interop_threads(), random.getstate(),
            torch.get_rng_state().tolist(), drawn[0], drawn[1].tolist(), drawn[2:], torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled(), np.geterr(), os.getcwd())

before = state()
from landvote.localiser import Conditions
from landvote.models import divide, load_model, train_model

for name in ("whdv-shape", "rfrv-clm"):
    chosen = tiny(name, "validation=0.34", steps=2, judge_every=1)
    split = divide([ell_sample(i) for i in range(8)], chosen)
    folder = Path(sys.argv[1]) / name
    for step in ("train", "load", "locate"):
        if step == "train":
            train_model(split, chosen, folder, Conditions(device="cpu"))
        elif step == "load":
            model = load_model(folder, "cpu")
        else:
            model.locate(ell_sample(20).open())
        for was, now in zip(before, state(), strict=True):
            assert was == now, (name, step, was, now)
"""
THREADS = """
import sys
import numba
from conformance.test_process import one_after_the_other, same, side_by_side
folders = sys.argv[1:]
same(one_after_the_other(folders), side_by_side(folders))
assert numba.threading_layer() == "workqueue"
"""


def run(program, *words, **variables):
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    plain = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR", "NUMBA_CACHE_DIR"}}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        env=plain | {"PYTHONPATH": paths} | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def located(folder):
    model = load_model(Path(folder), "cpu")
    return [model.locate(ell_sample(i).open()) for i in FILMS]


def one_after_the_other(folders):
    return [located(folder) for folder in folders]


def side_by_side(folders, times=2):
    """Load each model in a thread of its own, several times at once, and locate there."""
    barrier = Barrier(times * len(folders))

    def begin_together(folder):
        barrier.wait()
        return located(folder)

    with ThreadPoolExecutor(times * len(folders)) as pool:
        return list(pool.map(begin_together, [*folders] * times))


def same(expected, found):
    for number, predictions in enumerate(found):
        for one, other in zip(expected[number % len(expected)], predictions, strict=True):
            np.testing.assert_array_equal(one.points, other.points)
            np.testing.assert_array_equal(one.expected_error, other.expected_error)
            assert one.details == other.details


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    above = tmp_path_factory.mktemp("models")
    for name in NAMES:
        chosen = tiny(name, "validation=0.34", steps=30)
        train_model(divide([ell_sample(i) for i in range(8)], chosen), chosen, above / name, Conditions(device="cpu"))
    return [above / name for name in NAMES]


def test_importing_changes_no_environment_variable():
    run(IMPORTS)


def test_training_loading_and_locating_leave_random_numbers_threads_and_environment_alone(tmp_path):
    run(UNTOUCHED, tmp_path)


def test_models_in_several_threads_find_what_they_find_one_after_the_other(folders):
    same(one_after_the_other(folders), side_by_side(folders))


def test_threads_share_kernels_where_numba_has_no_layer_that_is_safe_for_threads(folders):
    """Without OpenMP numba takes ``workqueue``, which ends the process when two threads are in it."""
    run(THREADS, *folders, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")
