"""The model card: what a model folder says of itself, as facts, in words and as a page; no film or person is named."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.models.films import FilmRow, read_films, seen_before
from landvote.models.train import check_files, learned_in, model_hash, read_beginning, read_manifest, recipe_of
from landvote.runtime.events import StageLearned
from landvote.runtime.files import StrPath, write_text
from landvote.runtime.settings import Settings, validated

_LISTED = 10  # landmarks are enough to know a scheme by; the record has all
_FEW = 30  # of fewer films the median is known to a third of them at best: 95 % intervals span ranks 11 to 20 of 30


@dataclass(frozen=True)
class SpacingFacts:
    """How many ``films`` have a spacing from one ``source``, from ``least`` to ``most`` millimetres per pixel."""

    source: str
    films: int
    least: float
    most: float


@dataclass(frozen=True)
class FilmFacts:
    """The films that a model has learned from, or those that it was judged by.

    Attributes:
        films: how many.
        subjects: of how many.
        widths: the least and the most, pixels; None where no size is known.
        heights: likewise.
        spacings: by source; a film without one is in none.
        orientations: how stored rows and columns lie, see :class:`landvote.data.film.Source` -> films that say so.
    """

    films: int
    subjects: int
    widths: tuple[int, int] | None
    heights: tuple[int, int] | None
    spacings: tuple[SpacingFacts, ...]
    orientations: dict[str, int]

    @classmethod
    def of(cls, rows: Sequence[FilmRow]) -> "FilmFacts":
        """Return the facts of some rows of ``films.csv``."""
        found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in rows:
            if row.spacing_source:
                found[row.spacing_source].append((float(row.spacing_x), float(row.spacing_y)))
        spacings = [
            SpacingFacts(source, len(known), min(map(min, known)), max(map(max, known)))
            for source, known in found.items()
        ]
        widths, heights = ([int(side) for row in rows if (side := getattr(row, name))] for name in ("width", "height"))
        return cls(
            len(rows), len({row.subject or row.patient or row.image for row in rows}),
            (min(widths), max(widths)) if widths else None, (min(heights), max(heights)) if heights else None,
            tuple(spacings), dict(Counter(row.orientation for row in rows if row.orientation)),
        )  # fmt: skip

    @property
    def without_spacing(self) -> int:
        """How many films have no spacing."""
        return self.films - sum(known.films for known in self.spacings)

    def __str__(self) -> str:
        return f"{_count(self.films, 'film')} of {_count(self.subjects, 'subject')}"


@dataclass(frozen=True)
class ModelCard:
    """The description of a model: its recipe, its films, its errors and its limits.

    Attributes:
        model: its hash, see :func:`landvote.models.model_hash`.
        format: the number of its form.
        recipe: the name of the recipe.
        summary: of the recipe, in a line.
        picked: why the recipe was picked for its films; empty where a user named it.
        notice: of a licence or patent; may be empty.
        scheme: the name of the scheme.
        landmarks: their names, in order.
        anonymous: whether the names of its films are hashes.
        learned: the films that it has learned from.
        held_out: the films that it was judged by.
        known: films held out that are of a subject, of a patient or of a picture that it, or the model that it started
            from, has learned from.
        judged: films held out, or left out in turn, that have a figure; the others had nothing found, or no time was
            left for them.
        left_out: how many further trainings have left the films out in turn; 0 where films were held out.
        median_px: of their mean errors, pixels of the films; None where none was judged.
        worst_px: of their mean errors.
        minutes: that training took, in the call that finished it.
        parent: the hash of the model that its training started from; empty where there was none.
        stages: how many steps or trees each stage has learned of those asked; empty where that was not recorded.
        device: that was asked for.
        computed_on: stage -> device and precision it was trained with.
        machine: its processors.
        versions: of the packages that decide a result.
        bytes: of all files in the folder.
    """

    model: str
    format: int
    recipe: str
    summary: str
    picked: str
    notice: str
    scheme: str
    landmarks: tuple[str, ...]
    anonymous: bool
    learned: FilmFacts
    held_out: FilmFacts
    known: int
    judged: int
    left_out: int
    median_px: float | None
    worst_px: float | None
    minutes: float
    parent: str
    stages: tuple[StageLearned, ...]
    device: str
    computed_on: dict[str, str]
    machine: str
    versions: dict[str, str]
    bytes: int

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits of the model, and of the facts known about it, in sentences."""
        said = []
        if not self.judged:
            said.append("Nothing is known of its errors: it was judged by no film, and expected errors are not scaled.")
        elif self.judged < _FEW:
            said.append(
                f"Its errors, and the scale of expected errors, rest on {_count(self.judged, 'film')}: they are rough."
            )
        if late := [str(stage) for stage in self.stages if stage.late]:
            said.append(f"It has learned less than its recipe asks ({'; '.join(late)}): errors are likely larger.")
        if 0 < self.judged < self._judges.films:
            left = _count(self._judges.films - self.judged, "film")
            how = "left out in turn" if self.left_out else "held out"
            said.append(f"{left} {how} have no figure: nothing was found there, or no time was left.")
        if self.known:
            said.append(
                f"{_count(self.known, 'film')} held out are of subjects or pictures that it has learned from: its "
                "errors on others are larger."
            )
        if unknown := self.learned.without_spacing + self.held_out.without_spacing:
            of = self.learned.films + self.held_out.films
            said.append(f"{unknown} of {of} films have no spacing: errors are in pixels, not in millimetres.")
        if self.learned.widths and self.learned.heights:
            said.append(f"Films that are not {_size(self.learned)} are outside what it has learned from.")
        return (*said, "It is for research, and is not a medical device.")

    @property
    def _judges(self) -> FilmFacts:
        """The films that could tell its errors."""
        return self.learned if self.left_out and not self.held_out.films else self.held_out

    def facts(self) -> list[tuple[str, str]]:
        """Return all but notice and limits in words, each a heading and a text."""
        figures = "unknown: no film was judged"
        if self.median_px is not None:
            apart = "it was not learned from" if self.judged == self._judges.films else "were held out and judged"
            worth = self._judges if self.judged == self._judges.films else _count(self.judged, "film")
            if self._judges is self.learned:
                apart = f"one of {self.left_out} further trainings had left out"
            figures = f"median {self.median_px:.2f}, worst {self.worst_px:.2f} px, judged by {worth} that {apart}"
        more = f"; and {len(self.landmarks) - _LISTED} more" if len(self.landmarks) > _LISTED else ""
        numbered = self.landmarks == tuple(map(str, range(len(self.landmarks))))
        rows = [
            ("recipe", f"{self.recipe}{f': {self.summary}' * bool(self.summary)}"),
            *([("picked", self.picked)] if self.picked else []),
            ("scheme", f"{self.scheme}, {_count(len(self.landmarks), 'landmark')}"),
            ("landmarks", "numbered from 0" if numbered else "; ".join(self.landmarks[:_LISTED]) + more),
            ("learned from", str(self.learned)),
            ("judged by", self._judged_by),
            ("mean error", figures),
        ]
        for films, of in ((self.learned, "learned from"), (self.held_out, "held out")):
            if films.widths:
                rows.append((f"sizes, {of}", _size(films)))
            if films.films:
                rows.append((f"spacings, {of}", _spacings(films)))
            if films.orientations:
                rows.append((f"orientations, {of}", ", ".join(f"{k}: {n}" for k, n in films.orientations.items())))
        return [
            *rows,
            ("training", f"{self.minutes:.4g} minutes in the call that finished it, device {self.device}"),
            *([("started from", f"model {self.parent}")] if self.parent else []),
            ("stages", "; ".join(map(str, self.stages)) or "not recorded"),
            ("computed on", ", ".join(f"{stage}: {device}" for stage, device in self.computed_on.items())),
            ("machine", self.machine),
            ("versions", ", ".join(f"{name} {number}" for name, number in self.versions.items())),
            ("names of films", "hashes: the model is anonymous" if self.anonymous else "kept in films.csv"),
            ("hash", self.model),
            ("format", str(self.format)),
            ("on disk", f"{self.bytes / 1e6:.3g} MB"),
        ]

    @property
    def _judged_by(self) -> str:
        if self._judges is self.learned:
            return f"the films learned from, left out in turn by {self.left_out} further trainings"
        return str(self.held_out) if self.held_out.films else "no film"

    def record(self) -> dict[str, Any]:
        """Return all as plain JSON."""
        return asdict(self) | {"limits": self.limits}


