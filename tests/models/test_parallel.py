"""Two processes, started by torchrun as users do, train the model that one would; killed, they resume; one fails all.

Not the same bits: sums over a batch are taken in two parts, and fp32 rounds them differently. What is compared has
learned for few steps, so that the difference is rounding, not where it has led to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from landvote import cli
from landvote.errors import SettingError
from landvote.films.image import read_image
from landvote.models import load_model
from landvote.networks.parallel import together
from landvote.runtime.rank import this_process
from toys import draw_crosses, tiny_words

pytestmark = pytest.mark.slow

WEIGHTS = 1e-4  # of the largest weight of a layer; measured: 1e-6 to 2e-5
POINTS = 0.02  # pixels of the film
LIMIT = 120  # seconds for a run that takes six: something hangs
TINY = [*tiny_words(steps=12, batch=3, judge_every=6, average=0.5), *(
    word for stage in ("global", "local") for word in ("--set", f"{stage}.voter.head_width=8")
)]  # fmt: skip

DIES = """
import os, signal
from landvote import cli
from landvote.networks import training, voter

train, step, steps = voter.train, training.step, []
voter.train = lambda *args, **others: train(*args, **others | {{"checkpoint_seconds": -1.0}})  # one after every step

def last(*args, **others):
    steps.append(1)
    if os.environ["RANK"] == "{rank}" and len(steps) == 12 + 5:  # in the second stage
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*args, **others)

training.step = last
cli.main()
"""
FAILS = """
import os
from landvote import cli
from landvote.errors import ImageError
from landvote.frames import Views

varied, views = Views.varied, []

def broken(self, index, rng):
    views.append(index)
    if os.environ["RANK"] == "1" and len(views) > 5:
        raise ImageError("film 3 is broken")
    return varied(self, index, rng)

Views.varied = broken
cli.main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a DATA folder of bright crosses with landmarks missing, on one film more than on the others."""
    folder = tmp_path_factory.mktemp("parallel") / "data"
    return draw_crosses(folder, [f"{i}.png" for i in range(9)], lambda i: range(i % 2, 3 if i == 4 else i % 2 + 1))


def words(data, out):
    return ["train", str(data), "--recipe", "whdv", "--out", str(out), "--device", "cpu", *TINY]


def torchrun(*command):
    """Run a command in two processes; return the exit status, output and errors. It ends them all if it takes long."""
    torchrun = Path(sys.executable).with_name("torchrun")
    run = subprocess.Popen(
        [torchrun, "--standalone", "--nproc-per-node", "2", *map(str, command)],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        out, err = run.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        run.terminate()  # it takes its processes with it
        out, err = run.communicate()
        pytest.fail(f"torchrun took longer than {LIMIT} s:\n{out}\n{err}")
    return run.returncode, out, err


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """Return the model of two processes, and what they said."""
    folder = tmp_path_factory.mktemp("two") / "model"
    status, out, err = torchrun("-m", "landvote", *words(data, folder))
    assert (status, err.count("Traceback"), err.count("Warning")) == (0, 0, 0), err
    return folder, out, err


@pytest.fixture(scope="module")
def one(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["landvote", *words(data, folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    return folder


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_two_processes_train_the_model_of_one(data, one, two):
    assert files(two[0]) == files(one)
    assert (two[0] / "films.csv").read_text() == (one / "films.csv").read_text()
    for stage in ("global", "local"):
        alone, shared = (safetensors.numpy.load_file(m / stage / "network.safetensors") for m in (one, two[0]))
        assert alone.keys() == shared.keys()
        for name, weights in alone.items():
            limit = WEIGHTS * np.abs(weights).max()
            np.testing.assert_allclose(shared[name], weights, rtol=0, atol=limit, err_msg=f"{stage}: {name}")
    alone, shared = (load_model(m, "cpu") for m in (one, two[0]))
    for film in sorted((data / "images").iterdir()):
        expected, found = alone.locate(read_image(film)), shared.locate(read_image(film))
        np.testing.assert_allclose(found.points, expected.points, rtol=0, atol=POINTS)
        np.testing.assert_allclose(found.expected_error, expected.expected_error, rtol=0, atol=POINTS)


def test_one_of_two_processes_speaks(two):
    _, out, err = two
    assert out.count("learning from") == out.count("model: ") == 1
    assert [err.count(f"{stage}: 100%") for stage in ("global", "local")] == [1, 1]


def test_killed_and_resumed_two_processes_end_as_if_never_stopped(data, two, tmp_path):
    (tmp_path / "dies.py").write_text(DIES.format(rank=1))
    status, _, err = torchrun(tmp_path / "dies.py", *words(data, tmp_path / "model"))
    assert status != 0
    assert "SIGKILL" in err
    assert (tmp_path / "model" / "local" / "checkpoint.pt").exists()
    assert not (tmp_path / "model" / "model.json").exists()
    status, _, err = torchrun("-m", "landvote", *words(data, tmp_path / "model"), "--resume")
    assert status == 0, err
    for name in ("global/network.safetensors", "local/network.safetensors"):
        assert (tmp_path / "model" / name).read_bytes() == (two[0] / name).read_bytes()


def test_what_fails_in_one_process_ends_both_and_is_told(data, tmp_path):
    (tmp_path / "fails.py").write_text(FAILS)
    many = ["--set", "global.training.steps=100000"]
    status, out, err = torchrun(tmp_path / "fails.py", *words(data, tmp_path / "model"), *many)
    assert status != 0
    assert "\nlandvote: film 3 is broken\n" in err
    said = [line for line in err.splitlines() if line.startswith("landvote: ")]
    assert set(said) <= {"landvote: film 3 is broken", "landvote: process 1 of 2 failed: ImageError: film 3 is broken"}
    assert "model: " not in out


def started(monkeypatch, rank, size):
    for name, value in {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, str(value))


def test_forests_are_grown_by_one_process(data, tmp_path, monkeypatch, capsys):
    started(monkeypatch, 0, 2)
    monkeypatch.setattr(sys, "argv", ["landvote", "train", str(data), "--recipe", "rfrv", "--out", str(tmp_path / "m")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "a voter of kind 'forest' in several processes: expected one" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_processes_that_no_torchrun_brings_together_are_an_error(monkeypatch):
    started(monkeypatch, 1, 2)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert (this_process().rank, this_process().is_rank_zero) == (1, False)
    with pytest.raises(SettingError, match=r"MASTER_ADDR.*start them by torchrun"), together():
        pass
