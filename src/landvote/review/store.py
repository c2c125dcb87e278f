"""The store: the state of each film for each person, as the log of edits tells it, and the files written from it.

::

    landvote-review/
      edits.jsonl       the log; all else is made from it
      scheme.toml       what the landmarks are
      points.csv        long-csv: the points of approved films, a person each an annotator
      films.csv         millimetres per pixel of the films that people have measured; lies beside points.csv as a table
      proposals.jsonl   predictions that nobody has accepted yet
      settings.json     how many films are left without proposals
      models/           what was learned from the points, see landvote.review.learning.folders
      thumbnails/       small pictures of the films, which may be deleted

A proposal is no label: it becomes a mark when its person accepts it, alone or with the film.
"""

import math
import re
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from landvote.data.film import Film
from landvote.data.points import FloatArray
from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ConflictError, DataError, EditError, SchemeError
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.points import PointRow, PointTable
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.review.blind import BlindFilms
from landvote.review.history import SchemeHistory, revision_of
from landvote.review.log import DIGITS, Act, Change, Edit, Log, Mark, MarkState, Ruler, RulerChange, SchemeChange
from landvote.review.proposed import Proposed, film_expectation, fingerprint, proposed_points, usual_error
from landvote.review.rulers import Rulers
from landvote.review.state import FilmState
from landvote.runtime.files import atomic_write, writing

_NAMED = 3

Wanted = Mapping[str, tuple[MarkState, float | None, float | None] | None]
"""Landmark -> what its mark is to be; None takes the mark away."""

SchemeMaker = Callable[[Scheme | None], tuple[Scheme, dict[str, str]]]
"""The scheme as it is -> the one it is to be, and old name -> new name of the landmarks that are renamed."""

Offered = Mapping[str, tuple[float, float]]
"""Landmark -> the point that is proposed for it."""


class OnPage(NamedTuple):
    """What the page told of itself with an edit.

    Attributes:
        unplaced: landmarks whose proposals it did not show.
        shown: milliseconds since it opened the film; None where it did not say.
    """

    unplaced: Collection[str] = ()
    shown: int | None = None


_UNTOLD = OnPage()


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


