"""The voter: whoever looks at a view and votes, a network or a forest; everything else is shared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from landvote.frames import View, Views
from landvote.votes.votemap import VoteMap


class Voter(ABC):
    """Learns from views, votes on views. An interface: it has no fields, and nothing is overridden twice."""

    @property
    @abstractmethod
    def computed_on(self) -> str:
        """What computes the votes and how exactly, for the record: it has a say in their last digits."""

    @abstractmethod
    def fit(self, training: Views, validation: Views, folder: Path, report: Callable[[dict[str, Any]], None]) -> None:
        """Learn; keep what a resumed call needs in ``folder``, and ``report`` a row of progress now and then.

        Called again with a folder that holds the work of a killed call, it goes on where that one had come to and
        ends with the same result.
        """

    @abstractmethod
    def vote(self, view: View) -> VoteMap:
        """Return the votes for each landmark over the view's grid."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what :meth:`vote` needs into ``folder``."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote."""
