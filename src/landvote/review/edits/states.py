"""Each person's films: the state of each, as the log of edits tells it, and what all of them say together."""

import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from landvote.errors import EditError
from landvote.formats.points import PointRow
from landvote.review.edits.log import Edit, Mark
from landvote.review.edits.state import FilmState


class FilmStates:
    """The states of films by person and film. Several threads may ask; the one that applies edits holds the mutex."""

    def __init__(self, mutex: threading.RLock) -> None:
        self._mutex = mutex
        self._kept: dict[tuple[str, str], FilmState] = {}
        self._people: dict[str, list[str]] = {}

    def __contains__(self, film: tuple[str, str]) -> bool:
        """Whether a person, named first, has had a film."""
        return film in self._kept

    def apply(self, where: str, number: int, edit: Edit) -> None:
        """Bring an edit of a film in, see :meth:`FilmState.apply`."""
        key = (edit.who, edit.image)
        if key not in self._kept:
            self._kept[key] = FilmState()
            self._people[edit.image] = sorted((*self._people.get(edit.image, ()), edit.who))
        self._kept[key].apply(where, number, edit)

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Let landmarks, old name -> new name, go by their new names."""
        for state in self._kept.values():
            state.rename(renamed)

    def of(self, who: str, image: str) -> FilmState:
        """Return the state of a person's film."""
        return self._kept.get((who, image), FilmState())

    def every(self) -> list[tuple[str, str, FilmState]]:
        """Return person, film and state of all films that a person has had; they change as edits are made."""
        with self._mutex:
            return [(who, image, state) for (who, image), state in self._kept.items()]

    def people(self, image: str) -> list[str]:
        """Return the people who have had a film."""
        return self._people.get(image, [])

    def begun(self) -> set[str]:
        """Return the films that a person has put marks on, settled, approved or rejected."""
        return {i for _, i, s in self.every() if s.marks or s.verdict != "open" or s.proposal is not None}

    def approved_films(self, *, unaided: bool = False) -> set[str]:
        """Return the films that a person has approved; with ``unaided``, less those with a proposal."""
        states = [(image, state) for _, image, state in self.every() if state.verdict == "approved"]
        return {image for image, _ in states} - {image for image, state in states if unaided and state.prompted}

    def approved_points(self, landmark: str) -> dict[str, tuple[float, float]]:
        """Return image -> x, y of a landmark on the approved films on which it has a place, by one person each."""
        with self._mutex:
            approved = sorted((i, who) for (who, i), state in self._kept.items() if state.verdict == "approved")
            marks = ((image, self._kept[who, image].marks.get(landmark)) for image, who in reversed(approved))
            return {image: mark.point for image, mark in marks if mark and mark.state != "missing"}

    def approved_marks(self, image: str) -> dict[str, Mapping[str, Mark]]:
        """Return person -> marks of a film, of those who have approved it."""
        with self._mutex:
            of_film = [(who, self._kept[who, image]) for who in self.people(image)]
            return {who: dict(s.marks) for who, s in of_film if s.verdict == "approved"}

    def rows(self, landmarks: Sequence[str], *, approved: bool) -> tuple[PointRow, ...]:
        """Return the points of approved films, or of all films with marks, one row per film and person."""
        with self._mutex:  # and no longer: edits wait
            chosen = [
                (*key, dict(s.marks)) for key, s in self._kept.items()
                if s.verdict == "approved" or (not approved and s.verdict == "open" and s.marks)
            ]  # fmt: skip
        undecided, rows = Mark("missing", None, None, "changed"), []
        for who, image, marked in sorted(chosen, key=lambda film: film[:2]):
            marks = [marked.get(name, undecided) for name in landmarks]
            hidden = np.array([mark.state == "occluded" for mark in marks], bool)
            points = np.array([mark.point for mark in marks], float).reshape(-1, 2)
            rows.append(PointRow(image, who, points, occluded=hidden))
        return tuple(rows)


def person_name(name: str) -> str:
    """Return the name of a person in one form of Unicode; EditError if it is none."""
    name = unicodedata.normalize("NFC", name)
    if not re.fullmatch(r"\S(.{0,58}\S)?", name) or not name.isprintable():
        raise EditError(f"person {name[:60]!r}, expected a name of 1 to 60 printable characters")
    return name
