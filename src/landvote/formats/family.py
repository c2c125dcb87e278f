"""All formats of point files in one table, and how a file is told to be of one.

A new format is one new file in ``kinds`` and one line in the table, or, from outside the package, one call of
``FORMATS.register``; nothing else knows its name.
"""

from collections.abc import Iterable
from pathlib import Path

from landvote.errors import PointsError, SettingError
from landvote.formats.format import Format
from landvote.formats.kinds.cl_detection import ClDetection
from landvote.formats.kinds.coco import Coco
from landvote.formats.kinds.cvat import Cvat
from landvote.formats.kinds.deeplabcut import DeepLabCut
from landvote.formats.kinds.dicom_sr import DicomSr
from landvote.formats.kinds.imagej_csv import ImagejCsv
from landvote.formats.kinds.imagej_roi import ImagejRoi
from landvote.formats.kinds.isbi import IsbiRows
from landvote.formats.kinds.jsonl import PredictionLines
from landvote.formats.kinds.label_studio import LabelStudio
from landvote.formats.kinds.labelme import LabelMe
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.kinds.menpo_ljson import MenpoLjson
from landvote.formats.kinds.napari import NapariPoints
from landvote.formats.kinds.pts import MenpoPts, VxlPts
from landvote.formats.kinds.slicer import Slicer, SlicerFcsv
from landvote.formats.kinds.tps import Tps
from landvote.formats.kinds.via import Via
from landvote.formats.kinds.vxl_list import VxlList
from landvote.formats.kinds.wide_csv import WideCsv
from landvote.formats.unreadable import refuse_unreadable
from landvote.runtime.settings import Family, validated

FORMATS: Family[Format] = Family(
    "format",
    WideCsv,
    LongCsv,
    VxlPts,
    MenpoPts,
    MenpoLjson,
    PredictionLines,
    Coco,
    LabelMe,
    LabelStudio,
    Cvat,
    ClDetection,
    Via,
    DeepLabCut,
    NapariPoints,
    IsbiRows,
    Tps,
    Slicer,
    SlicerFcsv,
    ImagejRoi,
    ImagejCsv,
    DicomSr,
    VxlList,
)

_START = 65536  # bytes by which a format is told
SHARED_SUFFIXES = frozenset({".json", ".txt", ".csv", ".zip", ".xml", ".dcm"})
"""Suffixes of files that may be anything: only their content tells."""


def format_named(name: str, centre: float | None = None) -> Format:
    """Return a format by its kind, with settings after a colon if any: ``"tps:origin=edge"``, ``"coco"``.

    ``centre`` is what its files call the centre of the first pixel, by default what the format does.

    Raises:
        SettingError: no such kind or setting, and the nearest is named; or a value that does not fit.
    """
    kind, _, told = name.partition(":")
    settings: dict[str, object] = {} if centre is None else {"centre": centre}
    for setting in filter(None, told.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"format {name!r}: setting {setting!r}, expected KEY=VALUE")
        settings[key.strip()] = value.strip()
    return validated(FORMATS[kind], settings, f"format {kind}")


def format_to_write(name: str, centre: float | None = None) -> Format:
    """Return a format as :func:`format_named` does; SettingError, which lists those written, for one that is not."""
    form = format_named(name, centre)
    if not form.writes:
        raise SettingError(f"format {form.kind!r} is only read, expected one of {', '.join(written_kinds())}")
    return form


def written_kinds() -> list[str]:
    """Return the kinds of formats that landvote writes."""
    return [kind for kind in FORMATS if FORMATS[kind].writes]


def sniffed(path: Path) -> list[str]:
    """Return the kinds of formats that a file or folder looks like, by its content.

    Raises:
        PointsError: it cannot be read; or it is of a program whose files are not read, and a way round is named.
    """
    start = start_of(path)
    if found := [kind for kind in FORMATS if FORMATS[kind].sniff(path, start)]:
        return found
    refuse_unreadable(path, start)
    return []


def start_of(path: Path) -> bytes:
    """Return how a file begins, nothing for a folder; PointsError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_START)
    except IsADirectoryError:
        return b""
    except OSError as error:
        raise PointsError(f"{path}: cannot be read ({error.strerror}), expected a file or folder of points") from error


def recognised(path: Path) -> list[str]:
    """Return the kinds of formats that a file or folder looks like; else those whose suffix it has (the first table).

    Raises:
        PointsError: it cannot be read; or it is of a program whose files are not read, and a way round is named.
    """
    if found := sniffed(path):
        return found
    ends = [
        kind
        for kind in FORMATS
        if path.is_file() and suffix_of(path.name, set(FORMATS[kind].suffixes) - SHARED_SUFFIXES)
    ]
    tables = [
        kind for kind in FORMATS if path.is_file() and suffix_of(path.name, {".csv"} & set(FORMATS[kind].suffixes))
    ]
    return ends or tables[:1]  # which says what it expects of a table


def format_class(name: str) -> type[Format]:
    """Return the class of a format that is named with or without its settings."""
    return FORMATS[name.partition(":")[0]]


def all_suffixes(*, per_film: bool) -> set[str]:
    """Return the suffixes of all formats of one file per film, or of the others."""
    return {suffix for kind in FORMATS if FORMATS[kind].per_film == per_film for suffix in FORMATS[kind].suffixes}


def suffix_of(name: str, suffixes: Iterable[str]) -> str:
    """Return the longest of some suffixes that a name has, in small letters; empty if none."""
    return max((s for s in suffixes if name.lower().endswith(s)), key=len, default="")
