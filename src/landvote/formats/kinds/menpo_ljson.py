"""menpo's own ``.ljson``, versions 1 to 3: one file per film, y before x, counted from 0, ``null`` where missing.

::

    {"version": 3, "groups": {"LJSON": {
        "labels": [{"label": "femur", "mask": [0, 1]}],
        "landmarks": {"points": [[8.5, 12.25], [null, null]], "connectivity": [[0, 1]]}}}}

Version 2 is one such group, and version 1 a list of labels with their points and lines. A label names some of the
points, and not each of them, so landmarks have their numbers for names; the lines of a label become outlines.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.json_text import field, number, peek_json, read_json
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.skeleton import edges_of, outlines_of
from landvote.runtime.files import write_text

_VERSION = 3


class MenpoLjson(Format):
    """One group of points of each film.

    Attributes:
        group: the one to read, where there are several; by default the only one, or menpo's own, ``LJSON`` or ``PTS``.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".ljson",)
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"missing"})
    kind: Literal["menpo-ljson"] = "menpo-ljson"
    group: str = ""

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it has the number of a version, and groups or landmarks of its kind."""
        content = peek_json(path, start)
        if not isinstance(content, dict) or not isinstance(content.get("version"), int):
            return False
        return isinstance(content.get("groups"), dict | list) or isinstance(content.get("landmarks"), dict)

    def read(self, path: Path, reading: Reading) -> PointTable:  # noqa: ARG002 - knows an order alone
        """Read one film.

        Raises:
            PointsError: not such a file, or of another version; several groups, of which none is chosen; points, masks
                or lines that are no numbers or do not fit.
        """
        content = read_json(path)
        version, notes = field(str(path), content, "version", int), []
        if version == 1:
            points, outlines = _version_1(path, field(str(path), content, "groups", list))
        elif version in (2, _VERSION):
            group = content
            if version == _VERSION:
                groups = field(str(path), content, "groups", dict)
                name = self._chosen(path, list(groups))
                group, notes = groups[name], [f"groups other than {name!r} are passed over"] if len(groups) > 1 else []
            points, outlines = _group(path, group)
        else:
            raise PointsError(f"{path}: version {version}, expected 1, 2 or 3")
        if not points:
            raise PointsError(f"{path}: no points, expected one at least")
        row = PointRow("", "", np.array(points), str(path))
        return PointTable((row,), numbers(len(points)), outlines, tuple(notes))

    def _chosen(self, path: Path, names: Sequence[str]) -> str:
        if self.group:
            chosen = [name for name in names if name == self.group]
        else:
            chosen = [name for name in names if name in ("LJSON", "PTS")] if len(names) > 1 else list(names)
        if len(chosen) != 1:
            expected = f"{self.group!r}" if self.group else f"one to be chosen, as format '{self.kind}:group=NAME' does"
            raise PointsError(f"{path}: groups {', '.join(names)[:80]!r}, expected {expected}")
        return chosen[0]

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write one film as version 3, in one group without labels. Three decimals."""
        points = [
            [round(y, 3), round(x, 3)] if math.isfinite(x + y) else [None, None]
            for x, y in table.rows[0].points.tolist()
        ]
        groups = {"LJSON": {"labels": [], "landmarks": {"points": points}}}
        write_text(path, json.dumps({"groups": groups, "version": _VERSION}, indent=1) + "\n")


def _group(path: Path, group: Any) -> tuple[list[tuple[float, float]], tuple[Outline, ...]]:  # noqa: ANN401 - JSON
    """Return the points of a group of version 2 or 3, and the lines of each of its labels."""
    landmarks = field(str(path), group, "landmarks", dict)
    points = [_point(f"{path}, point {i}", p) for i, p in enumerate(field(str(path), landmarks, "points", list))]
    edges = list(_edges(path, landmarks.get("connectivity"), len(points)))
    named: list[Outline] = []
    for label in field(str(path), group, "labels", list) if "labels" in group else ():
        name, mask = field(str(path), label, "label", str), field(str(path), label, "mask", list)
        inside = {_index(path, i, len(points)) for i in mask}
        named += _named(name, [edge for edge in edges if inside.issuperset(edge)])
    covered = {frozenset(edge) for edge in edges_of(named)}
    return points, (*named, *outlines_of([edge for edge in edges if frozenset(edge) not in covered]))


def _version_1(path: Path, groups: Sequence[Any]) -> tuple[list[tuple[float, float]], tuple[Outline, ...]]:
    """Return the points of all labels one after the other, and the lines of each, which counts them by itself."""
    points: list[tuple[float, float]] = []
    outlines: list[Outline] = []
    for group in groups:
        first, landmarks = len(points), field(str(path), group, "landmarks", list)
        for i, landmark in enumerate(landmarks):
            where = f"{path}, point {first + i}"
            points.append(_point(where, field(where, landmark, "point", list)))
        edges = _edges(path, group.get("connectivity"), len(landmarks))
        outlines += _named(field(str(path), group, "label", str), [(first + a, first + b) for a, b in edges])
    return points, tuple(outlines)


def _named(label: str, edges: Sequence[tuple[int, int]]) -> list[Outline]:
    """Return the lines of a label, called after it, and numbered where there are several."""
    lines = outlines_of(edges)
    names = [label] if len(lines) == 1 else [f"{label} {i}" for i in range(1, len(lines) + 1)]
    return [line.model_copy(update={"name": name}) for name, line in zip(names, lines, strict=True)]


def _point(where: str, value: Any) -> tuple[float, float]:  # noqa: ANN401 - whatever is in the file
    """Return x and y of a point, y before x in the file, NaN where it is missing."""
    if not isinstance(value, list) or len(value) != 2:
        raise PointsError(f"{where}: {str(value)[:40]!r}, expected y and x")
    missing = [v is None or (isinstance(v, float) and math.isnan(v)) for v in value]
    if any(missing) and not all(missing):
        raise PointsError(f"{where}: {value}, expected two numbers or null twice")
    return (math.nan, math.nan) if all(missing) else (number(where, value[1]), number(where, value[0]))


def _edges(path: Path, value: Any, n: int) -> Iterator[tuple[int, int]]:  # noqa: ANN401 - whatever is in the file
    if value is not None and not isinstance(value, list):
        raise PointsError(f"{path}: connectivity {str(value)[:40]!r}, expected pairs of points")
    for edge in value or ():
        if not isinstance(edge, list) or len(edge) != 2:
            raise PointsError(f"{path}: connectivity has {str(edge)[:40]!r}, expected pairs of points")
        yield _index(path, edge[0], n), _index(path, edge[1], n)


def _index(path: Path, value: Any, n: int) -> int:  # noqa: ANN401 - whatever is in the file
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < n:
        raise PointsError(f"{path}: point {str(value)[:40]!r}, expected 0 to {n - 1}")
    return value
