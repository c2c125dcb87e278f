"""How the page is told of a person's film: whole, or as a line of the list."""

import math
from typing import Any, NamedTuple

from landvote.data.scheme import Scheme
from landvote.review.edits.state import FilmState
from landvote.review.proposals.proposals import Proposals, mean_error
from landvote.review.proposals.proposed import fingerprint


class Summary(NamedTuple):
    """A film in the list.

    Attributes:
        state: in a word.
        decided: how many landmarks have marks.
        touched: when the last edit was made, UTC.
        error: the mean expected error of the proposal's landmarks, pixels; None without one.
        known: whether the film is of the kind that the model knows; None where that is not known.
        seconds: that the person spent on it.
    """

    state: str
    decided: int
    touched: str
    error: float | None
    known: bool | None
    seconds: int


def record(state: FilmState, image: str, scheme: Scheme | None, proposals: Proposals) -> dict[str, Any]:
    """Return a person's film as the page gets it, with what is proposed for it."""
    blind, shown = proposals.is_blind(state, image, scheme), proposals.shown(state, image, scheme)
    return {
        "revision": state.revision, "state": _word(state, image, proposals, shown=not blind),
        "touched": state.touched, "seconds": round(state.seconds, 1), "blind": blind,
        "marks": {name: list(mark) for name, mark in state.marks.items()},
        "proposed": {name: list(point) for name, point in shown.items()},
        "proposal": fingerprint(shown), "expected": proposals.expectation(state, image, scheme),
        "undo": len(state.done), "redo": len(state.undone), "film": state.film,
    }  # fmt: skip


def summary(state: FilmState, image: str, proposals: Proposals) -> Summary:
    """Return what the list of films tells of one; it does not tell which films are blind."""
    proposal = proposals.of(image)
    error = mean_error(proposal.expected_error) if proposal else math.nan
    return Summary(
        _word(state, image, proposals), len(state.marks), state.touched,
        round(error, 2) if math.isfinite(error) else None, proposal.known if proposal else None, round(state.seconds),
    )  # fmt: skip


def _word(state: FilmState, image: str, proposals: Proposals, *, shown: bool = True) -> str:
    if state.verdict != "open":
        return state.verdict
    proposed = shown and (image in proposals.films() or state.proposal is not None)
    return "corrected" if state.marks else "proposed" if proposed else "new"
