"""The log of edits: a file of JSON lines that only grows, from which everything else that a review keeps is made.

::

    {"format": 1, "when": UTC, "who": "Ana", "image": "hips/07.dcm", "film": SHA-256 of its pixels, "act": "set",
     "of": null, "state": ["open", "open"], "model": SHA-256,
     "changes": [{"landmark": "nasion", "old": null, "new": ["placed", x, y, "changed"], "proposed": [x, y]}],
     "shown": 8400, "blind": {"nasion": [x, y]}, "proposes": {"sella": [x, y, expected error or null, null]},
     "machine": {"nasion": [x, y]}}

One line is one act of one person on one film. ``old`` and ``new`` are marks or null. The number of an edit is that of
its line, from 0; ``of`` is the edit that an undo or redo is of. ``shown`` is there where the page told how many
milliseconds the film had been on the screen, and ``blind`` where a film is approved that was annotated blind.
``proposes`` is there where proposals followed a point or were found again: all that is proposed to the person from then
on, each with its ellipse or null. ``machine`` tells the points of the model, or null, where others are decided on.

An edit of the scheme is of no film, and has ``"scheme": {"old": scheme or null, "new": scheme, "renamed": names}``
besides, where ``names`` is old name -> new name. One of a ruler has ``"ruler": {"old": ruler or null, "new": ruler or
null, "films": names}``: the first is the film that was measured, and others get the same ruler unless they have one.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from landvote.data.scheme import Scheme
from landvote.errors import DataError
from landvote.runtime.form import Form
from landvote.runtime.journal import Journal
from landvote.runtime.settings import validated

FORM = Form("edits", 1, DataError)

DIGITS = 3
"""Of coordinates, as points.csv has them."""

Act: TypeAlias = Literal[
    "import", "imported", "set", "settle", "approve", "reject", "reopen", "undo", "redo", "scheme", "ruler"
]  # fmt: skip
"""Acts of people, and two of the store's: points that the data came with, and that all of these are there."""

Verdict: TypeAlias = Literal["open", "approved", "rejected"]
"""The verdict of a person on a film."""

MarkState: TypeAlias = Literal["placed", "occluded", "missing"]
How: TypeAlias = Literal["changed", "accepted", "imported"]
"""Set by a person, accepted as it was proposed, or one of the points that the data came with."""

_ACTS, _VERDICTS, _STATES, _HOW = map(get_args, (Act, Verdict, MarkState, How))


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


class Proposed(NamedTuple):
    """A proposal of one landmark: image coordinates and expected error in pixels, and the ellipse of 90 %.

    ``ellipse`` is xx, xy and yy as :class:`landvote.data.prediction.Prediction` has its covariance.
    """

    x: float
    y: float
    error: float | None
    ellipse: tuple[float, ...] | None

    @property
    def point(self) -> tuple[float, float]:
        """Where it is."""
        return self.x, self.y


class Ruler(NamedTuple):
    """Two points on a film, in pixels of the image, and the millimetres between them."""

    x0: float
    y0: float
    x1: float
    y1: float
    length: float

    @property
    def mm(self) -> float:
        """Millimetres per pixel."""
        return self.length / math.hypot(self.x1 - self.x0, self.y1 - self.y0)


