"""The state of a film for one person: its marks, the verdict, and what can be undone."""

from dataclasses import dataclass, field

from landvote.errors import DataError
from landvote.review.log import Edit, Mark, Verdict


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
        proposing: numbers of the edits that brought a proposal of the person's own, and whether each was a settling.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    verdict: Verdict = "open"
    revision: int = 0
    done: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    touched: str = ""
    film: str = ""
    proposing: dict[int, bool] = field(default_factory=dict)

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
        self.revision += 1
        self.verdict, self.touched, self.film = edit.verdict[1], edit.when, edit.film or self.film
        for change in edit.changes:
            if change.new is None:
                self.marks.pop(change.landmark, None)
            else:
                self.marks[change.landmark] = change.new
