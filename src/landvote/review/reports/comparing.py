"""Points beside a person's own on one film: those of other annotators, of the model, and of files to compare with."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.errors import EditError
from landvote.evaluation import point_to_point
from landvote.review.edits.log import Mark
from landvote.review.store import Store

Compared = Mapping[str, Mapping[str, Prediction]]
"""Name -> film -> points that are only compared."""


def name_files(files: Sequence[Path], read: Callable[[Path], Sequence[Prediction]]) -> Compared:
    """Read files of points to compare with, each under its name without suffix; EditError if two have one name."""
    found: dict[str, dict[str, Prediction]] = {}
    for file in files:
        if file.stem in found:
            raise EditError(f"{file}: another file to compare with is called {file.stem!r}, expected other names")
        found[file.stem] = {p.identifier: p for p in read(file)}
    return found


def beside(store: Store, compared: Compared, who: str, image: str) -> list[dict[str, object]]:
    """Return the points of others on a film, each with ``name``, ``kind`` (person or model) and ``points`` by landmark.

    Other annotators are there who have approved the film.

    Raises:
        EditError: the person has not approved the film, and would not be independent of the others any more.
    """
    approved = store.states.approved_marks(image)
    if who not in approved:
        raise EditError("points of others are shown once you have approved the film: until then, yours are independent")
    sets: list[dict[str, object]] = [
        {"name": name, "kind": "person", "points": {n: m.point for n, m in marks.items() if m.x is not None}}
        for name, marks in sorted(approved.items())
        if name != who
    ]
    if proposed := store.proposed(image):
        points = {name: (p.x, p.y) for name, p in proposed.items()}
        sets.append({"name": "proposed by the model", "kind": "model", "points": points})
    for name, films in compared.items():
        if image in films:
            found = films[image]
            every = zip(found.landmarks, found.points.tolist(), strict=True)
            sets.append({"name": name, "kind": "model", "points": {n: p for n, p in every if np.isfinite(p).all()}})
    return sets


class Disagreements:
    """Tells for each film how far annotators, or models, are apart; figures of films that stay as they are stay too."""

    def __init__(self, store: Store, compared: Compared) -> None:
        self._store, self._compared = store, compared
        self._known: dict[str, tuple[tuple[object, ...], float | None]] = {}

    def of(self, images: Sequence[str]) -> list[float | None]:
        """Return for each film how far the farthest two annotators are apart, else two models, on average, in pixels.

        None where there are no two.
        """
        people: dict[str, list[tuple[str, int, Mapping[str, Mark]]]] = {}
        for who, image, state in self._store.states.every():
            if state.first is not None and state.verdict == "approved":
                people.setdefault(image, []).append((who, state.order or 0, state.first))
        return [self._apart(image, people.get(image, [])) for image in images]

    def _apart(self, image: str, people: list[tuple[str, int, Mapping[str, Mark]]]) -> float | None:
        models = [films[image] for films in self._compared.values() if image in films]
        own = self._store.proposals.of(image) if models else None
        models += [own] if own is not None else []
        if len(people) < 2 and len(models) < 2:
            return None
        landmarks = self._store.scheme.landmarks if self._store.scheme else ()
        key = (landmarks, *((who, order) for who, order, _ in people), *map(id, models))
        if image not in self._known or self._known[image][0] != key:
            sets = [placed(dict(zip(p.landmarks, p.points, strict=True)), landmarks) for p in models]
            if len(people) > 1:
                sets = [marked(marks, landmarks) for *_, marks in people]
            pairs = combinations(sets, 2)
            means = [
                float(d[np.isfinite(d)].mean()) for d in (point_to_point(*p) for p in pairs) if np.isfinite(d).any()
            ]
            self._known[image] = (key, round(max(means), 2) if means else None)
        return self._known[image][1]


def marked(marks: Mapping[str, Mark], landmarks: Sequence[str]) -> Points:
    """Return marks as (n, 2) points in the order of some landmarks; NaN where there is none."""
    return placed({name: mark.point for name, mark in marks.items()}, landmarks)


def placed(points: Mapping[str, tuple[float, float]], landmarks: Sequence[str]) -> Points:
    """Return points by landmark as (n, 2) points in the order of some landmarks; NaN where there is none."""
    nowhere = (np.nan, np.nan)
    return np.array([points.get(name, nowhere) for name in landmarks], float).reshape(-1, 2)
