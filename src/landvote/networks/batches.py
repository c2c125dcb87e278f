"""Batches: varied views made ready in the background while the network is busy with the ones before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landvote.frames import View, Views


@dataclass(frozen=True)
class Batch:
    """Pictures (batch, 1, height, width) and points (batch, n, 2) in grid coordinates."""

    pictures: Tensor
    points: Tensor


_WHOLE = slice(None)


def batch_at(views: Views, step: int, size: int, seed: int, share: slice = _WHOLE) -> Batch:
    """Return a ``share`` of batch number ``step``.

    It depends on the arguments alone: a resumed training sees the same, and the shares of several processes together
    are what one process would see.
    """
    drawn = [_draw(views, step * size + i, seed) for i in range(size)[share]]
    return Batch(
        torch.from_numpy(np.stack([v.pixels for v in drawn]))[:, None],
        torch.from_numpy(np.stack([v.points for v in drawn])).float(),
    )


def batches(views: Views, first: int, size: int, seed: int, share: slice = _WHOLE, ahead: int = 3) -> Iterator[Batch]:
    """Yield batches from number ``first`` on, or a ``share`` of each, without end.

    They are made by a thread that keeps ``ahead`` of them ready. An exception in the thread is raised here, as it was.
    """
    ready: queue.Queue[Batch | BaseException] = queue.Queue(ahead)
    stop = threading.Event()

    def work() -> None:
        step = first
        while not stop.is_set():
            try:
                item: Batch | BaseException = batch_at(views, step, size, seed, share)
            except BaseException as error:  # noqa: BLE001 - handed over whole to the thread that waits for it
                item = error
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _draw(views: Views, number: int, seed: int) -> View:
    """Return the view of that number: each epoch goes through all films once, in an order of its own."""
    epoch, place = divmod(number, len(views))
    order = np.random.default_rng([seed, 1, epoch]).permutation(len(views))
    return views.varied(int(order[place]), np.random.default_rng([seed, 2, number]))
