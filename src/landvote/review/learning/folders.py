"""The models of a review, and the points that each was trained on.

::

    STORE/models/
      007-points/          points.csv, films.csv (subject, spacing, use), scheme.toml: DATA for the trainer
      007-rfrv/            the model folder; unfinished until it has its model.json
      007-rfrv.log         all that the trainer has printed
      007-rfrv.jsonl       what the model found on approved films that it has not learned from
      cache/               facts of films

Points are copied whole or not at all, so edits while a training runs do not matter to it.
"""

import csv
import io
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from landvote.data.film import Film
from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.formats.kinds.long_csv import LongCsv
from landvote.formats.points import PointTable
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.models.films import read_films
from landvote.review.learning.deciding import Kind
from landvote.runtime.files import read_text, write_text, writing

_COLUMNS = ("image", "subject", "spacing_mm", "split")


@dataclass(frozen=True)
class Entry:
    """A model of the review: the folder, its number, and the name of its recipe."""

    folder: Path
    number: int
    recipe: str

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Return the entry of a folder; None if it is none."""
        found = re.fullmatch(r"(\d{3,9})-([a-z][a-z-]*)", folder.name)
        if not found or found[2] == "points":
            return None
        return cls(folder, int(found[1]), found[2])

    @property
    def kind(self) -> Kind:
        """Which rival it is."""
        return "forest" if self.recipe.startswith("rfrv") else "network"

    @property
    def finished(self) -> bool:
        """Whether its training has come to the end."""
        return (self.folder / "model.json").is_file()

    @property
    def log(self) -> Path:
        """The file of all that its trainer has printed."""
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def points(self) -> Path:
        """The folder of the points that it learns from."""
        return self.folder.with_name(f"{self.number:03d}-points")

    @property
    def _found(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.jsonl")

    def learned(self) -> int:
        """Return how many films it learned from, without those it was judged by; ModelError if that is not known."""
        return sum(film.use == "train" for film in read_films(self.folder))

    def ended(self) -> float:
        """Return when its training was finished, in seconds since 1970; ModelError if it is gone."""
        try:
            return (self.folder / "model.json").stat().st_mtime
        except OSError as error:
            raise ModelError(f"{self.folder}: cannot be read ({error.strerror}), expected a finished model") from error

    def given(self) -> int:
        """Return of how many approved films its points are; 0 where they are gone."""
        file = self.points / "points.csv"
        rows = csv.DictReader(io.StringIO(read_text(file, keep_bytes=True))) if file.is_file() else ()
        return len({row["image"] for row in rows})

    def found(self) -> dict[str, Prediction]:
        """Return what it found on films that it has not learned from, as far as it has looked."""
        return {p.identifier: p for p in read_predictions(self._found)} if self._found.is_file() else {}

    def keep_found(self, predictions: Iterable[Prediction]) -> None:
        """Keep what it found; neither paths nor studies."""
        write_predictions(self._found, [replace(p, film=Film(), details={}) for p in predictions])

    def remove(self) -> None:
        """Remove it, and all that belongs to it."""
        for folder in (self.folder, self.points):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.log, self._found):
            file.unlink(missing_ok=True)


class Folders:
    """The folder of models in a store."""

    def __init__(self, store: Path) -> None:
        self.folder = store / "models"
        self.cache = self.folder / "cache"

    def entries(self) -> list[Entry]:
        """Return all models, in the order in which they were begun."""
        if not self.folder.is_dir():
            return []
        found = (Entry.of(path) for path in self.folder.iterdir() if path.is_dir())
        return sorted((entry for entry in found if entry), key=lambda entry: entry.number)

    def begin(
        self, recipe: str, table: PointTable, scheme: Scheme, films: Sequence[Sample], uses: Mapping[str, str]
    ) -> Entry:
        """Copy the points of approved films for a new training, and return its entry.

        ``films`` are all there are, and ``uses`` is what each approved one is used for, see
        :func:`landvote.review.learning.deciding.uses`.

        Raises:
            DataError: the points cannot be written.
        """
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
            for left in self.folder.glob(".*-points"):  # by a server that was killed
                shutil.rmtree(left, ignore_errors=True)
            begun = {entry.number for entry in self.entries()}
            for log in self.folder.glob("*-*.log"):  # by a trainer that was killed before it had begun
                lost = Entry.of(log.with_suffix(""))
                if lost and lost.number not in begun:
                    lost.remove()
            numbers = [int(p.name.split("-")[0]) for p in self.folder.iterdir() if re.match(r"\d{3,9}-", p.name)]
            entry = Entry.of(self.folder / f"{max(numbers, default=0) + 1:03d}-{recipe}")
            assert entry is not None  # noqa: S101 - recipes have such names
            made = self.folder / f".{entry.points.name}"
            made.mkdir()
            LongCsv().write(made / "points.csv", table)
            scheme.write(made / "scheme.toml")
            write_text(made / "films.csv", _films(films, uses))
            made.replace(entry.points)
        return entry


def _films(films: Sequence[Sample], uses: Mapping[str, str]) -> str:
    """Return the table of films, one row each: subject and spacing as the data give them, and the use."""
    used = {sample.film: uses[sample.identifier] for sample in films if sample.identifier in uses}
    rows = {
        s.film: (s.film, s.named_subject, s.spacing.x if s.spacing else "", used.get(s.film, "")) for s in films
    }  # fmt: skip
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_COLUMNS, *rows.values()])
    return text.getvalue()
