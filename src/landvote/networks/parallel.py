"""Several processes that train one network: each takes a share of every batch, their gradients are averaged.

torch's DDP averages gradients. The rest makes the result that of one process: shares that depend on the rank alone,
losses weighted by how many landmarks a share holds, batch normalisation by the statistics of the whole batch, and
decisions (when to stop, which checkpoint to go on from) taken by rank 0 for all.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from landvote.errors import SettingError, StoppedError, TrainingError
from landvote.runtime.rank import Process, this_process

T = TypeVar("T")
_MEETINGS = itertools.count()  # a process may train several models, one after the other
_WORK_OF_RANK_0 = timedelta(days=30)  # the others wait for it at the end; torchrun ends them if it fails


@contextmanager
def together() -> Iterator[None]:
    """Join the processes that torchrun started, and part when rank 0 is done.

    Raises:
        SettingError: where the others are is not known.
        StoppedError: all processes were stopped together.
        TrainingError: another process failed; says which, and its message.
    """
    me = this_process()
    try:
        store, rank, size = next(rendezvous("env://"))
    except ValueError as error:
        raise SettingError(f"{me.size} processes are to train together, but {error}; start them by torchrun") from error
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    store = PrefixStore(f"landvote/{next(_MEETINGS)}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    notes = PrefixStore("notes", store)
    try:
        yield
        _part(notes, lead=me.is_rank_zero)
    except Exception as error:
        own, first = f"process {rank} of {size} failed: {type(error).__name__}: {error}", ""
        if isinstance(error, StoppedError):
            own = str(error)  # in all processes the same: none failed by another
        with suppress(dist.DistError):  # the machine that keeps the notes may be gone
            first = notes.compare_set("failed", "", own).decode()
            notes.set("ended", "")
        if first and first != own:  # this process failed because that one was gone
            raise TrainingError(first) from error
        raise
    dist.destroy_process_group()


def _part(notes: PrefixStore, *, lead: bool) -> None:
    """Say that rank 0 is done, or wait until it is (its files take their time); a TrainingError if it failed."""
    if lead:
        notes.set("ended", "")
        return
    notes.wait(["ended"], _WORK_OF_RANK_0)
    if first := notes.compare_set("failed", "", "").decode():
        raise TrainingError(first)


def joined() -> Process:
    """Return this process among those that joined to train together, or as the only one if none did.

    To the only one, all functions here return the value that they were given.
    """
    return Process(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Process()


def share(batch: int, process: Process) -> slice:
    """Return which of ``batch`` views a process takes; shares differ by one view at most.

    Raises:
        SettingError: there are fewer views than processes.
    """
    rank, size = process.rank, process.size
    if batch < size:
        raise SettingError(f"training.batch {batch} for {size} processes: expected a view for each at least")
    return slice(batch * rank // size, batch * (rank + 1) // size)


def wrap(network: nn.Module, process: Process) -> nn.Module:
    """Return the module to call in place of ``network``, so that gradients are averaged over all processes.

    Weights and statistics become those of rank 0, and the batch normalisations in ``network`` such as see the whole
    batch; its weights stay the same tensors.

    Raises:
        SettingError: the network is on a device that cannot be shared.
    """
    if process.size == 1:
        return network
    device = next(network.parameters()).device
    if device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    elif device.type == "cpu":
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.__class__ = WholeBatchNorm
    else:
        raise SettingError(f"device {device.type!r} for {process.size} processes: expected cpu or cuda")
    return DistributedDataParallel(network)


def agree(value: T, process: Process) -> T:
    """Return the value that rank 0 has; values are plain, such as numbers and bytes."""
    if process.size == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def weigh(loss: Tensor, known: Tensor, process: Process) -> Tensor:
    """Scale the loss of a share, the mean over its ``known`` landmarks or 0 if there is none.

    The mean over all processes is then the loss of the whole batch. ``known`` is a whole number without dimensions.
    """
    if process.size == 1:
        return loss
    return loss * (process.size * known / _total(known).clamp(min=1))


def mean(value: Tensor, process: Process) -> Tensor:
    """Return the mean of a tensor over all processes."""
    return value if process.size == 1 else _total(value) / process.size


def _total(tensor: Tensor) -> Tensor:
    total = tensor.clone()
    dist.all_reduce(total)
    return total


class WholeBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of all processes' shares: SyncBatchNorm for the CPU, which torch lacks."""

    momentum: float
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise (share, channels, height, width); computed in fp32, returned in the precision it came in."""
        if not self.training:
            return super().forward(input)
        x = input.float()
        var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        own = torch.stack([torch.full_like(mean, x.numel() / x.shape[1]), mean, var])
        rows = [own if rank == dist.get_rank() else torch.zeros_like(own) for rank in range(dist.get_world_size())]
        cells, means, variances = _Sum.apply(torch.stack(rows)).unbind(1)  # type: ignore[no-untyped-call]
        total = cells.sum(0)
        share = cells / total  # each (processes, channels)
        mean = (share * means).sum(0)
        var = (share * (variances + (means - mean) ** 2)).sum(0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * total / (total - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(var + self.eps)
        normalised: Tensor = x * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        return normalised.to(input.dtype)


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; gradients are summed likewise. That of torch.distributed.nn will go."""

    @staticmethod
    def forward(_: Any, tensor: Tensor) -> Tensor:  # noqa: ANN401 - a context of torch's, not needed
        return _total(tensor)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401 - the same
        return _total(gradients[0])
