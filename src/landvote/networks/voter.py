"""Rival one: a U-Net whose planes say where each landmark is, seen from every cell."""

import copy
import math
import threading
import time
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import AdamW

from landvote.errors import ModelError
from landvote.frames import View
from landvote.networks.accumulate import accumulate
from landvote.networks.batches import batches
from landvote.networks.codecs import HDV, HO, WHDV, Codec
from landvote.networks.device import choose_device, device_name, start_numba, use_bfloat16
from landvote.networks.folding import folded
from landvote.networks.levels import Levels
from landvote.networks.parallel import joined, share
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.training import step, train
from landvote.runtime.files import atomic_write
from landvote.runtime.rank import Process
from landvote.votes import Estimate, Lesson, Start, VoteMap, Voter, cast
from landvote.votes.cast import accumulator_shape

CODECS: dict[str, Callable[[int, NetworkSettings], Codec]] = {"ho": HO, "hdv": HDV, "whdv": WHDV, "levels": Levels}
"""The codec of each method, by its name in the settings; it is called with the number of landmarks and these."""

_FILE = "network.safetensors"
_JUDGED = 64  # validation views looked at, at most: enough for a curve, few enough to cost little
_MEASURED_SECONDS, _MEASURED_MOST = 1.0, 50  # are enough to tell how long a step takes, or as many steps
_SEEDING = threading.Lock()  # torch draws first weights from its global generator

AT_ONCE = 8
"""Views in one pass of a network at most. With more, the layers in hand are larger than the cache of a processor."""


