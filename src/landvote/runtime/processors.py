"""The number of processors that this process may use, and the number of threads that follows from it."""

import os
import sys

from joblib import cpu_count


def processors() -> int:
    """Return how many processors this process may use: those it is bound to, or a container's share of them."""
    return int(cpu_count())


def threads() -> int:
    """Return how many threads to compute with: the wish in ``OMP_NUM_THREADS``, else one per processor that is ours.

    numba, and torch in a container with a share of a large machine, would start one for each that the machine has, and
    these take turns: with more threads than processors each operation waits for the last.
    """
    wished = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(wished) if wished.isdigit() and int(wished) else processors()


def limit_numba() -> None:
    """Let numba start no more threads than :func:`threads`; called by entry points alone, before numba is imported.

    numba looks at its own variable alone, once. It would start a thread for each processor of the machine, and set that
    number for all of OpenMP, torch included.
    """
    if "numba" not in sys.modules:  # later a change is an error of numba's
        os.environ.setdefault("NUMBA_NUM_THREADS", str(threads()))
