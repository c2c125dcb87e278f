"""COCO keypoints: one JSON file of all films, as CVAT, Label Studio, datumaro and sleap-io export it.

::

    {"images": [{"id": 1, "file_name": "hip.png", "width": 60, "height": 40}],
     "categories": [{"id": 1, "name": "hip", "keypoints": ["head", "shaft"], "skeleton": [[1, 2]]}],
     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [12, 8, 2, 0, 0, 0], ...}]}

Each keypoint is x, y and a visibility: 0 is missing, 1 occluded, 2 seen. Two keys are landvote's own, in annotations:
``annotator``, and ``side`` of the film; and one in categories: ``outlines``, of which the skeleton is what other
programs understand. Label Studio lists a film once per annotator; these are called 1, 2, ... in that order.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from landvote.data.points import FloatArray
from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.film_shapes import by_side, side_named
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading, size_of
from landvote.formats.json_text import field, number, peek_json, read_json, size_in
from landvote.formats.points import BoolArray, PointRow, PointTable
from landvote.formats.sides import film_and_side, with_side
from landvote.formats.skeleton import edges_of, outlines_of
from landvote.runtime.files import write_text
from landvote.runtime.settings import validated

_PARTS = ("images", "annotations", "categories")
_MISSING, _OCCLUDED, _SEEN = 0, 1, 2
_FEW = 5  # names in a message


class _Image(NamedTuple):
    film: str
    size: tuple[int, int] | None


class _Category(NamedTuple):
    name: str
    record: dict[str, Any]
    keypoints: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """An annotation with keypoints: its record, what messages call it, its image's id, and its category."""

    record: dict[str, Any]
    where: str
    image: str
    category: _Category


class Coco(Format):
    """All films in one file; ``category`` is the one to read, where the file has several with different keypoints."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "annotators", "missing", "occluded", "outlines"})
    kind: Literal["coco"] = "coco"
    category: str = ""

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it has images, annotations and categories."""
        content = peek_json(path, start)
        return isinstance(content, dict) and all(isinstance(content.get(part), list) for part in _PARTS)

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per annotation that has keypoints.

        Raises:
            PointsError: no such file; keypoints that do not fit their category, images that are not listed, a
                visibility other than 0, 1 and 2; several categories, and none chosen; more than two shapes on a film.
        """
        content = read_json(path)
        for part in _PARTS:
            field(str(path), content, part, list)
        images = _images(path, content["images"], reading)
        categories = _categories(path, content["categories"])
        found, notes = self._found(path, content["annotations"], categories)
        if not found:
            of = f" of category {self.category!r}" if self.category else ""
            raise PointsError(f"{path}: no annotation with keypoints{of}, expected one at least")
        category = found[0].category
        points, hidden = _columns(found)
        rows = _rows(found, images, points, hidden)
        own = [row for row, label in rows if label is None]
        others, assumed = by_side([(row, label) for row, label in rows if label is not None], reading.films)
        outlines, unread = _outlines(path, category)
        if isinstance(info := content.get("info"), dict) and info.get("contributor") == "Label Studio":
            unread.append("Label Studio wrote the file, and has that centre at 0.5")
        return PointTable((*own, *others), category.keypoints, outlines, (*notes, *assumed, *unread))

    def _found(
        self, path: Path, annotations: Sequence[Any], categories: dict[str, _Category]
    ) -> tuple[list[_Found], list[str]]:
        """Return the annotations to read, and how many of which kind are passed over."""
        found: list[_Found] = []
        passed: Counter[str] = Counter()
        for i, record in enumerate(annotations):
            where = f"{path}, annotation {record.get('id', i + 1) if isinstance(record, dict) else i + 1}"
            key = str(field(where, record, "category_id", (int, str)))
            if not record.get("keypoints"):
                passed["annotations without keypoints"] += 1
            elif record.get("iscrowd"):
                passed["annotations of crowds"] += 1
            elif key not in categories:
                raise PointsError(f"{where}: category {key} is not in the file, expected one that is")
            elif self.category and categories[key].name != self.category:
                passed["annotations of other categories"] += 1
            elif not categories[key].keypoints:
                named = f"category {categories[key].name!r} names no keypoints"
                raise PointsError(f"{where}: {named}, expected their names (which VIA has in its own JSON)")
            else:
                found.append(_Found(record, where, str(field(where, record, "image_id", (int, str))), categories[key]))
        used = {each.category.name: each.category for each in found}
        alike = len({category.keypoints for category in used.values()}) < 2
        if len(used) > 1 and not (alike and all(map(side_named, used))):
            first = next(iter(used))
            told = f"several categories with keypoints ({', '.join(list(used)[:_FEW])})"
            raise PointsError(f"{path}: {told}, expected one to be chosen, as format 'coco:category={first}' does")
        return found, [f"{count} {what} are passed over" for what, count in passed.items()]

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write one image per film, and one annotation per row; bounding box and area are those of its points."""
        images: dict[str, dict[str, Any]] = {}
        annotations = []
        for i, row in enumerate(table.rows, 1):
            film, side = film_and_side(row.image)
            if film not in images:
                size = row.size if films is None else size_of(row, films)
                images[film] = {"id": len(images) + 1, "file_name": film}
                images[film] |= {"width": size[0], "height": size[1]} if size else {}
            own = {"annotator": row.annotator} if row.annotator else {}
            own |= {"side": side} if side else {}
            annotations.append(
                {"id": i, "image_id": images[film]["id"], "category_id": 1, **_keypoints(row), "iscrowd": 0, **own}
            )
        category = {
            "id": 1, "name": "landmarks", "supercategory": "", "keypoints": list(table.landmarks),
            "skeleton": [[a + 1, b + 1] for a, b in edges_of(table.outlines)],
            "outlines": [outline.model_dump(mode="json") for outline in table.outlines],
        }  # fmt: skip
        info = {"description": f"landmarks; the centre of the first pixel is ({self.centre:g}, {self.centre:g})"}
        content = {"info": info, "licenses": [], "images": list(images.values()), "annotations": annotations,
                   "categories": [category]}  # fmt: skip
        write_text(path, json.dumps(content) + "\n")


