"""Where the tensors live and in which precision; and how a process keeps its memory and threads.

Only :func:`keep_freed_memory` and :func:`keep_threads` change the process, for entry points alone.
"""

import ctypes
import functools
import platform
import threading

import numpy as np
import torch

from landvote.errors import SettingError
from landvote.runtime.processors import threads
from landvote.runtime.rank import this_process
from landvote.votes import cast

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # from glibc's malloc.h
_STARTING = threading.Lock()


def choose_device(name: str) -> torch.device:
    """Return the device of that name; ``"auto"`` prefers CUDA, then MPS, then the CPU.

    Of several processes, each takes the GPU of its own number on the machine.

    Raises:
        SettingError: no such device, or it is not there; one GPU is named for several processes.
    """
    if name == "auto":
        mps = torch.backends.mps.is_available() and _has_autocast("mps")
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        device = torch.device(name)
        if device.type == "cuda" and (me := this_process()).size > 1:
            if name != "cuda":
                raise SettingError(f"device {name!r} for {me.size} processes: expected cuda, of which each takes one")
            device = torch.device("cuda", me.local)
        torch.empty(1, device=device)
        torch.autocast(device.type, torch.bfloat16, enabled=False)
    except (RuntimeError, AssertionError) as error:  # torch asserts when it was built without CUDA
        raise SettingError(f"device {name!r} cannot be used ({error}); expected auto, cpu, cuda or mps") from error
    return device


def _has_autocast(kind: str) -> bool:
    """Say whether this version of torch knows autocast, which networks are called in, on that kind of device."""
    try:
        torch.autocast(kind, torch.bfloat16, enabled=False)
    except RuntimeError:
        return False
    return True


def device_name(device: torch.device) -> str:
    """Return the maker's name of a device, or for a CPU the vector instructions that torch uses."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {torch.backends.cpu.get_cpu_capability()}" if device.type == "cpu" else device.type


def use_bfloat16(device: torch.device, precision: str) -> bool:
    """Say whether to compute in bf16: where asked for, or by ``"auto"`` where the hardware multiplies in it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())  # bool() is False


@functools.cache
def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks for reuse instead of giving them back to the system.

    A training step frees and allocates the same hundreds of megabytes again and again; each return costs page faults.
    This halves the time of a step on a CPU. It does nothing elsewhere than on Linux with glibc.
    """
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_M_ARENA_MAX, 1)


@functools.cache
def start_numba() -> None:
    """Let numba start its threads now, and give torch its number of threads back; called before a voter is made.

    Starting them sets the number for all of OpenMP: the first look at validation views would change how many threads
    training takes from there on, and with them the last digits of its result, which a resumed training has to meet.
    """
    with _STARTING:
        own = torch.get_num_threads()
        nothing = np.zeros((1, 1, 1), np.float32)
        cast(nothing, nothing, nothing, (1, 1), 1, 1)
        torch.set_num_threads(own)


@functools.cache
def keep_threads() -> None:
    """Let torch start no more threads than this process may use."""
    start_numba()
    torch.set_num_threads(min(torch.get_num_threads(), threads()))
