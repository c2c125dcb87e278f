"""All formats of point files in one table, and how files are read and written through it.

A new format is one new file beside this one and one line in the table, or, from outside the package, one call of
``FORMATS.register``; nothing else knows its name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from landvote.data.points import mean_points
from landvote.data.scheme import Scheme
from landvote.errors import DataError, PointsError, SettingError
from landvote.formats.cl_detection import ClDetection
from landvote.formats.coco import Coco
from landvote.formats.cvat import Cvat
from landvote.formats.deeplabcut import DeepLabCut
from landvote.formats.dicom_sr import DicomSr
from landvote.formats.film_shapes import sided_alike
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.imagej_csv import ImagejCsv
from landvote.formats.imagej_roi import ImagejRoi
from landvote.formats.isbi import IsbiRows
from landvote.formats.json_text import forget_json
from landvote.formats.jsonl import PredictionLines
from landvote.formats.label_studio import LabelStudio
from landvote.formats.labelme import LabelMe
from landvote.formats.long_csv import LongCsv
from landvote.formats.menpo_ljson import MenpoLjson
from landvote.formats.napari import NapariPoints
from landvote.formats.points import PointRow, PointTable
from landvote.formats.pts import MenpoPts, VxlPts
from landvote.formats.sides import film_and_side, is_side, with_side
from landvote.formats.slicer import Slicer, SlicerFcsv
from landvote.formats.tps import Tps
from landvote.formats.unreadable import refuse_unreadable
from landvote.formats.via import Via
from landvote.formats.vxl_list import VxlList
from landvote.formats.walking import walk_files
from landvote.formats.wide_csv import WideCsv
from landvote.runtime.files import expect_folder, refuse_existing
from landvote.runtime.names import output_paths
from landvote.runtime.settings import Family, validated

FORMATS: Family[Format] = Family(
    "format",
    WideCsv,
    LongCsv,
    VxlPts,
    MenpoPts,
    MenpoLjson,
    PredictionLines,
    Coco,
    LabelMe,
    LabelStudio,
    Cvat,
    ClDetection,
    Via,
    DeepLabCut,
    NapariPoints,
    IsbiRows,
    Tps,
    Slicer,
    SlicerFcsv,
    ImagejRoi,
    ImagejCsv,
    DicomSr,
    VxlList,
)

_START = 65536  # bytes by which a format is told
_SHARED = frozenset({".json", ".txt", ".csv", ".zip", ".xml", ".dcm"})  # suffixes of files that may be anything
_EXACT = 1e-6  # pixels; less is the noise of adding and taking off a centre


class FilmFile(NamedTuple):
    """A file with the points of one film: the film as it calls it, the annotator or "", the file, and its suffix."""

    image: str
    annotator: str
    path: Path
    suffix: str


@dataclass(frozen=True)
class Written:
    """The outcome of writing a table.

    Attributes:
        films: how many are written.
        lost: what the format cannot hold, each with its number, in words.
        left_out: films that are not written, since points of theirs are missing and the format cannot say so.
    """

    films: int
    lost: tuple[str, ...]
    left_out: tuple[str, ...]


def format_named(name: str, centre: float | None = None) -> Format:
    """Return a format by its kind, with settings after a colon if any: ``"tps:origin=edge"``, ``"coco"``.

    ``centre`` is what its files call the centre of the first pixel, by default what the format does.

    Raises:
        SettingError: no such kind or setting, and the nearest is named; or a value that does not fit.
    """
    kind, _, told = name.partition(":")
    settings: dict[str, object] = {} if centre is None else {"centre": centre}
    for setting in filter(None, told.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"format {name!r}: setting {setting!r}, expected KEY=VALUE")
        settings[key.strip()] = value.strip()
    return validated(FORMATS[kind], settings, f"format {kind}")


def format_to_write(name: str, centre: float | None = None) -> Format:
    """Return a format as :func:`format_named` does; SettingError, which lists those written, for one that is not."""
    form = format_named(name, centre)
    if not form.writes:
        raise SettingError(f"format {form.kind!r} is only read, expected one of {', '.join(written_kinds())}")
    return form


def written_kinds() -> list[str]:
    """Return the kinds of formats that landvote writes."""
    return [kind for kind in FORMATS if FORMATS[kind].writes]


def sniffed(path: Path) -> list[str]:
    """Return the kinds of formats that a file or folder looks like, by its content.

    Raises:
        PointsError: it cannot be read; or it is of a program whose files are not read, and a way round is named.
    """
    start = _start(path)
    if found := [kind for kind in FORMATS if FORMATS[kind].sniff(path, start)]:
        return found
    refuse_unreadable(path, start)
    return []


def _start(path: Path) -> bytes:
    """Return how a file begins, nothing for a folder; PointsError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_START)
    except IsADirectoryError:
        return b""
    except OSError as error:
        raise PointsError(f"{path}: cannot be read ({error.strerror}), expected a file or folder of points") from error


