"""Training: it learns, it stops, it fails clearly; killed or stopped and resumed it ends as if it had never stopped."""

import csv
import math
import resource
import sys
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from landvote.errors import DataError, MissingExtraError, StoppedError, TrainingError
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks import training as module
from landvote.networks import voter
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.voter import NetworkVoter
from landvote.runtime.events import StageLearned, StepTaken, ignore
from landvote.runtime.stop import StopToken
from landvote.votes import Lesson

pytestmark = pytest.mark.slow

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
    return Views([CachedFilm.of(pixels, frame, points, "film") for pixels, points in drawn], augmentation)


def lesson(folder, training=None, validation=None, **others):
    held_out = views(4, seed=1) if validation is None else validation
    return Lesson("local", 3, training or views(), held_out, folder, "cpu", **others)


def fit(folder, settings=QUICK, listener=ignore, network=NETWORK, every=60.0, at_the_end=ignore, **others):
    def told(event):
        (listener if isinstance(event, StepTaken) else at_the_end)(event)

    return NetworkVoter.fit(network, settings, lesson(folder, listener=told, **others), every)


def weights(voter):
    return voter.network.state_dict()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(other).values(), strict=True))


def log(folder):
    """Return the rows of log.csv without the wall-clock minutes."""
    with (folder / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "minutes"} for row in csv.DictReader(file)]


class KilledError(Exception):
    """Raised by a test in place of a kill."""


def killer(step):
    def listener(event):
        if event.step >= step:
            raise KilledError

    return listener


def stopper(token, step):
    return lambda event: token.stop() if event.step == step else None


@pytest.mark.parametrize("method", ["whdv", "hdv", "ho"])
def test_it_learns_to_find_blobs(tmp_path, method):
    losses = []
    settings = TrainingSettings(steps=200, batch=4, judge_every=100, rate=1e-2, average=0.9)
    network = NETWORK.model_copy(update={"method": method, "smoothing": 2.0 if method == "ho" else 1.5})
    voter = fit(tmp_path, settings, lambda event: losses.append(event.loss), network)
    assert losses[-1] < 0.5 * losses[0]
    unseen = views(4, seed=2)
    errors = [np.linalg.norm(voter.vote(v).peaks()[0] - v.points, axis=1) for v in map(unseen.plain, range(4))]
    assert np.median(errors) < 2  # not looking at the film, one would be at 5


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    first, again = fit(tmp_path / "a"), fit(tmp_path / "b")
    assert same(first, again)
    assert log(tmp_path / "a") == log(tmp_path / "b")
    assert not same(first, fit(tmp_path / "c", QUICK.model_copy(update={"seed": 1})))


def test_the_seeds_of_lesson_and_settings_add_up(tmp_path):
    five = fit(tmp_path / "a", QUICK.model_copy(update={"seed": 5}))
    assert same(five, fit(tmp_path / "b", QUICK.model_copy(update={"seed": 2}), seed=3))


def test_each_step_and_the_end_are_told(tmp_path):
    told, learned = [], []
    fit(tmp_path, listener=told.append, at_the_end=learned.append)
    fit(tmp_path, at_the_end=learned.append)  # a finished training says it again
    assert learned == [StageLearned("local", "steps", 12, 12, late=False)] * 2
    assert {event.stage for event in told} == {"local"}
    assert [event.step for event in told] == [*range(1, 13), 12]
    assert [event.progress for event in told] == [*(i / 12 for i in range(12)), 1.0]
    assert [math.isfinite(event.validation) for event in told] == [False] * 4 + [True] * 9  # looked at after step 4


@pytest.mark.parametrize("killed_at", [1, 5, 8, 12])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_killed_and_resumed_it_ends_as_if_never_stopped(tmp_path, killed_at, keep):
    settings = QUICK.model_copy(update={"keep": keep})
    whole = fit(tmp_path / "whole", settings)
    with pytest.raises(KilledError):
        fit(tmp_path / "killed", settings, killer(killed_at), every=-1.0)  # a checkpoint after every step
    steps = []
    resumed = fit(tmp_path / "killed", settings, lambda event: steps.append(event.step))
    assert steps[0] == max(killed_at, 1)  # the step that was lost is done again, those before are not
    assert same(whole, resumed)
    assert log(tmp_path / "whole") == log(tmp_path / "killed")


@pytest.mark.parametrize("stopped_at", [1, 4, 11])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_stopped_and_resumed_it_ends_as_if_never_stopped(tmp_path, stopped_at, keep):
    settings = QUICK.model_copy(update={"keep": keep})
    whole = fit(tmp_path / "whole", settings)
    token = StopToken()
    with pytest.raises(StoppedError, match=f"stage local stopped at step {stopped_at}; the same call goes on"):
        fit(tmp_path / "stopped", settings, stopper(token, stopped_at), stop=token)
    steps = []
    resumed = fit(tmp_path / "stopped", settings, lambda event: steps.append(event.step))
    assert steps == [*range(stopped_at + 1, 13), 12]  # no step is taken twice
    assert same(whole, resumed)
    assert log(tmp_path / "whole") == log(tmp_path / "stopped")


