"""Training: Adam on batches of varied views, looks at the validation views, a checkpoint to go on from."""

from __future__ import annotations

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

from landvote.errors import SettingError, TrainingError
from landvote.files import atomic_write, write_text
from landvote.frames import Views
from landvote.networks.batches import Batch, batches
from landvote.networks.codecs import Codec
from landvote.networks.parallel import Team
from landvote.networks.settings import TrainingSettings

Report = Callable[[dict[str, Any]], None]
_CHECKPOINT_SECONDS = 60.0
_RISE = 0.03  # share of the training over which the learning rate rises


def train(
    network: nn.Module,
    codec: Codec,
    views: Views,
    settings: TrainingSettings,
    folder: Path,
    *,
    bfloat16: bool,
    judge: Callable[[nn.Module], float],
    report: Report,
) -> nn.Module:
    """Train ``network`` and return the one to keep.

    Of several processes that have joined, each does this with its share of every batch; the one in the lead judges,
    writes, and decides for all. The network to keep is what it returns there.

    Args:
        network: on its device; changed in place.
        codec: makes targets from points and the loss from planes.
        views: what to learn from.
        settings: see there.
        folder: where the checkpoint is; one found there is continued, with the same result as if never stopped.
        bfloat16: compute convolutions in bf16.
        judge: a figure for a network on views it does not learn from; lower is better.
        report: is given a row per step. The validation figures go into ``log.csv`` beside the checkpoint.

    Raises:
        SettingError: a batch has fewer views than there are processes.
        TrainingError: the loss is not a number any more; the checkpoint of before remains. Or the processes do not
            train the same.
    """
    team = Team.present()
    share = team.share(settings.batch)
    _check_alike(team, codec, views, settings)
    kept = copy.deepcopy(network).requires_grad_(requires_grad=False)  # running mean of the weights
    optimiser = AdamW(network.parameters(), settings.rate, eps=settings.epsilon, weight_decay=settings.weight_decay)
    state = State(network, kept, optimiser, folder / "checkpoint.pt")
    state.resume(team)
    board = tensorboard(folder) if settings.tensorboard and team.lead else lambda _: None
    shared = team.wrap(network)
    averaged = _pairs(kept, network)
    clock = time.monotonic() - state.seconds
    saved = time.monotonic()

    for batch in batches(views, state.step, settings.batch, settings.seed, share):
        state.seconds = time.monotonic() - clock
        progress = team.agree(1.0 if state.done else _progress(settings, state))
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _rate(settings.schedule, progress)
        loss = step(shared, codec, optimiser, batch, team, progress, bfloat16=bfloat16)
        _average(*averaged, settings.average, state.step)
        state.step += 1
        state.loss += (loss.item() - state.loss) * max(0.01, 1 / state.step)
        if not math.isfinite(state.loss):
            raise TrainingError(
                f"the loss became {loss.item()} at step {state.step} (learning rate {settings.rate}); "
                f"try a lower rate. The last checkpoint is in {folder}"
            )
        report({"step": state.step, "progress": progress, "loss": state.loss, "validation": state.last})
        if team.lead and state.step % settings.judge_every == 0:
            state.judged(judge(kept), progress, settings)
            board(state.history[-1])
        if team.lead and time.monotonic() - saved > _CHECKPOINT_SECONDS:
            state.save(time.monotonic() - clock)
            saved = time.monotonic()
    if not team.lead:
        return kept
    if not state.history or state.history[-1]["step"] < state.step:
        state.judged(judge(kept), 1.0, settings)
    state.done = True
    state.save(time.monotonic() - clock)
    report({"step": state.step, "progress": 1.0, "loss": state.loss, "validation": state.last})
    if settings.keep == "best":
        kept.load_state_dict(state.best_weights)
    return kept


def step(
    network: nn.Module,
    codec: Codec,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    team: Team,
    progress: float,
    *,
    bfloat16: bool,
) -> Tensor:
    """Take one optimiser step on one batch, of which this may be a share; return the loss of all of it."""
    device = next(network.parameters()).device
    network.train()
    pictures = batch.pictures.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        planes = network(pictures)
    rows, columns = planes.shape[2:]
    targets = codec.encode(batch.points.to(device), rows, columns, progress)
    loss = team.weigh(codec.loss(planes, targets, progress), targets.given.sum())
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    optimiser.step()
    return team.mean(loss.detach())


