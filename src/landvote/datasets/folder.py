"""DATA -> samples. A bare folder of films, or a file of points with its films elsewhere, is DATA as well.

::

    DATA/
      images/          the films, in subfolders if you like
      landmarks.csv    points, in any format: a file of all films, whatever its name; or a file per film, beside the
                       films, in points/ or in points/<annotator>/
      scheme.toml      optional: what the landmarks are
      subjects.csv     optional: image, subject, and whatever else is known of a film
      films.csv        optional: the same, subject or not; spacing_mm gives millimetres per pixel where the image does
                       not, and ruler_mm gives those that were measured on a ruler, whatever the image says
      split.csv        optional: image, split (train, val or test)
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from landvote.data.film import RULER, Spacing
from landvote.data.points import FloatArray
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample, spelt
from landvote.data.scheme import Scheme
from landvote.data.side import Side
from landvote.datasets.place import TABLES, Place
from landvote.datasets.plausible import annotators_apart
from landvote.datasets.rows import find_row, row_in_words
from landvote.errors import DataError, PointsError, SplitError
from landvote.films.image import read_image
from landvote.formats.films import Films
from landvote.formats.points import PointTable
from landvote.formats.sides import is_other
from landvote.formats.tables import records
from landvote.runtime.files import StrPath

_FOR = {"subjects.csv": "subject", "split.csv": "split"}  # the column that a table is for
_KNOWN = ("image", "subject", "split", "spacing_mm", "ruler_mm")
_NEEDED = ("split", "spacing_mm", "ruler_mm")  # a row that gives these to no film is an error: a film would go without
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
        left_out: a line for each kind of file that is neither film nor points.
        made_scheme: whether the scheme of the samples was made from the points, since there was none.
    """

    samples: tuple[Sample, ...]
    problems: tuple[DataError, ...]
    points: str
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]
    made_scheme: bool

    def read(self, data: StrPath, *, require_points: bool = False) -> list[Sample]:
        """Return the samples; the first problem is raised, and so is the lack of any points where they are required."""
        if self.problems:
            raise self.problems[0]
        if require_points and not any(s.annotations for s in self.samples):
            besides = "".join(f"; {line}" for line in self.left_out)
            raise PointsError(f"{data}: no points, expected a file of them or one per film{besides}")
        return list(self.samples)


def read_folder(
    data: StrPath, scheme: Scheme | None = None, *, films: StrPath | None = None, kind: str | None = None,
    centre: float | None = None, require_points: bool = False, warn: Callable[[str], None] = lambda _: None,
) -> list[Sample]:  # fmt: skip
    """Read DATA: one sample per film, sorted by identifier; a film is decoded when its sample is opened.

    ``data`` is a folder as drawn at the top of this module, a bare folder of films, or a file of points; ``films`` is
    the folder of its films where they lie elsewhere. A film without points has no annotations; with ``require_points``
    it is an error if none has any. ``scheme`` says what the points mean; else a ``scheme.toml`` beside the tables does,
    or one is made from the points. ``kind`` is the format of the points, with settings if any; else what they look
    like. ``centre`` is what they call the centre of the first pixel, 0, 0.5 or 1; else what their format does. ``warn``
    is told of what is passed over.

    Raises:
        DataError: no films; points, tables or a split that contradict the films, the scheme or themselves.
        SettingError: another ``centre`` or ``kind``, or a file without ``films``.
    """
    found = survey_folder(data, scheme, centre, films=films, kind=kind)
    samples = found.read(data, require_points=require_points)
    for text in (*found.warnings, *found.left_out):
        warn(text)
    return samples


