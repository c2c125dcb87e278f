"""Votes: networks and forests both return them. The vote map, casting, smoothing, peaks, and the voter's interface."""

from landvote.votes.cast import cast
from landvote.votes.evidence import Evidence
from landvote.votes.votemap import VoteMap
from landvote.votes.voter import Estimate, Lesson, Start, Voter, VoterSettings

__all__ = ["Estimate", "Evidence", "Lesson", "Start", "VoteMap", "Voter", "VoterSettings", "cast"]
