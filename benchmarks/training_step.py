"""A training step as it is, with data, targets and logging, against the bare forward, backward and optimiser step."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch.optim import AdamW

from hips import outlined, simulated
from landvote.cli.progress import training
from landvote.frames import Reading, Views
from landvote.frames.placings import TrainingShapes
from landvote.networks.batches import batch_at
from landvote.networks.settings import TrainingSettings
from landvote.networks.training import train
from landvote.networks.voter import NetworkVoter
from landvote.recipes import recipe
from landvote.runtime.events import Event, StepTaken
from landvote.votes import Lesson
from timing import Row, Stopwatch, Turn, compare

LIMIT = 1.1
_FILMS = 12
_WARM_UP = 2  # pairs that are not counted: allocators fill, the first batches are waited for


def rows(repeats: int, device: str) -> list[Row]:
    """Run ``train`` on the local stage of recipe ``whdv``, with a bare step after each of its own."""
    steps = f"local.training.steps={repeats + _WARM_UP + 1}"
    stage = next(s for s in recipe("whdv", [steps]).stages if s.name == "local")
    with simulated(_FILMS) as samples:
        scheme = samples[0].scheme
        placing = stage.placing.fit(TrainingShapes(scheme, scheme.reference, *outlined(samples), multiple=32))
        (views,) = Reading(samples, [(placing, stage.augmentation, None)]).views()
    settings = TrainingSettings.model_validate(stage.training)
    voter = NetworkVoter.untrained(stage.voter, len(samples[0].scheme), device, settings.seed)
    bare = bare_step(voter, settings, views)
    whole: list[Turn] = []
    alone: list[Turn] = []
    with training() as show, tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch()

        def listener(event: Event) -> None:
            nonlocal watch
            if not isinstance(event, StepTaken):
                return
            show(event)
            whole.append(watch.turn())
            watch = Stopwatch()
            bare()
            alone.append(watch.turn())
            watch = Stopwatch()

        lesson = Lesson("local", len(samples[0].scheme), views, views, Path(folder), device, listener=listener)
        train(voter.network, voter.codec, settings, lesson, lambda _: 0.0, bfloat16=voter.bfloat16)
    counted = slice(_WARM_UP, _WARM_UP + repeats)  # the last event comes with the last checkpoint
    what = "{} views of {} x {}".format(settings.batch, *placing.size)
    return [
        compare(
            f"training step, {what}", whole[counted], "forward, backward and optimiser alone", alone[counted], LIMIT
        )
    ]


def bare_step(voter: NetworkVoter, settings: TrainingSettings, views: Views) -> Callable[[], None]:
    """Return a step of a twin network on one batch with its targets, both made beforehand."""
    network = copy.deepcopy(voter.network).train()
    optimiser = AdamW(network.parameters(), settings.rate, eps=settings.epsilon, weight_decay=settings.weight_decay)
    batch = batch_at(views, 0, settings.batch, settings.seed)
    pictures = batch.pictures.to(voter.device).contiguous(memory_format=torch.channels_last)
    rows, columns = (n // voter.settings.stride for n in pictures.shape[2:])
    targets = voter.codec.encode(batch.points.to(voter.device), rows, columns)

    def run() -> None:
        with torch.autocast(voter.device.type, torch.bfloat16, enabled=voter.bfloat16):
            planes = network(pictures)
        loss = voter.codec.loss(planes, targets, 0.5)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if voter.device.type == "cuda":
            torch.cuda.synchronize()

    return run