def describe_model(folder: StrPath) -> ModelCard:
    """Return what a model folder says of itself.

    Raises:
        ModelError: it is unfinished, or a file is missing, altered or of another version of landvote.
    """
    folder = Path(folder)
    manifest, begun = folder / "model.json", read_beginning(folder)
    where = f"{folder / 'training.json'}: not as expected"
    written = validated(_Manifest, check_files(folder), f"{manifest}: not as expected", ModelError)
    recipe = recipe_of(folder)
    scheme = validated(Scheme, begun.get("scheme"), where, ModelError)
    rows, errors = read_films(folder), written.held_out_error_px
    learned, held_out = ([row for row in rows if row.use == use] for use in ("train", "val"))
    known = {trait for row in learned for trait in _traits(row)}
    parent = seen_before(folder)

    def before(row: FilmRow) -> bool:
        same = parent.pixels.get(row.pixels_sha256) == "train"
        return same or row.patient in parent.patients or row.subject in parent.subjects

    return ModelCard(
        model=model_hash(folder),
        format=json.loads(manifest.read_bytes()).get("format", 1),
        recipe=recipe.name,
        summary=recipe.summary,
        picked=recipe.picked,
        notice=recipe.notice,
        scheme=scheme.name,
        landmarks=scheme.landmarks,
        anonymous=bool(begun.get("anonymous")),
        learned=FilmFacts.of(learned),
        held_out=FilmFacts.of(held_out),
        known=sum(not known.isdisjoint(_traits(row)) or before(row) for row in held_out),
        judged=len(errors),
        left_out=written.left_out,
        median_px=statistics.median(errors) if errors else None,
        worst_px=max(errors, default=None),
        minutes=written.minutes,
        parent=begun.get("model to start from") or "",
        stages=learned_in(read_manifest(folder)),
        device=str(begun.get("device")),
        computed_on=written.computed_on,
        machine=written.machine,
        versions=written.versions,
        bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    )


