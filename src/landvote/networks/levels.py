"""Levels: which part of a row, such as a spine, is seen at each height of a grid that the row runs down."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landvote.data.points import FloatArray, Points
from landvote.networks.codecs import Codec, Targets
from landvote.networks.settings import NetworkSettings

_ACROSS = 8  # places from side to side that the network tells apart

REACH = 2
"""Levels before the first landmark of a row, and beyond its last, told apart as well: as far as rows are shifted."""


@dataclass(frozen=True)
class Levels(Codec):
    """Which landmark of a row each height of the grid shows: a softmax over these, and over some beyond the ends.

    It says nothing of where across the grid. The landmarks follow each other down the grid, one for each part of a row,
    such as a spine.

    The row as it is, and the rows shifted by up to ``REACH`` landmarks, compete in a second softmax over the sums of
    their landmarks' log probabilities, to the power of ``sharpness``: what lies side by side is told by much the same
    pixels. They compete in halves of the row, each of which counts double, so that no part is left to the others.
    """

    offsets = False
    least_steps = 300
    n: int
    settings: NetworkSettings

    @property
    def planes(self) -> int:
        """One for each level."""
        return self.n + 2 * REACH

    def network(self) -> nn.Module:
        """Return an untrained network whose planes are alike across the grid."""
        return RowNet(self.planes, self.settings)

    def away(self, found: Points, true: Points) -> FloatArray:
        """Return (n,) how far found heights lie from the true ones: across the grid nothing is told."""
        return np.abs(found[:, 1] - true[:, 1])

    def loss(self, planes: Tensor, targets: Targets, progress: float) -> Tensor:  # noqa: ARG002 - no schedule
        """Cross-entropy of the rows' softmax, in four halves, plus ``gain`` times that of the levels themselves."""
        logs = F.log_softmax(planes[..., 0], dim=1)  # (batch, levels, rows of the grid)
        first, last = targets.points[:, :1, 1], targets.points[:, -1:, 1]
        beyond = torch.arange(1, REACH + 1, device=planes.device)
        y = torch.cat([
            first + beyond.flip(0) * (first - targets.points[:, 1:2, 1]), targets.points[..., 1],
            last + beyond * (last - targets.points[:, -2:-1, 1]),
        ], dim=1)  # fmt: skip
        known = torch.isfinite(y)
        at = ((torch.nan_to_num(y) + 0.5) / self.settings.stride - 0.5).clamp(0, logs.shape[2] - 1)
        over = at.long().clamp(max=logs.shape[2] - 2)
        part = (at - over)[:, None]
        over = over[:, None].expand(-1, self.planes, -1)
        there = (1 - part) * logs.gather(2, over) + part * logs.gather(2, over + 1)  # (batch, levels, places)
        own = torch.arange(self.n, device=planes.device)
        shifts = range(2 * REACH + 1)
        each = torch.stack([there[:, own + REACH, own + s] for s in shifts], dim=1)  # (batch, shifts, n)
        seen = torch.stack([known[:, s : s + self.n] for s in shifts], dim=1).all(dim=1)  # (batch, n)
        halves = torch.stack([own % 2 == 0, own % 2 == 1, own < self.n / 2, own >= self.n / 2])
        likely = torch.einsum("bsn,hn,bn->bhs", each, 2.0 * halves, seen.to(each.dtype)) * self.settings.sharpness
        of_rows = -F.log_softmax(likely, dim=2)[..., REACH].mean(dim=1)  # (batch,)
        of_levels = -each[:, REACH]
        count = seen.sum(dim=1)
        films = (count > 0).to(each.dtype)
        levels = torch.where(seen, of_levels, 0).sum(dim=1) / count.clamp(min=1)
        return (films * (of_rows + self.settings.gain * levels)).sum() / films.sum().clamp(min=1)

    def decode(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn (batch, levels, rows, columns) planes into no offsets, and (batch, n, rows, columns) probabilities."""
        probable = planes.softmax(dim=1)[:, REACH : REACH + self.n]
        zero = torch.zeros_like(probable)
        return zero, zero, probable


class RowNet(nn.Module):
    """``planes`` for a picture, alike across it: halved ``depth`` times, then taken together from side to side.

    So it sees as far along the row as convolutions reach, and no farther: a network that sees the whole row learns by
    heart how long each is. The planes have a ``stride`` of ``2 ** depth``.
    """

    def __init__(self, planes: int, settings: NetworkSettings) -> None:
        super().__init__()
        channels = [1, *(settings.width * level for level in range(1, settings.depth + 1))]
        self.down = nn.ModuleList(_halving(a, b, normalise=settings.normalise) for a, b in pairwise(channels))
        self.across = nn.Conv2d(channels[-1], settings.head_width, (3, _ACROSS), padding=(1, 0))
        self.head = nn.Conv2d(settings.head_width, planes, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Map (batch, 1, height, width) to planes of (batch, planes, height / stride, width / stride), fp32."""
        x = picture[:, :1]
        for block in self.down:
            x = block(x)
        rows, columns = x.shape[2:]
        x = F.relu(self.across(F.adaptive_avg_pool2d(x, (rows, _ACROSS))))
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = self.head(x.float())
        return out.expand(-1, -1, -1, columns)


def _halving(before: int, after: int, *, normalise: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for source, stride in ((before, 2), (after, 1)):
        layers.append(nn.Conv2d(source, after, 3, stride=stride, padding=1, bias=not normalise))
        if normalise:
            layers.append(nn.BatchNorm2d(after))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