class Store:
    """Keeps edits, and makes their files. Several threads may call it; one process at a time has it open to write.

    Attributes:
        folder: of its files.
        read_only: whether nothing is written.
        scheme: what the landmarks are; None while nobody has said.
        history: of the scheme.
        rulers: with which people have measured films.
        blind: which films are left without proposals.
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
            self.blind = BlindFilms.read(folder / "settings.json")
            self._states: dict[tuple[str, str], FilmState] = {}
            self.history, self.rulers = SchemeHistory(), Rulers()
            self._log = Log(folder / "edits.jsonl", read_only=read_only)
            self.imported = False
            for number, edit in enumerate(self._log.replay()):
                self._apply(number, edit)
            self._finish_scheme()
            read = read_predictions(self._proposals_file) if self._proposals_file.exists() else []
            self._proposals = {p.identifier: p for p in read}
            self._usual_error: tuple[float | None] | None = None  # None: to be reckoned anew
        except BaseException:
            self._files_lock.release()
            raise
        dropped = f"{self._log.file}: dropped the last line, of {self._log.dropped} bytes, which was cut short"
        self.notes = (f"{dropped}; it had never been answered as saved",) if self._log.dropped else ()
        self._points_dirty, self._proposals_dirty = len(self._log) > 0, False
        self._rulers_dirty = len(self.rulers) > 0

    def _finish_scheme(self) -> None:
        """Write the scheme of the last change in the log, if a killed server has left the file as it was before."""
        last = self.history.last
        if last is None or self.scheme != last.old:
            return
        self.scheme = last.new
        if not self.read_only:
            with self._new_scheme(last.new):
                pass

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

    def approved_points(self, landmark: str) -> dict[str, tuple[float, float]]:
        """Return image -> x, y of a landmark on the approved films on which it has a place, by one person each."""
        with self._mutex:
            approved = sorted((i, who) for (who, i), state in self._states.items() if state.verdict == "approved")
            marks = ((image, self._states[who, image].marks.get(landmark)) for image, who in reversed(approved))
            return {image: mark.point for image, mark in marks if mark and mark.state != "missing"}

    def state(self, who: str, image: str) -> dict[str, Any]:
        """Return a person's film as the page gets it, with what is proposed for it."""
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            blind, shown = self.is_blind(who, image), self._shown(who, image)
            proposal = None if blind else self._proposals.get(image)
            return {
                "revision": state.revision, "state": self._word(state, image, shown=not blind),
                "touched": state.touched, "seconds": round(state.seconds, 1), "blind": blind,
                "marks": {name: list(mark) for name, mark in state.marks.items()},
                "proposed": {name: list(point) for name, point in shown.items()},
                "proposal": fingerprint(shown), "expected": film_expectation(proposal) if proposal else None,
                "undo": len(state.done), "redo": len(state.undone), "film": state.film,
                "others": sorted(w for w, i in self._states if i == image and w != who),
            }  # fmt: skip

    @property
    def edits(self) -> int:
        """How many edits there are: as long as it stays the same, so does everything that people did."""
        return len(self._log)

    def begun(self) -> set[str]:
        """Return the films that a person has put marks on, approved or rejected."""
        with self._mutex:
            return {image for (_, image), state in self._states.items() if state.marks or state.verdict != "open"}

    def approved_films(self, *, unaided: bool = False) -> set[str]:
        """Return the films that a person has approved; with ``unaided``, less those with a proposal."""
        with self._mutex:
            states = [(image, s) for (_, image), s in self._states.items() if s.verdict == "approved"]
        return {image for image, _ in states} - {image for image, state in states if unaided and state.prompted}

    def outlook(self) -> dict[str, tuple[float, bool | None]]:
        """Return of each proposal the error to expect, in pixels or NaN, and whether its model knows such films."""
        with self._mutex:
            proposals = list(self._proposals.values())
        return {p.identifier: (_mean(p.expected_error), p.known) for p in proposals}

    def summary(self, who: str, image: str) -> Summary:
        """Return what the list of films tells of one; it does not tell which films are blind."""
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            proposal = self._proposals.get(image)
            error = _mean(proposal.expected_error) if proposal else math.nan
            return Summary(
                self._word(state, image), len(state.marks), state.touched,
                round(error, 2) if math.isfinite(error) else None, proposal.known if proposal else None,
                round(state.seconds),
            )  # fmt: skip

    def _word(self, state: FilmState, image: str, *, shown: bool = True) -> str:
        if state.verdict != "open":
            return state.verdict
        return "corrected" if state.marks else "proposed" if shown and image in self._proposals else "new"

    def is_blind(self, who: str, image: str) -> bool:
        """Say whether a film's proposal is kept from a person until the person has approved the film.

        It is not where the person has had a proposal on the film before.
        """
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            begun = state.prompted or state.first is not None
            return not begun and bool(self.proposed(image)) and self.blind.chosen(image)

    def set_blind(self, share: float) -> None:
        """Leave another share of the films without proposals, and keep that; DataError if it cannot be written."""
        with self._mutex:
            made = self.blind.with_share(share)
            made.write(self.folder / "settings.json")
            self.blind = made

    def approved_marks(self, image: str) -> dict[str, Mapping[str, Mark]]:
        """Return person -> marks of a film, of those who have approved it."""
        with self._mutex:
            of_film = [(who, s) for (who, other), s in self._states.items() if other == image]
            return {who: dict(s.marks) for who, s in of_film if s.verdict == "approved"}

    def proposal(self, image: str) -> Prediction | None:
        """Return the prediction that is proposed for a film, shown or not; None if there is none."""
        with self._mutex:
            return self._proposals.get(image)

    def film_states(self) -> list[tuple[str, str, FilmState]]:
        """Return person, film and state of all films that a person has had; they change as edits are made."""
        with self._mutex:
            return [(who, image, state) for (who, image), state in self._states.items()]

    def usual_error(self) -> float | None:
        """Return the expected error that 90 % of all proposed points are below, pixels; None where none is told."""
        with self._mutex:
            if self._usual_error is None:
                self._usual_error = (usual_error(self._proposals.values()),)
            return self._usual_error[0]

    def proposed(self, image: str) -> dict[str, Proposed]:
        """Return landmark -> what is proposed for it on a film, shown or not."""
        with self._mutex:
            proposal, landmarks = self._proposals.get(image), self.scheme.landmarks if self.scheme else ()
            if proposal is None:
                return {}
            names = [self.history.current(name, self.scheme) for name in proposal.landmarks]
            return proposed_points(replace(proposal, landmarks=tuple(names)), landmarks)

    def _shown(self, who: str, image: str) -> dict[str, Proposed]:
        return {} if self.is_blind(who, image) else self.proposed(image)

    # -- edits --

    def edit(
        self, who: str, image: str, film: str, revision: int, act: Act, wanted: Wanted | None = None, *,
        proposal: str = "", page: OnPage = _UNTOLD,
    ) -> dict[str, Any]:  # fmt: skip
        """Make an edit, and return the film's new state once the edit is safely on the disk.

        ``film`` is the hash of its pixels, ``revision`` and ``proposal`` those of the state that the person saw.
        An edit that changes nothing is not kept.

        Raises:
            ConflictError: the film has another revision meanwhile; or it is approved, and has another proposal.
            EditError: an unknown landmark; or a film is approved that has undecided landmarks.
            DataError: the log cannot be written.
        """
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            if revision != state.revision:
                raise ConflictError(f"revision {revision}, expected {state.revision}: another window has changed it")
            if act == "approve" and proposal != fingerprint(self._shown(who, image)):
                raise ConflictError("what is proposed has changed, expected it as it was shown; look at it again")
            blind = self.is_blind(who, image)
            told = None
            if act == "approve" and blind:
                told = {name: (there.x, there.y) for name, there in self.proposed(image).items()}
            model = "" if blind and told is None else self._model(image)
            edit = Edit(_now(), who, image, film, act, model=model, shown=page.shown, blind=told)
            seen = {} if blind else {n: (p.x, p.y) for n, p in self.proposed(image).items() if n not in page.unplaced}
            made = self._made(edit, state, wanted or {}, seen)
            if made.changes or made.ruler or made.verdict[0] != made.verdict[1]:
                self._keep(made)
            return self.state(who, image)

    def measure(
        self, who: str, image: str, film: str, revision: int, ruler: Ruler | None, films: tuple[str, ...]
    ) -> dict[str, Any]:
        """Take a ruler as that of a film, or the film's ruler away, and return the film's state as :meth:`edit` does.

        ``films`` are the names of the film, which lack the side of ``image``, and of others that get the same ruler;
        those of the others that have a ruler keep it.

        Raises:
            ConflictError: the film has another revision meanwhile.
            DataError: the log cannot be written.
        """
        with self._mutex:
            state = self._states.get((who, image), FilmState())
            if revision != state.revision:
                raise ConflictError(f"revision {revision}, expected {state.revision}: another window has changed it")
            change, now = RulerChange(self.rulers.of(films[0]), ruler, films), state.verdict
            if change.old != ruler or len(films) > 1:
                self._keep(Edit(_now(), who, image, film, "ruler", (now, now), ruler=change))
            return self.state(who, image)

    def _keep(self, edit: Edit) -> None:
        """Write an edit to the log, and bring it into the state."""
        self._log.append(edit)
        self._apply(len(self._log) - 1, edit)
        self._points_dirty, self._rulers_dirty = True, self._rulers_dirty or edit.ruler is not None

    def _model(self, image: str) -> str:
        return self._proposals[image].model if image in self._proposals else ""

    def _made(self, edit: Edit, state: FilmState, wanted: Wanted, proposed: Offered) -> Edit:
        """Return an edit with what it changes; ``proposed`` are the points that the person saw."""
        now = state.verdict
        if edit.act in ("undo", "redo"):
            numbers = state.done if edit.act == "undo" else state.undone
            if not numbers:
                return replace(edit, verdict=(now, now))
            past = self._log.read(numbers[-1])
            done = [c._replace(landmark=self.history.current(c.landmark, self.scheme)) for c in past.changes]
            edit = replace(edit, of=numbers[-1])
            if edit.act == "redo":
                return replace(edit, verdict=past.verdict, changes=tuple(done), ruler=past.ruler)
            back, ruler = tuple(Change(c.landmark, c.new, c.old) for c in done), past.ruler and past.ruler.back()
            return replace(edit, verdict=past.verdict[::-1], changes=back, ruler=ruler)
        if edit.act == "set":
            changes = self._changes(state, wanted, proposed)
            return replace(edit, changes=changes, verdict=(now, "open" if changes else now))
        if edit.act == "approve":
            return replace(edit, changes=self._accepted(state, proposed), verdict=(now, "approved"))
        return replace(edit, verdict=(now, "rejected" if edit.act == "reject" else "open"))

    def _changes(self, state: FilmState, wanted: Wanted, proposed: Offered) -> tuple[Change, ...]:
        known, changes = self.scheme.landmarks if self.scheme else (), []
        for name, told in wanted.items():
            if name not in known:
                raise EditError(f"landmark {name!r} is unknown, expected one of the {len(known)} of the scheme")
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

    def _accepted(self, state: FilmState, proposed: Offered) -> tuple[Change, ...]:
        """Return the changes that accept all that is proposed and undecided."""
        landmarks = self.scheme.landmarks if self.scheme else ()
        undecided = [name for name in landmarks if name not in state.marks]
        if not landmarks or (lacking := [name for name in undecided if name not in proposed]):
            named = ", ".join(lacking[:_NAMED]) + (", ..." if len(lacking) > _NAMED else "") if landmarks else ""
            found = f"{len(lacking)} landmarks are undecided ({named})" if landmarks else "there are no landmarks yet"
            raise EditError(f"{found}, expected each to be placed or marked as missing")
        points = {name: proposed[name] for name in undecided}
        return tuple(Change(name, None, Mark("placed", *point, "accepted"), point) for name, point in points.items())

    def _apply(self, number: int, edit: Edit) -> None:
        """Bring an edit of the log into the state."""
        if edit.act == "imported":
            self.imported = True
            return
        if edit.scheme:
            self.history.apply(edit.scheme)
            for known in self._states.values():
                known.rename(edit.scheme.renamed)
            return
        self.history.marked.update(change.landmark for change in edit.changes)
        self.rulers.apply(edit)
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

    def propose(self, predictions: Iterable[Prediction], *, untouched: bool = False) -> None:
        """Take predictions as proposals, in place of earlier ones of the same films; nothing of a person's changes.

        With ``untouched``, those of films that a person has begun are left out.
        """
        with self._mutex:
            begun = self.begun() if untouched else set()
            for prediction in predictions:
                if prediction.identifier in begun:
                    continue
                bare = replace(prediction, film=Film(), details={})  # paths and numbers of studies stay where they are
                self._proposals[prediction.identifier] = bare
                self._proposals_dirty, self._usual_error = True, None

    def proposed_by(self, image: str) -> str | None:
        """Return the hash of the model whose proposal a film has; None without a proposal."""
        with self._mutex:
            return self._model(image) if image in self._proposals else None

    def set_scheme(self, scheme: Scheme) -> None:
        """Take a scheme that the data, a model or the person who started the review names, and write it.

        Raises:
            SchemeError: it lacks a landmark that has marks, or cannot be written.
        """
        with self._mutex:
            if lacking := sorted(self.history.marked - set(scheme.landmarks)):
                found = f"scheme {scheme.name!r} lacks {lacking[0]!r}, which has marks, or had some"
                raise SchemeError(f"{found}; expected it there")
            if scheme == self.scheme:
                return
            if not self.read_only:
                with self._new_scheme(scheme):
                    pass
            self.scheme, self._points_dirty = scheme, True

    def change_scheme(self, who: str, make: SchemeMaker, *, seen: str | None = None) -> None:
        """Let a person change the scheme; the change is in the log and in the file when this returns.

        On the films of before, new landmarks are undecided, and renamed ones keep their marks. ``seen`` is the revision
        of the scheme that the person saw, None where it does not matter.

        Raises:
            ConflictError: the scheme has another revision meanwhile.
            EditError: the new scheme does not fit, see :meth:`SchemeHistory.check`, or cannot be written.
            DataError: the log or the file cannot be written.
        """
        with self._mutex:
            old = self.scheme
            if seen is not None and seen != revision_of(old):
                raise ConflictError("the landmarks have changed meanwhile, expected them as shown; look at them again")
            new, renamed = make(old)
            self.history.check(old, new, renamed)
            if new == old:
                return
            try:
                with self._new_scheme(new):  # takes its place once the log has it
                    self._keep(Edit(_now(), who, "", "", "scheme", scheme=SchemeChange(old, new, renamed)))
                    self.scheme = new
            except SchemeError as error:
                raise EditError(str(error)) from error

    @contextmanager
    def _new_scheme(self, scheme: Scheme) -> Iterator[None]:
        with atomic_write(self._scheme_file) as temporary:
            temporary.unlink()
            scheme.write(temporary)
            yield

    # -- files --

    def table(self, *, approved: bool = True) -> PointTable:
        """Return the points of approved films, or of all films with marks, one row per film and person."""
        landmarks = self.scheme.landmarks if self.scheme else ()
        outlines: tuple[Outline, ...] = self.scheme.outlines if self.scheme else ()
        with self._mutex:  # and no longer: edits wait
            chosen = [
                (*key, dict(s.marks)) for key, s in self._states.items()
                if s.verdict == "approved" or (not approved and s.verdict == "open" and s.marks)
            ]  # fmt: skip
        undecided, rows = Mark("missing", None, None, "changed"), []
        for who, image, marked in sorted(chosen, key=lambda film: film[:2]):
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
            measured, self._rulers_dirty = self._rulers_dirty, False
            kept = list(self._proposals.values()) if proposals and self._proposals_dirty else None
            self._proposals_dirty &= kept is None
        try:
            if dirty:
                LongCsv().write(self.folder / "points.csv", self.table())
            if measured:
                self.rulers.write(self.folder / "films.csv")
            if kept is not None:
                write_predictions(self._proposals_file, kept)
        except DataError:
            with self._mutex:  # the next call tries again
                self._points_dirty, self._rulers_dirty = self._points_dirty or dirty, self._rulers_dirty or measured
                self._proposals_dirty = self._proposals_dirty or kept is not None
            raise


def person_name(name: str) -> str:
    """Return the name of a person in one form of Unicode; EditError if it is none."""
    name = unicodedata.normalize("NFC", name)
    if not re.fullmatch(r"\S(.{0,58}\S)?", name) or not name.isprintable():
        raise EditError(f"person {name[:60]!r}, expected a name of 1 to 60 printable characters")
    return name


def _imported(point: Any, hidden: bool) -> Mark:  # noqa: ANN401, FBT001 - a row of an array
    if not np.isfinite(point).all():
        return Mark("missing", None, None, "imported")
    x, y = (round(float(v), DIGITS) for v in point)
    return Mark("occluded" if hidden else "placed", x, y, "imported")


def _mean(error: FloatArray) -> float:
    """Return the mean of the errors that are known; NaN if none is."""
    known = error[np.isfinite(error)]
    return float(known.mean()) if len(known) else math.nan


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
