"""The DICOMDIR: the list of the DICOM files on a medium or in an export, which lies above them."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pydicom
from pydicom.dataset import Dataset

from landvote.errors import ImageError
from landvote.films.dicom import explained
from landvote.films.left_out import LeftOut

DICOMDIR = "DICOMDIR"
"""The name of such a file; some systems write it in small letters."""


class Listings:
    """Every DICOMDIR in a folder and below it, each read once, when a file beside it or below it is asked for.

    Names are compared without case: media have capitals, and some systems show small letters. A DICOMDIR that cannot be
    read lists nothing, and leaves nothing out; ``left_out`` is told of it.
    """

    def __init__(self, root: Path, left_out: LeftOut) -> None:
        self._root, self._left_out = root, left_out
        self._nearest: dict[Path, Path | None] = {}  # folder -> the folder of the DICOMDIR that counts for it
        self._unseen: dict[Path, dict[str, str]] = {}  # the same -> key of a listed image -> its path as listed
        self._listed: dict[Path, set[str]] = {}

    def leave_out(self, file: Path) -> bool:
        """Say whether a DICOMDIR counts for this file and does not list it."""
        folder = self._counting(file.parent)
        if folder is None:
            return False
        key = file.relative_to(folder).as_posix().casefold()
        self._unseen[folder].pop(key, None)
        return key not in self._listed[folder]

    def lost(self) -> Iterator[Path]:
        """Yield the images that are listed, and of which :meth:`leave_out` has not been asked."""
        for folder, paths in self._unseen.items():
            yield from (folder / path for path in paths.values() if not (folder / path).exists())

    def _counting(self, folder: Path) -> Path | None:
        if folder not in self._nearest:
            names = (DICOMDIR, DICOMDIR.lower())
            own = next((path for name in names if (path := folder / name).is_file()), None)
            above = None if folder == self._root else self._counting(folder.parent)
            self._nearest[folder] = folder if own and self._read(own) else above
        return self._nearest[folder]

    def _read(self, file: Path) -> bool:
        """Read a DICOMDIR, and say whether it is one that lists any file."""
        try:
            with explained(str(file), Dataset()):
                records = pydicom.dcmread(file).DirectoryRecordSequence
                images = [(_path(record), record.DirectoryRecordType) for record in records]
        except ImageError:
            self._left_out(file.name, "lists of DICOM files that cannot be read, so that all films are taken")
            return False
        self._listed[file.parent] = {path.casefold() for path, _ in images if path}
        self._unseen[file.parent] = {path.casefold(): path for path, kind in images if path and kind == "IMAGE"}
        return bool(self._listed[file.parent])


def _path(record: Dataset) -> str:
    """Return the path of the file of a record, below the DICOMDIR; empty for none, or one that would lead elsewhere."""
    parts = record.get("ReferencedFileID") or ()
    path = PurePosixPath(*([parts] if isinstance(parts, str) else map(str, parts)))
    return "" if ".." in path.parts or path.is_absolute() or path == PurePosixPath() else path.as_posix()
