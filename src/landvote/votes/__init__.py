"""Votes: the currency both rivals pay in. The vote map, casting, smoothing, peaks, and the voter's interface."""

from landvote.votes.cast import cast, cast_reference
from landvote.votes.votemap import VoteMap
from landvote.votes.voter import Voter

__all__ = ["VoteMap", "Voter", "cast", "cast_reference"]
