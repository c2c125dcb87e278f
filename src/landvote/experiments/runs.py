"""The runs of a grid: the films that each learns from, validates and is measured on, and the hash that names it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landvote import __version__
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import SplitError
from landvote.experiments.grid import Grid, Size
from landvote.recipes import Recipe, recipe

_DIGITS = 16  # of a hash in a file's name


@dataclass(frozen=True)
class RunPlan:
    """One training and its measurement, planned.

    Attributes:
        method, size, fold, seed: its place in the grid.
        recipe: all settings.
        training, validation, test: identifiers of films.
        key: hash of all that decides its result: films (files and points), scheme, recipe, version of landvote. Its
            files have this name.
        votes: hash of what decides its voters. Runs that have it in common share their training: they differ in how
            points are chosen under the votes, and in nothing else.
    """

    method: str
    size: Size
    fold: int
    seed: int
    recipe: Recipe
    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    key: str
    votes: str

    @property
    def films(self) -> int:
        """How many it learns from: ``size``, unless that is ``"all"``."""
        return len(self.training)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.method}, {self.size} films, fold {self.fold}, seed {self.seed}"


@dataclass(frozen=True)
class FilmSplit:
    """The films that all runs are measured on, and for each fold the others in the order in which they are taken."""

    test: tuple[Sample, ...]
    folds: tuple[tuple[Sample, ...], ...]

    def take(self, fold: int, size: Size, validation: float) -> tuple[list[Sample], list[Sample]]:
        """Return the films to learn from and those to judge by, no subject in both; SplitError if there are too few."""
        order = self.folds[fold]
        films = int(len(order) / (1 + validation)) if size == "all" else size
        learned, further = list(order[:films]), max(1, round(films * validation))
        subjects = {s.subject for s in learned}
        judged = [s for s in order[films:] if s.subject not in subjects][:further]
        if len(learned) < films or not judged:
            found = f"{len(order)} films are left to learn from beside {len(self.test)} to measure on"
            raise SplitError(f"{found}; {films} and {further} more to judge by were asked for")
        return learned, judged


def split_films(samples: Sequence[Sample], grid: Grid) -> FilmSplit:
    """Draw whole subjects: those to measure on once, those to learn from in another order for each fold.

    A hash of the grid's ``draw`` and a subject's name decides the subject's place, so that the same grid has the same
    films on another day or machine, whatever the order in which they are read.

    Raises:
        SplitError: nothing is left to measure on or to learn from.
    """
    pointed = [s for s in samples if s.annotations]
    if isinstance(grid.test, str):
        test = [s for s in pointed if s.split == grid.test]
        rest = [s for s in pointed if s.split in (None, "train")]
    else:
        # the subjects of the first films, whole: a few more than asked for where a subject has several
        subjects = {s.subject for s in _shuffled(pointed, f"{grid.draw} test")[: grid.test]}
        test = [s for s in pointed if s.subject in subjects]
        rest = [s for s in pointed if s.subject not in subjects]
    if not test or not rest:
        found = f"{len(test)} of {len(pointed)} films with points to measure on and {len(rest)} to learn from"
        raise SplitError(f"test = {grid.test!r}: {found}; expected one at least of each")
    folds = tuple(tuple(_shuffled(rest, f"{grid.draw} {fold}")) for fold in range(grid.folds))
    return FilmSplit(tuple(sorted(test, key=lambda s: s.identifier)), folds)


def _shuffled(samples: Sequence[Sample], seed: str) -> list[Sample]:
    """Return samples in an order of their subjects' that depends on names and seed alone."""
    place = {s.subject: hashlib.sha256(f"{seed} {s.subject}".encode(errors="surrogatepass")).digest() for s in samples}
    return sorted(samples, key=lambda s: (place[s.subject], s.identifier))


def plan_runs(grid: Grid, samples: Sequence[Sample], folder: Path | None) -> list[RunPlan]:
    """Return all runs of a grid that is reduced to its scale, each method, size, fold and seed in turn.

    The files of ``samples``, all films of the DATA ``folder``, are hashed. It is None if landvote has simulated it for
    this grid: then the seed decides the films, and other last digits on another machine do not make other runs.

    Raises:
        SplitError: there are not enough films.
        SettingError: a method changes a setting that its recipe does not have.
    """
    split = split_films(samples, grid)
    scheme = samples[0].scheme
    prints = fingerprints(samples, folder, grid.data.seed)
    plans = []
    for fold in range(grid.folds):
        for size in grid.sizes:
            learned, judged = split.take(fold, size, grid.validation)
            uses = {"training": learned, "validation": judged, "test": split.test}
            names = {use: tuple(s.identifier for s in chosen) for use, chosen in uses.items()}
            hashes = {use: [prints[name] for name in chosen] for use, chosen in names.items()}
            for seed in grid.seeds:
                for method in grid.methods:
                    chosen = recipe(method.recipe, (*method.set, f"seed={seed}"), scheme)
                    key, votes = _keys(chosen, scheme, hashes)
                    plans.append(RunPlan(method.name, size, fold, seed, chosen, **names, key=key, votes=votes))
    return plans


def fingerprints(samples: Sequence[Sample], folder: Path | None, seed: int) -> dict[str, str]:
    """Return identifier -> hash of a film's file, or of the seed that it was simulated with, and of its points."""
    found = {}
    for sample in samples:
        digest = hashlib.sha256(f"{seed} {sample.identifier}".encode(errors="surrogatepass"))
        if folder and sample.file:
            with sample.file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256")
        for annotator, points in sorted(sample.annotations.items()):
            digest.update(annotator.encode(errors="surrogatepass"))
            digest.update(points.tobytes())
        found[sample.identifier] = digest.hexdigest()
    return found


def _keys(chosen: Recipe, scheme: Scheme, films: Mapping[str, list[str]]) -> tuple[str, str]:
    stages = chosen.stages_for(scheme)
    told = scheme.model_dump(mode="json", exclude={"definitions"})  # which no model looks at
    both = {"landvote": __version__, "scheme": told, "films": films, "seed": chosen.seed}
    whole = {"name": chosen.name, "stages": [stage.model_dump(mode="json") for stage in stages]}
    return _digest(both | whole), _digest(both | {"votes": [stage.votes() for stage in stages]})


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]
