"""Dividing: the films that a model learns from, the films that judge it, and those that are left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from landvote.data.sample import Sample
from landvote.datasets.leaks import split_leaks
from landvote.datasets.plausible import misplaced, resized
from landvote.datasets.split import group_films, parts_by_subject, split_by_subject
from landvote.datasets.survey import Facts
from landvote.errors import ImageError, PointsError, SplitError
from landvote.localiser import Conditions
from landvote.recipes import Recipe
from landvote.runtime.events import FilmRead, Note


@dataclass(frozen=True)
class Split:
    """The films that are learned from and judged by, and the names of those that are left out.

    Attributes:
        training: learned from.
        validation: judged by.
        without_points: left out for want of points.
        collapsed: left out since their points lie in one place, see :attr:`landvote.data.sample.Sample.collapsed`.
        unreadable: of each film that is left out since it cannot be read, the error that names it.
        left_out: the identifiers of the training films in parts, which are left out in turn to tell what errors to
            expect, see :func:`landvote.localiser.fit_localiser`; empty where ``validation`` does.
    """

    training: list[Sample]
    validation: list[Sample]
    without_points: list[str]
    collapsed: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left_out: list[frozenset[str]] = field(default_factory=list)


def divide(samples: Sequence[Sample], recipe: Recipe, conditions: Conditions | None = None) -> Split:
    """Divide samples by the data's own split, or hold out a share of the subjects where it has none.

    Where the recipe's ``left_out`` says so, as it does by default of few films, none is held out: all are learned from,
    and left out in turn by further trainings.

    Films marked ``test`` are never touched; films without any point, or with all in one place, and films that cannot be
    read, are named and left out. Films to learn from and to judge by that have a file are surveyed, as the training
    needs it anyway: where films are held out, those of one patient, or of one picture, stay together as
    :func:`landvote.datasets.split.group_films` says. Of ``conditions`` the survey, the listener and the stop token
    count.

    Raises:
        PointsError: points are no pixels, or x and y are swapped, see :func:`landvote.datasets.plausible.misplaced`; or
            films have another size than the file of their points says.
        SplitError: nothing is left to learn from, all films belong together, or the data's own split has one picture or
            patient on both sides.
        StoppedError: the stop token asked for it.
    """
    pointed = [s for s in samples if s.annotations and not s.collapsed and s.split != "test"]
    under = conditions or Conditions()
    films, unreadable = _surveyed(pointed, under)
    known = [s for s in pointed if s.split in (None, "train") and s.identifier in films]
    validation = [s for s in pointed if s.split == "val" and s.identifier in films]
    if not known:
        found = f"{len(samples)} films, of which none has points and is to be trained on"
        raise SplitError("; ".join([found, "expected one at least", *unreadable[:1]]))
    sizes = {name: facts.film.size for name, facts in films.items() if facts and facts.film.size}
    stated = {s.identifier: s.stated_size for s in pointed}
    if wrong := [*resized(stated, sizes), *misplaced([*known, *validation], sizes)]:
        raise PointsError(wrong[0])
    parts, left_out = 0 if validation else recipe.parts(len(known)), list[frozenset[str]]()
    if parts or (not validation and recipe.validation > 0):
        groups = group_films(known, [films[s.identifier] for s in known])
    if parts:
        left_out = parts_by_subject(known, parts, recipe.seed, groups)
    elif not validation and recipe.validation > 0:
        known, validation = split_by_subject(known, recipe.validation, recipe.seed, groups)
    elif validation:
        _refuse_leaks([*known, *validation], films, under)
    collapsed = [s.identifier for s in samples if s.collapsed and s.split != "test"]
    without_points = [s.identifier for s in samples if not s.annotations]
    return Split(known, validation, without_points, collapsed, unreadable, left_out)


def _refuse_leaks(samples: Sequence[Sample], films: Mapping[str, Facts | None], under: Conditions) -> None:
    filed = [(sample, facts) for sample in samples if (facts := films[sample.identifier])]
    problems, notes = split_leaks([sample for sample, _ in filed], [facts for _, facts in filed])
    if problems:
        raise problems[0]
    for note in notes:
        under.listener(Note(note))


def _surveyed(samples: Sequence[Sample], under: Conditions) -> tuple[dict[str, Facts | None], list[str]]:
    """Return the facts of films by identifier, and a message for each that cannot be read.

    Of films in memory, which are decoded at every survey, nothing is known.
    """
    films: dict[str, Facts | None] = {s.identifier: None for s in samples if not s.file}
    filed, unreadable = [s for s in samples if s.file], list[str]()
    for done, sample in enumerate(filed, 1):
        try:
            films[sample.identifier] = under.survey(sample)
        except ImageError as error:
            unreadable.append(str(error))
        under.listener(FilmRead("survey", done, len(filed)))
        under.stop.check()
    return films, unreadable