class State:
    """All that a training is, between two steps; kept on disk so that a killed one can go on."""

    def __init__(self, network: nn.Module, kept: nn.Module, optimiser: torch.optim.Optimizer, file: Path) -> None:
        self.parts: dict[str, Any] = {"network": network, "kept": kept, "optimiser": optimiser}
        self.kept = kept
        self.device = next(network.parameters()).device
        self.file = file
        self.step = 0
        self.seconds = 0.0
        self.done = False
        self.loss = 0.0  # running mean
        self.best = self.last = math.inf
        self.looks_since_best = 0
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

    def save(self, seconds: float) -> None:
        """Write the checkpoint, whole or not at all."""
        own = {name: getattr(self, name) for name in ("step", "done", "loss", "best", "last", "looks_since_best",
                                                      "best_weights", "history")}  # fmt: skip
        own["seconds"] = seconds
        content = io.BytesIO()  # torch tells of a full disk in words of its own, a file written by Python does not
        torch.save(own | {name: part.state_dict() for name, part in self.parts.items()}, content)
        with atomic_write(self.file) as temporary:
            temporary.write_bytes(content.getbuffer())

    def resume(self, team: Team) -> None:
        """Go on from the checkpoint, if there is one; the lead reads it for all.

        Raises:
            TrainingError: the checkpoint does not fit the network.
        """
        content = team.agree(self.file.read_bytes() if team.lead and self.file.exists() else None)
        if content is None:
            return
        try:
            stored = torch.load(io.BytesIO(content), map_location=self.device, weights_only=True)
            for name, part in self.parts.items():
                part.load_state_dict(stored.pop(name))
        except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
            raise TrainingError(f"{self.file}: does not fit the settings it is continued with ({error})") from error
        for name, value in stored.items():
            setattr(self, name, value)


def tensorboard(folder: Path) -> Callable[[dict[str, float]], None]:
    """Return what writes a row of the log for TensorBoard into ``folder``.

    Raises:
        SettingError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingError("training.tensorboard needs TensorBoard: install landvote[tensorboard]") from error
    writer = SummaryWriter(folder)

    def write(row: dict[str, float]) -> None:
        for name in ("loss", "validation"):
            writer.add_scalar(name, row[name], row["step"])
        writer.flush()

    return write


def _check_alike(team: Team, codec: Codec, views: Views, settings: TrainingSettings) -> None:
    """Hold what this process was given against what the lead was.

    Raises:
        TrainingError: it has other films, points or settings, and its shares would be of another training.
    """
    if team.size == 1:
        return
    own = hashlib.sha256(repr((codec, settings, views.augmentation)).encode())
    for film in views.working:
        own.update(repr((film.identifier, film.points.tolist())).encode())
    if team.agree(own.digest()) != own.digest():
        raise TrainingError(
            f"process {team.rank} of {team.size} has other films, points or settings than process 0; expected the same "
            "DATA and the same command on every machine"
        )


def _progress(settings: TrainingSettings, state: State) -> float:
    by_time = state.seconds / (60 * settings.minutes) if settings.minutes else 0.0
    return max(state.step / settings.steps, by_time)


def _rate(schedule: str, progress: float) -> float:
    if schedule == "constant":
        return 1.0
    return min(1.0, progress / _RISE + 0.02) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def _pairs(kept: nn.Module, network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Return the weights and statistics of both, in the same order; they stay the same tensors while training."""
    means, now = ([t for t in n.state_dict().values() if t.is_floating_point()] for n in (kept, network))
    return means, now


@torch.no_grad()
def _average(means: list[Tensor], now: list[Tensor], decay: float, step: int) -> None:
    """Move the running mean of weights and statistics towards the network; faster in the beginning."""
    decay = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    torch._foreach_lerp_(means, now, 1 - decay)  # one call for all, as torch.optim.swa_utils does
