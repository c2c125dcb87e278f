"""DICOM: points in structured reports (TID 1500, as highdicom and OHIF write them) and in presentation states.

One file is of one film, or of several; it names them by their SOP Instance UIDs. Coordinates are columns and rows whose
0 is the corner of the film. Patients and observers are in these files by name, and are left there.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydicom.dataset import Dataset

from landvote.errors import ImageError, PointsError
from landvote.films.dicom import explained, read_header
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import Mark, PointTable, table_of

_REPORT, _STATE = "1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.11."
_CLASS = re.compile(rb"\x02\x00\x02\x00UI..1\.2\.840\.10008\.5\.1\.4\.1\.1\.(88|11)\.", re.DOTALL)
_TRACKING, _FINDING, _COMMENT = "112039", "121071", "121106"  # codes of DCM
_OF_OHIF = re.compile(r"cornerstone\w*@", re.IGNORECASE)  # tracking identifiers that name a tool
_ARROW = "ArrowAnnotate"  # whose tip is its first point
_SAME = 0.01  # pixels between a point and the anchor of its text


class _Found(NamedTuple):
    """A point of a file: its name or "", the film by its UID or "", x and y, and where it stands."""

    name: str
    film: str
    point: tuple[float, float]
    where: str


class DicomSr(Format):
    """Points by name: tracking identifiers, or comments, findings and texts."""

    suffixes: ClassVar[tuple[str, ...]] = (".dcm",)
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing"})
    writes: ClassVar[bool] = False
    kind: Literal["dicom-sr"] = "dicom-sr"
    centre: float = 0.5

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether the file says that it is a structured report or a presentation state."""
        return start[128:132] == b"DICM" and _CLASS.search(start[:1024]) is not None

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read the points of one film or several; what else is drawn is passed over, and counted in a note.

        Raises:
            PointsError: no such file; no points in it; points in space or relative to a display; a point without name,
                without film, or given twice.
        """
        try:
            header = read_header(path)
            if header is None:
                raise PointsError(f"{path}: no DICOM file, expected a structured report or a presentation state")
            with explained(str(path), header):
                found, others = _read(path, header)
        except ImageError as error:
            raise PointsError(str(error)) from error
        notes = [f"{count} graphics of type {kind} are passed over" for kind, count in others.items()]
        if not found:
            said = "; ".join(notes) or "no coordinates"
            raise PointsError(f"{path}: {said}, expected points (SCOORD or GraphicType POINT, or arrows of OHIF)")
        try:
            films, note = _films(reading, list(dict.fromkeys(each.film for each in found)))
        except PointsError as error:
            raise PointsError(f"{path}: {error}") from error
        notes += [note] if note else []
        if unnamed := [each.where for each in found if not each.name]:
            raise PointsError(f"{unnamed[0]}: a point without a name, expected a tracking identifier or a comment")
        marks = [Mark(each.where, films[each.film], "", each.name, each.point) for each in found]
        table = table_of(marks, reading.scheme)
        return replace(table, notes=(*table.notes, *notes))


def _films(reading: Reading, uids: list[str]) -> tuple[dict[str, str], str]:
    """Return the name of the film for each UID, and a note: of a film that is not found the file is called after it."""
    films = {uid: (reading.films.of_instance(uid) if reading.films else None) or "" for uid in uids}
    if len(uids) > 1:
        return {uid: name or uid for uid, name in films.items()}, ""
    missing = reading.films is not None and not films[uids[0]]
    return films, "no film has the SOP Instance UID of the file: it is taken by its name" if missing else ""


def _read(path: Path, header: Dataset) -> tuple[list[_Found], Counter[str]]:
    kind = str(header.get("SOPClassUID", ""))
    others: Counter[str] = Counter()
    if kind.startswith(_REPORT):
        whole = {uid for item in _items(header) for uid in _images(str(path), item)}
        return list(_of_container(str(path), header, whole, others)), others
    if kind.startswith(_STATE):
        return list(_of_state(str(path), header, others)), others
    raise PointsError(f"{path}: DICOM of another kind, expected a structured report or a presentation state")


def _items(container: Dataset) -> Iterator[Dataset]:
    """Yield all content items below a container."""
    for item in container.get("ContentSequence") or ():
        yield item
        yield from _items(item)


def _images(where: str, item: Dataset) -> list[str]:
    """Return the UIDs of the images that an item refers to by itself; PointsError for other frames than the first."""
    uids = []
    for reference in item.get("ReferencedSOPSequence") or () if item.get("ValueType") == "IMAGE" else ():
        frames = reference.get("ReferencedFrameNumber") or 1
        if str(frames) not in {"1", "[1]"}:
            raise PointsError(f"{where}: points on frame {frames}, expected a film of one frame")
        uids.append(str(reference.get("ReferencedSOPInstanceUID", "")))
    return uids


def _of_container(where: str, container: Dataset, whole: set[str], others: Counter[str]) -> Iterator[_Found]:
    """Yield the points in a container and in those below it, each with the names that its own container has."""
    for k, item in enumerate(container.get("ContentSequence") or (), 1):
        if item.get("ValueType") == "CONTAINER":
            yield from _of_container(f"{where}, item {k}", item, whole, others)
            continue
        for graphic in (item, *_items(item)):
            kind, drawn = str(graphic.get("ValueType", "")), str(graphic.get("GraphicType", ""))
            if kind == "SCOORD3D":
                raise PointsError(f"{where}: points in space (SCOORD3D), expected points on a film (SCOORD)")
            if kind != "SCOORD":
                continue
            tool = _text(container, _TRACKING)
            if drawn != "POINT" and not (drawn == "POLYLINE" and tool.endswith(_ARROW)):
                others[drawn] += 1
                continue
            films = {uid for below in _items(graphic) for uid in _images(where, below)} or whole
            point = _point(where, graphic.get("GraphicData"), 4 if drawn == "POLYLINE" else 2)
            yield _Found(_name(container, tool), _only(where, films), point, where)


def _name(group: Dataset, tool: str) -> str:
    """Return what the point of a measurement group is called: the first that there is."""
    own = "" if _OF_OHIF.match(tool) else tool
    return own or _text(group, _COMMENT) or _text(group, _FINDING)


def _text(group: Dataset, code: str) -> str:
    """Return the text, or the meaning of the code, of the item of a group that has a concept name."""
    for item in group.get("ContentSequence") or ():
        concept = item.get("ConceptNameCodeSequence") or ()
        if concept and concept[0].get("CodeValue") == code and concept[0].get("CodingSchemeDesignator") == "DCM":
            meaning = item.get("ConceptCodeSequence") or ()
            return str(item.get("TextValue") or (meaning[0].get("CodeMeaning") if meaning else "") or "").strip()
    return ""


def _of_state(path: str, header: Dataset, others: Counter[str]) -> Iterator[_Found]:
    """Yield the points of a presentation state."""
    referenced = {
        str(image.get("ReferencedSOPInstanceUID", ""))
        for series in header.get("ReferencedSeriesSequence") or ()
        for image in series.get("ReferencedImageSequence") or ()
    }
    for k, layer in enumerate(header.get("GraphicAnnotationSequence") or (), 1):
        where = f"{path}, annotation {k}"
        images = layer.get("ReferencedImageSequence") or ()
        films = {str(image.get("ReferencedSOPInstanceUID", "")) for image in images} or referenced
        for graphic in layer.get("GraphicObjectSequence") or ():
            drawn, units = str(graphic.get("GraphicType", "")), str(graphic.get("GraphicAnnotationUnits", ""))
            if drawn != "POINT":
                others[drawn] += 1
                continue
            if units != "PIXEL":
                raise PointsError(f"{where}: GraphicAnnotationUnits is {units!r}, expected 'PIXEL'")
            point = _point(where, graphic.get("GraphicData"), 2)
            name = str(graphic.get("TrackingID") or "").strip() or _anchored(layer, point)
            yield _Found(name, _only(where, films), point, where)


def _anchored(layer: Dataset, point: tuple[float, float]) -> str:
    """Return the text that is anchored at a point, or nothing."""
    for text in layer.get("TextObjectSequence") or ():
        x, y = text.get("AnchorPoint") or (float("inf"), 0.0)
        near = max(abs(float(x) - point[0]), abs(float(y) - point[1])) <= _SAME
        if near and text.get("AnchorPointAnnotationUnits") == "PIXEL":
            return str(text.get("UnformattedTextValue") or "").strip()
    return ""


def _only(where: str, films: set[str]) -> str:
    """Return the film that a point refers to; PointsError if there are several or none."""
    if len(films) != 1:
        raise PointsError(f"{where}: a point that refers to {len(films)} images, expected one")
    return next(iter(films))


def _point(where: str, data: Any, n: int) -> tuple[float, float]:  # noqa: ANN401 - as pydicom has it
    """Return the first point of n coordinates; PointsError for another number of them."""
    values = [float(value) for value in data or ()]
    if len(values) != n or not all(abs(value) < float("inf") for value in values):
        raise PointsError(f"{where}: GraphicData is {str(data)[:40]!r}, expected {n} numbers")
    return values[0], values[1]
