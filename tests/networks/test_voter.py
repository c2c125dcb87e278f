"""The network voter: settings that change its votes, and its file."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch

from landvote.errors import ModelError, SettingError
from landvote.frames import Frame, View
from landvote.networks.device import choose_device, use_bfloat16
from landvote.networks.settings import NetworkSettings
from landvote.networks.voter import NetworkVoter
from landvote.votes.votemap import VoteMap

SMALL = NetworkSettings(width=4, depth=2, stride=2, head_width=8, cell=1, precision="fp32")
VIEW = View(
    np.random.default_rng(0).normal(0, 0.5, (24, 32)).astype(np.float32),
    np.full((3, 2), np.nan),
    Frame.whole((32, 24), (32, 24)),
)


def voter(seed=0, **changes):
    return NetworkVoter.untrained(SMALL.model_copy(update=changes), 3, "cpu", seed)


def test_votes_cover_the_grid_in_accumulator_cells():
    for cell, shape in [(1, (3, 24, 32)), (2, (3, 12, 16)), (5, (3, 5, 7))]:
        votes = voter(cell=cell, smoothing=2.5).vote(VIEW)
        assert isinstance(votes, VoteMap)
        assert (votes.votes.shape, votes.votes.dtype) == (shape, np.float32)
        assert (votes.cell, votes.smoothing) == (cell, 2.5)


def test_looking_changes_nothing():
    one = voter()
    np.testing.assert_array_equal(one.vote(VIEW).votes, one.vote(VIEW).votes)


@pytest.mark.parametrize("body", [None, Frame.whole((32, 24), (2, 2))])
def test_many_views_at_once_get_the_votes_that_each_gets_alone(body):
    pixels = np.random.default_rng(1).normal(0, 0.5, (19, 24, 32)).astype(np.float32)
    views = [replace(VIEW, pixels=own, body=body) for own in pixels]
    one = voter()
    together = list(one.vote_on(views))
    assert len(together) == len(views)
    for votes, view in zip(together, views, strict=True):
        alone = one.vote(view)
        np.testing.assert_allclose(votes.votes, alone.votes, atol=1e-4 * alone.votes.max())
        assert (votes.cell, votes.smoothing, votes.full) == (alone.cell, alone.smoothing, alone.full)
    assert list(one.vote_on([])) == []


def test_a_voter_cannot_be_changed():
    one = voter()
    with pytest.raises(FrozenInstanceError):
        one.network = None
    assert not any(module.training for module in one.network.modules())


def test_first_weights_follow_the_seed_and_draw_nothing_from_elsewhere():
    torch.manual_seed(3)
    expected = torch.rand(5)
    torch.manual_seed(3)
    one, again, other = voter(seed=1), voter(seed=1), voter(seed=2)
    assert torch.equal(torch.rand(5), expected)
    same = [[torch.equal(a, b) for a, b in zip(one.network.parameters(), v.network.parameters(), strict=True)]
            for v in (again, other)]  # fmt: skip
    assert all(same[0])
    assert not all(same[1])


@pytest.mark.parametrize("method", ["ho", "hdv", "whdv"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_loaded_voter_is_the_saved_one(tmp_path, method, precision):
    one = voter(method=method, precision=precision)
    files = one.save(tmp_path)
    assert files == list(tmp_path.iterdir())
    torch.manual_seed(3)
    other = one.settings.load(tmp_path, 3, "cpu")
    drawn = torch.rand(5)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(5))  # loading takes no random numbers
    np.testing.assert_array_equal(other.vote(VIEW).votes, one.vote(VIEW).votes)
    assert (other.vote(VIEW).full, other.computed_on) == (one.vote(VIEW).full, one.computed_on)
    form = [[(name, t.stride(), t.dtype, t.requires_grad) for name, t in v.network.state_dict(keep_vars=True).items()]
            for v in (one, other)]  # fmt: skip
    assert form[0] == form[1]
    assert other.network.down[1][0].weight.is_contiguous(memory_format=torch.channels_last)  # fastest on CPUs
    assert not any(module.training for module in other.network.modules())


def test_weights_that_are_missing_broken_or_anothers_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"network\.safetensors"):
        SMALL.load(tmp_path, 3, "cpu")
    voter(width=6).save(tmp_path)
    with pytest.raises(ModelError, match=r"network\.safetensors: not the weights of this model's network"):
        SMALL.load(tmp_path, 3, "cpu")
    voter().save(tmp_path)
    with pytest.raises(ModelError, match=r"network\.safetensors: not the weights of this model's network"):
        SMALL.load(tmp_path, 4, "cpu")
    (tmp_path / "network.safetensors").write_bytes(b"garbage" * 10)
    with pytest.raises(ModelError, match=r"network\.safetensors"):
        SMALL.load(tmp_path, 3, "cpu")


@pytest.mark.parametrize("changes", [{"side": "target"}, {"sharpness": 2.0}, {"method": "ho"}])
def test_the_full_total_of_votes_is_given_where_votes_add_up_to_it(changes):
    assert voter(sigma=3.0).vote(VIEW).full == pytest.approx(2 * np.pi * (3 / 2) ** 2)
    assert voter(**changes).vote(VIEW).full == 0


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
    one, half = voter(), voter(precision="bf16")  # of the same seed
    for a, b in zip(one.planes([VIEW]), half.planes([VIEW]), strict=True):
        assert b.dtype == torch.float32
        assert float((a - b).abs().max()) < 0.05 * float(a.abs().max())


@pytest.mark.parametrize("name", ["gpu", "cuda:99", ""])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(SettingError, match=r"expected auto, cpu, cuda or mps"):
        choose_device(name)


def test_a_kind_of_device_without_autocast_is_not_chosen_and_named_where_asked_for(monkeypatch):
    """As MPS before torch 2.5."""
    known = torch.autocast

    def autocast(kind, *args, **others):
        if kind != "cpu":
            raise RuntimeError(f"no autocast on {kind}")
        return known(kind, *args, **others)

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "autocast", autocast)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(SettingError, match="no autocast on meta"):
        choose_device("meta")


def test_precision_is_as_asked_for():
    cpu = choose_device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    assert use_bfloat16(cpu, "bf16")
    assert not use_bfloat16(cpu, "fp32")


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_what_votes_are_computed_on_is_told(precision):
    assert voter(precision=precision).computed_on == f"cpu {torch.backends.cpu.get_cpu_capability()}, {precision}"


def test_preparing_the_process_and_casting_leave_torchs_threads_alone():
    threads = torch.get_num_threads()
    SMALL.prepare_process()
    voter().vote(VIEW).peaks()
    assert torch.get_num_threads() == threads
