"""Votes: the currency both rivals pay in. The vote map, casting, smoothing, peaks, and the voter's interface."""

import os
import sys

_WISHED = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
if _WISHED.isdigit() and "numba" not in sys.modules:
    # numba looks at its own variable alone, once, and would set its number for all of OpenMP, torch included
    os.environ.setdefault("NUMBA_NUM_THREADS", _WISHED)

from landvote.votes.cast import cast, cast_reference  # noqa: E402 - after the number of threads is set
from landvote.votes.votemap import VoteMap  # noqa: E402 - after the number of threads is set
from landvote.votes.voter import Voter  # noqa: E402 - after the number of threads is set

__all__ = ["VoteMap", "Voter", "cast", "cast_reference"]
