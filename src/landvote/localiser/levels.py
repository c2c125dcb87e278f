"""The levels: which part of a row is which, read off the whole film about the row and not off its ends alone."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import PositiveFloat
from scipy.ndimage import map_coordinates

from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.frames import View
from landvote.localiser.look import Candidate, Look
from landvote.localiser.row import likeliest
from landvote.localiser.search import SearchSettings
from landvote.votes import VoteMap

_LEAST = 1e-4  # of the votes for a part: fewer at a place tell no more than so many


class LevelSearch(SearchSettings):
    """Decide by votes for all parts at once between the rows that a stage before has found; move no point.

    The likelihood of each row is multiplied by the share of the votes for each of its parts that lies there, to the
    power of ``trust``.

    Where there are no such rows, it looks as the search ``poses`` does, or not at all where the placing unrolls films.

    Attributes:
        trust: less than 1 where the voter is surer of itself than it is right, on films that it has not learned from.
    """

    unrolls: ClassVar[bool] = True
    kind: Literal["levels"] = "levels"
    trust: PositiveFloat = 0.5

    def look_once(self, look: Look, radiograph: Radiograph, known: Candidate) -> list[Candidate]:
        """Return the likeliest row."""
        rows, strip = list(known.rows), look.placing.strip(known.points)
        if not rows:
            return [known] if strip else [look.at_all(pose, radiograph, known) for pose in self.poses]
        pixels, of = (radiograph.pixels, _same) if strip is None else (strip.warp(radiograph.pixels), strip.to_grid)
        size = (pixels.shape[1], pixels.shape[0])
        for target, frame in enumerate(look.placing.frames(size, of(known.points))):
            if frame is None:
                continue
            own = list(look.placing.targets[target])
            votes = look.voter.vote(View.through(frame, pixels, of(known.points[own]), radiograph.identifier))
            shares = [_log_share(votes, frame.to_grid(of(row.candidate.points[own]))) for row in rows]
            rows = [
                replace(row, likely=row.likely + self.trust * share) for row, share in zip(rows, shares, strict=True)
            ]
        found = likeliest(rows, look.scheme.repeats, look.name)
        return [replace(found, rows=known.rows)]  # so that another round does not count these votes twice


def _same(points: Points) -> Points:
    return points


def _log_share(votes: VoteMap, points: Points) -> float:
    """Return the sum of the logarithms of the share of each landmark's votes that lies at its point, (n, 2) grid."""
    given: npt.NDArray[np.intp] = np.flatnonzero(np.isfinite(points).all(axis=1))
    share = votes.smooth / np.maximum(votes.smooth.sum(axis=(1, 2), keepdims=True), votes.floor)
    x, y = votes.to_cells(points[given]).T
    logs = np.log(np.maximum(share, _LEAST))
    return float(map_coordinates(logs, [given, y, x], order=1, mode="nearest").sum())
