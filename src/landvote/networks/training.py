"""Training: Adam on batches of varied views, looks at the validation views, a checkpoint to go on from."""

import copy
import hashlib
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from landvote.errors import StoppedError, TrainingError
from landvote.networks.batches import Batch, batches
from landvote.networks.codecs import Codec
from landvote.networks.parallel import agree, joined, mean, share, weigh, wrap
from landvote.networks.settings import TrainingSettings
from landvote.runtime.events import StageLearned, StepTaken
from landvote.runtime.extras import require
from landvote.runtime.files import atomic_write, write_text
from landvote.runtime.rank import Process
from landvote.votes import Lesson

_RISE = 0.03  # share of the training over which the learning rate rises


def train(
    network: nn.Module, codec: Codec, settings: TrainingSettings, lesson: Lesson,
    judge: Callable[[nn.Module], float], *, bfloat16: bool, checkpoint_seconds: float = 60.0,
) -> nn.Module:  # fmt: skip
    """Train ``network``, in place and on its device, and return the one to keep.

    Of several processes that have joined, each does this with its share of every batch; rank 0 judges, writes, and
    decides for all. The network to keep is the one that it returns there.

    A checkpoint in the lesson's folder, written every ``checkpoint_seconds``, is continued, with the same result as if
    never stopped; the validation figures are in ``log.csv`` beside it. ``judge`` gives a figure for a network on views
    that it does not learn from; lower is better. With ``bfloat16``, convolutions are computed in it.

    Raises:
        SettingError: a batch has fewer views than there are processes.
        MissingExtraError: TensorBoard is asked for and not installed.
        StoppedError: the token of rank 0 asked for it; the checkpoint has all steps that were taken.
        TrainingError: the loss is not a number any more; the checkpoint of before remains. Or the processes do not
            train the same.
    """
    process = joined()
    own_share = share(settings.batch, process)
    _check_alike(process, codec, settings, lesson)
    kept = copy.deepcopy(network).requires_grad_(requires_grad=False)  # running mean of the weights
    optimiser = AdamW(network.parameters(), settings.rate, eps=settings.epsilon, weight_decay=settings.weight_decay)
    state = State(network, kept, optimiser, lesson.folder / "checkpoint.pt")
    state.resume(process)
    board = _tensorboard(lesson.folder) if settings.tensorboard and process.is_rank_zero else lambda _: None
    shared = wrap(network, process)
    means, now = ([t for t in n.state_dict().values() if t.is_floating_point()] for n in (kept, network))
    minutes = min(m for m in (settings.minutes, lesson.minutes, math.inf) if m is not None)
    saved = time.monotonic()
    clock = saved - state.seconds

    for batch in batches(lesson.views, state.step, settings.batch, lesson.seed + settings.seed, own_share):
        state.seconds = time.monotonic() - clock
        progress = 1.0 if state.done else max(state.step / settings.steps, state.seconds / (60 * minutes))
        progress, stopped = agree((progress, lesson.stop.stopped), process)
        if progress >= 1:
            break
        if stopped:
            if process.is_rank_zero:
                state.save()
            agree(None, process)  # the others wait for it: torchrun ends all processes when one ends
            raise StoppedError(f"stage {lesson.stage} stopped at step {state.step}; the same call goes on from there")
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _rate(settings.schedule, progress)
        loss = step(shared, codec, optimiser, batch, process, progress, bfloat16=bfloat16)
        _average(means, now, settings.average, state.step)
        state.step += 1
        state.loss += (loss.item() - state.loss) * max(0.01, 1 / state.step)
        if not math.isfinite(state.loss):
            found = f"the loss became {loss.item()} at step {state.step} (learning rate {settings.rate})"
            raise TrainingError(f"{found}; try a lower rate. The last checkpoint is in {lesson.folder}")
        lesson.listener(StepTaken(lesson.stage, state.step, progress, state.loss, state.last))
        if process.is_rank_zero and state.step % settings.judge_every == 0:
            state.judged(judge(kept), progress, settings)
            board(state.history[-1])
        if process.is_rank_zero and time.monotonic() - saved > checkpoint_seconds:
            state.seconds = time.monotonic() - clock
            state.save()
            saved = time.monotonic()
    if process.is_rank_zero:
        late = state.step < settings.steps and state.seconds >= 60 * minutes
        _finish(state, settings, judge)
        lesson.listener(StageLearned(lesson.stage, "steps", state.step, settings.steps, late))
        lesson.listener(StepTaken(lesson.stage, state.step, 1.0, state.loss, state.last))
    return kept


