"""CVAT for images 1.1: one XML file of all films, with points or skeletons, found by their labels.

::

    <annotations>
      <version>1.1</version>
      <meta><task><labels><label><name>head</name><type>points</type></label></labels></task></meta>
      <image id="0" name="hip.png" width="60" height="40">
        <points label="head" occluded="0" points="12.75,9.00" z_order="0"></points>
        <skeleton label="femur">
          <points label="shaft" outside="0" occluded="1" points="12.75,19.00"></points>
        </skeleton>
      </image>
    </annotations>

The corner of a film is 0. ``outside`` says that a point is missing. Programs other than CVAT put all points of a film
into one element; these have no names. A file is read piece by piece, and one that defines entities is refused.
"""

import html
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal
from xml.etree.ElementTree import ParseError, XMLParser
from xml.sax.saxutils import escape, quoteattr

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.film_shapes import by_side, shape_numbers
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading, placed, size_of
from landvote.formats.points import Mark, PointRow, PointTable, table_of
from landvote.formats.sides import film_and_side, with_side
from landvote.formats.skeleton import outlines_of
from landvote.runtime.files import atomic_write

_ROOT = re.compile(rb"<annotations[\s>]")
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML has no characters for these
_NODE = re.compile(r"<(?:circle|line)\b[^>]*>")
_ATTRIBUTE = re.compile(r'data-([a-z-]+)="([^"]*)"')
_OTHERS = ("box", "polygon", "polyline", "ellipse", "mask", "cuboid", "tag")
_TEXTS = ("name", "type", "parent", "svg")
_SIDE = "landvote:side"  # an attribute that CVAT passes over
_SIZE = re.compile(r"[1-9][0-9]{0,8}")
_CHUNK = 1 << 20  # bytes


@dataclass
class _Label:
    """A label that the file lists; ``parent`` is the skeleton it is part of, and ``svg`` the picture of a skeleton."""

    name: str = ""
    type: str = ""
    parent: str = ""
    svg: str = ""


@dataclass
class _Shape:
    """Points of one film that belong together, each with its label and whether it is occluded; landvote names sides."""

    where: str
    image: str
    label: str
    side: str = ""
    marks: list[tuple[str, tuple[float, float], bool]] = field(default_factory=list)


class _Content:
    """The content of a file, as a parser hands it over element by element.

    Attributes:
        labels: those that the file lists.
        sizes: width and height of the films.
        shapes: one per skeleton, per group of points, and per element with several points.
        passed: how many elements of other kinds there are.
        several: how many points an element has that has several; 1 where none has.
    """

    def __init__(self, path: Path, reading: Reading) -> None:
        self._path, self._reading = path, reading
        self.labels: list[_Label] = []
        self.sizes: dict[str, tuple[int, int] | None] = {}
        self.shapes: list[_Shape] = []
        self.passed: Counter[str] = Counter()
        self.several = 0
        self._open: list[str] = []
        self._text: list[str] = []
        self._image = self._where = ""
        self._groups: dict[str, _Shape] = {}
        self._skeleton: _Shape | None = None
        self._attribute = ""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:  # noqa: ARG002 - as parsers call it
        raise PointsError(f"{self._path}: has a document type, which may define entities; expected none, as in CVAT's")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != "annotations":
            raise PointsError(f"{self._path}: begins with <{tag[:40]}>, expected <annotations> of CVAT")
        above = self._open[-1] if self._open else ""
        self._open.append(tag)
        self._text.clear()
        if tag == "track":
            raise PointsError(f"{self._path}: has tracks, expected an export as 'CVAT for images 1.1'")
        if tag == "label":
            self.labels.append(_Label())
        elif tag == "image":
            self._start_image(attributes)
        elif tag == "attribute":
            self._attribute = attributes.get("name", "")
        elif above in ("image", "skeleton") and tag == "points":
            self._add(attributes)
        elif above == "image" and tag == "skeleton":
            self._skeleton = _Shape(self._where, self._image, self._value(attributes, "label"))
            self.shapes.append(self._skeleton)
        elif above == "image" and tag in _OTHERS:
            self.passed[tag] += 1

    def data(self, text: str) -> None:
        if self._open[-1] in _TEXTS or (self._open[-1] == "attribute" and self._attribute == _SIDE):
            self._text.append(text)

    def end(self, tag: str) -> None:
        self._open.pop()
        if tag in _TEXTS and self._open and self._open[-1] == "label":
            setattr(self.labels[-1], tag, "".join(self._text))
        elif tag == "attribute" and self._attribute == _SIDE and self.shapes:
            self.shapes[-1].side = "".join(self._text)
        elif tag == "skeleton":
            self._skeleton = None

    def _start_image(self, attributes: Mapping[str, str]) -> None:
        self._where = f"{self._path}, image {attributes.get('id', len(self.sizes))}"
        name = self._value(attributes, "name")
        with placed(self._where):
            self._image = self._reading.film_called(name)
        if self._image in self.sizes:
            raise PointsError(f"{self._where}: {self._image!r} stands there twice, expected once")
        size = [attributes.get(side, "") for side in ("width", "height")]
        self.sizes[self._image] = (int(size[0]), int(size[1])) if all(map(_SIZE.fullmatch, size)) else None
        self._groups = {}

    def _add(self, attributes: Mapping[str, str]) -> None:
        """Add the points of an element to the shape that it is part of."""
        label, hidden = self._value(attributes, "label"), attributes.get("occluded") == "1"
        points = [_point(self._where, pair) for pair in self._value(attributes, "points").split(";")]
        self.several = self.several or len(points)
        if len(points) != self.several or (self._skeleton and len(points) > 1):
            found = f"{len(points)} points in one element labelled {label!r}"
            raise PointsError(
                f"{self._where}: {found}, expected {1 if self._skeleton else self.several} as in the others"
            )
        if len(points) > 1:
            marks = [(str(i), point, hidden) for i, point in enumerate(points)]
            self.shapes.append(_Shape(self._where, self._image, label, marks=marks))
            return
        shape = self._skeleton or self._groups.get(attributes.get("group_id", ""))
        if shape is None:
            shape = self._groups[attributes.get("group_id", "")] = _Shape(self._where, self._image, "")
            self.shapes.append(shape)
        missing = attributes.get("outside") == "1"
        shape.marks.append((label, (math.nan, math.nan) if missing else points[0], hidden and not missing))

    def _value(self, attributes: Mapping[str, str], key: str) -> str:
        if key not in attributes:
            raise PointsError(f"{self._where or self._path}: <{self._open[-1]}> without {key!r}, expected one")
        return attributes[key]