def _images(path: Path, records: Iterable[Any], reading: Reading) -> dict[str, _Image]:
    """Return image id as text -> film and size."""
    images: dict[str, _Image] = {}
    for record in records:
        key = str(field(f"{path}, an image", record, "id", (int, str)))
        if key in images:
            raise PointsError(f"{path}: image {key} is given twice, expected once")
        name = field(f"{path}, image {key}", record, "file_name", str)
        try:
            film = reading.film_called(name)
        except PointsError as error:
            raise PointsError(f"{path}, image {key}: {error}") from error
        images[key] = _Image(film, size_in(record.get("width"), record.get("height")))
    return images


def _categories(path: Path, records: Iterable[Any]) -> dict[str, _Category]:
    categories: dict[str, _Category] = {}
    for record in records:
        key = str(field(f"{path}, a category", record, "id", (int, str)))
        where = f"{path}, category {key}"
        name, names = field(where, record, "name", str), record.get("keypoints") or []
        if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
            raise PointsError(f"{where}: keypoints {str(names)[:60]}, expected a list of names")
        if twice := [each for each, count in Counter(names).items() if count > 1]:
            raise PointsError(f"{where}: keypoint {twice[0]!r} is named twice, expected once")
        categories[key] = _Category(name, record, tuple(names))
    return categories


def _columns(found: Sequence[_Found]) -> tuple[FloatArray, BoolArray]:
    """Return (annotations, n, 2) points, NaN where missing, and (annotations, n) whether they are occluded."""
    n = len(found[0].category.keypoints)
    for each in found:
        given = field(each.where, each.record, "keypoints", list)
        if len(given) != 3 * n:
            raise PointsError(f"{each.where}: {len(given)} values in keypoints, expected {3 * n}, three for each")
    lists = [each.record["keypoints"] for each in found]
    try:
        values = np.array(lists)
    except (ValueError, OverflowError):  # a list or a number too large among the values
        values = np.empty(0, object)
    if values.dtype.kind not in "iuf":
        values = np.array([_numbers(each) for each in found])
    values = values.astype(float).reshape(len(found), n, 3)
    points, seen = values[..., :2].copy(), values[..., 2]
    nothing = np.isnan(points).all(axis=2) | (seen == _MISSING)
    wrong = ~np.isin(seen, (_MISSING, _OCCLUDED, _SEEN)) & ~nothing
    for bad, axes in ((wrong, "visibility"), (~np.isfinite(points).all(axis=2) & ~nothing, "x and y")):
        if bad.any():
            i, j = np.argwhere(bad)[0]
            value = f"{seen[i, j]:g}" if axes == "visibility" else "{:g} and {:g}".format(*points[i, j])
            expected = "0, 1 or 2" if axes == "visibility" else "two numbers, or visibility 0"
            name = found[i].category.keypoints[j]
            raise PointsError(f"{found[i].where}: keypoint {name!r} has {axes} {value}, expected {expected}")
    points[nothing] = np.nan
    return points, (seen == _OCCLUDED) & ~nothing


