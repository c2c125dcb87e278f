"""How a person's act becomes an edit: which marks it changes, and the film's verdict after it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from landvote.errors import EditError
from landvote.review.edits.log import DIGITS, Act, Change, Edit, Mark, MarkState, Proposed, Verdict
from landvote.review.edits.state import FilmState

_NAMED = 3

Wanted = Mapping[str, tuple[MarkState, float | None, float | None] | None]
"""Landmark -> what its mark is to be; None takes the mark away."""

Offered = Mapping[str, tuple[float, float]]
"""Landmark -> the point that is proposed for it."""


def made(
    edit: Edit, state: FilmState, wanted: Wanted, proposed: Offered, landmarks: Sequence[str],
    past: Callable[[int], Edit],
) -> Edit:  # fmt: skip
    """Return an edit with what it changes in a state.

    ``proposed`` are the points that the person saw, ``landmarks`` those of the scheme, and ``past`` returns an earlier
    edit by its number.

    Raises:
        EditError: an unknown landmark, a mark that is none, or a film is approved that has undecided landmarks.
    """
    now = state.verdict
    if edit.act in ("undo", "redo"):
        numbers = state.done if edit.act == "undo" else state.undone
        if not numbers:
            return replace(edit, verdict=(now, now))
        done = past(numbers[-1])
        edit = replace(edit, of=numbers[-1])
        if edit.act == "redo":
            return replace(edit, verdict=done.verdict, changes=done.changes, ruler=done.ruler)
        back, ruler = tuple(Change(c.landmark, c.new, c.old) for c in done.changes), done.ruler and done.ruler.back()
        return replace(edit, verdict=done.verdict[::-1], changes=back, ruler=ruler)
    if edit.act == "set":
        changes = _changes(state, wanted, proposed, landmarks)
        return replace(edit, changes=changes, verdict=(now, "open" if changes else now))
    if edit.act == "approve":
        return replace(edit, changes=_accepted(state, proposed, landmarks), verdict=(now, "approved"))
    after: dict[Act, Verdict] = {"reject": "rejected", "settle": now}
    return replace(edit, verdict=(now, after.get(edit.act, "open")))


def _changes(state: FilmState, wanted: Wanted, proposed: Offered, landmarks: Sequence[str]) -> tuple[Change, ...]:
    changes = []
    for name, told in wanted.items():
        if name not in landmarks:
            raise EditError(f"landmark {name!r} is unknown, expected one of the {len(landmarks)} of the scheme")
        there = proposed.get(name)
        new = None
        if told is not None:
            kind, x, y = told
            point = None if x is None or y is None else (round(x, DIGITS), round(y, DIGITS))
            if (kind == "missing") != (point is None):
                raise EditError(f"landmark {name!r} is {kind} at {point}, expected x and y unless it is missing")
            accepted = kind == "placed" and point == there
            x, y = point or (None, None)
            new = Mark(kind, x, y, "accepted" if accepted else "changed")
        old = state.marks.get(name)
        if new is None or old is None or new[:3] != old[:3]:
            changes.append(Change(name, old, new, there))
    return tuple(change for change in changes if change.old != change.new)


def _accepted(state: FilmState, proposed: Offered, landmarks: Sequence[str]) -> tuple[Change, ...]:
    """Return the changes that accept all that is proposed and undecided."""
    undecided = [name for name in landmarks if name not in state.marks]
    if not landmarks or (lacking := [name for name in undecided if name not in proposed]):
        named = ", ".join(lacking[:_NAMED]) + (", ..." if len(lacking) > _NAMED else "") if landmarks else ""
        found = f"{len(lacking)} landmarks are undecided ({named})" if landmarks else "there are no landmarks yet"
        raise EditError(f"{found}, expected each to be placed or marked as missing")
    points = {name: proposed[name] for name in undecided}
    return tuple(Change(name, None, Mark("placed", *point, "accepted"), point) for name, point in points.items())


def not_offered(changes: Iterable[Change], machine: Mapping[str, Proposed]) -> dict[str, tuple[float, float] | None]:
    """Return landmark -> the point of the model, None without one, of those for which another was proposed."""
    offered = {c.landmark: c.proposed for c in changes if c.proposed is not None}
    own = {name: machine[name].point if name in machine else None for name in offered}
    return {name: point for name, point in own.items() if point != offered[name]}