def test_stopped_before_the_first_step_it_begins_anew(tmp_path):
    with pytest.raises(StoppedError, match="at step 0"):
        fit(tmp_path / "stopped", stop=StopToken(until=0.0))
    assert same(fit(tmp_path / "stopped"), fit(tmp_path / "whole"))


def test_a_training_that_has_taken_its_last_step_is_not_stopped(tmp_path):
    token = StopToken()
    done = fit(tmp_path, listener=stopper(token, 12), stop=token)
    assert same(done, fit(tmp_path, stop=token))


def test_resumed_from_an_older_checkpoint_the_log_has_no_row_twice(tmp_path):
    whole = fit(tmp_path / "whole")
    seconds = iter([-1.0] * 5 + [math.inf] * 100)
    with pytest.raises(KilledError):
        fit(tmp_path / "killed", QUICK, killer(11), every=Countdown(seconds))
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
    again = fit(tmp_path, listener=lambda event: steps.append(event.step))
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
    fit(tmp_path, settings, lambda event: steps.append(event.step))
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


@pytest.mark.parametrize(("own", "lessons"), [(0.5, None), (None, 0.5), (0.5, 9.0), (9.0, 0.5)])
def test_the_fewer_minutes_of_settings_and_lesson_end_the_training(tmp_path, monkeypatch, own, lessons):
    now = iter(float(s) for s in range(10_000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    progress, learned = [], []
    settings = QUICK.model_copy(update={"steps": 1000, "minutes": own})
    for listener in (lambda event: progress.append(event.progress), ignore):
        fit(tmp_path, settings, listener, minutes=lessons, at_the_end=learned.append)
    assert learned == [StageLearned("local", "steps", len(progress) - 1, 1000, late=True)] * 2
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


def test_the_looks_go_to_tensorboard_where_asked_for(tmp_path):
    fit(tmp_path, QUICK.model_copy(update={"tensorboard": True}))
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1


def test_tensorboard_that_is_not_installed_is_told_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"^training.tensorboard needs .*'landvote\[tensorboard\]'$"):
        fit(tmp_path, QUICK.model_copy(update={"tensorboard": True}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["checkpoint.pt", "network.safetensors"])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path, file):
    voter = NetworkVoter.untrained(NETWORK, 3, "cpu", 0)
    write = voter.save if file.startswith("network") else partial(fit, settings=QUICK)
    with limited(20_000), pytest.raises(DataError, match=f"{file}: cannot be written"):
        write(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} <= {"log.csv"}


class Clock:
    """A time at which each step takes six seconds and each look one."""

    def __init__(self):
        self.now = 0.0
        self.steps = 0

    def monotonic(self):
        return self.now

    def step(self, *_, **__):
        self.now += 6
        self.steps += 1
        return torch.zeros(())

    def mean_error(self, *_):
        self.now += 1
        return 0.0


@pytest.mark.parametrize(
    ("method", "steps", "held_out", "least", "whole"),
    [("whdv", 4000, 100, 150 * 6 + 64, 4000 * 6 + 1000 * 64), ("whdv", 4000, 10, 150 * 6 + 10, 4000 * 6 + 1000 * 10),
     ("hdv", 4000, 10, 700 * 6 + 10, 4000 * 6 + 1000 * 10), ("ho", 4000, 10, 800 * 6 + 10, 4000 * 6 + 1000 * 10),
     ("whdv", 10, 10, 10 * 6 + 10, 10 * 6 + 3 * 10), ("whdv", 10, 0, 10 * 6, 10 * 6)],
)  # fmt: skip
def test_the_least_depends_on_the_method_and_the_whole_is_all_steps(
    tmp_path, monkeypatch, method, steps, held_out, least, whole
):
    clock = Clock()
    monkeypatch.setattr(voter, "time", clock)
    monkeypatch.setattr(voter, "step", clock.step)
    monkeypatch.setattr(voter, "_mean_error", clock.mean_error)
    settings = QUICK.model_copy(update={"steps": steps})
    judging = Views([], AUGMENTATION) if held_out == 0 else views(1)
    network = NETWORK.model_copy(update={"method": method})
    found = network.estimate(settings, lesson(tmp_path, views(2), judging), 1000, held_out)
    assert (found.least * 60, found.whole * 60) == (pytest.approx(least), pytest.approx(whole))
    assert clock.steps == 3


def test_held_out_views_are_counted_not_films(tmp_path, monkeypatch):
    clock = Clock()
    for name, stand_in in (("time", clock), ("step", clock.step), ("_mean_error", clock.mean_error)):
        monkeypatch.setattr(voter, name, stand_in)
    parts = Views(views(1).working * 3, AUGMENTATION)  # three of one film
    found = NETWORK.estimate(QUICK, lesson(tmp_path, views(2), parts), 1000, 5)
    assert found.least * 60 == pytest.approx(12 * 6 + 15)


def test_measuring_leaves_no_file(tmp_path):
    assert 0 < NETWORK.estimate(QUICK, lesson(tmp_path, views(1), Views([], AUGMENTATION)), 100, 0).least < 1
    assert list(tmp_path.iterdir()) == []