def _numbers(each: _Found) -> list[float]:
    """Return the keypoints of an annotation one by one; null is no number, and no point."""
    return [np.nan if value is None else number(each.where, value) for value in each.record["keypoints"]]


def _keypoints(row: PointRow) -> dict[str, Any]:
    """Return the keypoints of a row, how many there are, and the box round them."""
    given = np.isfinite(row.points[:, 0])
    seen = np.where(given, _SEEN if row.occluded is None else np.where(row.occluded, _OCCLUDED, _SEEN), _MISSING)
    points: FloatArray = np.where(given[:, None], row.points, 0).round(3)
    flat = [value for (x, y), v in zip(points.tolist(), seen.tolist(), strict=True) for value in (x, y, v)]
    there = points[given] if given.any() else np.zeros((1, 2))
    x, y, width, height = (round(float(v), 3) for v in (*there.min(axis=0), *np.ptp(there, axis=0)))
    box = [x, y, width, height]
    return {"keypoints": flat, "num_keypoints": int(given.sum()), "bbox": box, "area": round(width * height, 3)}


def _rows(
    found: Sequence[_Found], images: dict[str, _Image], points: FloatArray, hidden: BoolArray
) -> list[tuple[PointRow, str | None]]:
    """Return one row per annotation, and the name of its category; None where the annotation names a side itself."""
    for each in found:
        if each.image not in images:
            raise PointsError(f"{each.where}: image {each.image} is not in the file, expected one that is")
    entries: dict[str, list[str]] = {}  # film -> images of it that have annotations
    for key in dict.fromkeys(each.image for each in found):
        entries.setdefault(images[key].film, []).append(key)
    repeated = any(len(keys) > 1 for keys in entries.values())
    rows: list[tuple[PointRow, str | None]] = []
    for each, own, occluded in zip(found, points, hidden, strict=True):
        film, size = images[each.image]
        order = str(entries[film].index(each.image) + 1) if repeated else ""
        annotator, side = each.record.get("annotator", order), each.record.get("side", "")
        if not isinstance(annotator, str) or not isinstance(side, str):
            raise PointsError(f"{each.where}: annotator {annotator!r} and side {side!r}, expected texts")
        row = PointRow(with_side(film, side), annotator, own, each.where, occluded, size=size)
        rows.append((row, None if side else each.category.name))
    return rows


def _outlines(path: Path, category: _Category) -> tuple[tuple[Outline, ...], list[str]]:
    """Return the outlines of a category, or those that its skeleton makes; or why there are none."""
    n, where = len(category.keypoints), f"{path}, category {category.name!r}"
    if isinstance(own := category.record.get("outlines"), list):
        outlines = tuple(validated(Outline, each, where, PointsError) for each in own)
        if outside := [i for outline in outlines for i in outline.points if not 0 <= i < n]:
            raise PointsError(f"{where}: an outline names keypoint {outside[0]}, expected 0 to {n - 1}")
        return outlines, []
    skeleton = category.record.get("skeleton") or []
    try:
        edges = [(int(a) - 1, int(b) - 1) for a, b in skeleton]
    except (TypeError, ValueError):
        edges = [(-1, -1)]
    if not all(0 <= i < n for edge in edges for i in edge):
        return (), [f"the skeleton of category {category.name!r} is passed over (pairs of 1 to {n} were expected)"]
    return outlines_of(edges), []
