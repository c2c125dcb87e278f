"""Batches: varied views made ready in the background while the network is busy with the ones before."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor

from landvote.frames import Views


@dataclass(frozen=True)
class Batch:
    """Pictures (batch, 1 or 3, height, width), see :meth:`View.layers`, and points (batch, n, 2), grid coordinates."""

    pictures: Tensor
    points: Tensor


_WHOLE = slice(None)


def batch_at(views: Views, step: int, size: int, seed: int, share: slice = _WHOLE) -> Batch:
    """Return a ``share`` of batch number ``step``; each epoch goes through all films once, in an order of its own.

    It depends on the arguments alone: a resumed training sees the same, and the shares of several processes together
    are what one process would see.
    """
    drawn = []
    for number in range(step * size, (step + 1) * size)[share]:
        epoch, place = divmod(number, len(views))
        order = np.random.default_rng([seed, 1, epoch]).permutation(len(views))
        drawn.append(views.varied(int(order[place]), np.random.default_rng([seed, 2, number])))
    return Batch(
        torch.from_numpy(np.stack([v.layers() for v in drawn])),
        torch.from_numpy(np.stack([v.points for v in drawn])).float(),
    )


def batches(views: Views, first: int, size: int, seed: int, share: slice = _WHOLE, ahead: int = 4) -> Generator[Batch]:
    """Yield batches from number ``first`` on, or a ``share`` of each, without end.

    A thread keeps ``ahead`` of them ready or in the making. An exception in the thread is raised here, as it was.
    """
    pool = ThreadPoolExecutor(1)
    ready = deque(pool.submit(batch_at, views, first + i, size, seed, share) for i in range(ahead))
    try:
        for step in count(first + ahead):
            batch = ready.popleft().result()
            ready.append(pool.submit(batch_at, views, step, size, seed, share))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)
