"""The row search: parts that look alike are found one after the other, and then told which of them is which.

A vertebra is easily found and hardly told from the next one. So the points of a coarse look only say where the row
begins: it is tracked from its middle outwards, each part being expected where the one before says, so that none is
found twice and none left out. Then the row is taken that lies on the film as rows do: the one found, or that one
shifted by a part or two. A stage that reads levels (levels.py) may decide between these anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from landvote.data.points import Points, cauchy_weights
from landvote.data.radiograph import Radiograph
from landvote.frames.placings.layout import Parts
from landvote.localiser.look import DIGITS, Candidate, Look, Row
from landvote.localiser.search import SearchSettings

REACH = 2
"""Parts that a row may be shifted by."""

FRAMING = 0.7
"""The power of how likely rows lie so on films: both ends are framed by one hand, and tell less than two would."""

_DEGREE = 5  # of the curve that the centres of a row lie on: a spine may have three bends
_ROBUST = 6  # rounds of least squares
_LEAST_SURE = 1e-6  # as near to 0 and 1 as probabilities count
_LEAST_VOTES = 1e-3
_OWN = 0.5  # how much more likely, as a logarithm, the row is that was found than one shifted from there


class RowSearch(SearchSettings):
    """Track the row from its middle outwards; each part in each pose, of which the one with most votes counts."""

    kind: Literal["row"] = "row"

    def look_once(self, look: Look, radiograph: Radiograph, known: Candidate) -> list[Candidate]:
        """Find the parts one after the other, outwards from the part of the middle half that has most votes.

        The offset found for one part is carried over to the next. The known points need roughly the right curvature and
        spacing, but may be off by whole parts.
        """
        count = len(look.placing.targets)
        known = replace(known, points=smoothed(known.points, look.placing.targets), votes=0.0)
        middle = range(count // 4, count - count // 4)
        start = max(middle, key=lambda g: self._step(look, g, (), radiograph, known).votes)
        found = self._step(look, start, range(count), radiograph, known)
        for g in range(start + 1, count):
            found = self._step(look, g, range(g, count), radiograph, found)
        for g in reversed(range(start)):
            found = self._step(look, g, range(g), radiograph, found)
        return [found]

    def settle(self, look: Look, radiograph: Radiograph, known: Candidate) -> Candidate:
        """Look at all parts once more, and shift the row by as many parts as its place on the film says."""
        found = {0: look.at_all((1.0, 0.0), radiograph, known)}
        for s in range(1, REACH + 1 if len(look.placing.targets) > 1 else 1):
            found[s] = self._relabel(look, radiograph, found[s - 1], 1)
            found[-s] = self._relabel(look, radiograph, found[1 - s], -1)
        of = look.placing.log_likelihood
        rows = [Row(s, FRAMING * of(radiograph.size, row.points) + _OWN * (s == 0), row) for s, row in found.items()]
        return likeliest(rows, look.placing.targets, look.name)

    def _step(self, look: Look, g: int, beyond: Iterable[int], radiograph: Radiograph, known: Candidate) -> Candidate:
        """Look for part ``g``; the parts ``beyond`` are expected as far from there as they were."""
        frame = look.placing.frame(g, radiograph.size, known.points)
        if frame is None:
            return known
        tried = [look.through(frame.then(*pose, (0, 0)), g, radiograph, known) for pose in self.poses]
        found = max(tried, key=lambda candidate: candidate.votes)
        own = list(look.placing.targets[g])
        shift = (found.points[own] - known.points[own]).mean(axis=0)
        others = [i for h in beyond if h != g for i in look.placing.targets[h]]
        found.points[others] += shift
        return replace(found, looks=known.looks)  # a prediction tells of the last look at each part alone

    def _relabel(self, look: Look, radiograph: Radiograph, known: Candidate, by: int) -> Candidate:
        """Return the row shifted by one part, back (-1) or on (1): the part that comes in is looked for, twice."""
        index = np.array(look.placing.targets)[::by]
        others = np.arange(len(known.points))
        others[index[:-1]] = index[1:]
        shifted = known.of(others)
        shifted.points[index[-1]] = 2 * known.points[index[-1]] - known.points[index[-2]]
        end = len(index) - 1 if by > 0 else 0
        for _ in range(2):
            shifted = self._step(look, end, (), radiograph, shifted)
        return shifted


def likeliest(rows: Sequence[Row], parts: Parts, stage: str) -> Candidate:
    """Return the likeliest of some rows of ``parts``, with a note by which ``stage`` it was chosen.

    The distances to the rows that were not chosen, each weighted by its probability, are added to the dispersion.
    """
    of = {row.shift: row.candidate for row in rows}
    chosen = max(rows, key=lambda row: row.likely)
    found = chosen.candidate
    probable = np.exp([row.likely - chosen.likely for row in rows])
    probable /= probable.sum()
    away = [np.linalg.norm(row.points - found.points, axis=1) for row in of.values()]

    def votes(row: Candidate | None, part: tuple[int, ...]) -> float:
        return float("nan") if row is None else float(row.evidence.peak[list(part)].sum())

    median = float(np.median([votes(found, part) for part in parts]))
    ends = (
        votes(of.get(chosen.shift - 1), parts[0]), votes(of.get(chosen.shift + 1), parts[-1]),
        votes(found, parts[0]), votes(found, parts[-1]),
    )  # fmt: skip
    sure = np.clip(probable.max(), _LEAST_SURE, 1 - _LEAST_SURE)
    shares = np.log((np.array(ends) + _LEAST_VOTES) / (median + _LEAST_VOTES))
    cues = np.array([np.log(sure / (1 - sure)), float(chosen.shift != 0), *shares])
    note = {"stage": stage, "shifted": chosen.shift, "probable": round(float(probable.max()), DIGITS)}
    dispersion = found.dispersion + probable @ away
    return replace(found, dispersion=dispersion, looks=(*found.looks, note), row=cues, rows=tuple(rows))


def smoothed(points: Points, parts: Parts) -> Points:
    """Return (n, 2) points with the parts' centres moved onto a smooth curve; outliers are outvoted.

    Missing parts are put on it as well, with the form of the median part. With fewer than two parts known, points are
    returned as they are.
    """
    index = np.array(parts)
    rows = points[index]
    centres = rows.mean(axis=1)
    given = np.isfinite(centres).all(axis=1)
    if given.sum() < 2:
        return points
    form = rows - centres[:, None]
    form = np.where(given[:, None, None], form, np.median(form[given], axis=0))
    place = np.linspace(-1, 1, len(index))
    terms = np.vander(place, min(_DEGREE, max(1, int(given.sum()) // 2)) + 1)
    weight = given.astype(float)
    for _ in range(_ROBUST):
        root = np.sqrt(weight[given])[:, None]
        curve = terms @ np.linalg.lstsq(root * terms[given], root * centres[given], rcond=None)[0]
        weight = cauchy_weights(np.linalg.norm(centres - curve, axis=1), 1e-6)
    out = points.copy()
    out[index] = curve[:, None] + form
    return out
