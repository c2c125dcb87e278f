"""The state of a film for one person: its marks, the verdict, and what can be undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from landvote.errors import DataError
from landvote.review.edits.log import Edit, Mark, Verdict

LONGEST_GAP = 60.0
"""Seconds: between two edits, or from the opening of a film to the first, a longer time counts as this one."""

Value = TypeVar("Value")

Approved = Mapping[str, Mark]
"""Landmark -> its mark when the film was approved first."""


@dataclass
class FilmState:
    """One person's film.

    Attributes:
        marks: landmark -> its mark; a landmark without one is undecided.
        verdict: of the person on the film.
        revision: how many edits it has had; an edit names the one that it was made on.
        done: numbers of the edits that can be undone, the last one first to be.
        undone: numbers of those that can be done again.
        touched: when the last edit was made, UTC.
        film: the hash of the pixels that the last edit was made on.
        seconds: the time that the person spent on it, as far as the log tells.
        actions: how many edits the person made.
        prompted: whether a proposal was on the film at any edit.
        offered: landmark -> the point that was proposed when the person decided it, where one was shown.
        blind: landmark -> the point that was proposed and not shown; None unless the film was annotated blind.
        first: the marks at the first approval, before any comparison with others; None until then.
        order: the number of the edit of that approval; those of the import have none.
        proposing: numbers of the edits that brought a proposal of the person's own, and whether each was a settling.
        machine: landmark -> the point of the model where one was offered; it differs where points had followed others
            or been found again.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    verdict: Verdict = "open"
    revision: int = 0
    done: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    touched: str = ""
    film: str = ""
    seconds: float = 0.0
    actions: int = 0
    prompted: bool = False
    offered: dict[str, tuple[float, float]] = field(default_factory=dict)
    blind: Mapping[str, tuple[float, float]] | None = None
    first: Approved | None = None
    order: int | None = None
    proposing: dict[int, bool] = field(default_factory=dict)
    machine: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def proposal(self) -> int | None:
        """The number of the edit that brought what is proposed to the person; None where a model's proposal holds."""
        return next((number for number in reversed(self.done) if number in self.proposing), None)

    @property
    def settled(self) -> int | None:
        """The number of the last settling, since when points have at most followed others; None without one."""
        return next((number for number in reversed(self.done) if self.proposing.get(number)), None)

    def apply(self, where: str, number: int, edit: Edit) -> None:
        """Bring an edit into the state; ``number`` is that of the edit.

        Raises:
            DataError: it undoes, or does again, another edit than the one that is next; ``where`` is its line.
        """
        if edit.act in ("undo", "redo"):
            taken, given = (self.done, self.undone) if edit.act == "undo" else (self.undone, self.done)
            if not taken or taken[-1] != edit.of:
                raise DataError(f"{where}: {edit.act} of edit {edit.of}, expected one of {taken[-1:]}")
            given.append(taken.pop())
        elif edit.act != "import":
            self.done.append(number)
            self.undone.clear()
            if edit.proposes:
                self.proposing[number] = edit.act == "settle"
        self._count(edit)
        self.revision += 1
        self.verdict, self.touched, self.film = edit.verdict[1], edit.when, edit.film or self.film
        if self.first is self.marks:
            self.marks = dict(self.marks)  # what was approved first stays as it was
        for change in edit.changes:
            _put(self.marks, change.landmark, change.new)
            if edit.act == "set" or (edit.act == "approve" and change.proposed is not None):
                _put(self.offered, change.landmark, change.proposed)
                _put(self.machine, change.landmark, edit.machine.get(change.landmark, change.proposed))
        if self.first is None and self.verdict == "approved":
            self.first, self.blind = self.marks, edit.blind
            self.order = None if edit.act == "import" else number

    def _count(self, edit: Edit) -> None:
        """Count an edit, and the time since the one before or since the film was opened, whichever is shorter."""
        if edit.act == "import":
            return
        self.actions += 1
        shown = bool(edit.model) or bool(edit.proposes) or any(c.proposed is not None for c in edit.changes)
        self.prompted |= edit.blind is None and shown
        times = [] if edit.shown is None else [edit.shown / 1000]
        if self.actions > 1:
            gap = datetime.fromisoformat(edit.when) - datetime.fromisoformat(self.touched)
            times.append(gap.total_seconds())
        if times:
            self.seconds += min(LONGEST_GAP, max(0.0, min(times)))

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Let all that is kept of renamed landmarks, old name -> new name, go by the new ones."""
        self.marks = {renamed.get(name, name): mark for name, mark in self.marks.items()}
        self.offered = {renamed.get(name, name): point for name, point in self.offered.items()}
        self.machine = {renamed.get(name, name): point for name, point in self.machine.items()}
        if self.blind is not None:
            self.blind = {renamed.get(name, name): point for name, point in self.blind.items()}
        if self.first is not None:
            self.first = {renamed.get(name, name): mark for name, mark in self.first.items()}


def _put(kept: dict[str, Value], landmark: str, value: Value | None) -> None:
    """Keep a value of a landmark; with None, none."""
    if value is None:
        kept.pop(landmark, None)
    else:
        kept[landmark] = value