def recognised(path: Path) -> list[str]:
    """Return the kinds of formats that a file or folder looks like; else those whose suffix it has (the first table).

    Raises:
        PointsError: it cannot be read; or it is of a program whose files are not read, and a way round is named.
    """
    if found := sniffed(path):
        return found
    ends = [kind for kind in FORMATS if path.is_file() and _suffix(path.name, set(FORMATS[kind].suffixes) - _SHARED)]
    tables = [kind for kind in FORMATS if path.is_file() and _suffix(path.name, {".csv"} & set(FORMATS[kind].suffixes))]
    return ends or tables[:1]  # which says what it expects of a table


def read_points(
    path: Path, kind: str | None = None, *, centre: float | None = None, scheme: Scheme | None = None,
    films: Films | None = None, rows: list[DataError] | None = None,
) -> PointTable:  # fmt: skip
    """Read a file of points, or a folder of files of one film each, subfolders included.

    ``kind`` is the format, by default what the file looks like; ``centre`` is what it calls the centre of the first
    pixel, by default what its format does. ``scheme`` gives order and names. With ``films``, the first subfolder of a
    file may be its annotator. ``rows`` takes errors of single rows of a table, where there is such a list, and the
    other rows are read.

    Raises:
        PointsError: nothing there, points that cannot be read, that differ in number between films, or do not fit the
            scheme.
        SettingError: an unknown ``kind`` or ``centre``.
    """
    kinds = recognised(path) if kind is None else [kind]
    per_film = bool(kinds) and _class(kinds[0]).per_film
    files: list[FilmFile] = []
    if path.is_dir() and (per_film or not kinds):
        files = film_files(path, films, annotators=True)
    elif per_film:
        suffix = _suffix(path.name, _class(kinds[0]).suffixes)
        name = path.name[: -len(suffix)] if suffix else path.stem
        files = [FilmFile(films.called_after(name) if films else name, "", path, suffix)]
    elif kinds:
        form = format_named(kinds[0], centre)
        return _finished(form.read(path, Reading(scheme, films, "", rows)), form, kinds, centre, scheme)
    if not files:
        raise PointsError(f"{path}: no points, expected those of a known format ({', '.join(FORMATS)})")
    problems: list[DataError] = []
    table = read_film_files(files, problems, kind, centre=centre, scheme=scheme, films=films)
    if table is None or problems:
        raise problems[0]
    return table


def whole_files(paths: Iterable[Path], kind: str | None = None) -> tuple[list[Path], dict[Path, str]]:
    """Return those of some files that hold points of all films, by their content or by the name "landmarks".

    With a ``kind`` they are those of this format by content, or by suffix if there are none. A file of predictions is
    one by its name alone: it may have been written there. The other files are returned with their kind, as several are
    called; those of one film's points each with none.
    """
    kinds: dict[Path, list[str]] = {}
    others: dict[Path, str] = {}
    for path in paths:
        named = path.stem.lower() == "landmarks" and _suffix(path.name, _suffixes(per_film=False))
        try:
            kinds[path] = ["landmarks"] if named and kind is None else sniffed(path)
        except PointsError as error:
            others[path] = f"files that hold no points that are read ({error})"
    if kind is not None and not _class(kind).per_film:
        name, suffixes = kind.partition(":")[0], _class(kind).suffixes
        found = [path for path in kinds if name in kinds[path]]
        found = found or [path for path in kinds if not kinds[path] and _suffix(path.name, suffixes)]
    elif kind is None:
        found = [path for path, like in kinds.items() if like and _holds_points(like[0])]
    else:
        found = []
    for path in kinds.keys() - set(found):
        others[path] = _other(kinds[path], kind)
    return found, others