def survey_folder(
    data: StrPath, scheme: Scheme | None = None, centre: float | None = None, *, films: StrPath | None = None,
    kind: str | None = None,
) -> FoundFolder:  # fmt: skip
    """Read DATA as far as it goes: the samples, and every problem :func:`read_folder` would stop at.

    Raises:
        DataError: there is nothing to go on with: no films, or a broken scheme.
        SettingError: as :func:`read_folder`.
    """
    place = Place.of(data, films, kind, centre)
    folder, known_films = place.folder, place.find_films()
    scheme = scheme or place.scheme()
    made_scheme = scheme is None
    problems: list[DataError] = []
    passed_over: list[str] = []
    table = place.read_points(known_films, problems, passed_over, scheme) or PointTable((), ())
    if scheme is None:
        own = {"landmarks": table.landmarks, "outlines": table.outlines}
        scheme = Scheme.numbered(len(table.landmarks)).model_copy(update=own)
        if row := find_row([given.points for given in table.rows]):
            scheme = scheme.model_copy(update={"repeats": row[0], "order": row[1]})
    annotations = _annotations(table, scheme)
    sides = _sides(annotations, known_films, problems)
    stated = {row.image: row.size for row in table.rows}
    warnings: list[str] = []
    facts = _facts(folder, known_films, problems, warnings)
    samples = []
    for identifier, path in known_films.files.items():
        known = facts[identifier]
        spacing = _spacing(identifier, known, problems)
        subject, split = known.pop("subject", ""), _split(identifier, known.pop("split", ""), problems)
        for side in sides[identifier]:
            name = identifier + side.ending
            given = annotations.get(name, {})
            ordered = {a: scheme.sorted(columns) for a, columns in given.items()}
            moved = any(not np.array_equal(ordered[a], given[a], equal_nan=True) for a in given)
            points = {a: columns[:, :2].copy() for a, columns in ordered.items()}
            hidden = {a: columns[:, 2] > 0 for a, columns in ordered.items() if np.isfinite(columns[:, 2]).all()}
            opened = partial(open_film, path, name, spacing)
            samples.append(
                Sample(
                    name,
                    opened,
                    scheme,
                    points,
                    subject,
                    split,
                    known,
                    path,
                    spacing,
                    moved,
                    hidden,
                    side,
                    stated.get(name),
                )
            )
    said = "; ".join([table.form, *table.notes, *([row_in_words(scheme)] if made_scheme and scheme.row else [])])
    problems += [*_leaks(folder, samples), *annotators_apart({s.identifier: s.annotations for s in samples})]
    left_out = (*known_films.left_out, *passed_over)
    return FoundFolder(
        tuple(samples), tuple(problems), said if table.form else "", tuple(warnings), left_out, made_scheme
    )


def read_films(place: Place, tables: Sequence[str] = TABLES) -> list[Sample]:
    """Read the films of DATA, their subjects and splits, and no points; nothing but ``tables`` is read.

    Raises:
        DataError: no films; tables that contradict the films or each other.
    """
    folder, films, problems = place.folder, place.find_films(), list[DataError]()
    facts, bare = _facts(folder, films, problems, [], tables), Scheme.numbered(0)
    samples = []
    for identifier, path in films.files.items():
        known = facts[identifier]
        spacing = _spacing(identifier, known, problems)
        opened = partial(open_film, path, identifier, spacing)
        subject, split = known.get("subject", ""), _split(identifier, known.get("split", ""), problems)
        samples.append(Sample(identifier, opened, bare, subject=subject, split=split, file=path, spacing=spacing))
    if problems := problems + _leaks(folder, samples):
        raise problems[0]
    return samples


def open_film(path: Path, identifier: str, spacing: Spacing | None) -> Radiograph:
    """Decode a film; ``spacing`` is used where it was measured, or the image itself gives none."""
    return replace(read_image(path), identifier=identifier).spaced(spacing)


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


def _sides(
    annotations: Mapping[str, dict[str, FloatArray]], films: Films, problems: list[DataError]
) -> dict[str, list[Side]]:
    """Return the sides of each film that have points; one without a name where the points of a film name none.

    The right side, or the second, is mirrored where the other occurs as well.
    """
    found: dict[str, list[str]] = {identifier: [] for identifier in films.files}
    for name in annotations:
        film, _, side = (name, "", "") if name in found else name.rpartition("_")
        found[film].append(side)
    names = {side for given in found.values() for side in given if side}
    both = len({is_other(side) for side in names}) > 1
    mixed = [film for film, given in found.items() if "" in given and len(given) > 1]
    if mixed:
        text = f"{mixed[0]!r} has points with a side ({', '.join(filter(None, found[mixed[0]]))}) and without one"
        problems.append(PointsError(f"{text}, expected one or the other"))
    if many := [film for film, given in found.items() if len(given) > 2]:
        text = f"{many[0]!r} has points of {len(found[many[0]])} sides ({', '.join(found[many[0]])})"
        problems.append(PointsError(f"{text}, expected two at most"))
    return {
        film: [Side(name=side, mirrored=both and is_other(side)) for side in sorted(given)] or [Side()]
        for film, given in found.items()
    }


def _facts(
    folder: Path, films: Films, problems: list[DataError], warnings: list[str], tables: Sequence[str] = TABLES
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


def _spacing(identifier: str, known: dict[str, str], problems: list[DataError]) -> Spacing | None:
    """Take the millimetres per pixel out of what tables say of a film, and return them."""
    found: Spacing | None = None
    for column, source in (("spacing_mm", "films.csv"), ("ruler_mm", RULER)):
        text = known.pop(column, "")
        try:
            value = float(text or "nan")
        except ValueError:
            value = 0.0
        if 0 < value < math.inf:
            found = Spacing(value, value, source)
        elif text:
            problems.append(DataError(f"{column} of {identifier!r} is {text!r}, expected a positive number or nothing"))
    return found


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
