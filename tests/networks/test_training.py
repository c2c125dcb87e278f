"""Training: it learns, it stops, it fails clearly, and killed and resumed it ends as if it had never stopped."""

from __future__ import annotations

import csv
import math
import resource
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from landvote.errors import DataError, TrainingError
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import Working
from landvote.networks import training as module
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.voter import NetworkVoter

SIZE = (32, 32)
NETWORK = NetworkSettings(
    width=4, depth=2, stride=2, head_width=16, k=16, sigma=4, cell=1, smoothing=1.5, precision="fp32"
)
QUICK = TrainingSettings(steps=12, batch=2, judge_every=4, rate=3e-3, average=0.9, minutes=None)
AUGMENTATION = Augmentation(rotation=(-10, 10), shift=0.05, scale=0.1, erase=0)


def film(rng):
    """Return a film of three blobs of different size, and where they are."""
    points = np.array([[11.0, 11.0], [21.0, 13.0], [15.0, 21.0]]) + rng.uniform(-6, 6, 2) + rng.uniform(-2, 2, (3, 2))
    x, y = np.arange(SIZE[0]), np.arange(SIZE[1])[:, None]
    sizes = (1.2, 2.0, 3.2)
    blobs = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * s**2)) for (px, py), s in zip(points, sizes, strict=True)]
    return (200 * np.max(blobs, axis=0) + rng.uniform(0, 20, SIZE[::-1])).astype(np.uint8), points


def views(films=8, seed=0, augmentation=AUGMENTATION):
    rng = np.random.default_rng(seed)
    frame = Frame.whole(SIZE, SIZE)
    drawn = [film(rng) for _ in range(films)]
    return Views([Working.of(pixels, frame, points, "film") for pixels, points in drawn], augmentation)


def fit(folder, settings=QUICK, report=lambda _: None, network=NETWORK, training=None, validation=None):
    voter = NetworkVoter(3, network, settings, "cpu")
    voter.fit(training or views(), views(4, seed=1) if validation is None else validation, folder, report)
    return voter


def weights(voter):
    return voter.network.state_dict()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(other).values(), strict=True))


def log(folder):
    """Return the rows of log.csv without the wall-clock minutes."""
    with (folder / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "minutes"} for row in csv.DictReader(file)]


class KilledError(Exception):
    """What a test raises in place of a kill."""


def killer(step):
    def report(row):
        if row["step"] >= step:
            raise KilledError

    return report


@pytest.mark.parametrize("method", ["whdv", "hdv", "ho"])
def test_it_learns_to_find_blobs(tmp_path, method):
    losses = []
    settings = TrainingSettings(steps=200, batch=4, judge_every=100, rate=1e-2, average=0.9)
    network = NETWORK.model_copy(update={"method": method, "smoothing": 2.0 if method == "ho" else 1.5})
    voter = fit(tmp_path, settings, lambda row: losses.append(row["loss"]), network)
    assert losses[-1] < 0.5 * losses[0]
    unseen = views(4, seed=2)
    errors = [np.linalg.norm(voter.vote(v).peaks()[0] - v.points, axis=1) for v in map(unseen.plain, range(4))]
    assert np.median(errors) < 2  # not looking at the film, one would be at 5


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    first, again = fit(tmp_path / "a"), fit(tmp_path / "b")
    assert same(first, again)
    assert log(tmp_path / "a") == log(tmp_path / "b")
    assert not same(first, fit(tmp_path / "c", QUICK.model_copy(update={"seed": 1})))


@pytest.mark.parametrize("killed_at", [1, 5, 8, 12])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_killed_and_resumed_it_ends_as_if_never_stopped(tmp_path, monkeypatch, killed_at, keep):
    settings = QUICK.model_copy(update={"keep": keep})
    whole = fit(tmp_path / "whole", settings)
    monkeypatch.setattr(module, "_CHECKPOINT_SECONDS", -1.0)  # a checkpoint after every step
    with pytest.raises(KilledError):
        fit(tmp_path / "killed", settings, killer(killed_at))
    steps = []
    resumed = fit(tmp_path / "killed", settings, lambda row: steps.append(row["step"]))
    assert steps[0] == max(killed_at, 1)  # the step that was lost is done again, those before are not
    assert same(whole, resumed)
    assert log(tmp_path / "whole") == log(tmp_path / "killed")


def test_resumed_from_an_older_checkpoint_the_log_has_no_row_twice(tmp_path, monkeypatch):
    whole = fit(tmp_path / "whole")
    seconds = iter([-1.0] * 5 + [math.inf] * 100)
    monkeypatch.setattr(module, "_CHECKPOINT_SECONDS", Countdown(seconds))
    with pytest.raises(KilledError):
        fit(tmp_path / "killed", QUICK, killer(11))
    assert [row["step"] for row in log(tmp_path / "killed")] == ["4", "8"]
    resumed = fit(tmp_path / "killed")
    assert same(whole, resumed)
    assert log(tmp_path / "whole") == log(tmp_path / "killed")


class Countdown(float):
    """A number of seconds that is another one each time it is compared."""

    def __new__(cls, seconds):
        self = super().__new__(cls, 0.0)
        self.seconds = seconds
        return self

    def __lt__(self, other):
        return next(self.seconds) < other


def test_a_finished_training_is_not_gone_on_with(tmp_path):
    done = fit(tmp_path)
    steps = []
    again = fit(tmp_path, report=lambda row: steps.append(row["step"]))
    assert steps == [12]
    assert same(done, again)


