"""Several processes that train one network: shares, agreement, and a stop that only rank 0 is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from landvote.errors import SettingError, TrainingError
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks import training
from landvote.networks.batches import batch_at
from landvote.networks.parallel import share
from landvote.networks.settings import TrainingSettings
from landvote.runtime.rank import Process
from landvote.votes import Lesson

pytestmark = pytest.mark.slow

LIMIT = 120  # seconds for a run that takes four: something hangs

TRAINS = """
import sys
from pathlib import Path
import numpy as np
from landvote.errors import StoppedError
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks.parallel import together
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.runtime.events import StepTaken
from landvote.runtime.rank import this_process
from landvote.runtime.stop import StopToken
from landvote.votes import Lesson

folder, stop_at = Path(sys.argv[1]), int(sys.argv[2])
frame = Frame.whole((16, 16), (16, 16))
rng = np.random.default_rng(0)
films = [CachedFilm.of(rng.integers(0, 255, (16, 16)), frame, rng.uniform(4, 12, (2, 2)), "film") for _ in range(4)]
views = Views(films, Augmentation())
settings = NetworkSettings(width=4, depth=2, stride=2, head_width=8, sigma=4, precision="fp32")
settings.prepare_process()
token = StopToken()

def tell(event):
    if isinstance(event, StepTaken) and event.step == stop_at and this_process().is_rank_zero:
        token.stop()

def fit():
    lesson = Lesson("local", 2, views, views, folder, "cpu", listener=tell, stop=token)
    return settings.fit(TrainingSettings(steps=8, batch=3, judge_every=3, average=0.5), lesson)

try:
    with together():
        voter = fit()
        if this_process().is_rank_zero:
            voter.save(folder)
except StoppedError as error:
    (folder / f"stopped-{this_process().rank}").write_text(str(error))
"""


@pytest.fixture
def train(tmp_path):
    """Return the function that trains in two processes, stops at a step, and returns the status, errors and folder."""
    script = tmp_path / "trains.py"
    script.write_text(TRAINS)

    def run(name, stop_at=0):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        start = [Path(sys.executable).with_name("torchrun"), "--standalone", "--nproc-per-node", "2"]
        run = subprocess.Popen(
            [*start, script, folder, str(stop_at)], env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            _, err = run.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            run.terminate()  # torchrun takes its processes with it
            pytest.fail(f"torchrun took longer than {LIMIT} s:\n{run.communicate()[1]}")
        return run.returncode, err, folder

    return run


def weights(folder):
    return safetensors.numpy.load_file(folder / "network.safetensors")


def test_two_processes_stop_together_and_go_on_as_if_never_stopped(train):
    status, err, folder = train("stopped", stop_at=4)
    assert status == 0, err
    told = [(folder / f"stopped-{rank}").read_text() for rank in (0, 1)]
    assert told == ["stage local stopped at step 4; the same call goes on from there"] * 2
    assert (folder / "checkpoint.pt").exists()
    assert not (folder / "network.safetensors").exists()
    for name in ("stopped", "whole"):
        status, err, other = train(name)
        assert status == 0, err
    resumed, whole = weights(folder), weights(other)
    assert all(np.array_equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize(("batch", "size"), [(3, 2), (10, 4), (4, 4), (7, 3), (5, 1)])
def test_shares_are_the_whole_batch_and_differ_by_one(batch, size):
    shares = [range(batch)[share(batch, Process(rank, size))] for rank in range(size)]
    assert [i for part in shares for i in part] == list(range(batch))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_batch_smaller_than_the_number_of_processes_is_an_error():
    with pytest.raises(SettingError, match=r"training\.batch 3 for 4 processes"):
        share(3, Process(0, 4))


def views(identifier="film"):
    rng = np.random.default_rng(0)
    frame = Frame.whole((16, 16), (16, 16))
    films = [rng.integers(0, 255, (16, 16)).astype(np.uint8) for _ in range(4)]
    return Views([CachedFilm.of(f, frame, rng.uniform(4, 12, (2, 2)), identifier) for f in films], Augmentation())


def test_shares_hold_the_views_that_one_process_would_see():
    whole = batch_at(views(), 3, 5, 0)
    shares = [batch_at(views(), 3, 5, 0, share(5, Process(rank, 2))) for rank in range(2)]
    np.testing.assert_array_equal(np.concatenate([s.pictures for s in shares]), whole.pictures)
    np.testing.assert_array_equal(np.concatenate([s.points for s in shares]), whole.points)


def test_processes_with_other_films_settings_or_seeds_do_not_train_together(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(training, "agree", lambda value, _: told.append(value) or told[0])

    def check(rank, films, settings, seed=0):
        training._check_alike(Process(rank, 2), None, settings, Lesson("local", 2, films, films, tmp_path, seed=seed))

    check(0, views(), TrainingSettings())
    check(1, views(), TrainingSettings())
    for films, settings, seed in [
        (views("other"), TrainingSettings(), 0),
        (views(), TrainingSettings(rate=1), 0),
        (views(), TrainingSettings(), 1),
    ]:
        with pytest.raises(TrainingError, match="process 1 of 2 has other films, points or settings"):
            check(1, films, settings, seed)
