"""The points that the data came with, as edits: their annotators are persons, and their films are approved."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from landvote.data.sample import Sample
from landvote.review.edits.log import DIGITS, Change, Edit, Mark


def imports(samples: Iterable[Sample], user: str, when: str, known: Callable[[str, str], bool]) -> Iterator[Edit]:
    """Yield an edit for each film and person, but for those that are ``known``; ``user`` is the one of no annotator."""
    for sample in samples:
        for who, points in sample.annotations.items():
            if known(who or user, sample.identifier):
                continue
            hidden = sample.occluded.get(who, np.zeros(len(points), bool))
            marks = [_imported(point, bool(flag)) for point, flag in zip(points, hidden, strict=True)]
            names = sample.scheme.landmarks
            changes = tuple(Change(n, None, m) for n, m in zip(names, marks, strict=True))
            yield Edit(when, who or user, sample.identifier, "", "import", ("open", "approved"), changes)


def _imported(point: Any, hidden: bool) -> Mark:  # noqa: ANN401, FBT001 - a row of an array
    if not np.isfinite(point).all():
        return Mark("missing", None, None, "imported")
    x, y = (round(float(v), DIGITS) for v in point)
    return Mark("occluded" if hidden else "placed", x, y, "imported")
