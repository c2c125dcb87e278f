"""Files of programs that landvote does not read: recognised, so that a message can name the way round."""

import json
import re
from pathlib import Path

from landvote.errors import PointsError
from landvote.formats.json_text import read_json

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MATLAB = b"MATLAB 5.0 MAT-file"
_YOLO = re.compile(rb"\s*\d+( [0-9.eE+-]+){7,}\s*(\n|\r|$)")
_OFFICE = b"\xd0\xcf\x11\xe0"
_PICKLED = (".npy", ".npz", ".pkl", ".pickle")
_COCO = "the points as COCO keypoints"
_TABLE = "a table image, landmark, x, y"
_SLEAP = re.compile(rb"(\xef\xbb\xbf)?([\w ]+,)*(frame_idx)(,|\r?\n)")


def refuse_unreadable(path: Path, start: bytes) -> None:
    """Raise an error that names the way round, if a file no format takes is of a program that is known.

    Raises:
        PointsError: it is; or it begins as JSON does, and is broken.
    """
    if said := _known(path, start):
        found, way = said
        raise PointsError(f"{path}: {found}, which landvote does not read; expected {way}")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and not _is_lines(start):
        read_json(path)


def _known(path: Path, start: bytes) -> tuple[str, str] | None:
    """Return the program's files in words, and the way round; None for a file that is not known."""
    suffix = path.suffix.lower()
    hdf5, zipped = start.startswith(_HDF5), start.startswith((b"PK\x03\x04", b"PK\x05\x06"))
    known = (
        (hdf5 and suffix == ".slp", "a project of SLEAP", f"{_COCO}, which sleap-io writes (save_coco)"),
        (start.startswith(_MATLAB) or (hdf5 and suffix == ".mat"), "a file of MATLAB", f"{_TABLE} (writetable)"),
        (hdf5, "an HDF5 file, as DeepLabCut keeps points in", "the CollectedData .csv that lies beside it"),
        (start.startswith(b"\x93NUMPY") or suffix in _PICKLED, "a file of Python arrays", _TABLE),
        (suffix == ".txt" and _YOLO.match(start), "labels of YOLO, which name neither film nor landmark", _COCO),
        (_SLEAP.match(start), "a table of SLEAP, which does not name films", f"{_COCO} (save_coco of sleap-io)"),
        (zipped and suffix in (".xlsx", ".ods"), "a spreadsheet", "the sheet saved as CSV"),
        (start[:2] in (b"\xff\xfe", b"\xfe\xff"), "a text in UTF-16", "the same text saved as UTF-8"),
        (start.startswith(_OFFICE), "a file of Microsoft Office", "the sheet saved as CSV"),
    )
    return next(((found, way) for matches, found, way in known if matches), None)


def _is_lines(start: bytes) -> bool:
    """Say whether the first line is JSON by itself."""
    try:
        return isinstance(json.loads(start.partition(b"\n")[0]), dict) and b"\n" in start.strip()
    except (ValueError, RecursionError):
        return False
