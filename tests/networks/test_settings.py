"""Settings of networks: what they refuse, what they leave unimported and unchanged."""

import subprocess
import sys

import pytest

from landvote.errors import SettingError
from landvote.forests.settings import ForestSettings
from landvote.frames import Augmentation, Views
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.votes import Lesson, VoterSettings

SMALL = NetworkSettings(width=4, depth=3, stride=2)


def said_by(program):
    """Return the words that a Python program prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_networks_are_voters_of_their_kind():
    assert isinstance(SMALL, VoterSettings)
    assert (SMALL.kind, SMALL.training_settings) == ("network", TrainingSettings)


def test_half_the_steps_tell_what_errors_to_expect():
    whole = TrainingSettings(steps=301, minutes=3.0, rate=0.1)
    assert SMALL.brief(whole) == TrainingSettings(steps=151, minutes=1.5, rate=0.1)
    trees = ForestSettings.training_settings(minutes=2.0)
    assert ForestSettings().brief(trees) == trees


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((64, 60), r"^size \(64, 60\) with depth 3: expected multiples of 8$"),
        ((36, 64), r"^size \(36, 64\) with depth 3: expected multiples of 8$"),
    ],
)
def test_views_that_cannot_be_halved_as_often_as_there_are_levels_are_refused(size, message):
    SMALL.check((64, 48))
    with pytest.raises(ValueError, match=message):
        SMALL.check(size)


def test_a_stride_beyond_the_deepest_level_is_refused():
    NetworkSettings(depth=2, stride=4).check((64, 64))
    with pytest.raises(ValueError, match=r"^stride 8 with depth 2: expected at most 4$"):
        NetworkSettings(depth=2, stride=8).check((64, 64))


def test_levels_have_the_stride_of_the_deepest_level():
    NetworkSettings(method="levels", depth=3, stride=8).check((64, 64))
    with pytest.raises(ValueError, match=r"^stride 4 with depth 3: expected 8, as of all levels$"):
        NetworkSettings(method="levels", depth=3, stride=4).check((64, 64))


def test_levels_start_from_levels_alone():
    NetworkSettings(method="hdv").check_start(NetworkSettings(method="ho"))
    for one, other in (("levels", "whdv"), ("whdv", "levels")):
        with pytest.raises(SettingError, match=f"^voter.method is '{one}', expected that of the model, '{other}'$"):
            NetworkSettings(method=one).check_start(NetworkSettings(method=other))


def test_settings_of_another_voters_training_are_refused(tmp_path):
    nothing = Lesson("local", 3, Views([], Augmentation()), Views([], Augmentation()), tmp_path)
    with pytest.raises(SettingError, match=r"^training: "):
        SMALL.fit(ForestSettings(), nothing)


def test_settings_import_no_torch():
    told = said_by(
        "import sys\n"
        "from landvote.networks.settings import NetworkSettings, TrainingSettings\n"
        "NetworkSettings().check((224, 224)), TrainingSettings()\n"
        "print('torch' in sys.modules)"
    )
    assert told == ["False"]


_STATE = """
import ctypes, tempfile
from pathlib import Path
import numpy as np, torch
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks import device, parallel, voter
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.votes import Lesson

device.keep_freed_memory = device.keep_threads = device.ctypes.CDLL = lambda *_: print("touched")

def state():
    return [torch.get_rng_state().tolist(), torch.get_num_threads(), np.random.get_state()[1].tolist(),
            torch.get_default_dtype(), torch.empty(0).device, torch.is_grad_enabled()]

frame = Frame.whole((16, 16), (16, 16))
films = [CachedFilm.of(np.random.default_rng(i).integers(0, 255, (16, 16)), frame, np.full((2, 2), 7.0), "film")
         for i in range(3)]
views = Views(films, Augmentation())
network, training = NetworkSettings(width=4, depth=2, head_width=8), TrainingSettings(steps=2, batch=2)
before = state()
with tempfile.TemporaryDirectory() as folder:
    lesson = Lesson("local", 2, views, views, Path(folder))
    network.fit(training, lesson).save(Path(folder))
    network.load(Path(folder), 2, "cpu")
    network.estimate(training, lesson, 8, 2)
print(*(now == then for now, then in zip(state(), before, strict=True)))
"""


def test_fitting_loading_and_measuring_leave_the_state_of_the_process_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert said_by(_STATE) == ["True"] * 6