@dataclass(frozen=True)
class SchemeChange:
    """A scheme and the one before it; ``renamed`` says how landmarks were called before, old name -> new name."""

    old: Scheme | None
    new: Scheme
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RulerChange:
    """A ruler and the one before it; ``films`` are the names of the film measured, and of others that get the same."""

    old: Ruler | None
    new: Ruler | None
    films: tuple[str, ...]

    def back(self) -> "RulerChange":
        """Return the change that takes this one back."""
        return RulerChange(self.new, self.old, self.films)


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
        model: the hash of the model whose proposals were on the film, or are in ``blind``; empty without any.
        scheme: the change of the scheme, of an act "scheme" alone.
        ruler: the change of a ruler, of an act "ruler" and of what undoes one or does it again.
        shown: milliseconds since the film was opened on the page; None where that is not known.
        blind: landmark -> the point that was proposed, and that the person had never been shown; None unless this
            approves a film that was annotated blind.
        proposes: landmark -> what is proposed to the person from then on, in place of all before; empty where that
            stays.
        machine: landmark -> the point of the model, None without one, where this decides on another that is proposed.
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
    scheme: SchemeChange | None = None
    ruler: RulerChange | None = None
    shown: int | None = None
    blind: Mapping[str, tuple[float, float]] | None = None
    proposes: Mapping[str, Proposed] = field(default_factory=dict)
    machine: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    def line(self) -> str:
        """Return it as a line of the log."""
        told: dict[str, Any] = {
            "when": self.when, "who": self.who, "image": self.image, "film": self.film, "act": self.act, "of": self.of,
            "state": self.verdict, "model": self.model, "changes": [change._asdict() for change in self.changes],
        }  # fmt: skip
        if self.scheme:
            old = self.scheme.old.model_dump(mode="json") if self.scheme.old else None
            new = self.scheme.new.model_dump(mode="json")
            told["scheme"] = {"old": old, "new": new, "renamed": self.scheme.renamed}
        if self.ruler:
            told["ruler"] = {"old": self.ruler.old, "new": self.ruler.new, "films": self.ruler.films}
        told |= {key: value for key in ("shown", "blind") if (value := getattr(self, key)) is not None}
        told |= {key: value for key in ("proposes", "machine") if (value := getattr(self, key))}
        return json.dumps(FORM.stamp(told), allow_nan=False) + "\n"

    @classmethod
    def parse(cls, where: str, line: bytes) -> "Edit":
        """Return the edit of a line; DataError, which names ``where``, if it is none."""
        try:
            told = FORM.read(json.loads(line), where)
            old, new = told["state"]
            when, who, image, film = (str(told[key]) for key in ("when", "who", "image", "film"))
            if datetime.fromisoformat(when).tzinfo is None:
                raise ValueError(f"time {when!r}")  # noqa: TRY301 - of one kind with what else may be wrong
            changes = tuple(_change(change) for change in told["changes"])
            of = None if told["of"] is None else int(told["of"])
            scheme, ruler, shown = _scheme(told.get("scheme")), _ruler(told.get("ruler")), told.get("shown")
            blind = told.get("blind")
            edit = cls(
                when, who, image, film, told["act"], (old, new), changes, of, str(told["model"]), scheme, ruler,
                None if shown is None else int(shown),
                None if blind is None else {str(name): (float(x), float(y)) for name, (x, y) in blind.items()},
                {str(name): _proposed(*point) for name, point in told.get("proposes", {}).items()},
                {str(name): _point(point) for name, point in told.get("machine", {}).items()},
            )  # fmt: skip
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise DataError(f"{where}: {line[:60]!r} ({error!r}), expected an edit") from error
        lacking = (edit.act == "scheme") != bool(scheme) or (edit.act == "ruler" and ruler is None)
        if edit.act not in _ACTS or lacking or not set(edit.verdict) <= set(_VERDICTS):
            raise DataError(f"{where}: act {edit.act!r} and state {edit.verdict}, expected those of an edit")
        return edit


def _change(told: Any) -> Change:  # noqa: ANN401 - any JSON
    return Change(str(told["landmark"]), _mark(told["old"]), _mark(told["new"]), _point(told["proposed"]))


def _point(told: Any) -> tuple[float, float] | None:  # noqa: ANN401 - any JSON
    return None if told is None else (float(told[0]), float(told[1]))


def _proposed(x: Any, y: Any, error: Any, ellipse: Any) -> Proposed:  # noqa: ANN401 - any JSON
    spread = None if ellipse is None else tuple(map(float, ellipse))
    return Proposed(float(x), float(y), None if error is None else float(error), spread)


def _mark(told: Any) -> Mark | None:  # noqa: ANN401 - any JSON
    if told is None:
        return None
    state, x, y, how = told
    if state not in _STATES or how not in _HOW or (state == "missing") != (x is None) or (x is None) != (y is None):
        raise ValueError(f"mark {told!r}")
    return Mark(state, None if x is None else float(x), None if y is None else float(y), how)


def _scheme(told: Any) -> SchemeChange | None:  # noqa: ANN401 - any JSON
    if told is None:
        return None
    old = None if told["old"] is None else validated(Scheme, told["old"], "scheme", ValueError)
    new = validated(Scheme, told["new"], "scheme", ValueError)
    return SchemeChange(old, new, {str(k): str(v) for k, v in told["renamed"].items()})


def _ruler(told: Any) -> RulerChange | None:  # noqa: ANN401 - any JSON
    if told is None:
        return None
    old, new = (None if ends is None else Ruler(*map(float, ends)) for ends in (told["old"], told["new"]))
    if any(ruler and not 0 < ruler.mm < math.inf for ruler in (old, new)) or not told["films"]:
        raise ValueError(f"ruler {told!r}")
    return RulerChange(old, new, tuple(map(str, told["films"])))


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
