"""A DATA folder -> samples.

::

    DATA/
      images/          the films, in subfolders if you like
      landmarks.csv    wide or long; or .pts files beside the films, in points/ or in points/<annotator>/
      scheme.toml      optional: what the landmarks are
      subjects.csv     optional: image, subject, and whatever else is known of a film
      films.csv        optional: the same; spacing_mm gives millimetres per pixel where the image does not
      split.csv        optional: image, split (train, val or test)
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from landvote.data.film import Spacing
from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import DataError, ImageError, PointsError, SplitError
from landvote.formats.image import find_images, read_image
from landvote.formats.points import PointRow, PointTable, read_csv
from landvote.formats.pts import check_origin, read_pts
from landvote.formats.tables import records
from landvote.runtime.files import StrPath

_TABLES = ("subjects.csv", "films.csv", "split.csv")
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NAMED = 3  # how many culprits a message names


def read_folder(
    folder: StrPath, scheme: Scheme | None = None, *, origin: int = 0, require_points: bool = False
) -> list[Sample]:
    """Read a DATA folder: one sample per film, sorted by identifier; a film is decoded when its sample is opened.

    ``folder`` is as drawn at the top of this module. A film without points has no annotations; with ``require_points``
    it is an error if none has any. ``scheme`` says what the points mean; else the folder's ``scheme.toml`` does, or
    they are numbered. ``origin`` is what the point files call the first pixel, 0 or 1.

    Raises:
        DataError: no images; points or a split that contradict the films, the scheme or themselves.
    """
    samples, problems = survey_folder(Path(folder), scheme, origin)
    if problems:
        raise problems[0]
    if require_points and not any(s.annotations for s in samples):
        raise PointsError(f"{folder}: no points, expected landmarks.csv or .pts files")
    return samples


def survey_folder(folder: Path, scheme: Scheme | None = None, origin: int = 0) -> tuple[list[Sample], list[DataError]]:
    """Read a DATA folder as far as it goes: the samples, and every problem :func:`read_folder` would stop at.

    Raises:
        DataError: there is nothing to go on with: no images, or a broken scheme.
    """
    check_origin(origin)
    films = Films(folder)
    if scheme is None and (folder / "scheme.toml").exists():
        scheme = Scheme.read(folder / "scheme.toml")
    problems: list[DataError] = []
    table = _read_points(folder, films, scheme, origin, problems)
    if scheme is None:
        landmarks = table.landmarks if table else ()
        scheme = Scheme.numbered(len(landmarks)).model_copy(update={"landmarks": landmarks})
    annotations = _annotations(films, table, scheme, problems)
    facts = _facts(folder, films, problems)
    samples = []
    for identifier, path in films.files.items():
        known = facts[identifier]
        given = annotations.get(identifier, {})
        ordered = {annotator: scheme.sorted(points) for annotator, points in given.items()}
        moved = any(not np.array_equal(ordered[a], given[a], equal_nan=True) for a in given)
        spacing = _spacing(identifier, known.pop("spacing_mm", ""), problems)
        opened = partial(open_film, path, identifier, spacing)
        subject, split = known.pop("subject", ""), _split(identifier, known.pop("split", ""), problems)
        samples.append(Sample(identifier, opened, scheme, ordered, subject, split, known, path, spacing, sorted=moved))
    return samples, problems + _leaks(folder, samples)


def open_film(path: Path, identifier: str, spacing: Spacing | None) -> Radiograph:
    """Decode a film; ``spacing`` is used where the image itself gives none."""
    return replace(read_image(path), identifier=identifier).spaced(spacing)


class Films:
    """The image files of a DATA folder, found again by however a table calls them.

    Attributes:
        files: identifier (path within ``images/``, with forward slashes) -> file, sorted.

    Raises:
        ImageError: there is no ``images/``, or nothing in it.
    """

    def __init__(self, folder: Path) -> None:
        images = folder / "images"
        if not images.is_dir():
            raise ImageError(f"{folder}: no folder 'images' in it, expected one with the films")
        self.files = {p.relative_to(images).as_posix(): p for p in find_images(images)}
        if not self.files:
            raise ImageError(f"{images}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files")
        self._called: dict[str, set[str]] = {}  # without suffix
        self._named: dict[str, set[str]] = {}  # without folder
        for identifier, path in self.files.items():
            self._called.setdefault(identifier.removesuffix(path.suffix), set()).add(identifier)
            for name in {path.name, path.stem}:
                self._named.setdefault(name, set()).add(identifier)

    def find(self, name: str) -> str | None:
        """Return the identifier of the film called ``name`` (with or without suffix or folder), None if there is none.

        Raises:
            PointsError: several films go by that name.
        """
        if name in self.files:
            return name
        known = sorted(self._called.get(name) or self._named.get(name, set()))
        if len(known) > 1:
            raise PointsError(f"{name!r} may be {known[0]!r} or {known[1]!r}, expected the full name")
        return known[0] if known else None


def _read_points(
    folder: Path, films: Films, scheme: Scheme | None, origin: int, problems: list[DataError]
) -> PointTable | None:
    """Read whichever kind of point file the folder has; points count from 0 afterwards."""
    csv, pts = folder / "landmarks.csv", list(_pts_files(folder))
    if csv.exists() and pts:
        problems.append(PointsError(f"{folder}: has landmarks.csv and {pts[0][2].name}, expected one kind of points"))
        return None
    if csv.exists():
        try:
            table = read_csv(csv, scheme)
        except PointsError as error:
            problems.append(error)
            return None
        return replace(table, rows=tuple(replace(row, points=row.points - origin) for row in table.rows))
    return _pts_table(films, pts, origin, problems) if pts else None


def _pts_files(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield (film without suffix, the same with its first folder taken as annotator's, file)."""
    for parent in (folder / "images", folder / "points"):
        for path in sorted(parent.rglob("*.pts")):
            name = path.relative_to(parent).as_posix().removesuffix(".pts")
            yield name, name.partition("/")[2] if parent.name == "points" else "", path