class Cvat(Format):
    """All films in one file."""

    suffixes: ClassVar[tuple[str, ...]] = (".xml",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing", "occluded"})
    kind: Literal["cvat"] = "cvat"
    centre: float = 0.5

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it is XML with annotations in it."""
        return start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and bool(_ROOT.search(start))

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per film, or two where a film has two skeletons, or groups of points, of the same labels.

        Raises:
            PointsError: no such file, or not whole; a document type; tracks; a point that is no point or has no label;
                elements that differ in their number of points; a label that is given twice; more than two shapes.
        """
        content = _Content(path, reading)
        parser = XMLParser(target=content)  # noqa: S314 - see doctype
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    parser.feed(chunk)
            parser.close()
        except OSError as error:
            raise PointsError(f"{path}: cannot be read ({error.strerror}), expected a file of CVAT") from error
        except (ParseError, ValueError, LookupError) as error:  # the latter two: encodings that it does not know
            raise PointsError(f"{path}: not whole XML ({error}), expected an export of CVAT") from error
        drawn = [half for shape in content.shapes for half in _halves(shape)]
        shapes = [shape for group in _by_image(drawn) for shape in group]
        landmarks = () if content.several > 1 else tuple(dict.fromkeys(_landmarks(content)))
        if not shapes and not landmarks:
            raise PointsError(f"{path}: no points on {len(content.sizes)} images, expected them on one at least")
        marks = (
            Mark(shape.where, shape.image, str(i), label, point, hidden)
            for i, shape in enumerate(shapes) for label, point, hidden in shape.marks
        )  # fmt: skip
        sizes = {image: size for image, size in content.sizes.items() if size}
        table = table_of(list(marks), reading.scheme, landmarks, sizes, _outlines(content, landmarks))
        rows = [(replace(row, annotator=""), shapes[int(row.annotator)]) for row in table.rows]
        own = [replace(row, image=with_side(row.image, shape.side)) for row, shape in rows if shape.side]
        others, notes = by_side([(row, shape.label) for row, shape in rows if not shape.side], reading.films)
        notes += [f"{count} elements <{tag}> are passed over" for tag, count in content.passed.items()]
        return replace(table, rows=(*own, *others), notes=(*table.notes, *notes))

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write one image per film, with an element per point that is not missing. Three decimals.

        The sides of a film are groups, and an attribute that CVAT passes over.

        Raises:
            PointsError: the size of a film is not at hand; a name with characters that XML does not have.
        """
        by_film: dict[str, list[PointRow]] = {}
        for row in table.rows:
            by_film.setdefault(film_and_side(row.image)[0], []).append(row)
        for name in (*table.landmarks, *by_film):
            if _UNFIT.search(name):
                raise PointsError(f"{path}: {name!r} cannot be written as XML, expected another name")
        sizes = {film: size_of(rows[0], films) for film, rows in by_film.items()}
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
            file.write("  <meta>\n    <task>\n      <name>landvote</name>\n      <labels>\n")
            for name in table.landmarks:
                text = escape(name, {"\r": "&#13;"})
                file.write(f"        <label>\n          <name>{text}</name>\n          <type>points</type>\n")
                file.write("          <attributes>\n          </attributes>\n        </label>\n")
            file.write("      </labels>\n    </task>\n  </meta>\n")
            for i, (film, rows) in enumerate(by_film.items()):
                width, height = sizes[film]
                file.write(f'  <image id="{i}" name={quoteattr(film)} width="{width}" height="{height}">\n')
                for group, row in enumerate(rows, 1):
                    file.writelines(_elements(row, table.landmarks, group))
                file.write("  </image>\n")
            file.write("</annotations>\n")


def _elements(row: PointRow, landmarks: Sequence[str], group: int) -> Iterator[str]:
    source, (_, side) = "manual" if row.prediction is None else "auto", film_and_side(row.image)
    grouped = f' group_id="{group}"' if side else ""
    within = f'      <attribute name="{_SIDE}">{side}</attribute>\n' if side else ""
    for i, (x, y) in enumerate(row.points.tolist()):
        if math.isfinite(x + y):
            hidden = int(row.occluded is not None and bool(row.occluded[i]))
            told = f'label={quoteattr(landmarks[i])} source="{source}" occluded="{hidden}"'
            yield f'    <points {told} points="{x:.3f},{y:.3f}" z_order="0"{grouped}>\n{within}    </points>\n'


def _point(where: str, pair: str) -> tuple[float, float]:
    try:
        x, y = map(float, pair.split(","))
    except ValueError:
        x = y = math.nan
    if not math.isfinite(x) or not math.isfinite(y):
        raise PointsError(f"{where}: point {pair[:40]!r}, expected two numbers")
    return x, y


def _halves(shape: _Shape) -> list[_Shape]:
    """Return points of one group as two shapes if they are those of two, side by side."""
    if shape.side or shape.label:
        return [shape]
    numbers = shape_numbers([label for label, *_ in shape.marks], [point for _, point, _ in shape.marks])
    divided = [replace(shape, marks=[m for m, n in zip(shape.marks, numbers, strict=True) if n == k]) for k in (0, 1)]
    return [half for half in divided if half.marks]


def _by_image(shapes: Sequence[_Shape]) -> Iterator[list[_Shape]]:
    """Yield the shapes of each film, as one where they have no label in common: they are parts of it."""
    by_image: dict[str, list[_Shape]] = {}
    for shape in shapes:
        by_image.setdefault(shape.image, []).append(shape)
    for image, found in by_image.items():
        labels = Counter(label for shape in found for label in {label for label, *_ in shape.marks})
        if len(found) > 1 and max(labels.values(), default=0) < 2:
            yield [_Shape(found[0].where, image, "", marks=[mark for shape in found for mark in shape.marks])]
        else:
            yield found


def _landmarks(content: _Content) -> Iterator[str]:
    """Yield the names of the landmarks that the file lists, of the kinds of points that it has."""
    skeletons = {shape.label for shape in content.shapes} - {""}
    used = {label for shape in content.shapes for label, *_ in shape.marks}
    alone = not content.shapes or any(not shape.label for shape in content.shapes)
    for label in content.labels:
        fits = label.parent in skeletons if label.parent else alone
        if fits and (label.type == "points" or (label.type != "skeleton" and label.name in used)):
            yield label.name


def _outlines(content: _Content, landmarks: Sequence[str]) -> tuple[Outline, ...]:
    """Return the lines that the pictures of skeletons draw between landmarks."""
    edges: list[tuple[int, int]] = []
    skeletons = {shape.label for shape in content.shapes}
    for svg in (label.svg for label in content.labels if label.name in skeletons):
        nodes = [dict(_ATTRIBUTE.findall(node)) for node in _NODE.findall(svg)]
        names = {node["node-id"]: html.unescape(node.get("label-name", "")) for node in nodes if "node-id" in node}
        for node in nodes:
            ends = [names.get(node.get(key, ""), "") for key in ("node-from", "node-to")]
            if all(end in landmarks for end in ends):
                edges.append((landmarks.index(ends[0]), landmarks.index(ends[1])))
    return outlines_of(edges)
