"""Reading point files: whole ones, and folders of files of one film each, into a table of points."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from landvote.data.scheme import Scheme
from landvote.errors import DataError, PointsError
from landvote.films.walking import walk_files
from landvote.formats.family import (
    FORMATS,
    SHARED_SUFFIXES,
    all_suffixes,
    format_class,
    format_named,
    recognised,
    sniffed,
    start_of,
    suffix_of,
)
from landvote.formats.film_shapes import sided_alike
from landvote.formats.films import Films
from landvote.formats.format import Format, Reading
from landvote.formats.json_text import forget_json
from landvote.formats.points import PointRow, PointTable
from landvote.formats.sides import is_side, with_side


class FilmFile(NamedTuple):
    """A file with the points of one film: the film as it calls it, the annotator or "", the file, and its suffix."""

    image: str
    annotator: str
    path: Path
    suffix: str


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
    per_film = bool(kinds) and format_class(kinds[0]).per_film
    files: list[FilmFile] = []
    if path.is_dir() and (per_film or not kinds):
        files = film_files(path, films, annotators=True)
    elif per_film:
        suffix = suffix_of(path.name, format_class(kinds[0]).suffixes)
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
        named = path.stem.lower() == "landmarks" and suffix_of(path.name, all_suffixes(per_film=False))
        try:
            kinds[path] = ["landmarks"] if named and kind is None else sniffed(path)
        except PointsError as error:
            others[path] = f"files that hold no points that are read ({error})"
    if kind is not None and not format_class(kind).per_film:
        name, suffixes = kind.partition(":")[0], format_class(kind).suffixes
        found = [path for path in kinds if name in kinds[path]]
        found = found or [path for path in kinds if not kinds[path] and suffix_of(path.name, suffixes)]
    elif kind is None:
        found = [path for path, like in kinds.items() if like and _holds_points(like[0])]
    else:
        found = []
    for path in kinds.keys() - set(found):
        others[path] = _other(kinds[path], kind)
    return found, others


def _holds_points(kind: str) -> bool:
    """Say whether a file of this kind is taken for the points of all films; one called "landmarks" is."""
    return kind == "landmarks" or not (format_class(kind).per_film or "prediction" in format_class(kind).holds)


def _other(kinds: Sequence[str], asked: str | None) -> str:
    """Return what files are called that look like these formats and are not taken; empty for those of one film each."""
    if not kinds:
        return "files beside the films that hold no points"
    if "prediction" in format_class(kinds[0]).holds:
        return "files of predictions, which are points only if they are called landmarks"
    return "" if format_class(kinds[0]).per_film else f"files of points in another format than {asked}"


def film_files(root: Path, films: Films | None, *, annotators: bool) -> list[FilmFile]:
    """Return the files below ``root`` that a format of one file per film may have written, sorted.

    They are found as films are, see :func:`landvote.films.walking.walk_files`. A file is called after its film, with
    its folders. With ``annotators`` the first folder is an annotator, or a side (``left``, ``R``), where ``films`` has
    no film of the whole name.

    Raises:
        PointsError: a file may be that of several films.
        ImageError: a folder cannot be read.
    """
    suffixes = all_suffixes(per_film=True)
    images = set(films.files.values()) if films else set()
    found = []
    for path in sorted(walk_files(root)) if root.is_dir() else ():
        name = path.relative_to(root).as_posix()
        suffix = suffix_of(name, suffixes)
        if not suffix or path in images or not path.is_file():
            continue
        if suffix in SHARED_SUFFIXES:
            start = start_of(path)
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