def _holds_points(kind: str) -> bool:
    """Say whether a file of this kind is taken for the points of all films; one called "landmarks" is."""
    return kind == "landmarks" or not (_class(kind).per_film or "prediction" in _class(kind).holds)


def _other(kinds: Sequence[str], asked: str | None) -> str:
    """Return what files are called that look like these formats and are not taken; empty for those of one film each."""
    if not kinds:
        return "files beside the films that hold no points"
    if "prediction" in _class(kinds[0]).holds:
        return "files of predictions, which are points only if they are called landmarks"
    return "" if _class(kinds[0]).per_film else f"files of points in another format than {asked}"


def film_files(root: Path, films: Films | None, *, annotators: bool) -> list[FilmFile]:
    """Return the files below ``root`` that a format of one file per film may have written, sorted.

    They are found as films are, see :func:`landvote.formats.walking.walk_files`. A file is called after its film, with
    its folders. With ``annotators`` the first folder is an annotator, or a side (``left``, ``R``), where ``films`` has
    no film of the whole name.

    Raises:
        PointsError: a file may be that of several films.
        ImageError: a folder cannot be read.
    """
    suffixes = _suffixes(per_film=True)
    images = set(films.files.values()) if films else set()
    found = []
    for path in sorted(walk_files(root)) if root.is_dir() else ():
        name = path.relative_to(root).as_posix()
        suffix = _suffix(name, suffixes)
        if not suffix or path in images or not path.is_file():
            continue
        if suffix in _SHARED:
            start = _start(path)
            if not any(FORMATS[kind].per_film and FORMATS[kind].sniff(path, start) for kind in FORMATS):
                continue
        name = name[: -len(suffix)]
        first, _, within = name.partition("/")
        by_folder = annotators and within and films is not None and films.find(name) is None
        if by_folder and is_side(first):
            found.append(FilmFile(with_side(within, first), "", path, suffix))
        else:
            found.append(FilmFile(*((within, first) if by_folder else (name, "")), path, suffix))
    return found


def read_film_files(
    files: Sequence[FilmFile], problems: list[DataError], kind: str | None = None, *, centre: float | None = None,
    scheme: Scheme | None = None, films: Films | None = None,
) -> PointTable | None:  # fmt: skip
    """Read files of one film each, of which there is one at least; arguments as those of :func:`read_points`.

    By default their format is the one that all of them may be: a ``nan`` in one ``.pts`` tells which program counted in
    all. A file that cannot be read is a problem, and the others are read; None if none can be.

    Raises:
        PointsError: the first cannot be read.
        SettingError: an unknown ``kind`` or ``centre``.
    """
    kinds = _kinds_of_all(files) if kind is None else [kind]
    if not kinds:
        raise PointsError(f"{files[0].path}: no points, expected those of a known format ({', '.join(FORMATS)})")
    form = format_named(kinds[0], centre)
    tables: list[PointTable] = []
    for image, annotator, path, suffix in files:
        if suffix != files[0].suffix and suffix not in form.suffixes:
            problems.append(PointsError(f"{path}: not {form.kind}, expected one kind of points, as in {files[0].path}"))
            continue
        try:
            table = form.read(path, Reading(scheme, films, image))
        except PointsError as error:
            problems.append(error)
            continue
        if tables and (table.counted or "names" not in form.holds) and len(table.landmarks) != len(tables[0].landmarks):
            first = f"{len(tables[0].landmarks)} as in {tables[0].rows[0].where}"
            problems.append(PointsError(f"{path}: {len(table.landmarks)} points, expected {first}"))
            continue
        rows = (replace(row, image=row.image or image, annotator=row.annotator or annotator) for row in table.rows)
        tables.append(replace(table, rows=tuple(rows)))
    try:
        return _finished(_joined(sided_alike(tables, films)), form, kinds, centre, scheme) if tables else None
    except PointsError as error:
        problems.append(error)
        return None


