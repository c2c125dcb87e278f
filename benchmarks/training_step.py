"""A training step as it is, with data, targets and logging, against the bare forward, backward and optimiser step."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import AdamW

from hips import outlined, simulated
from landvote.frames import ReferencePlacing, Views
from landvote.networks.batches import batch_at
from landvote.networks.training import train
from landvote.networks.voter import NetworkVoter
from landvote.progress import training
from landvote.recipes import recipe
from timing import Row, Stopwatch, Turn, compare

LIMIT = 1.1
_FILMS = 12
_WARM_UP = 2  # pairs that are not counted: allocators fill, the first batches are waited for


def rows(repeats: int, device: str) -> list[Row]:
    """Run ``train`` on the local stage of recipe ``whdv``, with a bare step after each of its own."""
    stage = recipe("whdv", [f"local.training.steps={repeats + _WARM_UP + 1}"]).stages["local"]
    with simulated(_FILMS) as samples:
        placing = ReferencePlacing.fit(
            *outlined(samples), stage.size, samples[0].scheme.reference, stage.border, fit_aspect=stage.fit_aspect
        )
        views = Views.gather(samples, placing, stage.augmentation)
    voter = NetworkVoter(len(samples[0].scheme), stage.network, stage.training, device)
    bare = bare_step(voter, views)
    whole: list[Turn] = []
    alone: list[Turn] = []
    with training() as show, tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()

        def report(row: dict[str, Any]) -> None:
            nonlocal watch
            show({"stage": "local", **row})
            whole.append(watch.turn())
            watch = Stopwatch()
            bare()
            alone.append(watch.turn())
            watch = Stopwatch()

        train(
            voter.network, voter.codec, views, stage.training, Path(folder),
            bfloat16=voter.bfloat16, judge=lambda _: 0.0, report=report,
        )  # fmt: skip
    counted = slice(_WARM_UP, _WARM_UP + repeats)  # the last report comes with the last checkpoint
    what = "{} views of {} x {}".format(stage.training.batch, *placing.size)
    return [
        compare(
            f"training step, {what}", whole[counted], "forward, backward and optimiser alone", alone[counted], LIMIT
        )
    ]


def bare_step(voter: NetworkVoter, views: Views) -> Callable[[], None]:
    """Return a step of a twin network on one batch with its targets, both made beforehand."""
    network = copy.deepcopy(voter.network).train()
    settings = voter.training
    optimiser = AdamW(network.parameters(), settings.rate, eps=settings.epsilon, weight_decay=settings.weight_decay)
    batch = batch_at(views, 0, settings.batch, settings.seed)
    pictures = batch.pictures.to(voter.device).contiguous(memory_format=torch.channels_last)
    rows, columns = (n // voter.codec.stride for n in pictures.shape[2:])
    targets = voter.codec.encode(batch.points.to(voter.device), rows, columns)

    def run() -> None:
        with torch.autocast(voter.device.type, torch.bfloat16, enabled=voter.bfloat16):
            planes = network(pictures)
        loss = voter.codec.loss(planes, targets, 0.5)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        if voter.device.type == "cuda":
            torch.cuda.synchronize()

    return run
