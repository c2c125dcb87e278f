"""Dividing: the films that a model learns from, the films that judge it, and those that are left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from landvote.data.sample import Sample
from landvote.datasets.leaks import split_leaks
from landvote.datasets.split import group_films, split_by_subject
from landvote.datasets.survey import Facts
from landvote.errors import SplitError
from landvote.localiser import Conditions
from landvote.recipes import Recipe
from landvote.runtime.events import Note


@dataclass(frozen=True)
class Split:
    """The films that are learned from and judged by, and the names of those that are left out.

    Attributes:
        training: learned from.
        validation: judged by.
        without_points: left out for want of points.
        collapsed: left out since their points lie in one place, see :attr:`landvote.data.sample.Sample.collapsed`.
    """

    training: list[Sample]
    validation: list[Sample]
    without_points: list[str]
    collapsed: list[str] = field(default_factory=list)


def divide(samples: Sequence[Sample], recipe: Recipe, conditions: Conditions | None = None) -> Split:
    """Divide samples by the data's own split, or hold out a share of the subjects where it has none.

    Films marked ``test`` are never touched; films without any point, or with all in one place, are named and left out.
    Films to learn from and to judge by that have a file are surveyed, as the training needs it anyway: where films are
    held out, those of one patient, or of one picture, stay together as :func:`landvote.datasets.split.group_films`
    says. Of ``conditions`` the survey, the listener and the stop token count.

    Raises:
        ImageError: a film cannot be read.
        SplitError: nothing is left to learn from, all films belong together, or the data's own split has one picture or
            patient on both sides.
        StoppedError: the stop token asked for it.
    """
    pointed = [s for s in samples if s.annotations and not s.collapsed]
    known = [s for s in pointed if s.split in (None, "train")]
    validation = [s for s in pointed if s.split == "val"]
    if not known:
        found = f"{len(samples)} films, of which none has points and is to be trained on"
        raise SplitError(f"{found}; expected one at least")
    if not validation and recipe.validation > 0:
        groups = group_films(known, _surveyed(known, conditions or Conditions()))
        known, validation = split_by_subject(known, recipe.validation, recipe.seed, groups)
    elif validation:
        _refuse_leaks([*known, *validation], conditions or Conditions())
    collapsed = [s.identifier for s in samples if s.collapsed and s.split != "test"]
    return Split(known, validation, [s.identifier for s in samples if not s.annotations], collapsed)


def _refuse_leaks(samples: Sequence[Sample], under: Conditions) -> None:
    known = _surveyed(samples, under)
    filed = [(sample, facts) for sample, facts in zip(samples, known, strict=True) if facts]
    problems, notes = split_leaks([sample for sample, _ in filed], [facts for _, facts in filed])
    if problems:
        raise problems[0]
    for note in notes:
        under.listener(Note(note))


def _surveyed(samples: Sequence[Sample], under: Conditions) -> list[Facts | None]:
    """Return the facts of films that have a file; None for films in memory, which are decoded at every survey."""
    filed = [s for s in samples if s.file]
    known = {s.identifier: facts for s, facts in zip(filed, under.surveyed(filed), strict=True)}
    return [known.get(s.identifier) for s in samples]
