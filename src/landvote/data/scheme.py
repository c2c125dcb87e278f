"""The scheme: the names and order of the landmarks, and their relations, such as outlines and reference points.

``docs/data.md`` has the form of its TOML file. Indices count from 0, as those of the point files; ranges such as
``"0-43"`` include both ends. :class:`Scheme` holds them renumbered to the points in use.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator

from landvote.data.points import MAX_LANDMARKS, FloatArray
from landvote.errors import SchemeError, nearest
from landvote.runtime.files import StrPath, read_toml, refuse_existing, write_text
from landvote.runtime.settings import Settings, named_file, validated


def _indices(value: object) -> object:
    """Expand ``[0, "3-5"]`` to ``[0, 3, 4, 5]``; leave anything else to pydantic."""
    value = [value] if isinstance(value, str) else value
    return tuple(i for item in value for i in _range(item)) if isinstance(value, (list, tuple)) else value


def _range(item: object) -> Iterable[object]:
    if not isinstance(item, str):
        return [item]
    first, dash, last = item.partition("-")
    if not (first.strip().isdigit() and (not dash or last.strip().isdigit())):
        raise ValueError(f"{item!r} is neither an index nor a range such as '0-43'")
    if (end := int(last or first)) >= MAX_LANDMARKS:
        raise ValueError(f"{item!r} goes beyond {MAX_LANDMARKS} landmarks, expected no more")
    return range(int(first), end + 1)


Order = Literal["", "down", "right"]
Indices = Annotated[tuple[int, ...], BeforeValidator(_indices)]

MAX_DEFINITION = 500
"""Characters of the definition of a landmark."""

Definition = Annotated[str, Field(max_length=MAX_DEFINITION)]


class Outline(Settings):
    """A curve through landmarks, in order: what point-to-curve errors are measured against."""

    name: str
    points: Indices
    closed: bool = False

    def ring(self) -> list[int]:
        """Return the landmarks as a line passes through them: a closed outline ends where it begins."""
        return [*self.points, *self.points[: int(self.closed)]]


class Scheme(Settings):
    """Landmark names and order, outlines, reference points, mirrored pairs and the normalising pair.

    All indices refer to the landmarks in use, 0 to ``len(scheme) - 1``.
    ``repeats`` are equal parts, point for point (``groups`` in files), and ``order`` says that they form a row.
    ``columns`` says which points of a point file these are, and ``file_points`` how many such a file holds.
    ``definitions`` are texts for people, one per landmark and empty where there is none, or () without any.
    """

    name: str
    landmarks: tuple[str, ...]
    file_points: int
    columns: tuple[int, ...]
    outlines: tuple[Outline, ...] = ()
    reference: tuple[int, ...] = ()
    normaliser: tuple[int, int] | None = None
    mirrored: tuple[tuple[int, int], ...] = ()
    repeats: tuple[tuple[int, ...], ...] = ()
    order: Order = ""
    definitions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def row(self) -> bool:
        """Whether the repeats follow each other in a row, as vertebrae do and two hips do not."""
        return bool(self.order)

    def sha256(self) -> str:
        """Return the SHA-256 of all it says but the definitions, the same for the same scheme in another file."""
        return hashlib.sha256(self.model_dump_json(exclude={"definitions"}).encode()).hexdigest()

    def mirror(self) -> npt.NDArray[np.intp]:
        """Return (n,) the landmark that takes each one's place in a mirror; itself where the scheme names no pair."""
        swap = np.arange(len(self))
        for a, b in self.mirrored:
            swap[a], swap[b] = b, a
        return swap

    def sorted(self, points: FloatArray) -> FloatArray:
        """Return (n, 2 or more) columns, x and y first, with the parts of a row in the order they should follow in.

        By a part's mean y, or x in a row to the right; one that is missing, in part or whole, stays where it is, and so
        does everything where the scheme's parts form no row.
        """
        if not self.row:
            return points
        parts = np.array(self.repeats)
        along = points[parts, 1 if self.order == "down" else 0].mean(axis=1)
        whole = np.flatnonzero(np.isfinite(along))
        out = points.copy()
        out[parts[whole]] = points[parts[whole[np.argsort(along[whole], kind="stable")]]]
        return out

    def extended(self, names: Iterable[str]) -> "Scheme":
        """Return it with more landmarks at its end, which are the last points of a file as well."""
        added, first = tuple(names), self.file_points
        update = {
            "landmarks": (*self.landmarks, *added), "file_points": first + len(added),
            "columns": (*self.columns, *range(first, first + len(added))),
            "definitions": self.definitions and (*self.definitions, *("" for _ in added)),
        }  # fmt: skip
        return self.model_copy(update=update)

    @classmethod
    def numbered(cls, n: int) -> "Scheme":
        """Return the scheme of data that came without one: ``n`` landmarks called "0", "1", ..."""
        return cls(name="numbered", landmarks=tuple(map(str, range(n))), file_points=n, columns=tuple(range(n)))

    @classmethod
    def read(cls, path: StrPath) -> "Scheme":
        """Read a scheme from a TOML file.

        Raises:
            SchemeError: the file is missing, not TOML, or contradicts itself.
        """
        return validated(SchemeFile, read_toml(Path(path), "scheme", SchemeError), str(path), SchemeError).scheme()

    def write(self, path: Path) -> None:
        """Write the scheme as a TOML file, in the indices of the point files.

        Raises:
            ExistsError: the file exists.
            SchemeError: the scheme cannot be written so that it reads the same.
            DataError: the file cannot be written.
        """
        refuse_existing(path)
        if not self.landmarks:
            raise SchemeError(f"{path}: a scheme without landmarks cannot be written, expected points to make one from")
        names = [str(i) for i in range(self.file_points)]
        for column, name in zip(self.columns, self.landmarks, strict=True):
            names[column] = name
        values: dict[str, object] = {
            "name": self.name, "points": self.file_points,
            "use": None if self.columns == tuple(range(self.file_points)) else self.columns, "names": names,
            "reference": self._in_file(self.reference), "normaliser": self._in_file(self.normaliser or ()),
            "mirrored": [self._in_file(pair) for pair in self.mirrored],
            "groups": [self._in_file(part) for part in self.repeats], "order": self.order,
        }  # fmt: skip
        lines = [f"{key} = {_toml(value)}" for key, value in values.items() if value]
        defined = {name: text for name, text in zip(self.landmarks, self.definitions, strict=False) if text}
        lines += ["", "[definitions]"] if defined else []
        lines += [f"{_toml(name)} = {_toml(text)}" for name, text in defined.items()]
        for outline in self.outlines:
            told = {"name": outline.name, "points": self._in_file(outline.points), "closed": outline.closed}
            lines += ["", "[[outlines]]", *(f"{key} = {_toml(value)}" for key, value in told.items())]
        text = "\n".join([*lines, ""])
        try:
            same = SchemeFile.model_validate(tomllib.loads(text)).scheme() == self
        except ValueError:
            same = False
        if not same:
            raise SchemeError(f"{path}: scheme {self.name!r} cannot be written, expected names that TOML can hold")
        write_text(path, text)

    def _in_file(self, indices: Sequence[int]) -> list[int]:
        return [self.columns[i] for i in indices]

    @classmethod
    def named(cls, name_or_file: StrPath) -> "Scheme":
        """Return the scheme in a file, one that was registered, or one that ships with landvote (``femur``, ...).

        Raises:
            SchemeError: neither a file nor a known name.
        """
        registered = _REGISTERED.get(str(name_or_file))
        return registered or cls.read(named_file(name_or_file, shipped(), "scheme", SchemeError))

    def register(self) -> None:
        """Let :meth:`named`, and so every verb, know this scheme by its name, for as long as the program runs.

        Raises:
            SchemeError: another scheme has the name.
        """
        if self.name in shipped() or _REGISTERED.get(self.name, self) != self:
            raise SchemeError(f"scheme {self.name!r} is there already, expected a name of its own")
        _REGISTERED[self.name] = self

    def unregister(self) -> None:
        """Take a registered scheme out again."""
        _REGISTERED.pop(self.name, None)


