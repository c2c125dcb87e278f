"""Agreement and time: people with each other, with the machine on films where they saw its points and where not.

All points are those of the first approval of a film, before its person could see the points of others. The machine's
points are those that the model proposed then, as the log has them: no later model comes in that has learned from the
film. Where a person settled the film, they are those of before, and a landmark accepted from what was settled counts as
accepted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from landvote.data.film import Spacing
from landvote.evaluation import point_to_point
from landvote.evaluation.metrics import PIXELS, FloatArray, Scale
from landvote.review.edits.state import FilmState
from landvote.review.reports.comparing import marked, placed

Record = dict[str, Any]
_TEN = 10


@dataclass
class _Gathered:
    """Distances of one comparison, film by film."""

    rows: list[FloatArray] = field(default_factory=list)
    unmatched: int = 0
    accepted: int = 0
    corrections: list[float] = field(default_factory=list)

    def figures(self, landmarks: Sequence[str]) -> Record:
        every = np.array(self.rows, float).reshape(-1, len(landmarks))
        of_landmarks = [
            {"landmark": name, **_figures(column)} for name, column in zip(landmarks, every.T, strict=True)
        ]  # fmt: skip
        told = {"films": len(self.rows), **_figures(every.ravel()), "unmatched": self.unmatched}
        return told | {"landmarks": [each for each in of_landmarks if each["points"]]}


def agreement(
    states: Iterable[tuple[str, str, FilmState]], landmarks: Sequence[str], spacing_of: Callable[[str], Spacing | None]
) -> Record:
    """Return all figures as plain JSON; distances in ``unit``: mm where the spacing of every film compared is known.

    ``states`` are (person, film, state), ``spacing_of`` tells millimetres per pixel of a film. There are ``pairs`` of
    annotators, apart for films on which one of them was shown proposals (``prompted``: what both accept agrees without
    telling anything), ``machine`` with each person, and ``time`` of each person.
    """
    done = sorted(
        ((who, image, s) for who, image, s in states if s.first is not None and s.verdict == "approved"),
        key=lambda each: each[:2],
    )
    by_film: dict[str, list[tuple[str, FilmState]]] = {}
    for who, image, state in done:
        by_film.setdefault(image, []).append((who, state))
    needed = [
        image for image, of in by_film.items() if len(of) > 1 or any(s.machine or s.blind is not None for _, s in of)
    ]  # fmt: skip
    scales = _scales(needed, spacing_of)
    return {
        "unit": "mm" if scales else "px",
        "pairs": _pairs(by_film, landmarks, scales or {}),
        "machine": _machine(done, landmarks, scales or {}),
        "time": _time(done),
    }


def _scales(images: Sequence[str], spacing_of: Callable[[str], Spacing | None]) -> dict[str, Scale] | None:
    """Return the millimetres per pixel of all films; None where those of one are not known."""
    scales: dict[str, Scale] = {}
    for image in images:
        if (spacing := spacing_of(image)) is None:
            return None
        scales[image] = (spacing.x, spacing.y)
    return scales


def _pairs(
    by_film: Mapping[str, Sequence[tuple[str, FilmState]]], landmarks: Sequence[str], scales: Mapping[str, Scale]
) -> list[Record]:
    gathered: dict[tuple[str, str, bool], _Gathered] = {}
    for image, of in by_film.items():
        for (one, a), (other, b) in combinations(of, 2):
            first, second = marked(a.first or {}, landmarks), marked(b.first or {}, landmarks)
            pair = gathered.setdefault((one, other, bool(a.offered or b.offered)), _Gathered())
            pair.rows.append(point_to_point(first, second, scales.get(image, PIXELS)))
            pair.unmatched += int((np.isfinite(first[:, 0]) != np.isfinite(second[:, 0])).sum())
    return [
        {"one": one, "other": other, "prompted": prompted, **g.figures(landmarks)}
        for (one, other, prompted), g in sorted(gathered.items())
    ]  # fmt: skip


def _machine(
    done: Sequence[tuple[str, str, FilmState]], landmarks: Sequence[str], scales: Mapping[str, Scale]
) -> list[Record]:
    people: dict[str, dict[str, _Gathered]] = {}
    for who, image, state in done:
        marks, machine = state.first or {}, state.machine if state.blind is None else state.blind
        if not machine:
            continue
        kinds = people.setdefault(who, {"proposed": _Gathered(), "blind": _Gathered()})
        kind = kinds["proposed" if state.blind is None else "blind"]
        points, theirs = marked(marks, landmarks), placed(machine, landmarks)
        distances = point_to_point(points, theirs, scales.get(image, PIXELS))
        kind.rows.append(distances)
        kind.unmatched += int((np.isfinite(theirs[:, 0]) & ~np.isfinite(points[:, 0])).sum())
        if state.blind is None:
            accepted = np.array([name in marks and marks[name].how == "accepted" for name in landmarks], bool)
            kind.accepted += int((np.isfinite(distances) & accepted).sum())
            kind.corrections.extend(distances[np.isfinite(distances) & ~accepted].tolist())
    return [
        {
            "who": who, "blind": kinds["blind"].figures(landmarks),
            "proposed": kinds["proposed"].figures(landmarks)
            | {
                "accepted": kinds["proposed"].accepted, "changed": len(kinds["proposed"].corrections),
                "correction": _rounded(np.mean(c)) if (c := kinds["proposed"].corrections) else None,
            },
        }
        for who, kinds in sorted(people.items())
    ]  # fmt: skip


def _time(done: Sequence[tuple[str, str, FilmState]]) -> list[Record]:
    people: dict[str, list[FilmState]] = {}
    for who, _, state in done:
        if state.order is not None:
            people.setdefault(who, []).append(state)
    told = []
    for who, states in sorted(people.items()):
        states.sort(key=lambda state: state.order or 0)
        tens = [
            {"from": start + 1, "to": start + len(ten), **_medians(ten)}
            for start in range(0, len(states), _TEN)
            if (ten := states[start : start + _TEN])
        ]
        told.append({"who": who, "films": len(states), **_medians(states), "tens": tens})
    return told


def _medians(states: Sequence[FilmState]) -> Record:
    return {
        "seconds": _rounded(np.median([state.seconds for state in states])),
        "actions": _rounded(np.median([state.actions for state in states])),
    }


def _figures(distances: FloatArray) -> Record:
    """Return how many distances there are, and their figures; None for those of none."""
    there = distances[np.isfinite(distances)]
    names = ("mean", "median", "p90", "p95")
    values = [there.mean(), *np.percentile(there, [50, 90, 95])] if len(there) else [None] * len(names)
    return {"points": len(there), **{n: None if v is None else _rounded(v) for n, v in zip(names, values, strict=True)}}


def _rounded(value: Any) -> float:  # noqa: ANN401 - any number of numpy's
    return round(float(value), 3)
