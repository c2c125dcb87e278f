"""A DATA folder -> samples.

::

    DATA/
      images/          the films, in subfolders if you like
      landmarks.csv    points, in any format: a file "landmarks" of all films; or a file per film, beside the films, in
                       points/ or in points/<annotator>/
      scheme.toml      optional: what the landmarks are
      subjects.csv     optional: image, subject, and whatever else is known of a film
      films.csv        optional: the same, subject or not; spacing_mm gives millimetres per pixel where the image does
                       not
      split.csv        optional: image, split (train, val or test)
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from landvote.data.film import Spacing
from landvote.data.points import FloatArray
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample, spelt
from landvote.data.scheme import Scheme
from landvote.errors import DataError, ImageError, PointsError, SplitError
from landvote.formats.family import film_files, read_film_files, read_points, whole_files
from landvote.formats.films import Films
from landvote.formats.format import check_centre
from landvote.formats.image import read_image
from landvote.formats.points import PointTable
from landvote.formats.tables import records
from landvote.runtime.files import StrPath

_TABLES = ("subjects.csv", "films.csv", "split.csv")
_FOR = {"subjects.csv": "subject", "split.csv": "split"}  # the column that a table is for
_KNOWN = ("image", "subject", "split", "spacing_mm")
_NEEDED = ("split", "spacing_mm")  # a row that gives these to no film is an error: a film would go without
_NAMED = 3  # how many culprits a message names
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class FoundFolder:
    """A DATA folder as far as it can be read.

    Attributes:
        samples: one per film.
        problems: every error that :func:`read_folder` would stop at.
        points: the format of the points, and what was assumed of it, in words; empty where there are none.
        warnings: what is passed over, in words: rows of tables that name no film.
    """

    samples: tuple[Sample, ...]
    problems: tuple[DataError, ...]
    points: str
    warnings: tuple[str, ...]


def read_folder(
    folder: StrPath, scheme: Scheme | None = None, *, centre: float | None = None, require_points: bool = False,
    warn: Callable[[str], None] = lambda _: None,
) -> list[Sample]:  # fmt: skip
    """Read a DATA folder: one sample per film, sorted by identifier; a film is decoded when its sample is opened.

    ``folder`` is as drawn at the top of this module. A film without points has no annotations; with ``require_points``
    it is an error if none has any. ``scheme`` says what the points mean; else the folder's ``scheme.toml`` does, or
    they are numbered. ``centre`` is what the point files call the centre of the first pixel, 0, 0.5 or 1; else what
    their format does. ``warn`` is told of what is passed over: rows of tables that name no film.

    Raises:
        DataError: no images; points, tables or a split that contradict the films, the scheme or themselves.
        SettingError: another ``centre``.
    """
    found = survey_folder(Path(folder), scheme, centre)
    if found.problems:
        raise found.problems[0]
    if require_points and not any(s.annotations for s in found.samples):
        raise PointsError(f"{folder}: no points, expected landmarks.csv or .pts files")
    for text in found.warnings:
        warn(text)
    return list(found.samples)


def survey_folder(folder: Path, scheme: Scheme | None = None, centre: float | None = None) -> FoundFolder:
    """Read a DATA folder as far as it goes: the samples, and every problem :func:`read_folder` would stop at.

    Raises:
        DataError: there is nothing to go on with: no images, or a broken scheme.
        SettingError: a centre other than 0, 0.5 and 1.
    """
    films = films_of(folder)
    scheme = scheme or own_scheme(folder)
    problems: list[DataError] = []
    table = read_data_points(folder, films, problems, scheme=scheme, centre=centre) or PointTable((), ())
    if scheme is None:
        own = {"landmarks": table.landmarks, "outlines": table.outlines}
        scheme = Scheme.numbered(len(table.landmarks)).model_copy(update=own)
    annotations = _annotations(table, scheme)
    warnings: list[str] = []
    facts = _facts(folder, films, problems, warnings)
    samples = []
    for identifier, path in films.files.items():
        known = facts[identifier]
        given = annotations.get(identifier, {})
        ordered = {a: scheme.sorted(columns) for a, columns in given.items()}
        moved = any(not np.array_equal(ordered[a], given[a], equal_nan=True) for a in given)
        spacing = _spacing(identifier, known.pop("spacing_mm", ""), problems)
        opened = partial(open_film, path, identifier, spacing)
        subject, split = known.pop("subject", ""), _split(identifier, known.pop("split", ""), problems)
        points = {a: columns[:, :2].copy() for a, columns in ordered.items()}
        hidden = {a: columns[:, 2] > 0 for a, columns in ordered.items() if np.isfinite(columns[:, 2]).all()}
        samples.append(
            Sample(
                identifier, opened, scheme, points, subject, split, known, path, spacing, sorted=moved, occluded=hidden
            )
        )
    said = "; ".join([table.form, *table.notes])
    problems += _leaks(folder, samples)
    return FoundFolder(tuple(samples), tuple(problems), said if table.form else "", tuple(warnings))


def read_films(folder: Path, tables: Sequence[str] = _TABLES) -> list[Sample]:
    """Read the films of a DATA folder, their subjects and splits, and no points; nothing but ``tables`` is read.

    Raises:
        DataError: no images; tables that contradict the films or each other.
    """
    films, problems = films_of(folder), list[DataError]()
    facts, bare = _facts(folder, films, problems, [], tables), Scheme.numbered(0)
    samples = []
    for identifier, path in films.files.items():
        known, opened = facts[identifier], partial(open_film, path, identifier, None)
        subject, split = known.get("subject", ""), _split(identifier, known.get("split", ""), problems)
        samples.append(Sample(identifier, opened, bare, subject=subject, split=split, file=path))
    if problems := problems + _leaks(folder, samples):
        raise problems[0]
    return samples


def open_film(path: Path, identifier: str, spacing: Spacing | None) -> Radiograph:
    """Decode a film; ``spacing`` is used where the image itself gives none."""
    return replace(read_image(path), identifier=identifier).spaced(spacing)


def films_of(folder: Path) -> Films:
    """Return the films of a DATA folder; ImageError if there is no ``images/``, or nothing in it."""
    if not (folder / "images").is_dir():
        raise ImageError(f"{folder}: no folder 'images' in it, expected one with the films")
    return Films.below(folder / "images")


def own_scheme(folder: Path) -> Scheme | None:
    """Return the scheme that lies in a folder, None if there is none; SchemeError if it is broken."""
    return Scheme.read(folder / "scheme.toml") if (folder / "scheme.toml").exists() else None


def read_data_points(
    folder: Path, films: Films, problems: list[DataError], *, kind: str | None = None, scheme: Scheme | None = None,
    centre: float | None = None,
) -> PointTable | None:  # fmt: skip
    """Read whichever points a DATA folder has, each film under its identifier; None if there are none.

    ``kind`` and ``centre`` as in :func:`landvote.formats.family.read_points`. Whatever is wrong is a problem, and the
    rest is read as far as it can be.

    Raises:
        PointsError: a point file may be that of several films.
        SettingError: an unknown ``kind`` or ``centre``.
    """
    check_centre(centre)
    whole = whole_files(folder)
    files = film_files(folder / "images", films, annotators=False)
    files += film_files(folder / "points", films, annotators=True)
    if whole and len(found := [*whole, *(file.path for file in files[:1])]) > 1:
        names = " and ".join(path.name for path in found[:2])
        problems.append(PointsError(f"{folder}: has {names}, expected one kind of points"))
        return None
    table: PointTable | None = None
    try:
        if whole:
            table = read_points(whole[0], kind, centre=centre, scheme=scheme, films=films)
        elif files:
            table = read_film_files(files, problems, kind, centre=centre, scheme=scheme, films=films)
    except PointsError as error:
        problems.append(error)
    return None if table is None else films.match(table, problems)


def _annotations(table: PointTable, scheme: Scheme) -> dict[str, dict[str, FloatArray]]:
    """Return identifier -> annotator -> (n, 3) x, y and whether it is occluded, of the scheme's landmarks.

    The last is NaN where the file does not say. Rows that are missing throughout count as no row.
    """
    found: dict[str, dict[str, FloatArray]] = {}
    for row in table.rows:
        if np.isfinite(row.points).any():
            hidden = np.full(len(row.points), np.nan) if row.occluded is None else row.occluded
            columns = np.column_stack([row.points, hidden])
            selected = columns if len(columns) == len(scheme) else columns[list(scheme.columns)]
            found.setdefault(row.image, {})[row.annotator] = selected
    return found


def _facts(
    folder: Path, films: Films, problems: list[DataError], warnings: list[str], tables: Sequence[str] = _TABLES
) -> dict[str, dict[str, str]]:
    """Return identifier -> column -> text, over tables of the folder; films a table does not name have nothing.

    Rows that name no film are a problem where a film might go without what they say, else a warning.
    """
    facts: dict[str, dict[str, str]] = {identifier: {} for identifier in films.files}
    for path in (folder / name for name in tables if (folder / name).exists()):
        try:
            unknown, needed, matched = _merge_table(path, films, facts)
        except DataError as error:
            problems.append(error)
            continue
        if not matched and not unknown:
            problems.append(DataError(f"{path}: no rows below the header, expected one for each film"))
        elif unknown:
            names = ", ".join(map(repr, list(unknown.values())[:_NAMED])) + (", ..." if len(unknown) > _NAMED else "")
            where, first = next(iter(unknown.items()))
            found = f"{where}: {len(unknown)} rows name no film ({names}); {films.unknown(first)}"
            if needed or not matched:
                problems.append((SplitError if path.name == "split.csv" else DataError)(found))
            else:
                warnings.append(found)
    without = [identifier for identifier, known in facts.items() if "subject" not in known]
    if 0 < len(without) < len(facts):
        found = f"{len(without)} films without a subject ({without[0]!r}, ...)"
        problems.append(SplitError(f"{folder}: {found}, expected a subject for all or for none"))
    return facts


def _check_header(path: Path, header: Sequence[str]) -> None:
    """Raise an error if a column that the table is for is missing, or one with a meaning is written otherwise."""
    for column in header:
        meant = re.sub(r"\W+", "_", column.casefold()).strip("_")
        if meant in _KNOWN and column != meant:
            raise DataError(f"{path}, line 1: column {column!r}, expected {meant!r}, which it seems to be")
    for column in ("image", *filter(None, [_FOR.get(path.name)])):
        if column not in header:
            raise DataError(f"{path}, line 1: columns {', '.join(header)!r}, expected {column!r} among them")


def _merge_table(
    path: Path, films: Films, facts: Mapping[str, dict[str, str]]
) -> tuple[dict[str, str], bool, set[str]]:  # fmt: skip
    """Add a table's columns to the films it names.

    Returns:
        The rows that name no film, as "file, line n" -> name; whether one of them says what a film must not go without;
        and the films that the table names.
    """
    header, lines = records(path)
    _check_header(path, header)
    seen: set[str] = set()
    unknown: dict[str, str] = {}
    needed = False
    for where, cells in lines:
        row = dict(zip(header, cells, strict=True))
        name = row.pop("image")
        try:
            identifier = films.find(name)
        except PointsError as error:
            raise DataError(f"{where}: {error}") from error
        if identifier is None:
            unknown[where] = name
            needed |= any(row.get(column) for column in _NEEDED)
            continue
        if identifier in seen:
            raise DataError(f"{where}: film {identifier!r} was given before, expected once")
        seen.add(identifier)
        for column, text in row.items():
            known = facts[identifier].setdefault(column, text) if text else ""
            if known != text:
                found, other = repr(text), repr(known)
                if column == "subject":  # perhaps a patient's name
                    found, other = "one", "another one"
                raise DataError(f"{where}: {column} of {identifier!r} is {found}, but {other} in another table")
    return unknown, needed, seen


def _split(identifier: str, text: str, problems: list[DataError]) -> str | None:
    if text and text.lower() not in _SPLITS:
        problems.append(SplitError(f"split.csv: split of {identifier!r} is {text!r}, expected train, val or test"))
    return _SPLITS.get(text.lower())


def _spacing(identifier: str, text: str, problems: list[DataError]) -> Spacing | None:
    try:
        value = float(text or "nan")
    except ValueError:
        value = 0.0
    if text and not 0 < value < math.inf:
        problems.append(DataError(f"spacing_mm of {identifier!r} is {text!r}, expected a positive number or nothing"))
    return Spacing(value, value, "films.csv") if 0 < value < math.inf else None


def _leaks(folder: Path, samples: list[Sample]) -> list[DataError]:
    """Return an error for every subject that stands on two sides of the split; it names films, not the subject."""
    splits: dict[str, dict[str, Sample]] = {}
    for s in samples:
        if s.split:
            splits.setdefault(spelt(s.named_subject) or s.subject, {}).setdefault(s.split, s)
    problems: list[DataError] = []
    for sides in (sides for sides in splits.values() if len(sides) > 1):
        found = " and ".join(f"{s.identifier} in {split}" for split, s in sides.items())
        one = len({s.subject for s in sides.values()}) == 1
        noun = "one subject are" if one else "subjects spelt alike but for case, blanks, marks or leading zeros are"
        problems.append(SplitError(f"{folder}: films of {noun} {found}, expected in one split"))
    return problems
