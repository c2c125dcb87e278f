"""Which processors are ours, and how many threads that makes."""

from __future__ import annotations

import os
import platform

from joblib import cpu_count


def processors() -> int:
    """Return how many processors this process may use: those it is bound to, or a container's share of them."""
    return int(cpu_count())


def machine() -> str:
    """Return which processors are ours, for the record: a compiler's name for their kind, as znver4, and how many."""
    from llvmlite.binding import get_host_cpu_name  # noqa: PLC0415 - takes a while; only who records it waits

    return f"{get_host_cpu_name()} ({platform.machine()}), {processors()} processors"


def threads() -> int:
    """Return how many threads to compute with: the wish in ``OMP_NUM_THREADS``, else one per processor that is ours.

    numba, and torch in a container with a share of a large machine, would start one for each that the machine has, and
    these take turns: with more threads than processors each operation waits for the last.
    """
    wished = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(wished) if wished.isdigit() and int(wished) else processors()