def write_points(
    path: Path, table: PointTable, form: Format, films: Films | None = None, *, force: bool = False
) -> Written:
    """Write a table as a file, or as a folder of one file per film, and say what the format cannot hold.

    Files of a folder are named by :func:`landvote.runtime.names.output_paths`, in a folder per annotator where they
    have names. Each file is written whole or not at all. Where a format knows no missing points, films that lack some
    are left out, and nothing is written if all do; where it knows one annotator, the mean of several is written.

    Raises:
        ExistsError: there is something at ``path``, and ``force`` is not asked for.
        PointsError: there are no points at all, or two rows of one film and annotator; or as the format's ``write``.
        DataError: a file cannot be written (no space, no permission), or there is one where a folder is to be.
        SettingError: the format is read and not written.
    """
    _check(path, table)
    if form.per_film:
        expect_folder(path)
    if not force:
        refuse_existing(path)
    lost: list[str] = []
    if not form.per_film and "annotators" not in form.holds:
        if named := len({row.image for row in table.rows if row.annotator}):
            lost.append(f"the annotators of {named} films (what is written is their mean)")
        table = replace(table, rows=_merged(table))
    rows: list[PointRow] = []
    left_out: list[str] = []
    for row in table.rows:
        if "missing" in form.holds or np.isfinite(row.points).all():
            rows.append(row)
        else:
            left_out.append(f"{row.image} by {row.annotator}" if row.annotator else row.image)
    if not rows:
        return Written(0, (), tuple(left_out))
    lost += _lost(rows, table, form)
    shifted = [replace(row, points=row.points + form.centre) for row in rows]
    if form.per_film:
        _write_folder(path, replace(table, rows=tuple(shifted)), form, films)
    else:
        form.write(path, replace(table, rows=tuple(shifted)), films)
    return Written(len({film_and_side(row.image)[0] for row in rows}), tuple(lost), tuple(left_out))


def _write_folder(path: Path, table: PointTable, form: Format, films: Films | None) -> None:
    """Write a file per row, and beside them whatever the format has once for all of a folder."""
    names = [f"{row.annotator}/{row.image}" if row.annotator else row.image for row in table.rows]
    files = output_paths(path, names, form.suffixes[0])
    for name, row in zip(names, table.rows, strict=True):
        form.write(files[name], replace(table, rows=(row,)), films)
    for folder in sorted({file.parent for file in files.values()}):
        form.write_beside(folder, table)


def _kinds_of_all(files: Sequence[FilmFile]) -> list[str]:
    """Return the kinds that the first file may be, and of these only such as others may be too, if there are any."""
    kinds = recognised(files[0].path)
    for file in files[1:]:
        if len(kinds) < 2:
            break
        try:
            others = recognised(file.path)
        except PointsError:
            continue  # it is a problem once it is read
        kinds = [kind for kind in kinds if kind in others] or kinds
    return kinds


def _check(path: Path, table: PointTable) -> None:
    if not table.rows or not table.landmarks:
        raise PointsError(f"{path}: no points to write, expected those of a film at least")
    rows = Counter((row.image, row.annotator) for row in table.rows)
    if twice := [image for (image, _), count in rows.items() if count > 1]:
        found = f"{len(twice)} films are given twice by one annotator ({twice[0]!r})"
        raise PointsError(f"{path}: {found}, expected once")


def _class(name: str) -> type[Format]:
    """Return the class of a format that is named with or without its settings."""
    return FORMATS[name.partition(":")[0]]


def _suffixes(*, per_film: bool) -> set[str]:
    """Return the suffixes of all formats of one file per film, or of the others."""
    return {suffix for kind in FORMATS if FORMATS[kind].per_film == per_film for suffix in FORMATS[kind].suffixes}


