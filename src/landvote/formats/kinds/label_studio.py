"""Label Studio: its exports as JSON, JSON-MIN, CSV and TSV are read, and predictions are written for its import.

::

    [{"id": 1, "data": {"image": "/data/upload/1/b5058c39-hip.png"},
      "annotations": [{"completed_by": 2, "was_cancelled": false, "result": [
          {"type": "keypointlabels", "original_width": 60, "original_height": 40, "image_rotation": 0,
           "value": {"x": 21.25, "y": 22.5, "keypointlabels": ["femoral head"]}, ...}]}],
      "predictions": []}]

Coordinates are per cent of the film, whose corner is 0. The other exports have a row per annotation, and what stands in
``value`` in a column called after the tag that drew it. Annotators are called by their numbers, and never by a name.
One key is landvote's own: ``landmarks`` in the ``meta`` of a task, which keeps their order.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import numpy as np

from landvote.errors import PointsError
from landvote.formats import json_text
from landvote.formats.film_shapes import by_side, shape_numbers
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading, film_size, placed, size_of
from landvote.formats.json_text import number, peek_json, read_json
from landvote.formats.points import Mark, PointRow, PointTable, table_of
from landvote.formats.sides import film_and_side, with_side
from landvote.formats.tables import records, separator
from landvote.runtime.files import write_text

_LOCAL, _UPLOADED = "/data/local-files/?d=", "/data/upload/"
_HASHED = re.compile(r"[0-9a-f]{8}-(?=.)")
_FILM = re.compile(r"\.(png|jpe?g|tiff?|bmp|dcm|dicom)(?=$|[?#&])", re.IGNORECASE)
_FLAT = {"annotation_id", "annotator"}
_HIDDEN = {"occluded", "hidden", "not visible", "invisible"}
_POINTS, _BESIDE = ("keypointlabels", "keypoint"), ("relation", "labels", "choices")  # these tell more of a region
_KEYS = ("annotations", "predictions", "drafts")
_DOT = 0.5  # per cent of the film: how large a point that is written is drawn


class _Drawn(NamedTuple):
    """What one annotator or model drew on one film."""

    where: str
    image: str
    annotator: str
    regions: list[Any]


@dataclass
class _Notes:
    """What is passed over, counted, and the numbers of annotators of whom the file has names."""

    passed: Counter[str] = field(default_factory=Counter)
    numbered: dict[str, str] = field(default_factory=dict)

    def annotator(self, value: Any) -> str:  # noqa: ANN401 - whatever is in the file
        """Return the number of an annotator, or "annotator 1", ... in order of appearance for names and addresses."""
        if isinstance(value, dict):
            value = value.get("id", value.get("email"))
        called = "" if value is None else str(value).strip()
        if not called or called.isdecimal():
            return called
        return self.numbered.setdefault(called, f"annotator {len(self.numbered) + 1}")

    def told(self) -> tuple[str, ...]:
        """Return them in words."""
        names = f"{len(self.numbered)} annotators are numbered, since the file has their names"
        passed = (f"{count} {noun} are passed over" for noun, count in self.passed.items() if count)
        return (*passed, *([names] if self.numbered else []))


class LabelStudio(Format):
    """All tasks in one file.

    Attributes:
        image: the key of a task's data that has the film; by default the only one that names a picture.
        predictions: whether predictions are read in place of annotations; they are where a file has no annotations.
        prefix: the place where Label Studio finds the films, which stands before their names in files that are written.
        from_name: the name of the ``KeyPointLabels`` in the labelling interface of the project, for writing.
        to_name: the name of its ``Image``.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "annotators", "missing"})
    decimals: ClassVar[int | None] = None
    kind: Literal["label-studio"] = "label-studio"
    centre: float = 0.5
    image: str = ""
    predictions: bool = False
    prefix: str = _LOCAL
    from_name: str = "kp"
    to_name: str = "image"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it has tasks, or annotations with their numbers in rows."""
        content = peek_json(path, start)
        if isinstance(content, list) and content and isinstance(content[0], dict):
            first = set(content[0])
            return first >= _FLAT or ("data" in first and bool({"annotations", "predictions"} & first))
        line = start.decode("utf-8-sig", "replace").partition("\n")[0]
        return {cell.strip(' "\r') for cell in line.split(separator(line))} >= _FLAT

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per annotation that was not cancelled, or per prediction.

        Raises:
            PointsError: not such a file; a task whose film is not clear; a film that was turned; a point without label
                or of a film whose size is not known; a landmark given twice; no points at all.
        """
        notes, listed = _Notes(), list[str]()
        if _begins_as_json(path):
            content = read_json(path)
            if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
                raise PointsError(f"{path}: not a list of tasks, expected an export of Label Studio")
            if content and set(content[0]) >= _FLAT:
                rows: Iterable[tuple[str, dict[str, Any]]]
                rows = ((f"{path}, row {i}", row) for i, row in enumerate(content, 1))
                drawn = [self._row(where, row, reading, notes) for where, row in rows]
            else:
                drawn = list(self._tasks(path, content, reading, notes))
                listed = [n for task in content for n in _meta(task, "landmarks", list) if isinstance(n, str)]
        else:
            header, lines = records(path, PointsError)
            rows = ((where, dict(zip(header, cells, strict=True))) for where, cells in lines)
            drawn = [self._row(where, _parsed(where, row), reading, notes) for where, row in rows]
        sizes: dict[str, tuple[int, int]] = {}
        marks = [mark for each in drawn for mark in _marks(each, reading.films, sizes, notes)]
        if not marks and not listed:
            raise PointsError(f"{path}: no key points in {len(drawn)} annotations, expected one at least")
        by_shape, annotators = list[Mark](), list[str]()
        for one in _by_annotation(marks):
            shapes = shape_numbers([mark.landmark for mark in one], [mark.point for mark in one])
            by_shape += [m._replace(annotator=str(len(annotators) + n)) for m, n in zip(one, shapes, strict=True)]
            annotators += [one[0].annotator] * (1 + max(shapes))
        table = table_of(by_shape, reading.scheme, tuple(dict.fromkeys(listed)), sizes)
        shaped = [replace(row, annotator=annotators[int(row.annotator)]) for row in table.rows]
        sided = [row for row in shaped if film_and_side(row.image)[1]]
        others, assumed = by_side([(row, "") for row in shaped if not film_and_side(row.image)[1]], reading.films)
        return replace(table, rows=(*sided, *others), notes=(*table.notes, *assumed, *notes.told()))

    def _tasks(self, path: Path, tasks: list[dict[str, Any]], reading: Reading, notes: _Notes) -> Iterator[_Drawn]:
        """Yield the annotations of tasks; or the predictions, if these are asked for or there is nothing else."""
        drawn = {key: [_list(f"{path}, task {i}", task, key) for i, task in enumerate(tasks, 1)] for key in _KEYS}
        models = self.predictions or not any(drawn["annotations"])
        for i, task in enumerate(tasks):
            where, film = f"{path}, task {task.get('id', i + 1)}", ""
            for each in drawn["predictions" if models else "annotations"][i]:
                if not isinstance(each, dict):
                    found = f"an annotation or prediction is given by its number alone ({str(each)[:40]})"
                    raise PointsError(f"{where}: {found}, expected an export with all of it")
                if each.get("was_cancelled"):
                    notes.passed["cancelled annotations"] += 1
                    continue
                film = film or self._film(where, json_text.field(where, task, "data", dict), reading, task)
                who = str(each.get("model_version") or "") if models else notes.annotator(each.get("completed_by"))
                yield _Drawn(where, film, who, json_text.field(where, each, "result", list))
        notes.passed["drafts"] += sum(map(len, drawn["drafts"]))
        other = "annotations" if models else "predictions"
        notes.passed[other] += sum(map(len, drawn[other]))

    def _row(self, where: str, row: dict[str, Any], reading: Reading, notes: _Notes) -> _Drawn:
        """Return one row of the exports that have one per annotation."""
        regions = [
            {"type": "keypointlabels" if "keypointlabels" in value else "others", "value": value, **value}
            for column in row.values() if isinstance(column, list) for value in column if isinstance(value, dict)
        ]  # fmt: skip
        return _Drawn(where, self._film(where, row, reading, {}), notes.annotator(row.get("annotator")), regions)

    def _film(self, where: str, data: dict[str, Any], reading: Reading, task: dict[str, Any]) -> str:
        """Return the film of a task; sleap-io writes it into ``meta``, and landvote the side there."""
        keys = [key for key, value in data.items() if isinstance(value, str) and _FILM.search(value)]
        keys = [self.image] if self.image else keys or [key for key in ("image",) if isinstance(data.get(key), str)]
        video = _meta(task, "video", dict)
        if not keys and "filename" in video:
            frames, at = video["filename"], video.get("frame_idx", 0)
            names = [frames] if isinstance(frames, str) else frames
            data, keys = {"": names[at] if _is_index(at, names) else None}, [""]
        if len(keys) != 1:
            found = f"{len(keys)} keys name a picture ({', '.join(keys)})" if keys else "no key names a picture"
            expected = f"one, or one to be chosen, as format '{self.kind}:image=KEY' does"
            raise PointsError(f"{where}: {found}, expected {expected}")
        side = _meta(task, "side", str)
        place = json_text.field(where, data, keys[0], str)
        with placed(where):
            return with_side(self._called(place, reading), side)

    def _called(self, place: str, reading: Reading) -> str:
        """Return the film at a place, without what Label Studio puts before the names of films that it was sent."""
        prefix = next((each for each in (self.prefix, _LOCAL) if each and place.startswith(each)), "")
        if prefix:
            place = _unquoted(place.removeprefix(prefix))
        elif "://" in place:
            with suppress(ValueError):  # of what is no address after all
                place = _unquoted(urlsplit(place).path.lstrip("/"))
        folder, slash, name = place.rpartition("/")
        plain = _HASHED.sub("", name, count=1) if _HASHED.match(name) else name
        for each in (place, f"{folder}{slash}{plain}"):
            called = reading.film_called(each)
            if reading.films is not None and reading.films.find(called) is not None:
                return called
        return plain if _UPLOADED in place else place

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write a task per film with a prediction per annotator or model; a missing point is left out.

        The score of a point is 1 / (1 + r), where r is the radius that holds the truth in 90 % of cases, or else its
        expected error, in pixels. That of a prediction is its lowest.

        Raises:
            PointsError: the size of a film is not at hand.
        """
        tasks: dict[str, dict[str, Any]] = {}
        for row in table.rows:
            film, side = film_and_side(row.image)
            place = self.prefix + quote(film, errors="surrogateescape") if self.prefix else film
            meta = {"landmarks": list(table.landmarks)} | ({"side": side} if side else {})
            task = tasks.setdefault(
                row.image, {"data": {self.image or "image": place}, "meta": meta, "predictions": []}
            )
            task["predictions"].append(self._prediction(row, table.landmarks, films))
        write_text(path, json.dumps(list(tasks.values())) + "\n")

    def _prediction(self, row: PointRow, landmarks: tuple[str, ...], films: Films | None) -> dict[str, Any]:
        width, height = size_of(row, films)
        error, radius = (
            np.full(len(landmarks), np.nan) if e is None else e for e in (row.expected_error, row.error_90)
        )
        error = np.where(np.isfinite(radius), radius, error)
        result: list[dict[str, Any]] = [
            {
                "id": f"point-{i}", "from_name": self.from_name, "to_name": self.to_name, "type": "keypointlabels",
                "original_width": width, "original_height": height, "image_rotation": 0,
                "value": {"x": x / width * 100, "y": y / height * 100, "width": _DOT, "keypointlabels": [landmarks[i]]},
                **({"score": 1 / (1 + float(error[i]))} if np.isfinite(error[i]) else {}),
            }
            for i, (x, y) in enumerate(row.points.tolist()) if np.isfinite(x + y)
        ]  # fmt: skip
        model = f"landvote {row.prediction.model[:8]}" if row.prediction and row.prediction.model else ""
        scores: list[float] = [region["score"] for region in result if "score" in region]
        told = {"model_version": row.annotator or model, "score": min(scores, default=None), "result": result}
        return {key: value for key, value in told.items() if value not in ("", None)}


def _by_annotation(marks: Iterable[Mark]) -> Iterable[list[Mark]]:
    """Return the key points of each film and annotator."""
    found: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        found.setdefault((mark.image, mark.annotator), []).append(mark)
    return found.values()


def _marks(
    drawn: _Drawn, films: Films | None, sizes: dict[str, tuple[int, int]], notes: _Notes
) -> Iterator[Mark]:  # fmt: skip
    """Yield the key points of an annotation in pixels, and keep the sizes of their films."""
    where, image, annotator, regions = drawn
    if not all(isinstance(region, dict) for region in regions):
        raise PointsError(f"{where}: a result that is no region, expected an export of Label Studio")
    labels = {str(region.get("id")): _names(region, "labels") for region in regions if region.get("type") == "labels"}
    choices = {
        str(region.get("id")): _names(region, "choices") for region in regions if region.get("type") == "choices"
    }
    hidden = {i for i, chosen in choices.items() if any(choice.casefold() in _HIDDEN for choice in chosen)}
    for region in regions:
        if region.get("type") not in _POINTS:
            notes.passed["regions that are no key points"] += region.get("type") not in _BESIDE
            continue
        i, value = str(region.get("id")), json_text.field(where, region, "value", dict)
        names = _names(region, "keypointlabels") or labels.get(i, [])
        if not names:
            raise PointsError(f"{where}: a key point without a label, expected one")
        if turn := region.get("image_rotation"):
            raise PointsError(f"{where}: {image!r} was turned by {str(turn)[:20]} degrees, expected points set without")
        size = tuple(region.get(f"original_{side}") for side in ("width", "height"))
        if size == (None, None):
            with placed(where):
                size = film_size(films, image)
        width, height = (number(where, each) for each in size)
        if not (width.is_integer() and height.is_integer() and min(width, height) > 0):
            raise PointsError(f"{where}: {image!r} is {width:g} x {height:g} pixels, expected whole numbers")
        sizes[image] = int(width), int(height)
        x, y = (number(where, json_text.field(where, value, axis, (int, float))) for axis in "xy")
        for name in names:
            yield Mark(where, image, annotator, name, (x / 100 * width, y / 100 * height), i in hidden)


def _names(region: Mapping[str, Any], key: str) -> list[str]:
    """Return the labels or choices of a result, without blanks around them."""
    value = region.get("value")
    names = value.get(key) if isinstance(value, dict) else None
    return [str(name).strip() for name in names] if isinstance(names, list) else []


def _list(where: str, task: Mapping[str, Any], key: str) -> list[Any]:
    value = task.get(key) or []
    if not isinstance(value, list):
        raise PointsError(f"{where}: {key!r} is {str(value)[:40]!r}, expected a list")
    return value


def _meta(task: Mapping[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - of that kind
    """Return what the ``meta`` of a task says, or nothing of that kind."""
    meta = task.get("meta")
    value = meta.get(key) if isinstance(meta, dict) else None
    return value if isinstance(value, kind) else kind()


def _is_index(at: Any, names: Any) -> bool:  # noqa: ANN401 - whatever is in the file
    return isinstance(names, list) and isinstance(at, int) and 0 <= at < len(names)


def _begins_as_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{", b"")
    except OSError as error:
        raise PointsError(f"{path}: cannot be read ({error.strerror}), expected an export of Label Studio") from error


def _parsed(where: str, row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of a CSV with its cells of JSON read."""
    try:
        return {key: json.loads(cell) if cell[:1] in ("[", "{") else cell for key, cell in row.items()}
    except (ValueError, RecursionError) as error:
        raise PointsError(f"{where}: a cell is not whole JSON ({error})") from error


def _unquoted(place: str) -> str:
    return unquote(place, errors="surrogateescape")
