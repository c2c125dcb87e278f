"""Votes: the currency both rivals pay in. The vote map, casting, smoothing, peaks, and the voter's interface."""

import os
import sys

from landvote.processors import threads

if "numba" not in sys.modules:  # it looks at its own variable alone, once, and sets its number for torch too
    os.environ.setdefault("NUMBA_NUM_THREADS", str(threads()))

from landvote.votes.cast import cast
from landvote.votes.votemap import VoteMap
from landvote.votes.voter import Lesson, Voter, VoterSettings

__all__ = ["Lesson", "VoteMap", "Voter", "VoterSettings", "cast"]
