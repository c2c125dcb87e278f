"""Where DATA lies: its films, its points and its tables, in each of the forms that people have them in.

=====================================  ================  ======================================  ===================
DATA                                   films             points                                  tables
=====================================  ================  ======================================  ===================
a folder with ``images/``              in ``images/``    a file of all films in it; or a file    in it
                                                         per film in ``images/``, ``points/``
another folder                         in it             the same, or beside the films           in it
a folder, and a folder of films        in the latter     in either                               in the former
a file of points, and that             in the latter     the file                                beside the file
=====================================  ================  ======================================  ===================

A file of all films is known by its content, whatever its name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from landvote.data.scheme import Scheme
from landvote.errors import DataError, ImageError, PointsError, SettingError
from landvote.films.image import image_kind
from landvote.films.left_out import LeftOut
from landvote.formats.family import format_named
from landvote.formats.films import Films
from landvote.formats.format import check_centre
from landvote.formats.points import PointTable
from landvote.formats.reading import FilmFile, film_files, read_film_files, read_points, whole_files
from landvote.runtime.files import StrPath

TABLES = ("subjects.csv", "films.csv", "split.csv")
"""The tables of a DATA folder."""

_SIMULATED = "truth.csv"  # exact points, which landvote writes beside the landmarks.csv of simulated films

_SCHEME = "scheme.toml"


@dataclass(frozen=True)
class Place:
    """The places of films, points and tables; :meth:`of` finds them.

    Attributes:
        folder: of the tables and the scheme, and of the points unless there is a file of them.
        images: the folder of the films.
        file: a file of points that was given as DATA, or None.
        kind: the format of the points, with its settings; None for what they look like.
        centre: what the point files call the centre of the first pixel; None for what their format does.
    """

    folder: Path
    images: Path
    file: Path | None = None
    kind: str | None = None
    centre: float | None = None

    @classmethod
    def of(
        cls, data: StrPath, films: StrPath | None = None, kind: str | None = None, centre: float | None = None
    ) -> "Place":
        """Find the places of ``data``, a folder or a file of points; ``films`` is the folder of its films.

        Raises:
            ImageError: there is nothing at ``data``.
            SettingError: ``data`` is a file, and no films are given; or another centre than 0, 0.5 and 1.
        """
        check_centre(centre)
        data, images = Path(data), None if films is None else Path(films)
        if not data.exists():
            raise ImageError(f"{data}: no such folder, expected one with films")
        if images is None and not data.is_dir():
            raise SettingError(f"films: none given for {data}, which is a file; expected the folder of its films")
        images = images or data
        images = images / "images" if (images / "images").is_dir() else images
        return cls(data, images, None, kind, centre) if data.is_dir() else cls(data.parent, images, data, kind, centre)

    def find_films(self) -> Films:
        """Return the films; ImageError if there are none."""
        return Films.below(self.images)

    def films_if_any(self) -> Films | None:
        """Return the films, or None for a folder of points without any; ImageError if it should have some."""
        try:
            return self.find_films()
        except ImageError:
            if self.images != self.folder:
                raise
            return None

    def scheme(self) -> Scheme | None:
        """Return the scheme that lies beside the tables, None if there is none; SchemeError if it is broken."""
        return Scheme.read(self.folder / _SCHEME) if (self.folder / _SCHEME).exists() else None

    def read_points(
        self, films: Films | None, problems: list[DataError], passed_over: list[str], scheme: Scheme | None = None
    ) -> PointTable | None:
        """Read whichever points there are, each film under its identifier where ``films`` are given; None without any.

        Whatever is wrong is a problem, and the rest is read as far as it can be. ``passed_over`` is told of files
        beside the tables that hold no points.

        Raises:
            PointsError: a point file may be that of several films.
            SettingError: an unknown format or setting of it.
        """
        if self.kind is not None:
            format_named(self.kind, self.centre)  # a wrong one is told of wherever the points are
        whole, files = [self.file] if self.file else [], list[FilmFile]()
        if self.file is None:
            whole, no_points = self._whole_files(films, passed_over)
            files = [file for file in self._film_files(films) if file.path not in no_points]
        if len(found := [*whole, *(file.path for file in files[:1])]) > 1 and whole:
            names = " and ".join(path.name for path in found[:2])
            problems.append(PointsError(f"{self.folder}: has {names}, expected one kind of points"))
            return None
        if self.kind is not None and not found:
            problems.append(PointsError(f"{self.folder}: no points of format {self.kind!r}, expected a file of them"))
        table: PointTable | None = None
        try:
            if whole:
                table = read_points(
                    whole[0], self.kind, centre=self.centre, scheme=scheme, films=films, rows=problems
                )  # fmt: skip
            elif files:
                table = read_film_files(
                    files, problems, self.kind, centre=self.centre, scheme=scheme, films=films
                )  # fmt: skip
        except PointsError as error:
            problems.append(error)
        return table if table is None or films is None else films.match(table, problems)

    def _whole_files(self, films: Films | None, passed_over: list[str]) -> tuple[list[Path], set[Path]]:
        """Return the files beside the tables that hold points of all films, and those that hold no points."""
        known = set(films.files.values()) if films else set()
        beside = [p for p in sorted(self.folder.iterdir()) if p.is_file() and p not in known]
        names = {*TABLES, _SCHEME, "dicomdir"}
        if any(path.name == "landmarks.csv" for path in beside):
            names.add(_SIMULATED)
        tables = {path for path in beside if path.name.lower() in names or path.name.startswith(".")}
        found, others = whole_files([path for path in beside if path not in tables], self.kind)
        left_out = LeftOut()
        for path, kind in others.items():
            if kind and not (self.images == self.folder and image_kind(path)):  # of which the films tell
                left_out(path.name, kind)
            elif not kind and not self._among_points:
                left_out(path.name, "files of the points of one film, which lie elsewhere than films and points/")
        passed_over += left_out.said()
        return found, tables | {path for path, kind in others.items() if kind}

    @property
    def _among_points(self) -> bool:
        """Whether files of one film's points each may lie beside the tables."""
        return self.images != self.folder / "images"

    def _film_files(self, films: Films | None) -> Iterator[FilmFile]:
        """Yield the files of one film's points each."""
        points = self.folder / "points"
        if self.images != self.folder:
            inside = self.folder if self.folder.is_relative_to(self.images) else points
            found = film_files(self.images, films, annotators=False)
            yield from (file for file in found if not file.path.is_relative_to(inside))
        if self._among_points:
            found = film_files(self.folder, films, annotators=True)
            apart = [points, *([self.images] if self.images != self.folder else [])]
            yield from (file for file in found if not any(file.path.is_relative_to(folder) for folder in apart))
        yield from film_files(points, films, annotators=True)