def _pts_table(
    films: Films, files: list[tuple[str, str, Path]], origin: int, problems: list[DataError]
) -> PointTable | None:
    rows: list[PointRow] = []
    for name, within, path in files:
        try:
            points = read_pts(path, origin)
        except PointsError as error:
            problems.append(error)
            continue
        if rows and len(points) != len(first := rows[0].points):
            problems.append(PointsError(f"{path}: {len(points)} points, expected {len(first)} as in {rows[0].where}"))
            continue
        by_annotator = within and films.find(name) is None
        image, annotator = (within, name.partition("/")[0]) if by_annotator else (name, "")
        rows.append(PointRow(image, annotator, points, str(path)))
    return PointTable(tuple(rows), tuple(map(str, range(len(rows[0].points))))) if rows else None


def _annotations(
    films: Films, table: PointTable | None, scheme: Scheme, problems: list[DataError]
) -> dict[str, dict[str, Points]]:
    """Return identifier -> annotator -> points of the scheme; rows that are missing throughout count as no row."""
    found: dict[str, dict[str, Points]] = {}
    unknown: list[PointRow] = []
    for row in table.rows if table else ():
        if len(row.points) not in (scheme.file_points, len(scheme)):
            either = f" (or the {len(scheme)} in use)" if len(scheme) != scheme.file_points else ""
            expected = f"{scheme.file_points}{either} for scheme {scheme.name!r}"
            problems.append(PointsError(f"{row.where}: {len(row.points)} points, expected {expected}"))
            break
        try:
            identifier = films.find(row.image)
        except PointsError as error:
            problems.append(PointsError(f"{row.where}: {error}"))
            continue
        if identifier is None:
            unknown.append(row)
        elif row.annotator in found.get(identifier, {}):
            problems.append(PointsError(f"{row.where}: points of {identifier!r} were given before, expected once"))
        elif np.isfinite(row.points).any():
            selected = row.points[list(scheme.columns)] if len(row.points) == scheme.file_points else row.points
            found.setdefault(identifier, {})[row.annotator] = selected
    if unknown:
        names, where = ", ".join(row.image for row in unknown[:_NAMED]), unknown[0].where
        names += ", ..." if len(unknown) > _NAMED else ""
        problems.append(PointsError(f"{where}: points of {len(unknown)} films that are not in images/: {names}"))
    return found


def _facts(folder: Path, films: Films, problems: list[DataError]) -> dict[str, dict[str, str]]:
    """Return identifier -> column -> text, over all tables of the folder; films a table does not name have nothing."""
    facts: dict[str, dict[str, str]] = {identifier: {} for identifier in films.files}
    for path in (folder / name for name in _TABLES if (folder / name).exists()):
        try:
            matched = _merge_table(path, films, facts)
        except DataError as error:
            problems.append(error)
            continue
        if not matched:
            problems.append(DataError(f"{path}: names none of the films in images/ ({next(iter(films.files))!r}, ...)"))
    without = [identifier for identifier, known in facts.items() if "subject" not in known]
    if 0 < len(without) < len(facts):
        found = f"{len(without)} films without a subject ({without[0]!r}, ...)"
        problems.append(SplitError(f"{folder}: {found}, expected a subject for all or for none"))
    return facts


def _merge_table(path: Path, films: Films, facts: Mapping[str, dict[str, str]]) -> int:
    """Add a table's columns to the films it names; return how many it names."""
    header, lines = records(path)
    if "image" not in header:
        raise DataError(f"{path}, line 1: columns {', '.join(header)!r}, expected 'image' among them")
    seen: set[str] = set()
    for where, cells in lines:
        row = dict(zip(header, cells, strict=True))
        identifier = films.find(row.pop("image"))
        if identifier is None:
            continue
        if identifier in seen:
            raise DataError(f"{where}: film {identifier!r} was given before, expected once")
        seen.add(identifier)
        for column, text in row.items():
            known = facts[identifier].setdefault(column, text) if text else ""
            if known != text:
                raise DataError(f"{where}: {column} of {identifier!r} is {text!r}, but {known!r} in another table")
    return len(seen)


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
    """Return every subject that stands on two sides of the split."""
    splits: dict[str, dict[str, str]] = {}
    for s in samples:
        if s.split:
            splits.setdefault(s.subject, {}).setdefault(s.split, f"{s.split} ({s.identifier})")
    return [
        SplitError(f"{folder}: subject {subject!r} is in {' and '.join(sides.values())}, expected one split")
        for subject, sides in splits.items()
        if len(sides) > 1
    ]
