"""Rival one: a U-Net whose planes say where each landmark is, seen from every cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from landvote.errors import ModelError
from landvote.files import atomic_write
from landvote.frames import View, Views
from landvote.networks.accumulate import accumulate
from landvote.networks.codecs import CODECS, WHDV, Codec
from landvote.networks.device import choose_device, device_name, use_bfloat16
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.training import train
from landvote.networks.unet import UNet
from landvote.votes import VoteMap, Voter, cast
from landvote.votes.cast import accumulator_shape

_JUDGED = 64  # validation views looked at, at most: enough for a curve, few enough to cost little


class NetworkVoter(Voter):
    """Votes by HO, HDV or WHDV.

    Args:
        landmarks: how many landmarks it votes for.
        settings: the network and its planes.
        training: how it is trained.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(
        self, landmarks: int, settings: NetworkSettings, training: TrainingSettings, device: str = "auto"
    ) -> None:
        self.settings = settings
        self.training = training
        self.device = choose_device(device)
        self.bfloat16 = use_bfloat16(self.device, settings.precision)
        self.codec = _codec(landmarks, settings)
        torch.manual_seed(training.seed)
        self.network: nn.Module = UNet(
            self.codec.planes, settings.width, settings.depth, settings.stride, settings.head_width, settings.widest,
            coordinates=settings.coordinates, normalise=settings.normalise,
        ).to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # fmt: skip
        self.network.eval()

    @property
    def computed_on(self) -> str:
        """The device, or what of the processor torch makes use of, and the precision of convolutions."""
        return f"{device_name(self.device)}, {'bf16' if self.bfloat16 else 'fp32'}"

    def fit(self, training: Views, validation: Views, folder: Path, report: Callable[[dict[str, Any]], None]) -> None:
        """Train, or go on from the checkpoint in ``folder``. The validation figure is the mean error in cells."""
        films = len(validation.working)
        looked_at = [validation.plain(i) for i in range(0, films, max(1, -(-films // _JUDGED)))]

        def judge(network: nn.Module) -> float:
            self.network = network.eval()
            errors = [np.linalg.norm(self.vote(v).peaks()[0] - v.points, axis=1) for v in looked_at]
            seen = np.concatenate(errors) if errors else np.empty(0)
            return float(np.nanmean(seen)) if np.isfinite(seen).any() else float("nan")

        self.network = train(
            self.network, self.codec, training, self.training, folder,
            bfloat16=self.bfloat16, judge=judge, report=report,
        ).eval()  # fmt: skip

    def vote(self, view: View) -> VoteMap:
        """Run the network on one view and cast the votes of all its cells."""
        dx, dy, weight = self.planes(view.pixels)
        votes = self._cast(dx, dy, weight, (view.pixels.shape[1], view.pixels.shape[0]))
        return VoteMap(votes, self.settings.cell, self.settings.smoothing, full=self._full)

    @property
    def _full(self) -> float:
        """What the votes of a landmark add up to if the weights are as they should be: the sum of the Gaussian.

        With the weight at the target, or to another power, there is no such figure.
        """
        plain = self.settings.side == "source" and self.settings.sharpness == 1 and self.settings.method != "ho"
        return 2 * np.pi * (self.codec.sigma / self.codec.stride) ** 2 if plain else 0.0

    @torch.inference_mode()
    def planes(self, pixels: npt.NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
        """Return dx, dy and weight, each (n, rows, columns), on the device; offsets in grid cells."""
        picture = torch.from_numpy(pixels)[None, None].to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            planes = self.network(picture)
        dx, dy, weight = self.codec.decode(planes.contiguous())  # plane by plane, as they are cast
        return dx[0], dy[0], weight[0]

    def _cast(self, dx: Tensor, dy: Tensor, weight: Tensor, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Cast with the weight at the source of each vote, or multiply the finished votes by it at their target."""
        if self.settings.side == "target" or self.settings.sharpness != 1:  # else casting leaves negative ones out
            weight = weight.clamp(min=0) ** self.settings.sharpness
        force = weight if self.settings.side == "source" else torch.ones_like(weight)
        stride, cell = self.codec.stride, self.settings.cell
        if self.device.type == "cpu":
            votes = cast(dx.numpy(), dy.numpy(), force.numpy(), size, stride, cell)
        else:
            votes = accumulate(dx, dy, force, size, stride, cell).cpu().numpy()
        if self.settings.side == "target":
            shape = accumulator_shape(size, cell)
            votes *= nn.functional.interpolate(weight[None], shape, mode="bilinear")[0].cpu().numpy()
        return votes

    def save(self, folder: Path) -> None:
        """Write the weights as safetensors."""
        content = safetensors.torch.save({k: v.contiguous() for k, v in self.network.state_dict().items()})
        with atomic_write(folder / "network.safetensors") as temporary:
            temporary.write_bytes(content)

    def load(self, folder: Path) -> None:
        """Read the weights.

        Raises:
            ModelError: the file is missing, broken, or of another network.
        """
        file = folder / "network.safetensors"
        try:
            self.network.load_state_dict(safetensors.torch.load_file(file))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise ModelError(f"{file}: not the weights of this model's network ({error})") from error
        self.network.eval()


def _codec(landmarks: int, settings: NetworkSettings) -> Codec:
    shape = (landmarks, settings.stride, settings.k, settings.sigma, settings.gain, settings.widen)
    return WHDV(*shape, dense=settings.dense) if settings.method == "whdv" else CODECS[settings.method](*shape)
