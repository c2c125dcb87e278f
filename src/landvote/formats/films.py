"""Finds the films that point files name, with or without their folder and suffix."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PureWindowsPath

from landvote.data.radiograph import Radiograph
from landvote.errors import DataError, ImageError, PointsError, nearest
from landvote.films.dicom import read_header
from landvote.films.image import find_images, image_size, read_image
from landvote.films.left_out import LeftOut
from landvote.formats.points import PointRow, PointTable, far_point
from landvote.formats.sides import film_and_side, with_side, without_suffix_and_side

_NAMED = 3  # how many culprits a message names


class Films:
    """Film files by their identifiers, found again by however a table calls them.

    Names are compared in one form of Unicode (NFC): macOS and Windows write one and the same letter in two.

    Attributes:
        files: identifier (path within their folder, with forward slashes) -> file.
        place: where they are, for messages.
        left_out: a line for each kind of file there that is no film, or not one of these.
    """

    def __init__(self, files: Mapping[str, Path], place: str, left_out: Sequence[str] = ()) -> None:
        self.files, self.place, self.left_out = dict(files), place, tuple(left_out)
        self._whole: dict[str, set[str]] = {}
        self._called: dict[str, set[str]] = {}  # without suffix
        self._named: dict[str, set[str]] = {}  # without folder
        for identifier, path in self.files.items():
            self._whole.setdefault(_composed(identifier), set()).add(identifier)
            self._called.setdefault(_composed(identifier.removesuffix(path.suffix)), set()).add(identifier)
            for name in {path.name, path.stem}:
                self._named.setdefault(_composed(name), set()).add(identifier)

    @classmethod
    def below(cls, folder: Path) -> "Films":
        """Return the films in a folder and its subfolders, sorted; ImageError if there are none."""
        left_out = LeftOut()
        found = find_images(folder, left_out) if folder.is_dir() else []
        if not found:
            besides = "".join(f"; {line}" for line in left_out.said())
            raise ImageError(f"{folder}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files{besides}")
        files = {path.relative_to(folder).as_posix(): path for path in found}
        return cls(files, f"{folder.name}/", left_out.said())

    def find(self, name: str) -> str | None:
        """Return the identifier of the film called ``name`` (with or without suffix or folder), None if there is none.

        Raises:
            PointsError: several films go by that name.
        """
        if name in self.files:
            return name
        form = _composed(name)
        known = sorted(self._whole.get(form) or self._called.get(form) or self._named.get(form, set()))
        if len(known) > 1:
            raise PointsError(f"{name!r} may be {known[0]!r} or {known[1]!r}, expected the full name")
        return known[0] if known else None

    def sided(self, name: str) -> tuple[str, str] | None:
        """Return the identifier of the film called ``name``, and the side that the name ends in or ""; None if none.

        Raises:
            PointsError: several films go by that name.
        """
        for film, side in dict.fromkeys(((name, ""), film_and_side(name), without_suffix_and_side(name))):
            if (identifier := self.find(film)) is not None:
                return identifier, side
        return None

    def called_after(self, name: str) -> str:
        """Return the film that a file of one film is called after: ``hip-01`` of ``hip-01-RoiSet``, or the whole name.

        The name of a film has to come first, and then a mark that is neither letter nor digit.

        Raises:
            PointsError: several films go by that name.
        """
        if self.sided(name) is not None:
            return name
        ends = [match.start() for match in re.finditer(r"[\W_]", name)]
        return next((name[:end] for end in reversed(ends) if self.find(name[:end]) is not None), name)

    def unknown(self, name: str) -> str:
        """Return what to expect in place of ``name``, which is no film: the nearest, or any other as an example."""
        if name.encode(errors="ignore").decode() != name:
            return f"not UTF-8 (looks like Latin-1 or Windows-1252), expected names within {self.place} saved as UTF-8"
        last = _composed(PureWindowsPath(name).name).casefold()  # knows both kinds of slashes
        alike = (identifier for identifier, path in self.files.items() if _composed(path.name).casefold() == last)
        if found := next(alike, None):
            return f"expected a name within {self.place}; did you mean {found!r}?"
        return (
            f"expected a name within {self.place}{nearest(name, self.files) or f', such as {next(iter(self.files))!r}'}"
        )

    def film(self, name: str) -> Radiograph:
        """Decode the film called ``name``: for formats that need its millimetres per pixel.

        Raises:
            PointsError: none or several films go by that name.
            ImageError: the film cannot be read.
        """
        identifier, path = self.file(name)
        return replace(read_image(path), identifier=identifier)

    def file(self, name: str) -> tuple[str, Path]:
        """Return the identifier and the file of the film called ``name``: for formats that need what its header says.

        Raises:
            PointsError: none or several films go by that name.
        """
        found = self.sided(name)
        if found is None:
            raise PointsError(f"{name!r} is no film; {self.unknown(name)}")
        return found[0], self.files[found[0]]

    def size(self, name: str) -> tuple[int, int]:
        """Return width and height of the film called ``name``, as :meth:`film` has them; pixels stay as they are.

        Raises:
            PointsError: none or several films go by that name.
            ImageError: the film cannot be read.
        """
        return image_size(self.file(name)[1])

    def of_instance(self, uid: str) -> str | None:
        """Return the identifier of the film with a SOP Instance UID, None if there is none.

        Raises:
            PointsError: several films have it.
        """
        known = self._instances.get(uid, [])
        if len(known) > 1:
            raise PointsError(f"films {known[0]!r} and {known[1]!r} have one SOP Instance UID, expected one film")
        return known[0] if known else None

    @cached_property
    def _instances(self) -> dict[str, list[str]]:
        """SOP Instance UID -> identifiers, by the headers of all DICOM films; those that cannot be read have none."""
        found: dict[str, list[str]] = {}
        for identifier, path in self.files.items():
            with suppress(ImageError):
                if header := read_header(path, ["SOPInstanceUID"]):
                    found.setdefault(str(header.get("SOPInstanceUID")), []).append(identifier)
        return found

    def match(self, table: PointTable, problems: list[DataError]) -> PointTable:
        """Return the table with each film under its identifier, and a side of a film under that and the side.

        A row that has none, is given twice, or has a point too far away to be one, is a problem, and is left out.
        """
        rows: dict[tuple[str, str], PointRow] = {}
        unknown: list[PointRow] = []
        for row in table.rows:
            try:
                found = self.sided(row.image)
            except PointsError as error:
                problems.append(PointsError(f"{row.where}: {error}"))
                continue
            identifier = with_side(*found) if found else ""
            if found is None:
                unknown.append(row)
            elif far := far_point(row, table.landmarks):
                problems.append(far)
            elif (identifier, row.annotator) in rows:
                problems.append(PointsError(f"{row.where}: points of {identifier!r} were given before, expected once"))
            else:
                rows[identifier, row.annotator] = replace(row, image=identifier)
        if unknown:
            names, where = ", ".join(row.image for row in unknown[:_NAMED]), unknown[0].where
            names += ", ..." if len(unknown) > _NAMED else ""
            found_there = f"{where}: points of {len(unknown)} films that are not in {self.place}: {names}"
            problems.append(PointsError(f"{found_there}; {self.unknown(unknown[0].image)}"))
        return replace(table, rows=tuple(rows.values()))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
