"""LabelMe's JSON, one file per film, also as X-AnyLabeling writes it.

Landmarks are shapes of type "point", named by their label. A point is occluded if its flag, or its whole description,
says ``occluded``; one without a shape is missing. Groups that have labels in common are the two sides of a film. Lines,
polygons and boxes are passed over, since their corners need not be the same places on two films. One key is landvote's
own: ``landmarks``, all names in order, missing ones too.
"""

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np

from landvote.errors import PointsError
from landvote.formats.film_shapes import by_side, shape_numbers
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading, size_of
from landvote.formats.json_text import field, number, peek_json, read_json, size_in
from landvote.formats.points import Mark, PointRow, PointTable, table_of
from landvote.formats.sides import film_and_side, with_side, without_suffix_and_side
from landvote.runtime.files import write_json

_VERSION = "5.5.0"  # of LabelMe: its shapes are as these
_KEYS = frozenset({"imagePath", "imageData", "imageHeight", "imageWidth"})
_OCCLUDED = "occluded"


class LabelMe(Format):
    """One file per film, whose pixels are counted from the corner of the first."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing", "occluded"})
    kind: Literal["labelme"] = "labelme"
    centre: float = 0.5

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it has shapes, and says something of an image."""
        content = peek_json(path, start)
        return isinstance(content, dict) and isinstance(content.get("shapes"), list) and not _KEYS.isdisjoint(content)

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one film, or the two sides of one.

        Raises:
            PointsError: no such file; a point without a label, or one of two coordinates; a label that is given twice;
                ``imagePath`` names another film than the file is called after; more than two groups.
        """
        content = read_json(path)
        shapes, film = field(str(path), content, "shapes", list), _film(path, content, reading)
        size = size_in(content.get("imageWidth"), content.get("imageHeight"))
        listed = content.get("landmarks")
        names = listed if isinstance(listed, list) and all(isinstance(name, str) for name in listed) else []
        others: Counter[str] = Counter()
        marks: list[Mark] = []
        for i, shape in enumerate(shapes, 1):
            where = f"{path}, shape {i}"
            if (form := field(where, shape, "shape_type", str)) == "point":
                marks.append(_mark(where, shape, film))
            else:
                others[form] += 1
        groups = Counter(label for _, label in {(mark.annotator, mark.landmark) for mark in marks})
        if not any(count > 1 for count in groups.values()):  # they say nothing of two shapes
            shapes = shape_numbers([mark.landmark for mark in marks], [mark.point for mark in marks])
            marks = [mark._replace(annotator=str(n)) for mark, n in zip(marks, shapes, strict=True)]
        table = table_of(marks, reading.scheme, names, {film: size} if size else {})
        n = len(table.landmarks)
        empty = PointRow(film, "", np.full((n, 2), np.nan), str(path), np.zeros(n, bool), size=size)
        shaped = [(replace(row, annotator=""), row.annotator) for row in table.rows or (empty,)]
        rows, notes = by_side(shaped, reading.films)
        notes += [f"{count} shapes of type {form!r} are passed over" for form, count in others.items()]
        return replace(table, rows=tuple(rows), notes=(*table.notes, *notes))

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write one film; ``imagePath`` leads from the file to the film, where that is at hand."""
        (row,) = table.rows
        size = row.size if films is None else size_of(row, films)
        hidden = [False] * len(row.points) if row.occluded is None else row.occluded.tolist()
        shapes = [
            {
                "label": name, "points": [[round(x, 3), round(y, 3)]], "group_id": None, "description": "",
                "shape_type": "point", "flags": {_OCCLUDED: True} if occluded else {}, "mask": None,
            }
            for name, (x, y), occluded in zip(table.landmarks, row.points.tolist(), hidden, strict=True)
            if np.isfinite(x)
        ]  # fmt: skip
        content: dict[str, Any] = {
            "version": _VERSION, "flags": {}, "shapes": shapes, "imagePath": _image_path(path, row.image, films),
            "imageData": None, "imageHeight": size[1] if size else None, "imageWidth": size[0] if size else None,
            "landmarks": list(table.landmarks),
        }  # fmt: skip
        write_json(path, content)


def _mark(where: str, shape: dict[str, Any], film: str) -> Mark:
    """Return a shape that is a point; its group stands in the annotator's place."""
    label, points = field(where, shape, "label", str), field(where, shape, "points", list)
    if not label:
        raise PointsError(f"{where}: the label is empty, expected the name of a landmark")
    if len(points) != 1 or not isinstance(points[0], list) or len(points[0]) != 2:
        raise PointsError(f"{where}: points of {label!r} are {str(points)[:60]}, expected one pair of x and y")
    x, y = (number(f"{where}: point {label!r}", value) for value in points[0])
    flags, group = shape.get("flags"), shape.get("group_id")
    described = str(shape.get("description") or "").strip().casefold() == _OCCLUDED
    occluded = described or (isinstance(flags, dict) and flags.get(_OCCLUDED) is True)
    return Mark(where, film, "" if group is None else str(group), label, (x, y), occluded)


def _film(path: Path, content: dict[str, Any], reading: Reading) -> str:
    """Return the film of a file: the one it is called after, unless ``imagePath`` alone names a film."""
    own, named = reading.image or path.stem, content.get("imagePath")
    if not isinstance(named, str) or not named.strip():
        return own
    last = PurePosixPath(re.split(r"[/\\]", named)[-1])
    folder, slash, name = own.rpartition("/")
    if reading.films is None:
        sides = [(film, side) for film, side in (film_and_side(name), without_suffix_and_side(name)) if side]
        return own if any(film in (last.name, last.stem) for film, _ in sides) else f"{folder}{slash}{last.name}"
    try:
        found = reading.films.sided(own)
        if found is not None and PurePosixPath(found[0]).stem.casefold() == last.stem.casefold():
            return with_side(*found)
        film = reading.film_called(named)
        is_film = reading.films.find(film) is not None
    except PointsError as error:
        raise PointsError(f"{path}: {error}") from error
    if found is not None and is_film:
        other = f"imagePath is {named!r}, and the file is called after {found[0]!r}"
        raise PointsError(f"{path}: {other}, expected one film")
    return film if is_film else own


def _image_path(path: Path, image: str, films: Films | None) -> str:
    """Return the way from a file to its film; the film's name where it is not at hand, or on another drive."""
    found = films.sided(image) if films else None
    if films and found:
        try:
            return os.path.relpath(films.files[found[0]], path.parent).replace(os.sep, "/")
        except ValueError:
            return films.files[found[0]].name
    return re.split(r"[/\\]", film_and_side(image)[0])[-1]
