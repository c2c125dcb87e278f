"""The log of edits: a file of JSON lines that only grows, from which everything else that a review keeps is made.

::

    {"format": 1, "when": UTC, "who": "Ana", "image": "hips/07.dcm", "film": SHA-256 of its pixels, "act": "set",
     "of": null, "state": ["open", "open"], "model": SHA-256,
     "changes": [{"landmark": "nasion", "old": null, "new": ["placed", x, y, "changed"], "proposed": [x, y]}],
     "proposes": {"sella": [x, y, expected error or null]}}

One line is one act of one person on one film. ``old`` and ``new`` are marks or null. The number of an edit is that of
its line, from 0; ``of`` is the edit that an undo or redo is of. ``proposes``, where there, is what is proposed to the
person from then on, in place of what was before.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from landvote.errors import DataError
from landvote.runtime.form import Form
from landvote.runtime.journal import Journal

FORM = Form("edits", 1, DataError)

Act: TypeAlias = Literal["import", "imported", "set", "settle", "approve", "reject", "reopen", "undo", "redo"]
"""Acts of people, and two of the store's: points that the data came with, and that all of these are there."""

Verdict: TypeAlias = Literal["open", "approved", "rejected"]
"""The verdict of a person on a film."""

MarkState: TypeAlias = Literal["placed", "occluded", "missing"]
How: TypeAlias = Literal["changed", "accepted", "imported"]
"""Set by a person, accepted as it was proposed, or one of the points that the data came with."""

_ACTS, _VERDICTS, _STATES, _HOW = map(get_args, (Act, Verdict, MarkState, How))


Proposed: TypeAlias = dict[str, tuple[float, float, float | None]]
"""Landmark -> x and y where it is proposed, and the error to expect of that in pixels, None where that is not known."""


class Mark(NamedTuple):
    """A person's decision on one landmark: image coordinates in pixels, None where it is missing."""

    state: MarkState
    x: float | None
    y: float | None
    how: How

    @property
    def point(self) -> tuple[float, float]:
        """Where it is; NaN where it is missing."""
        return (math.nan, math.nan) if self.x is None or self.y is None else (self.x, self.y)


class Change(NamedTuple):
    """A change of one landmark's mark, and the point that was proposed for it then, if any."""

    landmark: str
    old: Mark | None
    new: Mark | None
    proposed: tuple[float, float] | None = None


@dataclass(frozen=True)
class Edit:
    """One act of one person on one film, see the top of this module.

    Attributes:
        when: UTC, to the second.
        who: the person's name.
        image: the identifier of the film, with its side if any.
        film: hash of the film's pixels; empty where nobody has looked at it, as for points that came with the data.
        act: the kind of act.
        verdict: the verdict before and after.
        changes: of marks.
        of: the number of the edit that is undone or done again.
        model: the hash of the model whose proposals were on the film; empty without any.
        proposes: what is proposed to the person from then on: other points that followed, or were found again.
    """

    when: str
    who: str
    image: str
    film: str
    act: Act
    verdict: tuple[Verdict, Verdict] = ("open", "open")
    changes: tuple[Change, ...] = ()
    of: int | None = None
    model: str = ""
    proposes: Proposed = field(default_factory=dict)

    def line(self) -> str:
        """Return it as a line of the log."""
        told = {
            "when": self.when, "who": self.who, "image": self.image, "film": self.film, "act": self.act, "of": self.of,
            "state": self.verdict, "model": self.model, "changes": [change._asdict() for change in self.changes],
            **({"proposes": self.proposes} if self.proposes else {}),
        }  # fmt: skip
        return json.dumps(FORM.stamp(told), allow_nan=False) + "\n"

    @classmethod
    def parse(cls, where: str, line: bytes) -> "Edit":
        """Return the edit of a line; DataError, which names ``where``, if it is none."""
        try:
            told = FORM.read(json.loads(line), where)
            old, new = told["state"]
            when, who, image, film = (str(told[key]) for key in ("when", "who", "image", "film"))
            changes = tuple(_change(change) for change in told["changes"])
            of = None if told["of"] is None else int(told["of"])
            proposes = {str(name): _proposed(*point) for name, point in told.get("proposes", {}).items()}
            edit = cls(when, who, image, film, told["act"], (old, new), changes, of, str(told["model"]), proposes)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise DataError(f"{where}: {line[:60]!r} ({error!r}), expected an edit") from error
        if edit.act not in _ACTS or not set(edit.verdict) <= set(_VERDICTS):
            raise DataError(f"{where}: act {edit.act!r} and state {edit.verdict}, expected those of an edit")
        return edit


def _change(told: Any) -> Change:  # noqa: ANN401 - any JSON
    proposed = told["proposed"]
    return Change(
        str(told["landmark"]), _mark(told["old"]), _mark(told["new"]),
        None if proposed is None else (float(proposed[0]), float(proposed[1])),
    )  # fmt: skip


def _proposed(x: Any, y: Any, error: Any) -> tuple[float, float, float | None]:  # noqa: ANN401 - any JSON
    return float(x), float(y), None if error is None else float(error)


def _mark(told: Any) -> Mark | None:  # noqa: ANN401 - any JSON
    if told is None:
        return None
    state, x, y, how = told
    if state not in _STATES or how not in _HOW or (state == "missing") != (x is None) or (x is None) != (y is None):
        raise ValueError(f"mark {told!r}")
    return Mark(state, None if x is None else float(x), None if y is None else float(y), how)


class Log:
    """The edits in a file. They are read one by one; of each, only its place in the file stays in memory.

    A last line that a killed server has not written to its end was never answered as saved, and is dropped.

    Attributes:
        file: of the edits.
        dropped: how many bytes of such a line there were.

    Raises:
        DataError: the file cannot be written; with ``read_only``, nothing is written, nor has to be there.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self.file = file
        self._journal = None if read_only else Journal(file)
        self.dropped = self._journal.cut if self._journal else 0
        self._starts: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def replay(self) -> Iterator[Edit]:
        """Yield all edits in order, once; DataError, which names the line, if one is broken."""
        if not self.file.exists():
            return
        with self.file.open("rb") as opened:
            start = 0
            for line in opened:
                if not line.endswith(b"\n"):
                    break  # another server is writing it, and this one only reads
                edit = Edit.parse(f"{self.file}, line {len(self._starts) + 1}", line)
                self._starts.append(start)
                start += len(line)
                yield edit

    def append(self, *edits: Edit) -> None:
        """Write edits so that they are on the disk when this returns; DataError if they cannot be written."""
        if self._journal is None:
            raise DataError(f"{self.file}: opened to be read only, expected no edits")
        lines = [edit.line() for edit in edits]
        start = self._journal.length
        self._journal.append("".join(lines))
        for line in lines:
            self._starts.append(start)
            start += len(line.encode())

    def read(self, number: int) -> Edit:
        """Return an edit by its number."""
        with self.file.open("rb") as opened:
            opened.seek(self._starts[number])
            return Edit.parse(f"{self.file}, line {number + 1}", opened.readline())