def step(
    network: nn.Module, codec: Codec, optimiser: torch.optim.Optimizer, batch: Batch, process: Process,
    progress: float, *, bfloat16: bool,
) -> Tensor:  # fmt: skip
    """Take one optimiser step on one batch, of which this may be a share; return the loss of all of it."""
    device = next(network.parameters()).device
    network.train()
    pictures = batch.pictures.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        planes = network(pictures)
    rows, columns = planes.shape[2:]
    targets = codec.encode(batch.points.to(device), rows, columns, progress)
    loss = weigh(codec.loss(planes, targets, progress), targets.given.sum(), process)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    optimiser.step()
    return mean(loss.detach(), process)


class State:
    """All that a training is, between two steps; kept on disk so that a killed one can go on."""

    def __init__(self, network: nn.Module, kept: nn.Module, optimiser: torch.optim.Optimizer, file: Path) -> None:
        self.parts: dict[str, Any] = {"network": network, "kept": kept, "optimiser": optimiser}
        self.kept, self.file = kept, file
        self.step, self.seconds, self.done = 0, 0.0, False
        self.loss = 0.0  # running mean
        self.best, self.last, self.looks_since_best = math.inf, math.inf, 0
        self.best_weights: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []

    def judged(self, error: float, progress: float, settings: TrainingSettings) -> None:
        """Note a look at the validation views, and write the log anew."""
        row = {"step": self.step, "minutes": round(self.seconds / 60, 3), "progress": round(progress, 4)}
        self.history.append(row | {"loss": self.loss, "validation": error})
        lines = [",".join(self.history[0]), *(",".join(map(str, r.values())) for r in self.history)]
        write_text(self.file.with_name("log.csv"), "\n".join(lines) + "\n")
        self.last = error
        self.looks_since_best += 1
        if error < self.best or math.isinf(self.best):  # the latest, until there is a figure to judge by
            self.best, self.looks_since_best = (error if math.isfinite(error) else math.inf), 0
            self.best_weights = {k: v.detach().clone() for k, v in self.kept.state_dict().items()}
        self.done = bool(settings.patience) and self.looks_since_best >= settings.patience

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        own = {name: value for name, value in vars(self).items() if name not in ("parts", "kept", "file")}
        content = io.BytesIO()  # torch tells of a full disk in words of its own, a file written by Python does not
        torch.save(own | {name: part.state_dict() for name, part in self.parts.items()}, content)
        with atomic_write(self.file) as temporary:
            temporary.write_bytes(content.getbuffer())

    def resume(self, process: Process) -> None:
        """Go on from the checkpoint, if there is one; rank 0 reads it for all.

        Raises:
            TrainingError: the checkpoint does not fit the network.
        """
        content = agree(self.file.read_bytes() if process.is_rank_zero and self.file.exists() else None, process)
        if content is None:
            return
        try:
            device = next(self.kept.parameters()).device
            stored = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
            for name, part in self.parts.items():
                part.load_state_dict(stored.pop(name))
        except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
            raise TrainingError(f"{self.file}: does not fit the settings it is continued with ({error})") from error
        for name, value in stored.items():
            setattr(self, name, value)


def _finish(state: State, settings: TrainingSettings, judge: Callable[[nn.Module], float]) -> None:
    """Look at the validation views once more, write the last checkpoint, and put the weights to keep into ``kept``."""
    before = time.monotonic()
    if not state.history or state.history[-1]["step"] < state.step:
        state.judged(judge(state.kept), 1.0, settings)
    state.done = True
    state.seconds += time.monotonic() - before
    state.save()
    if settings.keep == "best":
        state.kept.load_state_dict(state.best_weights)


def _tensorboard(folder: Path) -> Callable[[dict[str, float]], None]:
    """Return the function that writes a row of the log for TensorBoard into ``folder``."""
    require("tensorboard", "training.tensorboard")
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra

    writer = SummaryWriter(folder)

    def write(row: dict[str, float]) -> None:
        for name in ("loss", "validation"):
            writer.add_scalar(name, row[name], row["step"])
        writer.flush()

    return write


def _check_alike(process: Process, codec: Codec, settings: TrainingSettings, lesson: Lesson) -> None:
    """Raise a TrainingError if this process would train by other films, points or settings than rank 0."""
    if process.size == 1:
        return
    own = hashlib.sha256(repr((codec, settings, lesson.seed, lesson.views.augmentation)).encode())
    for film in lesson.views.working:
        own.update(repr((film.identifier, film.points.tolist())).encode())
    if agree(own.digest(), process) != own.digest():
        found = f"process {process.rank} of {process.size} has other films, points or settings than process 0"
        raise TrainingError(f"{found}; expected the same on every machine")


def _rate(schedule: str, progress: float) -> float:
    if schedule == "constant":
        return 1.0
    return min(1.0, progress / _RISE + 0.02) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


@torch.no_grad()
def _average(means: list[Tensor], now: list[Tensor], decay: float, step: int) -> None:
    """Move the running mean of weights and statistics towards the network; faster in the beginning."""
    decay = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    torch._foreach_lerp_(means, now, 1 - decay)  # one call for all, as torch.optim.swa_utils does
