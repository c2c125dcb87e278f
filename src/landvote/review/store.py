"""The store: the state of each film for each person, as the log of edits tells it, and the files written from it.

::

    landvote-review/
      edits.jsonl       the log; all else is made from it
      scheme.toml       what the landmarks are
      points.csv        long-csv: the points of approved films, a person each an annotator
      proposals.jsonl   predictions that nobody has accepted yet
      thumbnails/       small pictures of the films, which may be deleted

A proposal is no label: it becomes a mark when its person accepts it, alone or with the film.
"""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from landvote.data.film import Film
from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ConflictError, DataError, EditError, SchemeError
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.points import PointRow, PointTable
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.review.log import Act, Change, Edit, Log, Mark, MarkState, Proposed, Verdict
from landvote.review.state import FilmState
from landvote.runtime.files import atomic_write, writing

_DIGITS = 3  # of coordinates, as points.csv has them
_NAMED = 3

Wanted = Mapping[str, tuple[MarkState, float | None, float | None] | None]
"""Landmark -> what its mark is to be; None takes the mark away."""


class Store:
    """Keeps edits, and makes their files. Several threads may call it; one process at a time has it open to write.

    Attributes:
        folder: of its files.
        read_only: whether nothing is written.
        scheme: what the landmarks are; None while nobody has said.
        imported: whether the points that the data came with are there.
        notes: what was repaired when it was opened, in words.

    Raises:
        DataError: another server has it open, the log is broken, or the folder cannot be written.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder, self.read_only = folder, read_only
        self._mutex = threading.RLock()
        self._files_lock = FileLock(folder / ".lock")
        if not read_only:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                self._hold()
        try:
            self._scheme_file, self._proposals_file = folder / "scheme.toml", folder / "proposals.jsonl"
            self.scheme = Scheme.read(self._scheme_file) if self._scheme_file.exists() else None
            self._states: dict[tuple[str, str], FilmState] = {}
            self._log = Log(folder / "edits.jsonl", read_only=read_only)
            self.imported = False
            for number, edit in enumerate(self._log.replay()):
                self._apply(number, edit)
            read = read_predictions(self._proposals_file) if self._proposals_file.exists() else []
            self._proposals = {p.identifier: p for p in read}
        except BaseException:
            self._files_lock.release()
            raise
        dropped = f"{self._log.file}: dropped the last line, of {self._log.dropped} bytes, which was cut short"
        self.notes = (f"{dropped}; it had never been answered as saved",) if self._log.dropped else ()
        self._points_dirty, self._proposals_dirty = len(self._log) > 0, False

    def _hold(self) -> None:
        try:
            self._files_lock.acquire(blocking=False)
        except Timeout as error:
            found = f"{self.folder}: another review has it open"
            raise DataError(f"{found}, expected one at a time; end it, or open this one to be read only") from error

    def close(self) -> None:
        """Write what is still to be written, and let others open the store."""
        try:
            self.write_files(proposals=True)
        finally:
            self._files_lock.release()

    # -- what there is --

    def images(self) -> set[str]:
        """Return the identifiers that there are edits or proposals of."""
        return {image for _, image in self._states} | self._proposals.keys()

    def state(self, who: str, image: str) -> dict[str, Any]:
        """Return a person's film as the page gets it, with what is proposed for it."""
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            return {
                "revision": state.revision, "state": self._word(state, image), "touched": state.touched,
                "marks": {name: list(mark) for name, mark in state.marks.items()},
                "proposed": {name: list(point) for name, point in self._proposed(state.proposal, image).items()},
                "proposal": self._shown(state, image), "undo": len(state.done), "redo": len(state.undone),
                "film": state.film, "others": sorted(w for w, i in self._states if i == image and w != who),
            }  # fmt: skip

    def summary(self, who: str, image: str) -> tuple[str, int, str, float | None]:
        """Return a film's state, how many landmarks are decided, when it was touched, and the error to expect of it.

        The error is the mean of the proposal's landmarks in pixels, None without one.
        """
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            proposal = self._proposals.get(image)
            error = proposal.expected_error if proposal else np.full(0, np.nan)
            known = error[np.isfinite(error)]
            return (
                self._word(state, image), len(state.marks), state.touched,
                round(float(known.mean()), 2) if len(known) else None,
            )  # fmt: skip

    def approved(self) -> int:
        """Return how many films are approved, those of several persons counted for each."""
        with self._mutex:
            return sum(state.verdict == "approved" for state in self._states.values())

    def _word(self, state: FilmState, image: str) -> str:
        if state.verdict != "open":
            return state.verdict
        proposed = image in self._proposals or state.proposal is not None
        return "corrected" if state.marks else "proposed" if proposed else "new"

    def settled(self, who: str, image: str) -> Proposed:
        """Return what was proposed to a person before points that were dragged took others along."""
        with self._mutex:
            return self._proposed(self._states.get((who, image), FilmState()).settled, image)

    def _proposed(self, edit: int | None, image: str) -> Proposed:
        """Return what an edit proposes for landmarks of the scheme, and for None what a model does."""
        proposal, known = self._proposals.get(image), set(self.scheme.landmarks if self.scheme else ())
        if edit is not None:
            return {n: point for n, point in self._log.read(edit).proposes.items() if n in known}
        if proposal is None:
            return {}
        return {
            name: (round(float(x), _DIGITS), round(float(y), _DIGITS), float(e) if np.isfinite(e) else None)
            for name, (x, y), e in zip(proposal.landmarks, proposal.points, proposal.expected_error, strict=True)
            if name in known and np.isfinite([x, y]).all()
        }

    def _shown(self, state: FilmState, image: str) -> str:
        """Return what tells one proposal of a film from another; empty without one."""
        proposed = self._proposed(state.proposal, image)
        return hashlib.sha256(repr(proposed).encode()).hexdigest()[:16] if proposed else ""

    # -- edits --

    def edit(
        self, who: str, image: str, film: str, revision: int, act: Act, wanted: Wanted | None = None, *,
        proposal: str = "", proposes: Proposed | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Make an edit, and return the film's new state once the edit is safely on the disk.

        ``film`` is the hash of its pixels, ``revision`` and ``proposal`` those of the state that the person saw. An
        edit that changes nothing is not kept. With ``proposes`` the landmarks named there are proposed to the person
        at other places from then on, until the edit is undone; the others stay as they were proposed.

        Raises:
            ConflictError: the film has another revision meanwhile; or it is approved, or ``proposes`` more, and has
                another proposal.
            EditError: an unknown landmark; or a film is approved that has undecided landmarks.
            DataError: the log cannot be written.
        """
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            if revision != state.revision:
                raise ConflictError(f"revision {revision}, expected {state.revision}: another window has changed it")
            if (act == "approve" or proposes) and proposal != self._shown(state, image):
                raise ConflictError("what is proposed has changed, expected it as it was shown; look at it again")
            made = self._made(Edit(_now(), who, image, film, act, model=self._model(image)), state, wanted or {})
            if proposes:
                made = replace(made, proposes=self._proposing(state, image, proposes))
            if made.changes or made.proposes or made.of is not None or made.verdict[0] != made.verdict[1]:
                self._log.append(made)
                self._apply(len(self._log) - 1, made)
                self._points_dirty = True
            return self.state(who, image)

    def _proposing(self, state: FilmState, image: str, told: Proposed) -> Proposed:
        """Return all that is proposed once some has moved, nothing if none has; EditError for an unknown landmark."""
        known = self.scheme.landmarks if self.scheme else ()
        if unknown := [name for name in told if name not in known]:
            raise EditError(f"landmark {unknown[0]!r} is unknown, expected one of the {len(known)} of the scheme")
        rounded = {name: (round(x, _DIGITS), round(y, _DIGITS), error) for name, (x, y, error) in told.items()}
        before = self._proposed(state.proposal, image)
        return {} if (after := before | rounded) == before else after

    def _model(self, image: str) -> str:
        return self._proposals[image].model if image in self._proposals else ""

    def _made(self, edit: Edit, state: FilmState, wanted: Wanted) -> Edit:
        """Return an edit with what it changes."""
        now = state.verdict
        if edit.act in ("undo", "redo"):
            numbers = state.done if edit.act == "undo" else state.undone
            if not numbers:
                return replace(edit, verdict=(now, now))
            past = self._log.read(numbers[-1])
            if edit.act == "redo":
                return replace(edit, of=numbers[-1], verdict=past.verdict, changes=past.changes)
            back = tuple(Change(c.landmark, c.new, c.old) for c in past.changes)
            return replace(edit, of=numbers[-1], verdict=past.verdict[::-1], changes=back)
        if edit.act == "set":
            changes = self._changes(edit.image, state, wanted)
            return replace(edit, changes=changes, verdict=(now, "open" if changes else now))
        if edit.act == "approve":
            return replace(edit, changes=self._accepted(edit.image, state), verdict=(now, "approved"))
        after: dict[Act, Verdict] = {"reject": "rejected", "settle": now}
        return replace(edit, verdict=(now, after.get(edit.act, "open")))

    def _changes(self, image: str, state: FilmState, wanted: Wanted) -> tuple[Change, ...]:
        known, changes = self.scheme.landmarks if self.scheme else (), []
        proposed = self._proposed(state.proposal, image)
        for name, told in wanted.items():
            if name not in known:
                raise EditError(f"landmark {name!r} is unknown, expected one of the {len(known)} of the scheme")
            there = proposed[name][:2] if name in proposed else None
            new = None
            if told is not None:
                kind, x, y = told
                point = None if x is None or y is None else (round(x, _DIGITS), round(y, _DIGITS))
                if (kind == "missing") != (point is None):
                    raise EditError(f"landmark {name!r} is {kind} at {point}, expected x and y unless it is missing")
                accepted = kind == "placed" and point == there
                x, y = point or (None, None)
                new = Mark(kind, x, y, "accepted" if accepted else "changed")
            old = state.marks.get(name)
            if new is None or old is None or new[:3] != old[:3]:
                changes.append(Change(name, old, new, there))
        return tuple(change for change in changes if change.old != change.new)

    def _accepted(self, image: str, state: FilmState) -> tuple[Change, ...]:
        """Return the changes that accept all that is proposed and undecided."""
        proposed, landmarks = self._proposed(state.proposal, image), self.scheme.landmarks if self.scheme else ()
        undecided = [name for name in landmarks if name not in state.marks]
        if not landmarks or (lacking := [name for name in undecided if name not in proposed]):
            named = ", ".join(lacking[:_NAMED]) + (", ..." if len(lacking) > _NAMED else "") if landmarks else ""
            found = f"{len(lacking)} landmarks are undecided ({named})" if landmarks else "there are no landmarks yet"
            raise EditError(f"{found}, expected each to be placed or marked as missing")
        points = {name: proposed[name][:2] for name in undecided}
        return tuple(Change(name, None, Mark("placed", *point, "accepted"), point) for name, point in points.items())

    def _apply(self, number: int, edit: Edit) -> None:
        """Bring an edit of the log into the state."""
        if edit.act == "imported":
            self.imported = True
            return
        state = self._states.setdefault((edit.who, edit.image), FilmState())
        state.apply(f"{self._log.file}, line {number + 1}", number, edit)

    # -- what comes from elsewhere --

    def import_samples(self, samples: Iterable[Sample], user: str) -> int:
        """Keep the points that the data came with, once, and return of how many films they are.

        Their annotators are persons, and ``user`` is the one of points without. The films are approved: these are
        labels. A call that was killed goes on where it came to.
        """
        with self._mutex:
            edits = []
            for sample in samples:
                for who, points in sample.annotations.items():
                    if (who or user, sample.identifier) in self._states:
                        continue
                    hidden = sample.occluded.get(who, np.zeros(len(points), bool))
                    marks = [_imported(point, bool(flag)) for point, flag in zip(points, hidden, strict=True)]
                    names = sample.scheme.landmarks
                    changes = tuple(Change(n, None, m) for n, m in zip(names, marks, strict=True))
                    edits.append(
                        Edit(_now(), who or user, sample.identifier, "", "import", ("open", "approved"), changes)
                    )
            first = len(self._log)
            edits.append(Edit(_now(), user, "", "", "imported"))
            self._log.append(*edits)
            for number, edit in enumerate(edits, first):
                self._apply(number, edit)
            self._points_dirty = len(edits) > 1
            return len({edit.image for edit in edits if edit.image})

    def propose(self, predictions: Iterable[Prediction]) -> None:
        """Take predictions as proposals, in place of earlier ones of the same films; nothing of a person's changes."""
        with self._mutex:
            for prediction in predictions:
                bare = replace(prediction, film=Film(), details={})  # paths and numbers of studies stay where they are
                self._proposals[prediction.identifier] = bare
                self._proposals_dirty = True

    def proposed_by(self, image: str) -> str | None:
        """Return the hash of the model whose proposal a film has; None without a proposal."""
        with self._mutex:
            return self._model(image) if image in self._proposals else None

    def set_scheme(self, scheme: Scheme) -> None:
        """Take another scheme, and write it.

        Raises:
            SchemeError: it lacks a landmark that has marks, or cannot be written.
        """
        with self._mutex:
            marked = {name for state in self._states.values() for name in state.marks}
            if lacking := sorted(marked - set(scheme.landmarks)):
                raise SchemeError(f"scheme {scheme.name!r} lacks {lacking[0]!r}, which has marks; expected it there")
            if scheme == self.scheme:
                return
            if not self.read_only:
                with atomic_write(self._scheme_file) as temporary:
                    temporary.unlink()
                    scheme.write(temporary)
            self.scheme, self._points_dirty = scheme, True

    def add_landmarks(self, names: Iterable[str]) -> None:
        """Put landmarks at the end of the scheme; on the films of before they are undecided.

        Raises:
            EditError: a name is empty or there already.
        """
        with self._mutex:
            old, new = self.scheme, list(names)
            known = old.landmarks if old else ()
            for i, name in enumerate(new):
                if not name or name != name.strip() or not name.isprintable() or name in (*known, *new[:i]):
                    raise EditError(f"landmark {name!r}, expected a name of its own, in one line")
            try:
                self.set_scheme((old or Scheme.numbered(0).model_copy(update={"name": "review"})).extended(new))
            except SchemeError as error:
                raise EditError(str(error)) from error

    # -- files --

    def table(self) -> PointTable:
        """Return the points of approved films, one row per film and person."""
        landmarks = self.scheme.landmarks if self.scheme else ()
        outlines: tuple[Outline, ...] = self.scheme.outlines if self.scheme else ()
        with self._mutex:  # and no longer: edits wait
            approved = [(*key, dict(s.marks)) for key, s in self._states.items() if s.verdict == "approved"]
        undecided, rows = Mark("missing", None, None, "changed"), []
        for who, image, marked in sorted(approved, key=lambda film: film[:2]):
            marks = [marked.get(name, undecided) for name in landmarks]
            hidden = np.array([mark.state == "occluded" for mark in marks], bool)
            points = np.array([mark.point for mark in marks], float).reshape(-1, 2)
            rows.append(PointRow(image, who, points, occluded=hidden))
        return PointTable(tuple(rows), landmarks, outlines)

    def write_files(self, *, proposals: bool = False) -> None:
        """Write points.csv if it has changed, whole or not at all, and with ``proposals`` these as well."""
        if self.read_only:
            return
        with self._mutex:
            dirty, self._points_dirty = self._points_dirty, False
            kept = list(self._proposals.values()) if proposals and self._proposals_dirty else None
            self._proposals_dirty &= kept is None
        if dirty:
            LongCsv().write(self.folder / "points.csv", self.table())
        if kept is not None:
            write_predictions(self._proposals_file, kept)


def person_name(name: str) -> str:
    """Return the name of a person in one form of Unicode; EditError if it is none."""
    name = unicodedata.normalize("NFC", name)
    if not re.fullmatch(r"\S(.{0,58}\S)?", name) or not name.isprintable():
        raise EditError(f"person {name[:60]!r}, expected a name of 1 to 60 printable characters")
    return name


def _imported(point: Any, hidden: bool) -> Mark:  # noqa: ANN401, FBT001 - a row of an array
    if not np.isfinite(point).all():
        return Mark("missing", None, None, "imported")
    x, y = (round(float(v), _DIGITS) for v in point)
    return Mark("occluded" if hidden else "placed", x, y, "imported")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
