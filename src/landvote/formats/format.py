"""The format: one form of point files, as settings; one file per format beside this one, one table in ``family``."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from pydantic import field_validator

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.errors import DataError, PointsError, SettingError
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.runtime.settings import Settings

Fact: TypeAlias = Literal[
    "names",
    "annotators",
    "missing",
    "occluded",
    "expected_error",
    "error_90",
    "known",
    "probability_of_shift",
    "prediction",
    "outlines",
]

_MOST_ROWS = 20  # with errors: a table with more of them is wrong throughout
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")

CENTRES: Mapping[float, str] = {0: "VXL, BoneFinder", 0.5: "whose corner is 0", 1: "menpo, iBUG"}
"""The values that a file may give the centre of the first pixel, and the programs that do."""


@dataclass(frozen=True)
class Reading:
    """Facts that a reader may want beside its file.

    Attributes:
        scheme: the names of the landmarks and their order; None where they are not known.
        films: those that the file may speak of; None where they are not at hand.
        image: the film that the file is called after, in a format of one file per film; else empty.
        problems: where errors of single rows go, so that the others are read; None where the first is raised.
    """

    scheme: Scheme | None = None
    films: Films | None = None
    image: str = ""
    problems: list[DataError] | None = None

    @contextmanager
    def row(self) -> Iterator[None]:
        """Keep an error of one row as a problem; raise it if no problems are kept, or there are many already."""
        try:
            yield
        except PointsError as error:
            if self.problems is None or len(self.problems) >= _MOST_ROWS:
                raise
            self.problems.append(error)

    def film_called(self, name: str) -> str:
        """Return the film that a path of another machine names: by as much of its end as a film here has.

        Label Studio puts eight digits before the name of an uploaded film. Without films it is the path itself.

        Raises:
            PointsError: several films end so.
        """
        parts = re.split(r"[/\\]", name)
        ends = [*("/".join(parts[i:]) for i in range(len(parts))), _UPLOADED.sub("", parts[-1])] if self.films else ()
        return next((end for end in ends if self.films and self.films.find(end) is not None), name)


class Format(Settings, ABC):
    """One form of point files. A subclass is final, names its ``kind``, and says in class variables what it can hold.

    A reader and a writer deal in the coordinates of the file, once these are pixels from the top left, x right, y down:
    :mod:`landvote.formats.family` takes ``centre`` off and puts it on, and leaves out what a file cannot hold.

    Attributes:
        suffixes: of its files, in small letters; the first is that of files it writes.
        per_film: whether there is one file per film, named after it; else one file is of all films.
        writes: whether landvote writes such files too; one that does defines ``write``.
        holds: what a file keeps, besides films and points. One file per film keeps annotators by folders.
        decimals: of the coordinates it writes, in pixels; None where none are lost.
        kind: its name.
        centre: what its files call the centre of the first pixel: 0, 0.5 or 1.
    """

    suffixes: ClassVar[tuple[str, ...]]
    per_film: ClassVar[bool] = False
    writes: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset()
    decimals: ClassVar[int | None] = 3
    kind: str
    centre: float = 0

    @field_validator("centre")
    @classmethod
    def _known_centre(cls, value: float) -> float:
        try:
            check_centre(value)
        except SettingError as error:
            raise ValueError(str(error)) from error
        return value

    @classmethod
    @abstractmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether this looks like such a file: ``start`` is how it begins, empty for a folder."""

    @abstractmethod
    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one file.

        In a format of one file per film, ``image`` may stay empty where the file does not name its film. A reader need
        not heed the scheme: named landmarks are brought into its order afterwards.

        Raises:
            PointsError: the file is missing or not of this form, naming file, line, value found and value expected.
        """

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - for its own
        """Write one file, whole or not at all: of all rows, or of the only one in a format of one file per film.

        Raises:
            PointsError: the points cannot be written in this form, or a film that it needs is not at hand.
            DataError: the file cannot be written (no space, no permission).
            SettingError: landvote only reads the format.
        """
        raise SettingError(f"{path}: format {self.kind!r} is only read, expected one that is written")

    def write_beside(self, folder: Path, table: PointTable) -> None:
        """Write what a folder of one file per film has once for all of them; most formats have nothing."""


def check_centre(centre: float | None) -> None:
    """Raise SettingError unless ``centre`` is 0, 0.5 or 1, or None for that of each format."""
    if centre is not None and centre not in CENTRES:
        known = [f"{value:g} ({usual})" for value, usual in CENTRES.items()]
        raise SettingError(f"centre = {centre!r}, expected {', '.join(known[:-1])} or {known[-1]}")


def size_of(row: PointRow, films: Films | None) -> tuple[int, int]:
    """Return width and height of a row's film, by its header if the row does not know; PointsError as film_of."""
    return row.size or film_size(films, row.image)


def film_size(films: Films | None, image: str) -> tuple[int, int]:
    """Return width and height of a film, by its header; PointsError as film_of."""
    return _at_hand(films, image).size(image)


def film_of(films: Films | None, image: str) -> Radiograph:
    """Decode a film for a format that needs more than its size; PointsError if no films are at hand, or not this."""
    return _at_hand(films, image).film(image)


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put file and line before an error of looking for a film."""
    try:
        yield
    except PointsError as error:
        raise PointsError(f"{where}: {error}") from error


def _at_hand(films: Films | None, image: str) -> Films:
    if films is None:
        raise PointsError(f"points of {image!r} cannot be brought to pixels or back, expected the films at hand")
    return films
