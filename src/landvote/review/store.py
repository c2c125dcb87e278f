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

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ConflictError, DataError, EditError, SchemeError
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.points import PointTable
from landvote.review.edits.history import KeptScheme, SchemeHistory, revision_of
from landvote.review.edits.importing import imports
from landvote.review.edits.log import Act, Edit, Log, Proposed, Ruler, RulerChange, SchemeChange
from landvote.review.edits.making import Wanted, made, not_offered
from landvote.review.edits.rulers import Rulers
from landvote.review.edits.states import FilmStates
from landvote.review.proposals.proposals import Proposals, Told
from landvote.review.proposals.proposed import fingerprint
from landvote.review.telling import Summary, record, summary
from landvote.runtime.files import writing

SchemeMaker = Callable[[Scheme | None], tuple[Scheme, dict[str, str]]]
"""The scheme as it is -> the one it is to be, and old name -> new name of the landmarks that are renamed."""


class OnPage(NamedTuple):
    """The page as an edit was made.

    Attributes:
        unplaced: landmarks whose proposals it did not show.
        shown: milliseconds since it opened the film; None where it did not say.
        moved: where proposals are from this edit on, until it is undone; all others stay as they were proposed.
    """

    unplaced: Collection[str] = ()
    shown: int | None = None
    moved: Told = MappingProxyType({})


_UNTOLD = OnPage()


