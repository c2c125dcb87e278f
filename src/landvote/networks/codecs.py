"""Codecs: points to planes, planes to votes, and the loss between. HO, HDV, WHDV are siblings behind one interface.

Offsets are stored *towards* the point, ``dx = clip(x_p - x, -k, k)``: equation 1 of the paper has the opposite sign,
but its votes are cast at ``i + dx``. They are in cells of the grid, not divided by k, so in the loss they outweigh the
weights by up to k squared, as written in equation 3.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from landvote.data.points import FloatArray, Points
from landvote.networks.settings import NetworkSettings
from landvote.networks.unet import UNet

_LEAST_WEIGHT = 1e-9  # 6.4 sigma away; less counts as 0


@dataclass(frozen=True)
class Targets:
    """What a network is to learn of a batch.

    Attributes:
        dx, dy, weight: the planes as they should be, each (batch, n, rows, columns).
        given: (batch, n) which landmarks are known.
        points: (batch, n, 2) grid coordinates; NaN where missing.
    """

    dx: Tensor
    dy: Tensor
    weight: Tensor
    given: Tensor
    points: Tensor


class Codec(ABC):
    """Points <-> planes of ``n`` landmarks: a weight plane for each, and two of offsets where there are ``offsets``.

    A network that took fewer than ``least_steps`` was of no use on simulated hips, see results/trunk.md.
    """

    offsets: ClassVar[bool]
    least_steps: ClassVar[int]
    n: int
    settings: NetworkSettings

    def network(self) -> nn.Module:
        """Return an untrained network that makes the planes."""
        return UNet(self.planes, self.settings)

    def away(self, found: Points, true: Points) -> FloatArray:
        """Return (n,) how far found places lie from the true ones, both (n, 2), grid cells; NaN where missing."""
        return np.asarray(np.linalg.norm(found - true, axis=1))

    @abstractmethod
    def loss(self, planes: Tensor, targets: Targets, progress: float) -> Tensor:
        """Return the mean loss over known landmarks and cells; ``progress`` runs from 0 to 1 over the training."""

    @property
    def planes(self) -> int:
        """How many planes the network must make."""
        return (3 if self.offsets else 1) * self.n

    @property
    def total_weight(self) -> float:
        """The sum of the weight of one landmark over all plane cells if it is as it should be: that of the Gaussian.

        It is 0 where it says nothing: a heatmap without offsets says how likely a cell is.
        """
        return 2 * math.pi * (self.settings.sigma / self.settings.stride) ** 2 if self.offsets else 0.0

    def encode(self, points: Tensor, rows: int, columns: int, progress: float = 1.0) -> Targets:
        """Return clipped offsets and the Gaussian weight for (batch, n, 2) points in grid coordinates, NaN if missing.

        A narrow Gaussian covers so few cells that a plane of zeros is nearly right, and an untrained network may stay
        there for long: ``progress`` of the training, 0 to 1, says how wide the Gaussian is now.
        """
        stride, k = self.settings.stride, self.settings.k
        sigma = self.settings.sigma * self.settings.widen ** max(0.0, 1 - 2 * progress)
        p = torch.nan_to_num(points)
        x = stride * (torch.arange(columns, device=p.device, dtype=p.dtype) + 0.5) - 0.5
        y = stride * (torch.arange(rows, device=p.device, dtype=p.dtype) + 0.5) - 0.5
        dx, dy = p[:, :, 0, None] - x, p[:, :, 1, None] - y  # (batch, n, columns) and (batch, n, rows)
        gauss_x, gauss_y = (torch.exp(-(d**2) / (2 * sigma**2)) for d in (dx, dy))  # the Gaussian is separable
        # far from the point it would make gradients below 1e-38, which slow a CPU down: a step takes a fifth longer
        gauss_x, gauss_y = (torch.where(g < _LEAST_WEIGHT, 0, g) for g in (gauss_x, gauss_y))
        weight = gauss_y[..., :, None] * gauss_x[..., None, :]
        dx, dy = dx.clamp(-k, k)[..., None, :].expand_as(weight), dy.clamp(-k, k)[..., :, None].expand_as(weight)
        return Targets(dx, dy, weight, torch.isfinite(points).all(dim=2), points)

    def decode(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn (batch, planes, rows, columns) into dx, dy (grid cells) and weight, each (batch, n, rows, columns).

        Each is a linear function of the planes, cell by cell. Without offsets, each cell votes for itself.
        """
        if not self.offsets:
            zero = torch.zeros_like(planes)
            return zero, zero, planes
        dx, dy, weight = planes.view(len(planes), 3, self.n, *planes.shape[2:]).unbind(1)
        unit = self.settings.k / 4  # spares the last layer from growing weights of the size of k
        return dx * unit, dy * unit, weight


@dataclass(frozen=True)
class HO(Codec):
    """Heatmap only: mean squared error of the weight."""

    offsets = False
    least_steps = 800
    n: int
    settings: NetworkSettings

    def loss(self, planes: Tensor, targets: Targets, progress: float) -> Tensor:  # noqa: ARG002 - no schedule
        """Mean squared error of the heatmap."""
        return _mean((planes - targets.weight) ** 2, targets.given)


@dataclass(frozen=True)
class HDV(Codec):
    """Heatmap with displacement voting: plain mean squared error on all three planes."""

    offsets = True
    least_steps = 700
    n: int
    settings: NetworkSettings

    def loss(self, planes: Tensor, targets: Targets, progress: float) -> Tensor:  # noqa: ARG002 - no schedule
        """Mean squared error of offsets and weight."""
        dx, dy, weight = self.decode(planes)
        offsets = (dx - targets.dx) ** 2 + (dy - targets.dy) ** 2
        return _mean(offsets + self.settings.gain * (weight - targets.weight) ** 2, targets.given)


@dataclass(frozen=True)
class WHDV(Codec):
    """Weighted heatmap displacement voting, equation 3: the true weight scales the offset error.

    With ``dense`` above 0, the training begins like HDV and ends like WHDV: the weight of an offset never falls below a
    floor that starts there and shrinks to zero over the first half of the training. The dense signal teaches where
    things are, the weighted one makes it exact. 0 is the paper's loss.
    """

    offsets = True
    least_steps = 150
    n: int
    settings: NetworkSettings

    def loss(self, planes: Tensor, targets: Targets, progress: float) -> Tensor:
        """Weighted squared error of the offsets plus squared error of the weight."""
        dx, dy, weight = self.decode(planes)
        floor = self.settings.dense * max(0.0, 1 - 2 * progress)
        scale = targets.weight.clamp(min=floor) if floor else targets.weight
        offsets = (dx - targets.dx) ** 2 + (dy - targets.dy) ** 2
        return _mean(scale * offsets + self.settings.gain * (weight - targets.weight) ** 2, targets.given)


def _mean(error: Tensor, given: Tensor) -> Tensor:
    """Average (batch, n, rows, columns) over cells and over the landmarks that are known."""
    per_landmark = error.mean(dim=(2, 3))
    return torch.where(given, per_landmark, 0).sum() / given.sum().clamp(min=1)