_REGISTERED: dict[str, Scheme] = {}


class SchemeFile(Settings):
    """The TOML form of a scheme, in the indices of the point files."""

    name: str
    points: int
    use: Indices | None = None
    names: tuple[str, ...] | None = None
    reference: Indices = ()
    normaliser: tuple[int, int] | None = None
    mirrored: tuple[tuple[int, int], ...] = ()
    groups: tuple[Indices, ...] = ()
    order: Order = ""
    definitions: dict[str, Definition] = Field(default_factory=dict)
    outlines: tuple[Outline, ...] = ()

    @model_validator(mode="after")
    def _within(self) -> "SchemeFile":
        if not 1 <= self.points <= MAX_LANDMARKS:
            raise ValueError(f"points = {self.points}, expected 1 to {MAX_LANDMARKS}")
        mentioned = {
            "use": self.use or (), "reference": self.reference, "normaliser": self.normaliser or (),
            "mirrored": [i for pair in self.mirrored for i in pair], "groups": [i for g in self.groups for i in g],
            **{f"outline {o.name!r}": o.points for o in self.outlines},
        }  # fmt: skip
        for where, indices in mentioned.items():
            if outside := [i for i in indices if not 0 <= i < self.points]:
                raise ValueError(f"{where} names point {outside[0]}, expected 0 to {self.points - 1}")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "SchemeFile":
        used = self.use if self.use is not None else tuple(range(self.points))
        if _twice(used):
            raise ValueError("use names a point twice")
        if self.names is not None and len(self.names) != self.points:
            raise ValueError(f"names lists {len(self.names)} landmarks, expected {self.points}")
        if self.names is not None and _twice(self.names):
            raise ValueError("names lists a landmark twice")
        if len(self.reference) == 1 or _twice(self.reference):
            raise ValueError(f"reference = {list(self.reference)}, expected two or more different points")
        if len({len(g) for g in self.groups}) > 1:
            raise ValueError("groups differ in length; they are parts that repeat, point for point")
        if self.groups and sorted(i for g in self.groups for i in g) != sorted(used):
            raise ValueError("groups must hold every point in use exactly once")
        if self.order and not self.groups:
            raise ValueError(f"order = {self.order!r} of groups, and there are no groups")
        if _twice([i for pair in self.mirrored for i in pair]):
            raise ValueError("mirrored names a point twice")
        if unknown := [name for name in self.definitions if name not in self._names()]:
            raise ValueError(f"definitions has {unknown[0]!r}{nearest(unknown[0], self._names())}, expected a landmark")
        return self

    def _names(self) -> tuple[str, ...]:
        return self.names or tuple(map(str, range(self.points)))

    def scheme(self) -> Scheme:
        """Renumber to the points in use; what mentions an unused point is left out."""
        used = self.use if self.use is not None else tuple(range(self.points))
        new = {old: i for i, old in enumerate(used)}
        names = self._names()
        texts = tuple(self.definitions.get(names[i], "") for i in used)

        def kept(indices: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(new[i] for i in indices) if all(i in new for i in indices) else ()

        normaliser = kept(self.normaliser) if self.normaliser else ()
        return Scheme(
            name=self.name, landmarks=tuple(names[i] for i in used), file_points=self.points, columns=used,
            outlines=tuple(o.model_copy(update={"points": kept(o.points)}) for o in self.outlines if kept(o.points)),
            reference=kept(self.reference), normaliser=(normaliser[0], normaliser[1]) if normaliser else None,
            mirrored=tuple((k[0], k[1]) for k in map(kept, self.mirrored) if k),
            repeats=tuple(kept(g) for g in self.groups), order=self.order, definitions=texts if any(texts) else (),
        )  # fmt: skip


def _toml(value: object) -> str:
    """Return a value as TOML, whose texts, numbers and lists are those of JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _twice(values: Sequence[object]) -> bool:
    return len(set(values)) != len(values)


def shipped() -> dict[str, Path]:
    """Return the files of the schemes that come with landvote, by name."""
    files = (Path(__file__).parent / "schemes").glob("*.toml")
    return {file.stem: file for file in sorted(files, key=lambda f: f.stem)}
