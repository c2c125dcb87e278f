"""Casting on a GPU: the same votes as :func:`landvote.votes.cast`, as one scatter per corner."""

import torch
from torch import Tensor

from landvote.votes.cast import accumulator_shape


def accumulate(dx: Tensor, dy: Tensor, weight: Tensor, size: tuple[int, int], stride: float, cell: float) -> Tensor:
    """Add up votes as :func:`landvote.votes.cast` does; arguments and result as there, as tensors on one device."""
    landmarks, rows, columns = weight.shape
    height, width = accumulator_shape(size, cell)
    j, i = (torch.arange(n, device=dx.device, dtype=dx.dtype) for n in (columns, rows))
    x = (stride * (j + 0.5) + dx) / cell - 0.5
    y = (stride * (i[:, None] + 0.5) + dy) / cell - 0.5
    u, v = x.floor(), y.floor()
    weight = torch.where(weight > 0, weight, 0)
    out = torch.zeros(landmarks, height * width, device=dx.device, dtype=dx.dtype)
    for column, share_x in ((u, 1 - (x - u)), (u + 1, x - u)):
        for row, share_y in ((v, 1 - (y - v)), (v + 1, y - v)):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            vote = torch.where(inside, weight * share_x * share_y, 0)
            place = torch.where(inside, row * width + column, 0).long()
            out.scatter_add_(1, place.flatten(1), vote.flatten(1))
    return out.view(landmarks, height, width)
