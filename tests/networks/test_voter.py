"""The network voter: settings that change its votes, and its file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from landvote.errors import ModelError, SettingError
from landvote.frames import Frame, View
from landvote.networks.device import choose_device, use_bfloat16
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.voter import NetworkVoter
from landvote.votes.votemap import VoteMap

SMALL = NetworkSettings(width=4, depth=2, stride=2, head_width=8, cell=1, precision="fp32")
VIEW = View(
    np.random.default_rng(0).normal(0, 0.5, (24, 32)).astype(np.float32),
    np.full((3, 2), np.nan),
    Frame.whole((32, 24), (32, 24)),
)


def voter(**changes):
    return NetworkVoter(3, SMALL.model_copy(update=changes), TrainingSettings(), "cpu")


def test_votes_cover_the_grid_in_accumulator_cells():
    for cell, shape in [(1, (3, 24, 32)), (2, (3, 12, 16)), (5, (3, 5, 7))]:
        votes = voter(cell=cell, smoothing=2.5).vote(VIEW)
        assert isinstance(votes, VoteMap)
        assert (votes.votes.shape, votes.votes.dtype) == (shape, np.float32)
        assert (votes.cell, votes.smoothing) == (cell, 2.5)


def test_looking_changes_nothing():
    one = voter()
    np.testing.assert_array_equal(one.vote(VIEW).votes, one.vote(VIEW).votes)


@pytest.mark.parametrize("method", ["ho", "hdv", "whdv"])
def test_a_saved_voter_votes_the_same(tmp_path, method):
    one = voter(method=method)
    one.save(tmp_path)
    other = NetworkVoter(3, one.settings, TrainingSettings(seed=5), "cpu")
    assert not np.array_equal(other.vote(VIEW).votes, one.vote(VIEW).votes)
    other.load(tmp_path)
    np.testing.assert_array_equal(other.vote(VIEW).votes, one.vote(VIEW).votes)


def test_weights_that_are_missing_broken_or_anothers_are_named(tmp_path):
    one = voter()
    with pytest.raises(ModelError, match=r"network\.safetensors"):
        one.load(tmp_path)
    voter(width=6).save(tmp_path)
    with pytest.raises(ModelError, match=r"network\.safetensors: not the weights of this model's network"):
        one.load(tmp_path)
    (tmp_path / "network.safetensors").write_bytes(b"garbage" * 10)
    with pytest.raises(ModelError, match=r"network\.safetensors"):
        one.load(tmp_path)


def planes_of(monkeypatch, weight, offset=0.0):
    """Let the network say: these weights (3, 12, 16), and this offset along x."""
    dx = torch.full((3, 12, 16), offset)
    monkeypatch.setattr(NetworkVoter, "planes", lambda *_: (dx, torch.zeros_like(dx), weight))


def test_weight_acts_at_the_source_of_a_vote_or_at_its_target(monkeypatch):
    weight = torch.zeros(3, 12, 16)
    weight[:, 6, 4], weight[:, 6, 10] = 1.0, 0.25  # cells at x = 8.5 and 20.5, y = 12.5
    planes_of(monkeypatch, weight, offset=12.0)
    (x, y), *_ = voter(side="source").vote(VIEW).peaks()[0]
    assert (x, y) == pytest.approx((20.5, 12.5), abs=0.05)  # the strong cell's vote, cast 12 to the right
    at_target = voter(side="target", smoothing=1).vote(VIEW).votes[0]
    around = {at: float(at_target[10:15, at - 2 : at + 3].sum()) for at in (9, 20)}
    assert around[20] == pytest.approx(0.25)  # every cell votes there; the weight *there* counts
    assert around[9] == 0  # no vote comes so far to the left


def test_sharpness_is_a_power_of_the_weight(monkeypatch):
    weight = torch.full((3, 12, 16), 0.5)
    planes_of(monkeypatch, weight)
    plain, sharp = voter().vote(VIEW).votes.sum(), voter(sharpness=3.0).vote(VIEW).votes.sum()
    assert sharp == pytest.approx(plain / 4, rel=1e-4)


def test_negative_weights_do_not_vote_whatever_the_sharpness(monkeypatch):
    planes_of(monkeypatch, torch.full((3, 12, 16), -0.5))
    for sharpness in (1.0, 2.0):
        points, spread = voter(sharpness=sharpness).vote(VIEW).peaks()
        assert np.isnan(points).all()
        assert np.isnan(spread).all()


def test_half_precision_votes_nearly_the_same():
    one, half = voter(), voter(precision="bf16")
    half.network.load_state_dict(one.network.state_dict())
    for a, b in zip(one.planes(VIEW.pixels), half.planes(VIEW.pixels), strict=True):
        assert b.dtype == torch.float32
        assert float((a - b).abs().max()) < 0.05 * float(a.abs().max())


@pytest.mark.parametrize("name", ["gpu", "cuda:99", ""])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(SettingError, match=r"expected auto, cpu, cuda or mps"):
        choose_device(name)


def test_precision_is_as_asked_for():
    cpu = choose_device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    assert use_bfloat16(cpu, "bf16")
    assert not use_bfloat16(cpu, "fp32")


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_what_votes_are_computed_on_is_told(precision):
    assert voter(precision=precision).computed_on == f"cpu {torch.backends.cpu.get_cpu_capability()}, {precision}"


def test_choosing_a_device_and_casting_leave_torchs_threads_alone():
    threads = torch.get_num_threads()
    choose_device("cpu")
    voter().vote(VIEW).peaks()
    assert torch.get_num_threads() == threads
