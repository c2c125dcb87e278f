"""Export: the points of a review as files in any format that landvote writes."""

import io
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from landvote.errors import LandvoteError, PointsError
from landvote.formats.family import FORMATS, format_to_write, written_kinds
from landvote.formats.films import Films
from landvote.formats.writing import merged, write_points
from landvote.review.store import Store

Annotators = Literal["all", "me", "mean"]
"""Of the points: each annotator's own, the asking person's, or the mean of each film's."""

ANNOTATORS: tuple[Annotators, ...] = get_args(Annotators)


@dataclass(frozen=True)
class Exported:
    """A file to download.

    Attributes:
        name: of the file.
        content: of the file; a zip where the format needs several.
        told: what was written, what the format cannot hold, and what was left out; with counts, in words.
    """

    name: str
    content: bytes
    told: tuple[str, ...]


def export_formats() -> list[dict[str, object]]:
    """Return the formats that are written, for a list to choose from."""
    return [
        {"kind": kind, "suffix": FORMATS[kind].suffixes[0], "perFilm": FORMATS[kind].per_film}
        for kind in written_kinds()
    ]


def export(store: Store, films: Films, kind: str, annotators: Annotators, who: str, *, approved: bool) -> Exported:
    """Write the points of films in a format, and return the file; nothing is left on the disk.

    ``approved`` leaves out films that are in work.

    Raises:
        PointsError: there are no points to write, the format cannot say them, or it needs a film that cannot be read.
        SettingError: the format is unknown, or only read.
    """
    table, form = store.table(approved=approved), format_to_write(kind)
    if annotators == "me":
        table = replace(table, rows=tuple(row for row in table.rows if row.annotator == who))
    elif annotators == "mean":
        table = replace(table, rows=merged(table))
    if not table.rows:
        raise PointsError("no points to export, expected those of a film at least")
    name = f"points{'' if form.per_film else form.suffixes[0]}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            written = write_points(Path(folder) / name, table, form, films)
        except LandvoteError as error:
            raise PointsError(str(error).replace(f"{folder}/", "").replace(folder, "")) from error
        if not written.films:
            raise PointsError(f"not one film is written: {kind} cannot say that a point is missing, and all lack some")
        told = [f"{written.films} films as {kind}", *(f"not in the file: {lost}" for lost in written.lost)]
        if written.left_out:
            told.append(f"left out, for want of points: {_some(written.left_out)}")
        return Exported(*_packed(Path(folder), name), tuple(told))


def _packed(folder: Path, name: str) -> tuple[str, bytes]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if files == [folder / name]:
        return name, files[0].read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder).as_posix())
    return f"{Path(name).stem}.zip", packed.getvalue()


def _some(names: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} ({', '.join(names[:most])}{more})"
