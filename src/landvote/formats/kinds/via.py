"""VIA, the VGG Image Annotator: its JSON, its project and its CSV, of versions 1 and 2. Read only.

VIA lets its users name the attribute of a region that says which landmark it is. It is told by its values, which are
not the same twice on a film, or by the setting ``attribute``. Another attribute may say that a point is occluded: by
that word, or by its name and ``yes``. VIA has whole pixels, counted from the corner of the first.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from landvote.errors import PointsError
from landvote.formats.film_shapes import by_side, shape_numbers
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.json_text import field, number, peek_json, read_json
from landvote.formats.points import Mark, PointTable, table_of
from landvote.formats.tables import records
from landvote.runtime.files import read_text

_PROJECT = "_via_img_metadata"
_SHAPE, _REGION = "region_shape_attributes", "region_attributes"
_OCCLUDED, _YES = "occluded", frozenset({"occluded", "1", "yes", "true"})


class _Region(NamedTuple):
    where: str
    film: str
    shape: dict[str, Any]
    attributes: dict[str, str]


class Via(Format):
    """All films in one file; ``attribute`` is the one that names landmarks, where that cannot be told."""

    suffixes: ClassVar[tuple[str, ...]] = (".json", ".csv")
    writes: ClassVar[bool] = False
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing", "occluded"})
    kind: Literal["via"] = "via"
    centre: float = 0.5
    attribute: str = ""

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it is a project, an object of images with regions, or a table of regions."""
        if _SHAPE.encode() in start.partition(b"\n")[0] and start.lstrip(b"\xef\xbb\xbf")[:1] != b"{":
            return True
        content = peek_json(path, start)
        first = next(iter(content.values()), None) if isinstance(content, dict) else None
        return isinstance(first, dict) and ({"filename", "regions"} <= first.keys() or _PROJECT in content)

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read the regions that are points.

        Raises:
            PointsError: no such file; several attributes may name the landmarks; a point without a name; a landmark
                that is given twice on a film.
        """
        in_json = read_text(path, PointsError, keep_bytes=True).lstrip()[:1] == "{"
        content = read_json(path) if in_json else {}
        regions = list(_of_json(path, content) if in_json else _of_table(path))
        points = [region for region in regions if region.shape.get("name") == "point"]
        if not points:
            raise PointsError(f"{path}: no region is a point, expected one at least")
        others = Counter(str(region.shape.get("name")) for region in regions if region.shape.get("name") != "point")
        name = self.attribute or _naming(path, points)
        marks = [_mark(region, name, reading) for region in points]
        table = table_of(list(_by_shape(marks)), reading.scheme, _options(content, name))
        rows, notes = by_side([(replace(row, annotator=""), "") for row in table.rows], reading.films)
        notes += [f"{count} regions of shape {shape!r} are passed over" for shape, count in others.items()]
        return replace(table, rows=tuple(rows), notes=(*table.notes, *notes))


def _of_json(path: Path, content: dict[str, Any]) -> Iterator[_Region]:
    """Yield the regions of a project, or of annotations; version 1 numbers them, where version 2 has a list."""
    films = content.get(_PROJECT, content)
    for key, film in films.items() if isinstance(films, dict) else ():
        where = f"{path}, {key}"
        name, regions = field(where, film, "filename", str), field(where, film, "regions", (list, dict))
        for i, region in enumerate(regions.values() if isinstance(regions, dict) else regions, 1):
            here = f"{where}, region {i}"
            shape = field(here, region, "shape_attributes", dict)
            yield _Region(here, name, shape, _attributes(field(here, region, "region_attributes", dict)))


def _of_table(path: Path) -> Iterator[_Region]:
    header, lines = records(path, PointsError)
    columns = [column.lstrip("#") for column in header]
    if not {"filename", _SHAPE, _REGION} <= set(columns):
        expected = f"'filename, ..., {_SHAPE}, {_REGION}'"
        raise PointsError(f"{path}, line 1: columns {', '.join(header)[:80]!r}, expected {expected}")
    for where, cells in lines:
        row = dict(zip(columns, cells, strict=True))
        if (shape := _object(where, row[_SHAPE])) or _object(where, row[_REGION]):
            yield _Region(where, row["filename"], shape, _attributes(_object(where, row[_REGION])))


def _object(where: str, cell: str) -> dict[str, Any]:
    try:
        value = json.loads(cell or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise PointsError(f"{where}: {cell[:60]!r}, expected an object of JSON")
    return value


def _attributes(values: dict[str, Any]) -> dict[str, str]:
    """Return attributes as text: of boxes to tick, those that are."""
    return {
        key: ", ".join(option for option, ticked in value.items() if ticked) if isinstance(value, dict) else str(value)
        for key, value in values.items()
    }


def _naming(path: Path, points: Sequence[_Region]) -> str:
    """Return the attribute that names the landmarks: the only one, or the only one that tells all points apart."""
    known = list(dict.fromkeys(key for region in points for key in region.attributes))
    if len(known) == 1:
        return known[0]
    telling = []
    for key in known:
        values = [(region.film, region.attributes.get(key, "")) for region in points]
        hides = _OCCLUDED in {key.casefold(), *(value.casefold() for _, value in values)}
        if len(set(values)) == len(values) and all(value for _, value in values) and not hides:
            telling.append(key)
    if len(telling) == 1:
        return telling[0]
    found = f"attributes {', '.join(known)}" if known else "points without attributes"
    first = (telling or known or ["landmark"])[0]
    raise PointsError(f"{path}: {found}, expected the one that names landmarks, as in format 'via:attribute={first}'")


def _mark(region: _Region, name: str, reading: Reading) -> Mark:
    landmark = region.attributes.get(name, "").strip()
    if not landmark:
        raise PointsError(f"{region.where}: a point without {name!r}, expected the name of a landmark")
    x, y = (number(f"{region.where}: {landmark!r}", region.shape.get(axis)) for axis in ("cx", "cy"))
    others = {key.casefold(): value.strip().casefold() for key, value in region.attributes.items() if key != name}
    occluded = _OCCLUDED in others.values() or others.get(_OCCLUDED) in _YES
    try:
        film = reading.film_called(region.film)
    except PointsError as error:
        raise PointsError(f"{region.where}: {error}") from error
    return Mark(region.where, film, "", landmark, (x, y), occluded)


def _by_shape(marks: Sequence[Mark]) -> Iterator[Mark]:
    """Yield marks with the number of the shape that each is of in the annotator's place."""
    films: dict[str, list[Mark]] = {}
    for mark in marks:
        films.setdefault(mark.image, []).append(mark)
    for found in films.values():
        shapes = shape_numbers([mark.landmark for mark in found], [mark.point for mark in found])
        yield from (mark._replace(annotator=str(n)) for mark, n in zip(found, shapes, strict=True))


def _options(content: dict[str, Any], name: str) -> list[str]:
    """Return the names in the order in which a project lists them; nothing elsewhere."""
    listed: Any = content
    for key in ("_via_attributes", "region", name, "options"):
        listed = listed.get(key) if isinstance(listed, dict) else None
    return list(listed) if isinstance(listed, dict) else []