def write_page(card: ModelCard, file: Path) -> None:
    """Write the card as a page of HTML that needs no file beside it, whole or not at all."""
    from landvote.reports.page import page  # noqa: PLC0415 - brings the statistics along, for a page alone

    write_text(file, page("model", title=f"Model: {card.recipe}, {card.scheme}", card=card))


class _Manifest(Settings):
    """The part of ``model.json`` that a card describes."""

    model_config = ConfigDict(extra="ignore")
    versions: dict[str, str]
    machine: str
    computed_on: dict[str, str]
    minutes: float
    held_out_error_px: list[float]
    left_out: int = 0


def _traits(row: FilmRow) -> set[tuple[str, str]]:
    """Return what two films of one patient, or two copies of one film, have in common."""
    known = {"subject": row.subject, "patient": row.patient, "pixels": row.pixels_sha256}
    return {trait for trait in known.items() if trait[1]}


def _size(films: FilmFacts) -> str:
    (w0, w1), (h0, h1) = films.widths or (0, 0), films.heights or (0, 0)
    return f"{w0} x {h0} pixels" if (w0, h0) == (w1, h1) else f"{w0} to {w1} wide and {h0} to {h1} high (pixels)"


def _spacings(films: FilmFacts) -> str:
    parts = []
    for known in films.spacings:
        least, most = f"{known.least:.4g}", f"{known.most:.4g}"
        span = least if least == most else f"{least} to {most}"
        parts.append(f"{span} mm by {known.source}: {_count(known.films, 'film')}")
    if films.without_spacing:
        parts.append(f"unknown: {_count(films.without_spacing, 'film')}")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
