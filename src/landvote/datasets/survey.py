"""The survey: it decodes each film of a folder once, and keeps the facts that later steps need.

The facts lie in the user's cache folder, one small file a film. Only the user may open that folder, and may delete it
at any time. A film whose file has changed since is decoded again: by its length and time, or by its content where only
the time differs. The variable ``LANDVOTE_CACHE`` names another folder.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from landvote.data.film import Film, Source, Spacing
from landvote.data.polarity import Picture, thumbnail
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.errors import ImageError
from landvote.films.image import read_image
from landvote.runtime.files import write_json, writing

Record = dict[str, Any]

_READING = (
    f"{version('landvote')}, reading 3"  # counts up when films of a version come to be read otherwise than before
)


@dataclass(frozen=True)
class Facts:
    """The facts about a film that the survey keeps once it has decoded the film.

    Attributes:
        film: its size, spacing, hash and source.
        depth: the numpy name of its pixels' type, such as ``"uint16"``.
        spacing_note: as in :class:`landvote.data.radiograph.Radiograph`.
        thumbnail: see :func:`landvote.data.polarity.thumbnail`.
        is_flat: whether all its pixels are of one grey.
    """

    film: Film
    depth: str
    spacing_note: str
    thumbnail: Picture
    is_flat: bool

    @classmethod
    def of(cls, radiograph: Radiograph) -> "Facts":
        """Return the facts of a decoded film."""
        depth, note = radiograph.pixels.dtype.name, radiograph.spacing_note
        return cls(radiograph.film(), depth, note, thumbnail(radiograph), radiograph.is_flat)


class Survey:
    """Tells the facts of films, from the cache where it has them.

    ``cache`` is the folder that holds the cache, or None for the user's own. Several processes may share one.
    """

    def __init__(self, cache: Path | None = None) -> None:
        own = os.environ.get("LANDVOTE_CACHE") or platformdirs.user_cache_dir("landvote", appauthor=False)
        self.folder = Path(cache or own) / "films"

    def __call__(self, sample: Sample) -> Facts:
        """Return the facts of a sample's film; those of a film that has no file are not kept.

        Raises:
            ImageError: the film cannot be read.
            DataError: the cache cannot be written to, naming it.
        """
        if sample.file is None:
            return Facts.of(sample.open())
        file = sample.file.absolute()
        kept = self.folder / f"{hashlib.sha256(os.fsencode(file)).hexdigest()}.json"
        before = _read(kept)
        record = _still_true(before, file) or _record(file)
        if record != before:
            with writing(self.folder):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(kept, record)
        facts = _facts(record)
        film = facts.film
        if sample.spacing is not None and (film.spacing is None or sample.spacing.measured):
            return replace(facts, film=replace(film, spacing=sample.spacing), spacing_note="")
        return facts

    def all(self, samples: Sequence[Sample], seen: Callable[[int], None] = lambda _: None) -> list[Facts]:
        """Return the facts of all samples; ``seen`` is told after each film how many are done."""
        found = []
        for number, sample in enumerate(samples, 1):
            found.append(self(sample))
            seen(number)
        return found


def _read(kept: Path) -> Record | None:
    """Return a record of this version, None where there is none or it is broken."""
    try:
        record = json.loads(kept.read_bytes())
        if record["landvote"] != _READING or not {"bytes", "mtime_ns", "sha256"} <= record.keys():
            return None
        _facts(record)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None  # never surveyed, deleted, or damaged: decoded again
    found: Record = record
    return found


def _still_true(record: Record | None, file: Path) -> Record | None:
    """Return the record, with the file's present time, if it is of the file as it is now."""
    stat = _stat(file)
    if record is None or record["bytes"] != stat.st_size:
        return None
    if record["mtime_ns"] == stat.st_mtime_ns:
        return record
    return record | {"mtime_ns": stat.st_mtime_ns} if record["sha256"] == _sha256(file) else None


def _record(file: Path) -> Record:
    stat = _stat(file)  # before it is read: a film that changes meanwhile is decoded again next time
    facts = Facts.of(read_image(file))
    return {
        "landvote": _READING, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": _sha256(file),
        "film": asdict(facts.film), "depth": facts.depth, "spacing_note": facts.spacing_note,
        "thumbnail": base64.b64encode(facts.thumbnail.tobytes()).decode(), "is_flat": facts.is_flat,
    }  # fmt: skip


def _facts(record: Record) -> Facts:
    told = record["film"]
    width, height = told["size"]
    spacing = Spacing(**told["spacing"]) if told["spacing"] else None
    film = Film((width, height), spacing, told["inverted"], told["pixels_sha256"], Source(**told["source"]))
    seen = np.frombuffer(base64.b64decode(record["thumbnail"]))
    return Facts(film, record["depth"], record["spacing_note"], seen, record["is_flat"])


def _stat(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise ImageError(f"{file}: cannot be read ({error.strerror}), expected a film") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
