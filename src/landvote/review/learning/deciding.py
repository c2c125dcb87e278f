"""Decisions of the loop, as functions of their arguments alone: when, from which films, and which model proposes."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from statistics import fmean
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["given", "forest", "network"]
"""A model that the user gave, or one that the loop has trained."""

FIRST = 5
"""Approved films, of which the first forests are grown."""

NETWORK = 25
"""Approved films, from which on networks are trained."""

_HELD_OUT, _SHARE = 10, 5  # approved films from which on one in so many is held out
_JUDGED = 2  # films held out tell what errors to expect, at least
_COMPARED = 5  # films, at least, decide between two models
_NOISE = 1.1  # times the error of one of its kind that learned from fewer films: less is hardly worse


def next_training(learned: int | None, kind: Kind = "forest") -> int:
    """Return at how many approved films a model is due, after one of ``learned`` films; None: after none."""
    if kind == "network":  # takes half an hour
        return NETWORK if learned is None else learned + max(10, -(-learned // 2))
    return FIRST if learned is None else learned + max(3, round(learned / 4))


def uses(groups: Mapping[str, str], kind: Kind, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return for what each approved film is used: train, val or test.

    ``groups`` name the films that belong together, such as those of a patient. From ten films on, one in five groups is
    held out: it is never learned from, whatever films come later. It judges forests (val), which choose nothing by it.
    A network may be told to keep the step that judges best, so its training never sees it (test). Where none is held
    out, all are learned from: forests leave them out in turn to tell what errors to expect. ``given`` are uses that the
    data name, and that stand.
    """
    order = sorted(set(groups.values()), key=_hash)
    held = {group for group in order if int(_hash(group), 16) % _SHARE == 0} if len(groups) >= _HELD_OUT else set[str]()
    if len(order) - len(held) < 2:
        held = set()
    judging = held
    if kind == "forest" and 0 < len(held) < _JUDGED:
        judging = held | set([group for group in order if group not in held][: _JUDGED - len(held)])
    mark = "test" if kind == "network" else "val"
    found = {image: mark if group in judging else "train" for image, group in groups.items()}
    return found | {image: use for image, use in (given or {}).items() if image in found}


def _hash(group: str) -> str:
    return hashlib.sha256(group.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Standing:
    """A model that may propose, and its errors on approved films that it has not learned from.

    Attributes:
        name: of its folder.
        kind: see :data:`Kind`.
        films: that it learned from.
        errors: film -> mean distance from the accepted points.
        when: it was finished, in seconds since 1970; None where that is not known.
    """

    name: str
    kind: Kind
    films: int
    errors: Mapping[str, float] = field(default_factory=dict)
    when: float | None = None

    def mean(self, films: Collection[str]) -> float:
        """Return its mean error on some of its films."""
        return fmean(self.errors[film] for film in films)


def compared(one: Standing, other: Standing, blind: Collection[str] = ()) -> list[str]:
    """Return the films on which two models are compared, none where there are too few.

    Points that were accepted beside a proposal lean towards its model, so ``blind`` ones alone count if they suffice.
    """
    both = sorted(one.errors.keys() & other.errors.keys())
    honest = [film for film in both if film in blind]
    return next((films for films in (honest, both) if len(films) >= _COMPARED), [])


def better(now: Standing, other: Standing, blind: Collection[str] = ()) -> Standing:
    """Return which of two models proposes, the one that proposes ``now`` or a later one.

    The later one has to be better. One of the same kind that has learned from more films need not be: it proposes
    unless it is clearly worse, by a tenth and on most films. Without enough films held out, no other kind takes over.
    """
    films, alike = compared(now, other, blind), now.kind == other.kind
    if not films:
        return other if alike and other.films >= now.films else now
    if alike and other.films > now.films:
        most = 2 * sum(other.errors[film] > now.errors[film] for film in films) > len(films)
        return now if most and other.mean(films) > _NOISE * now.mean(films) else other
    return other if other.mean(films) < now.mean(films) else now


def best(standings: Sequence[Standing], blind: Collection[str] = ()) -> Standing:
    """Return the model that proposes, of one at least, in the order in which they came."""
    return reduce(lambda now, other: better(now, other, blind), standings)