def _suffix(name: str, suffixes: Iterable[str]) -> str:
    """Return the longest of some suffixes that a name has, in small letters; empty if none."""
    return max((s for s in suffixes if name.lower().endswith(s)), key=len, default="")


def _finished(
    table: PointTable, form: Format, kinds: Sequence[str], centre: float | None, scheme: Scheme | None
) -> PointTable:
    """Bring a table to image coordinates and into the scheme's order, and say what was assumed."""
    forget_json()  # it may hold a whole picture
    notes = [f"the centre of the first pixel is taken as {form.centre:g}{'' if centre is None else ', as asked'}"]
    alike = {kind: FORMATS[kind].model_fields["centre"].default for kind in kinds[1:] if centre is None}
    notes += [f"{kind} files look the same, and have it at {other:g}" for kind, other in alike.items()]
    rows = tuple(replace(row, points=row.points - form.centre) for row in table.rows)
    table = replace(table, rows=rows, notes=(*notes, *table.notes), form=form.kind)
    return table if scheme is None else table.named_by(scheme)


def _joined(tables: Sequence[PointTable]) -> PointTable:
    """Return tables of one film each as one, which has the landmarks of all."""
    landmarks = tuple(dict.fromkeys(name for table in tables for name in table.landmarks))
    rows: list[PointRow] = []
    for table in tables:
        column = {name: i for i, name in enumerate(table.landmarks)}
        same = table.landmarks == landmarks
        rows += (table if same else table.taken([column.get(name, -1) for name in landmarks], landmarks)).rows
    counts: Counter[str] = Counter()  # notes that begin with the number of what one file has become one, with the sum
    for note in (note for table in tables for note in table.notes):
        number, _, said = note.partition(" ")
        counts[said if number.isdecimal() else note] += int(number) if number.isdecimal() else 0
    notes = (f"{count} {said}" if count else said for said, count in counts.items())
    matched = any(table.matched for table in tables)
    return replace(tables[0], rows=tuple(rows), landmarks=landmarks, notes=tuple(notes), matched=matched)


def _merged(table: PointTable) -> tuple[PointRow, ...]:
    """Return one row per film: the mean of its annotators; a point is occluded if one of them says so."""
    films: dict[str, list[PointRow]] = {}
    for row in table.rows:
        films.setdefault(row.image, []).append(row)
    merged = []
    for first, *others in films.values():
        row = replace(first, annotator="")
        if others:
            hidden = [row.occluded for row in (first, *others) if row.occluded is not None]
            row = replace(
                row, points=mean_points([r.points for r in (first, *others)], len(table.landmarks)),
                occluded=np.any(hidden, axis=0) if hidden else None, expected_error=None, prediction=None,
            )  # fmt: skip
        merged.append(row)
    return tuple(merged)


def _lost(rows: Sequence[PointRow], table: PointTable, form: Format) -> list[str]:
    """Return what these rows say and the format cannot hold."""
    hidden = sum(int(row.occluded.sum()) for row in rows if row.occluded is not None)
    errors = sum(int(np.isfinite(row.expected_error).sum()) for row in rows if row.expected_error is not None)
    predicted = sum(row.prediction is not None for row in rows)
    counted: list[tuple[Fact, int, str]] = [
        ("names", len(table.landmarks) if table.named else 0, "the names of {} landmarks"),
        ("outlines", len(table.outlines), "{} outlines"),
        ("occluded", hidden, "which {} points are occluded"),
        ("expected_error", errors, "the expected errors of {} points"),
        ("prediction", predicted, "what else the predictions of {} films say"),
    ]
    lost = [words.format(count) for fact, count, words in counted if count and fact not in form.holds]
    if form.decimals is not None:
        given = np.concatenate([row.points.ravel() for row in rows])
        rounded = int((np.abs(given - given.round(form.decimals)) > _EXACT).sum())
        lost += [f"more than {form.decimals} decimals, of {rounded} coordinates"] if rounded else []
    return lost