@dataclass(frozen=True, eq=False)
class NetworkVoter(Voter):
    """Votes by HO, HDV or WHDV. ``network`` is on ``device``, in evaluation mode; ``bfloat16`` is for convolutions."""

    settings: NetworkSettings
    codec: Codec
    network: nn.Module
    device: torch.device
    bfloat16: bool

    @classmethod
    def untrained(cls, settings: NetworkSettings, landmarks: int, device: str, seed: int) -> Self:
        """Return a voter with first weights that depend on ``seed`` alone.

        Raises:
            SettingError: the device is not there.
        """
        chosen, codec = choose_device(device), CODECS[settings.method](landmarks, settings)
        with _SEEDING, torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed all GPUs too
            network = codec.network()
        return cls._placed(settings, codec, network, chosen)

    @classmethod
    def fit(
        cls, settings: NetworkSettings, training: TrainingSettings, lesson: Lesson, checkpoint_seconds: float = 60.0
    ) -> Self:
        """Train, or go on from the checkpoint in the lesson's folder; raises the errors of :meth:`VoterSettings.fit`.

        The validation figure is the mean error in cells.
        """
        voter = cls.untrained(settings, lesson.landmarks, lesson.device, lesson.seed + training.seed)
        if lesson.start is not None:
            _begin_from(lesson.start, voter)
        films = len(lesson.held_out.working)
        looked_at = [lesson.held_out.plain(i) for i in range(0, films, max(1, -(-films // _JUDGED)))]
        kept = train(
            voter.network, voter.codec, training, lesson,
            lambda network: _mean_error(replace(voter, network=network), looked_at),
            bfloat16=voter.bfloat16, checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
        return replace(voter, network=kept)

    @classmethod
    def load(cls, settings: NetworkSettings, folder: Path, landmarks: int, device: str) -> Self:
        """Return the voter that was saved into ``folder``.

        Raises:
            ModelError: the file is missing, broken, or of another network.
            SettingError: the device is not there.
        """
        chosen, codec = choose_device(device), CODECS[settings.method](landmarks, settings)
        file = folder / _FILE
        with torch.device("meta"):  # makes no numbers: those of the file take their place
            network = codec.network()
        try:
            network.load_state_dict(safetensors.torch.load_file(file), assign=True)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise ModelError(f"{file}: not the weights of this model's network ({error})") from error
        return cls._placed(settings, codec, network, chosen)

    @classmethod
    def _placed(cls, settings: NetworkSettings, codec: Codec, network: nn.Module, device: torch.device) -> Self:
        start_numba()
        network = network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(settings, codec, network, device, use_bfloat16(device, settings.precision))

    @property
    def computed_on(self) -> str:
        """The device (of a CPU, the vector instructions that torch uses) and the precision of convolutions."""
        return f"{device_name(self.device)}, {'bf16' if self.bfloat16 else 'fp32'}"

    def vote(self, view: View) -> VoteMap:
        """Run the network on one view and cast the votes of all its cells."""
        return next(self.vote_on([view]))

    def vote_on(self, views: Sequence[View]) -> Iterator[VoteMap]:
        """Run the network on some views at a time, and cast the votes of all of these."""
        plain = self.settings.side == "source" and self.settings.sharpness == 1  # else votes add up to something else
        full = self.codec.total_weight if plain else 0.0
        for first in range(0, len(views), AT_ONCE):
            some = views[first : first + AT_ONCE]
            votes = self._cast(*self.planes(some), (some[0].pixels.shape[1], some[0].pixels.shape[0]))
            for own in votes.reshape(len(some), -1, *votes.shape[1:]):
                yield VoteMap(own, self.settings.cell, self.settings.smoothing, full=full)

    @torch.inference_mode()
    def planes(self, views: Sequence[View]) -> tuple[Tensor, Tensor, Tensor]:
        """Return dx, dy and weight, each (views * n, rows, columns), on the device; offsets in grid cells."""
        pictures = torch.from_numpy(np.stack([view.layers() for view in views])).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            planes = self._folded(pictures.contiguous(memory_format=torch.channels_last))
        dx, dy, weight = self.codec.decode(planes.contiguous())  # plane by plane, as they are cast
        return dx.flatten(0, 1), dy.flatten(0, 1), weight.flatten(0, 1)

    @cached_property
    def _folded(self) -> nn.Module:
        return folded(self.network, torch.bfloat16 if self.bfloat16 else torch.float32)

    def _cast(self, dx: Tensor, dy: Tensor, weight: Tensor, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Cast with the weight at the source of each vote, or multiply the finished votes by it at their target."""
        if self.settings.side == "target" or self.settings.sharpness != 1:  # else casting leaves negative ones out
            weight = weight.clamp(min=0) ** self.settings.sharpness
        force = weight if self.settings.side == "source" else torch.ones_like(weight)
        stride, cell = self.settings.stride, self.settings.cell
        if self.device.type == "cpu":
            votes = cast(dx.numpy(), dy.numpy(), force.numpy(), size, stride, cell)
        else:
            votes = accumulate(dx, dy, force, size, stride, cell).cpu().numpy()
        if self.settings.side == "target":
            shape = accumulator_shape(size, cell)
            votes *= nn.functional.interpolate(weight[None], shape, mode="bilinear")[0].cpu().numpy()
        return votes

    def save(self, folder: Path) -> list[Path]:
        """Write the weights as safetensors, and return the file in a list."""
        content = safetensors.torch.save({k: v.contiguous() for k, v in self.network.state_dict().items()})
        with atomic_write(folder / _FILE) as temporary:
            temporary.write_bytes(content)
        return [folder / _FILE]


def _begin_from(start: Start, voter: NetworkVoter) -> None:
    """Give a voter the weights of another, but those of the head where that makes other planes."""
    other = typing.cast("NetworkVoter", start.voter)  # as the settings have checked
    whole = start.same_landmarks and other.settings.method == voter.settings.method
    weights = {k: v for k, v in other.network.state_dict().items() if whole or not k.startswith("head.")}
    voter.network.load_state_dict(weights, strict=whole)


def estimate(settings: NetworkSettings, training: TrainingSettings, lesson: Lesson, held_out: int) -> Estimate:
    """Return how long the least steps of the codec, or all if fewer, and a look take; and all steps and looks.

    Steps are measured as they are in training: with the next batch in the making.
    """
    voter = NetworkVoter.untrained(settings, lesson.landmarks, lesson.device, training.seed)
    network = copy.deepcopy(voter.network)  # the one that votes stays in evaluation mode
    optimiser = AdamW(network.parameters(), training.rate)
    made = batches(lesson.views, 0, training.batch, training.seed, share(training.batch, joined()), ahead=1)

    def take() -> None:
        step(network, voter.codec, optimiser, next(made), Process(), 0.0, bfloat16=voter.bfloat16).item()

    with closing(made):
        one_step = _seconds(take)
    films = {film.identifier for film in lesson.held_out.working}
    judged = min(_JUDGED, held_out * len(lesson.held_out.working) // max(1, len(films)))
    one_look = judged * _seconds(lambda: _mean_error(voter, [lesson.views.plain(0)]))
    steps, looks = min(voter.codec.least_steps, training.steps), -(-training.steps // training.judge_every)
    whole = (training.steps * one_step + looks * one_look) / 60
    return Estimate((steps * one_step + one_look) / 60, min(whole, training.minutes or math.inf), training.steps)


def _seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes on average, after one time that is not counted."""
    work()
    start, times = time.monotonic(), 0
    while times < 2 or (time.monotonic() - start < _MEASURED_SECONDS and times < _MEASURED_MOST):
        work()
        times += 1
    return (time.monotonic() - start) / times


def _mean_error(voter: NetworkVoter, views: list[View]) -> float:
    """Return the mean distance of the peaks from known points, grid cells; NaN if no landmark is known and found."""
    errors = [voter.codec.away(voter.vote(v).peaks()[0], v.points) for v in views]
    seen = np.concatenate(errors) if errors else np.empty(0)
    return float(np.nanmean(seen)) if np.isfinite(seen).any() else float("nan")