class Store:
    """Keeps edits, and makes their files. Several threads may call it; one process at a time has it open to write.

    Attributes:
        folder: of its files.
        read_only: whether nothing is written.
        history: of the scheme.
        states: of each person's films.
        rulers: with which people have measured films.
        proposals: what is proposed on each film.
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
            self._scheme = KeptScheme(folder / "scheme.toml", read_only=read_only)
            self.states, self.history, self.rulers = FilmStates(self._mutex), SchemeHistory(), Rulers()
            self._log = Log(folder / "edits.jsonl", read_only=read_only)
            self.imported = False
            for number, edit in enumerate(self._log.replay()):
                self._apply(number, edit)
            self._scheme.finish(self.history.last)
            files = (folder / "proposals.jsonl", folder / "settings.json")
            self.proposals = Proposals(*files, self._log, self.history)
        except BaseException:
            self._files_lock.release()
            raise
        dropped = f"{self._log.file}: dropped the last line, of {self._log.dropped} bytes, which was cut short"
        self.notes = (f"{dropped}; it had never been answered as saved",) if self._log.dropped else ()
        self._points_dirty, self._rulers_dirty = len(self._log) > 0, len(self.rulers) > 0

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

    @property
    def scheme(self) -> Scheme | None:
        """What the landmarks are; None while nobody has said."""
        return self._scheme.now

    def images(self) -> set[str]:
        """Return the identifiers that there are edits or proposals of."""
        return {image for _, image, _ in self.states.every()} | set(self.proposals.films())

    def state(self, who: str, image: str) -> dict[str, Any]:
        """Return a person's film as the page gets it, with what is proposed for it."""
        with self._mutex:
            told = record(self.states.of(who, image), image, self.scheme, self.proposals)
            return told | {"others": [other for other in self.states.people(image) if other != who]}

    @property
    def edits(self) -> int:
        """How many edits there are: as long as it stays the same, so does everything that people did."""
        return len(self._log)

    def summary(self, who: str, image: str) -> Summary:
        """Return what the list of films tells of one; it does not tell which films are blind."""
        with self._mutex:
            return summary(self.states.of(who, image), image, self.proposals)

    def is_blind(self, who: str, image: str) -> bool:
        """Say whether a film's proposal is kept from a person until the person has approved the film.

        It is not where the person has had a proposal on the film before.
        """
        with self._mutex:
            return self.proposals.is_blind(self.states.of(who, image), image, self.scheme)

    def set_blind(self, share: float) -> None:
        """Leave another share of the films without proposals, and keep that; DataError if it cannot be written."""
        with self._mutex:
            changed = self.proposals.blind.with_share(share)
            changed.write(self.folder / "settings.json")
            self.proposals.blind = changed

    def proposed(self, image: str) -> dict[str, Proposed]:
        """Return landmark -> what the model proposes for it on a film, shown or not."""
        with self._mutex:
            return self.proposals.of_model(image, self.scheme)

    def settled(self, who: str, image: str) -> Mapping[str, Proposed]:
        """Return what was proposed to a person before points that were dragged took others along."""
        with self._mutex:
            return self.proposals.of_edit(self.states.of(who, image).settled, image, self.scheme)

    def expect_open(self, who: str, image: str) -> None:
        """Return if points may be proposed to a person on a film; EditError on a blind one."""
        with self._mutex:
            self.proposals.expect_open(self.states.of(who, image), image)

    # -- edits --

    def edit(
        self, who: str, image: str, film: str, revision: int, act: Act, wanted: Wanted | None = None, *,
        proposal: str = "", page: OnPage = _UNTOLD,
    ) -> dict[str, Any]:  # fmt: skip
        """Make an edit, and return the film's new state once the edit is safely on the disk.

        ``film`` is the hash of its pixels, ``revision`` and ``proposal`` those of the state that the person saw.
        An edit that changes nothing is not kept.

        Raises:
            ConflictError: the film has another revision meanwhile; or it is approved, or proposals have moved, and has
                another proposal.
            EditError: an unknown landmark; a film is approved that has undecided landmarks; or proposals have moved on
                a blind film.
            DataError: the log cannot be written.
        """
        with self._mutex:
            state = self.states.of(who, image)
            if revision != state.revision:
                raise ConflictError(f"revision {revision}, expected {state.revision}: another window has changed it")
            proposed = self.proposals.shown(state, image, self.scheme)
            if (act == "approve" or page.moved) and proposal != fingerprint(proposed):
                raise ConflictError("what is proposed has changed, expected it as it was shown; look at it again")
            blind, machine = self.proposals.is_blind(state, image, self.scheme), self.proposed(image)
            told = {name: there.point for name, there in machine.items()} if blind and act == "approve" else None
            model = "" if blind and told is None else self.proposals.model(image)
            edit = Edit(_now(), who, image, film, act, model=model, shown=page.shown, blind=told)
            seen = {name: there.point for name, there in proposed.items() if name not in page.unplaced}
            landmarks = self.scheme.landmarks if self.scheme else ()
            edit = made(edit, state, wanted or {}, seen, landmarks, self._past)
            if act in ("set", "approve") and state.proposal is not None:
                edit = replace(edit, machine=not_offered(edit.changes, machine))
            if page.moved:
                edit = replace(edit, proposes=self.proposals.moved(state, image, self.scheme, page.moved))
            if edit.changes or edit.proposes or edit.of is not None or edit.verdict[0] != edit.verdict[1]:
                self._keep(edit)
            return self.state(who, image)

    def _past(self, number: int) -> Edit:
        """Return an edit of the log, its landmarks by the names that they have now."""
        past = self._log.read(number)
        current = [c._replace(landmark=self.history.current(c.landmark, self.scheme)) for c in past.changes]
        return replace(past, changes=tuple(current))

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
            state = self.states.of(who, image)
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

    def _apply(self, number: int, edit: Edit) -> None:
        """Bring an edit of the log into the state."""
        if edit.act == "imported":
            self.imported = True
            return
        if edit.scheme:
            self.history.apply(edit.scheme)
            self.states.rename(edit.scheme.renamed)
            return
        self.history.marked.update(change.landmark for change in edit.changes)
        self.rulers.apply(edit)
        self.states.apply(f"{self._log.file}, line {number + 1}", number, edit)

    # -- what comes from elsewhere --

    def import_samples(self, samples: Iterable[Sample], user: str) -> int:
        """Keep the points that the data came with, once, and return of how many films they are.

        Their annotators are persons, and ``user`` is the one of points without. The films are approved: these are
        labels. A call that was killed goes on where it came to.
        """
        with self._mutex:
            edits = list(imports(samples, user, _now(), lambda *film: film in self.states))
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
            self.proposals.take(predictions, self.states.begun() if untouched else ())

    def proposed_by(self, image: str) -> str | None:
        """Return the hash of the model whose proposal a film has; None without a proposal."""
        with self._mutex:
            return self.proposals.model(image) if image in self.proposals.films() else None

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
            self._scheme.take(scheme)
            self._points_dirty = True

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
                with self._scheme.changing(new):  # once the log has it
                    self._keep(Edit(_now(), who, "", "", "scheme", scheme=SchemeChange(old, new, renamed)))
            except SchemeError as error:
                raise EditError(str(error)) from error

    # -- files --

    def table(self, *, approved: bool = True) -> PointTable:
        """Return the points of approved films, or of all films with marks, one row per film and person."""
        landmarks = self.scheme.landmarks if self.scheme else ()
        outlines: tuple[Outline, ...] = self.scheme.outlines if self.scheme else ()
        return PointTable(self.states.rows(landmarks, approved=approved), landmarks, outlines)

    def write_files(self, *, proposals: bool = False) -> None:
        """Write points.csv if it has changed, whole or not at all, and with ``proposals`` these as well."""
        if self.read_only:
            return
        with self._mutex:
            dirty, self._points_dirty = self._points_dirty, False
            measured, self._rulers_dirty = self._rulers_dirty, False
            kept = self.proposals.every() if proposals and self.proposals.dirty else None
            self.proposals.dirty &= kept is None
        try:
            if dirty:
                LongCsv().write(self.folder / "points.csv", self.table())
            if measured:
                self.rulers.write(self.folder / "films.csv")
            if kept is not None:
                self.proposals.write(kept)
        except DataError:
            with self._mutex:  # the next call tries again
                self._points_dirty, self._rulers_dirty = self._points_dirty or dirty, self._rulers_dirty or measured
                self.proposals.dirty |= kept is not None
            raise


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
