"""Rulers: two points on a film and the millimetres between them give the film's spacing."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from landvote.data.film import RULER, Spacing
from landvote.data.sample import Sample
from landvote.errors import DataError, ImageError
from landvote.films.dicom import dicom_spacing
from landvote.films.image import image_size
from landvote.formats.tables import records
from landvote.review.edits.log import Edit, Ruler
from landvote.runtime.files import write_text

_COLUMN = "ruler_mm"


class Rulers:
    """The rulers of films, by the names of these, as the log tells them; the last one of a film counts."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Ruler, str, str]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, film: str) -> Ruler | None:
        """Return the ruler of a film; None where nobody has measured it."""
        return self._kept[film][0] if film in self._kept else None

    def apply(self, edit: Edit) -> None:
        """Bring an edit of the log in. To undo one leaves the films alone that have got another ruler since."""
        change, undone = edit.ruler, edit.act == "undo"
        if change is None:
            return
        first, *others = change.films
        if not undone or self.of(first) == change.old:
            self._put(first, change.new, edit)
        for film in others:
            if self.of(film) == (change.old if undone else None):
                self._put(film, None if undone else change.new, edit)

    def _put(self, film: str, ruler: Ruler | None, edit: Edit) -> None:
        self._kept.pop(film, None)
        if ruler is not None:
            self._kept[film] = (ruler, edit.who, edit.when)

    def spacing(self, film: str) -> Spacing | None:
        """Return a film's millimetres per pixel by its ruler; None without one."""
        ruler = self.of(film)
        return None if ruler is None else Spacing(ruler.mm, ruler.mm, RULER)

    def record(self, film: str, told: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return a film's spacing as the page gets it; ``told`` is the one that the film came with, or None."""
        if film not in self._kept:
            return told
        ruler, who, when = self._kept[film]
        measured = {"x": ruler.mm, "y": ruler.mm, "source": RULER, "length": ruler.length}
        return {**measured, "who": who, "when": when, "file": told}

    def write(self, file: Path) -> None:
        """Write them into a table of films, whole or not at all; its other columns and films stay as they are.

        Raises:
            DataError: there is a table that cannot be read, or it cannot be written.
        """
        header, rows = ["image", _COLUMN], dict[str, dict[str, str]]()
        if file.exists():
            header, lines = records(file)
            if "image" not in header:
                raise DataError(f"{file}, line 1: columns {', '.join(header)!r}, expected 'image' among them")
            header += [] if _COLUMN in header else [_COLUMN]
            for _, cells in lines:
                row = dict(zip(header, cells, strict=False)) | {_COLUMN: ""}
                rows[row["image"]] = row
        for film, (ruler, _, _) in sorted(self._kept.items()):
            rows.setdefault(film, {"image": film})[_COLUMN] = f"{ruler.mm:.6g}"
        text = io.StringIO()
        table = csv.DictWriter(text, header, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows.values())
        write_text(file, text.getvalue())


def films_alike(samples: Iterable[Sample], size: tuple[int, int]) -> list[str]:
    """Return the names of the films of a size (width and height in pixels) that came without a spacing.

    Films that cannot be read are none of them.
    """
    found = dict[str, None]()
    for sample in samples:
        if sample.file is None or sample.spacing is not None or sample.film in found:
            continue
        try:
            if image_size(sample.file) == size and dicom_spacing(sample.file) is None:
                found[sample.film] = None
        except ImageError:
            continue
    return list(found)
