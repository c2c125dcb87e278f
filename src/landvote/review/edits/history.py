"""The scheme of a review and its file; which schemes there were before, and what landmarks were called then."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from landvote.data.scheme import Scheme
from landvote.errors import EditError
from landvote.review.edits.log import SchemeChange
from landvote.runtime.files import atomic_write

_DIGITS = 16


def revision_of(scheme: Scheme | None) -> str:
    """Return what tells one scheme from another, definitions included; empty without one."""
    return hashlib.sha256(scheme.model_dump_json().encode()).hexdigest()[:_DIGITS] if scheme else ""


class KeptScheme:
    """The scheme of a review, in a file.

    Attributes:
        now: what the landmarks are; None while nobody has said.
    """

    def __init__(self, file: Path, *, read_only: bool) -> None:
        self._file, self._read_only = file, read_only
        self.now = Scheme.read(file) if file.exists() else None

    def take(self, scheme: Scheme) -> None:
        """Take another scheme, and write it, unless nothing is written; SchemeError if that is not possible."""
        if not self._read_only:
            with self._written(scheme):
                pass
        self.now = scheme

    @contextmanager
    def changing(self, scheme: Scheme) -> Iterator[None]:
        """Write another scheme; it holds once all that is done meanwhile has succeeded, and else not at all."""
        with self._written(scheme):
            yield
            self.now = scheme

    @contextmanager
    def _written(self, scheme: Scheme) -> Iterator[None]:
        with atomic_write(self._file) as temporary:
            temporary.unlink()
            scheme.write(temporary)
            yield

    def finish(self, last: SchemeChange | None) -> None:
        """Take the scheme of the last change in the log, if a killed server has left the file as it was before."""
        if last is not None and self.now == last.old:
            self.take(last.new)


class SchemeHistory:
    """The schemes that people have made on the page, and the former names of landmarks.

    A former name stays with its landmark: edits and models of before are understood by it, so no other may take it.

    Attributes:
        marked: landmarks that have, or had, marks; undo may bring these back.
        last: the last change; None before the first.
    """

    def __init__(self) -> None:
        self.marked: set[str] = set()
        self.last: SchemeChange | None = None
        self._former: dict[str, str] = {}
        self._left: set[str] = set()

    def apply(self, change: SchemeChange) -> None:
        """Bring a change of the log in."""
        self.last = change
        self._left.add(revision_of(change.old))
        for old, new in change.renamed.items():
            self._former = {name: new if now == old else now for name, now in self._former.items() if name != new}
            self._former[old] = new
        self.marked = {change.renamed.get(name, name) for name in self.marked}

    def left(self, scheme: Scheme) -> bool:
        """Say whether people have changed this scheme on the page, so that theirs is the later one."""
        return revision_of(scheme) in self._left

    def current(self, name: str, scheme: Scheme | None) -> str:
        """Return what a landmark is called now, by one of its names."""
        return name if scheme and name in scheme.landmarks else self._former.get(name, name)

    def check(self, old: Scheme | None, new: Scheme, renamed: Mapping[str, str]) -> None:
        """Return if a person may change one scheme into another.

        Raises:
            EditError: a name that is none, or another landmark's; a landmark with marks is gone; or the order differs.
        """
        known, names = old.landmarks if old else (), list(new.landmarks)
        self._check_names(known, names, renamed)
        kept = [name for name in (renamed.get(name, name) for name in known) if name in names]
        for name in sorted(self.marked):
            if (now := renamed.get(name, name)) not in names:
                raise EditError(f"landmark {now!r} has points on films, or had some; expected it to stay")
        if [name for name in names if name in kept] != kept:
            raise EditError("the order of landmarks has changed; files and models count them, expected the same order")

    def _check_names(self, known: Sequence[str], names: Sequence[str], renamed: Mapping[str, str]) -> None:
        """Raise EditError if a name is none, or belongs to another landmark or has belonged to it."""
        for i, name in enumerate(names):
            if not name or name != name.strip() or not name.isprintable() or name in names[:i]:
                raise EditError(f"landmark {name!r}, expected a name of its own, in one line")
        for name, now in renamed.items():
            if now in known:
                raise EditError(f"landmark {name!r} cannot become {now!r}, the name of another; expected a new name")
        before = {now: name for name, now in renamed.items()}
        for name in names:
            owner = self._former.get(name)
            if name not in known and owner is not None and owner != before.get(name):
                raise EditError(f"landmark {name!r}: {owner!r} was called so before, expected another name")