def test_resuming_with_another_network_is_an_error(tmp_path):
    fit(tmp_path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: does not fit"):
        fit(tmp_path, network=NETWORK.model_copy(update={"width": 6}))


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda _: b"not a checkpoint", lambda _: b""])
def test_a_damaged_checkpoint_is_named(tmp_path, spoil):
    fit(tmp_path)
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(TrainingError, match=r"checkpoint\.pt"):
        fit(tmp_path)


def test_a_loss_that_is_not_a_number_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match=r"nan|inf") as raised:
        fit(tmp_path, QUICK.model_copy(update={"rate": 1e30, "schedule": "constant", "steps": 50}))
    assert "1e+30" in str(raised.value)
    assert not (tmp_path / "checkpoint.pt").exists()


def scripted(monkeypatch, errors):
    """Let the looks at the validation views come out as given."""
    given = iter(errors)
    original = module.State.judged
    monkeypatch.setattr(module.State, "judged", lambda self, _, *rest: original(self, next(given), *rest))


def test_patience_stops_early(tmp_path, monkeypatch):
    scripted(monkeypatch, [5, 4, 4.5, 4.2, 1, 1, 1, 1])
    steps = []
    settings = QUICK.model_copy(update={"steps": 40, "judge_every": 2, "patience": 2})
    fit(tmp_path, settings, lambda row: steps.append(row["step"]))
    assert max(steps) == 8  # the best look was at step 4, and two more were not better
    assert [row["validation"] for row in log(tmp_path)] == ["5", "4", "4.5", "4.2"]


def test_no_patience_goes_on_to_the_end(tmp_path, monkeypatch):
    scripted(monkeypatch, [1, 2, 3, 4, 5, 6, 7])
    fit(tmp_path, QUICK.model_copy(update={"judge_every": 2}))
    assert log(tmp_path)[-1]["step"] == "12"


def at_step(tmp_path, step, keep):
    """Return a voter as it was at a step of a training of twelve at constant rate."""
    settings = QUICK.model_copy(update={"schedule": "constant", "keep": keep, "steps": step})
    return fit(tmp_path / f"{keep}-{step}", settings)


def test_best_keeps_what_judged_best_and_last_the_end(tmp_path, monkeypatch):
    fourth, twelfth = at_step(tmp_path, 4, "last"), at_step(tmp_path, 12, "last")
    for name, expected in [("best", fourth), ("last", twelfth)]:
        scripted(monkeypatch, [1, 2, 3])
        kept = fit(tmp_path / name, QUICK.model_copy(update={"schedule": "constant", "keep": name}))
        assert same(kept, expected)
        assert not same(kept, fourth if name == "last" else twelfth)
        monkeypatch.undo()


def test_a_look_without_any_figure_is_never_the_best(tmp_path, monkeypatch):
    """Before the votes have learned to meet, no landmark may be found at all; the error is then not a number."""
    eighth = at_step(tmp_path, 8, "last")
    scripted(monkeypatch, [math.nan, 3, 4])
    assert same(fit(tmp_path / "nan", QUICK.model_copy(update={"schedule": "constant", "keep": "best"})), eighth)


def test_with_nothing_to_judge_by_the_last_is_the_best(tmp_path):
    settings = QUICK.model_copy(update={"keep": "best", "patience": 1, "judge_every": 2})
    last = fit(tmp_path / "last", QUICK.model_copy(update={"judge_every": 2}), validation=Views([], AUGMENTATION))
    assert same(fit(tmp_path / "best", settings, validation=Views([], AUGMENTATION)), last)
    assert log(tmp_path / "best")[-1]["step"] == "12"


def test_a_failed_workers_own_exception_surfaces(tmp_path):
    training = views()
    training.working[3] = None  # whatever goes wrong in the thread, here an AttributeError
    with pytest.raises(AttributeError):
        fit(tmp_path, training=training)


def test_minutes_end_the_training(tmp_path, monkeypatch):
    now = iter(float(s) for s in range(10_000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    progress = []
    fit(
        tmp_path, QUICK.model_copy(update={"steps": 1000, "minutes": 0.5}), lambda row: progress.append(row["progress"])
    )
    assert 2 < len(progress) < 40
    assert progress[-1] == 1.0
    assert all(a <= b for a, b in pairwise(progress))


def test_the_rate_rises_and_falls_to_zero_or_stays():
    shares = [module._rate("cosine", p) for p in np.linspace(0, 1, 101)]
    assert shares[0] < 0.05
    assert max(shares) > 0.95
    assert np.argmax(shares) < 5
    assert shares[-1] == pytest.approx(0)
    assert [module._rate("constant", p) for p in (0, 0.5, 1)] == [1, 1, 1]


def test_the_log_has_a_row_per_look(tmp_path):
    fit(tmp_path)
    rows = log(tmp_path)
    assert [row["step"] for row in rows][:3] == ["4", "8", "12"]
    assert all(math.isfinite(float(row["loss"])) and math.isfinite(float(row["validation"])) for row in rows)


@contextmanager
def limited(size):
    """Let no file grow beyond ``size`` bytes: what a full disk does, at a place of our choice."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("file", ["checkpoint.pt", "network.safetensors"])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path, monkeypatch, file):
    voter = NetworkVoter(3, NETWORK, QUICK, "cpu")
    write = voter.save if file.startswith("network") else partial(fit, settings=QUICK)
    with limited(20_000), pytest.raises(DataError, match=f"{file}: cannot be written"):
        write(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} <= {"log.csv"}
