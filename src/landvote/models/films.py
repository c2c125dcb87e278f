"""The films that a model has learned from or was judged by: ``films.csv`` of a model folder."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from landvote.data.film import Film
from landvote.data.sample import Sample
from landvote.data.seen import SEEN, SeenFilms
from landvote.errors import ModelError
from landvote.runtime.files import atomic_write, write_json
from landvote.runtime.form import Form
from landvote.runtime.privacy import keyed_hash


@dataclass(frozen=True)
class FilmRow:
    """One film of a training, as text; empty where a fact is not known.

    Attributes:
        image: its identifier, or a keyed hash of that where the training was anonymous.
        subject: keyed hash of its subject, if the data names one.
        use: ``train`` or ``val``.
        pixels_sha256: see :meth:`landvote.data.radiograph.Radiograph.pixel_hash`.
        patient: keyed hash of the patient's number in a DICOM file.
        width: pixels.
        height: pixels.
        spacing_x: millimetres per pixel.
        spacing_y: millimetres per pixel.
        spacing_source: where the spacing came from.
        orientation: see :class:`landvote.data.film.Source`, as are ``study``, ``series``, ``instance`` and ``path``.
    """

    image: str
    subject: str
    use: str
    pixels_sha256: str
    patient: str = ""
    width: str = ""
    height: str = ""
    spacing_x: str = ""
    spacing_y: str = ""
    spacing_source: str = ""
    orientation: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    path: str = ""

    @classmethod
    def of(cls, sample: Sample, use: str, film: Film) -> Self:
        """Return the row of a sample whose film has been surveyed."""
        source, spacing = film.source, film.spacing
        width, height = map(str, film.size or ("", ""))
        x, y, told = (f"{spacing.x:.6g}", f"{spacing.y:.6g}", spacing.source) if spacing else ("", "", "")
        return cls(
            sample.identifier, keyed_hash(sample.named_subject), use, film.pixels_sha256, source.patient, width, height,
            x, y, told, source.orientation, source.study, source.series, source.instance, source.path,
        )  # fmt: skip

    def hidden(self) -> Self:
        """Return the row with keyed hashes in place of its name and UIDs, and without its path."""
        hashed = {key: keyed_hash(getattr(self, key)) for key in ("image", "study", "series", "instance")}
        return replace(self, **hashed, path="")


SEEN_BEFORE = "seen_before.json"
"""What the model that a training started from had seen; the new model counts as having seen it too."""

_FORM = Form("what a model to start from has seen", 1, ModelError)
_COLUMNS = [field.name for field in fields(FilmRow)]


def write_films(file: Path, rows: Sequence[FilmRow]) -> None:
    """Write ``films.csv``, whole or not at all."""
    with (
        atomic_write(file) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as opened,
    ):
        csv.writer(opened, lineterminator="\n").writerows([_COLUMNS, *map(astuple, rows)])


def read_films(model: Path) -> list[FilmRow]:
    """Read the films of a model folder.

    Raises:
        ModelError: there are none, or other columns than :class:`FilmRow` has.
    """
    file = model / "films.csv"
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="") as opened:
            header, *rows = csv.reader(opened)
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(f"{file}: cannot be read ({error}), expected the films of a model") from error
    if header != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        raise ModelError(f"{file}: columns {', '.join(header)!r}, expected {', '.join(_COLUMNS)!r} in each line")
    return [FilmRow(*row) for row in rows]


def seen_films(model: Path) -> SeenFilms:
    """Return what a model folder tells films by that it, or the model it started from, has seen.

    ModelError as :func:`read_films` and :func:`seen_before`.

    A patient whose films are of several subjects is none: scanners and anonymisers write one number for all.
    """
    rows = read_films(model)
    pixels = {row.pixels_sha256: use for use in reversed(SEEN) for row in rows if row.use == use}
    subjects = defaultdict(set)
    for row in rows:
        subjects[row.patient].add(row.subject)
    patients = frozenset(patient for patient, named in subjects.items() if patient and len(named) == 1)
    return SeenFilms(pixels, patients, frozenset(row.subject for row in rows if row.subject)) | seen_before(model)


def write_seen_before(model: Path, seen: SeenFilms) -> None:
    """Write into a model folder what the model that its training starts from has seen: hashes alone."""
    record = {"pixels": dict(seen.pixels), "patients": sorted(seen.patients), "subjects": sorted(seen.subjects)}
    write_json(model / SEEN_BEFORE, _FORM.stamp(record))


def seen_before(model: Path) -> SeenFilms:
    """Return what the model that a training started from had seen, nothing where there was none.

    Raises:
        ModelError: the file cannot be read.
    """
    if not (model / SEEN_BEFORE).exists():
        return SeenFilms({}, frozenset(), frozenset())
    record = _FORM.load(model / SEEN_BEFORE, "pixels", "patients", "subjects")
    try:
        return TypeAdapter(SeenFilms).validate_python(record)
    except ValidationError as error:
        raise ModelError(f"{model / SEEN_BEFORE}: {error.errors()[0]['msg']}, expected hashes of films") from error
