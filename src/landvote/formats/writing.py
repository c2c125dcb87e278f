"""Writing a table of points in a format, and what the format cannot hold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from landvote.data.points import mean_points
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format
from landvote.formats.points import PointRow, PointTable
from landvote.formats.sides import film_and_side
from landvote.runtime.files import expect_folder, refuse_existing
from landvote.runtime.names import output_paths

_EXACT = 1e-6  # pixels; less is the noise of adding and taking off a centre


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
        table = replace(table, rows=merged(table))
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


def _check(path: Path, table: PointTable) -> None:
    if not table.rows or not table.landmarks:
        raise PointsError(f"{path}: no points to write, expected those of a film at least")
    rows = Counter((row.image, row.annotator) for row in table.rows)
    if twice := [image for (image, _), count in rows.items() if count > 1]:
        found = f"{len(twice)} films are given twice by one annotator ({twice[0]!r})"
        raise PointsError(f"{path}: {found}, expected once")


def merged(table: PointTable) -> tuple[PointRow, ...]:
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
                occluded=np.any(hidden, axis=0) if hidden else None, expected_error=None, error_90=None, known=None,
                probability_of_shift=float("nan"), prediction=None,
            )  # fmt: skip
        merged.append(row)
    return tuple(merged)


def _lost(rows: Sequence[PointRow], table: PointTable, form: Format) -> list[str]:
    """Return what these rows say and the format cannot hold."""
    hidden = sum(int(row.occluded.sum()) for row in rows if row.occluded is not None)
    errors = sum(int(np.isfinite(row.expected_error).sum()) for row in rows if row.expected_error is not None)
    radii = sum(int(np.isfinite(row.error_90).sum()) for row in rows if row.error_90 is not None)
    shifts = sum(bool(np.isfinite(row.probability_of_shift)) for row in rows)
    predicted = sum(row.prediction is not None for row in rows)
    counted: list[tuple[Fact, int, str]] = [
        ("names", len(table.landmarks) if table.named else 0, "the names of {} landmarks"),
        ("outlines", len(table.outlines), "{} outlines"),
        ("occluded", hidden, "which {} points are occluded"),
        ("expected_error", errors, "the expected errors of {} points"),
        ("error_90", radii, "the radii of 90 % of {} points"),
        ("known", sum(row.known is False for row in rows), "that {} films are not known to the model"),
        ("probability_of_shift", shifts, "how probably the rows of {} films are shifted"),
        ("prediction", predicted, "what else the predictions of {} films say"),
    ]
    lost = [words.format(count) for fact, count, words in counted if count and fact not in form.holds]
    if form.decimals is not None:
        given = np.concatenate([row.points.ravel() for row in rows])
        rounded = int((np.abs(given - given.round(form.decimals)) > _EXACT).sum())
        lost += [f"more than {form.decimals} decimals, of {rounded} coordinates"] if rounded else []
    return lost
