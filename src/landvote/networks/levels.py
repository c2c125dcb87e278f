"""Levels: which part of a row, such as a spine, is seen at each height of a grid that the row runs down."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landvote.networks.codecs import Codec, Targets
from landvote.networks.settings import NetworkSettings

REACH = 2
"""Levels before the first landmark of a row, and beyond its last, that are told apart as well."""


@dataclass(frozen=True)
class Levels(Codec):
    """Which landmark of a row each height of the grid shows: a softmax over the landmarks, and over some beyond the ends.

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
        """Return a network whose planes are alike across the grid."""
        return RowNet(self.planes, self.settings)

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
