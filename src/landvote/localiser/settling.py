"""Settling: with the points that a person has fixed held, the others are found again.

The fixed points carry the others along, by the shape or the outline alone; then each landmark by itself goes to the
peak of its own votes near where it was carried to. Those that nothing carries stay as a person has seen them. Last,
where training shapes spread landmarks evenly along an outline, those beside a fixed one are moved towards even places.
No shape is fitted to votes: a joint form, in which the votes of all landmarks and a shape model outvote each other, was
not better on simulated hips (benchmarks/settling.py).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.side import Side, in_mirror
from landvote.frames import Frame, View
from landvote.localiser.assessor import Assessor
from landvote.localiser.choice import Chosen
from landvote.localiser.localiser import Localiser
from landvote.localiser.look import Candidate, Look
from landvote.shapes import carry
from landvote.shapes.carry import Index
from landvote.shapes.search import in_disks
from landvote.votes import VoteMap

_REACH = 0.07  # of the grid, within which a landmark's own peak is looked for
_LEAST = 0.1  # how strong votes must be there, as a share of the strongest votes of the median landmark
_STILL = 0.5  # grid cells; landmarks that are carried by less stay where a person has seen them
_SAME = 0.08  # of the grid: frames that are nearer to each other show the same


@dataclass
class Settling:
    """One film, or one ``side`` of it, as a person corrects it. It keeps the votes, so that the next time is instant.

    One thread at a time may call it.

    Raises:
        SettingError: the localiser knows sides, and not this one.
    """

    localiser: Localiser
    radiograph: Radiograph
    side: Side | None = None
    _seen: dict[tuple[str, int], tuple[Frame, VoteMap]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._mirrored = (self.localiser.own_side(self.side) if self.side else self.localiser.sides[0]).mirrored
        facing = self.radiograph.mirrored() if self._mirrored else self.radiograph
        self._film, _ = self.localiser.polarity.normalise(facing)

    def settle(self, points: Points, held: Index, places: Points) -> Prediction:
        """Return the landmarks found again, given (n, 2) ``points`` and those ``held`` at their ``places`` (k, 2).

        All are image coordinates; ``points`` are as they were proposed, NaN if unknown. Held landmarks stay exactly at
        their places, and those that they carry by less than half a cell stay as well, but for even places beside a held
        one. A landmark without votes near where it was carried to stays there. Expected errors are those of the points
        found, and NaN for landmarks held.
        """
        width = self._film.size[0]
        if self._mirrored:
            points, places = in_mirror(points, width), in_mirror(places, width)
        shape = self.localiser.errors.shape if isinstance(self.localiser.errors, Assessor) else None
        found = Candidate.at(carry(points, held, places, shape, self.localiser.scheme.outlines))
        stages = self.localiser.stages
        first = max((i for i, stage in enumerate(stages) if stage.settings.weight == 1), default=0)
        for stage in stages[first:]:  # a later one counts only in part
            found = self._look(stage.look, found, points, held, places)
        for evenness in [stage.evenness for stage in stages if stage.evenness][-1:]:
            found = replace(found, points=evenness.towards(found.points, held))
        error = self.localiser.errors.expect(self.localiser.looks, self._film, found).error.copy()
        error[held] = np.nan
        told = in_mirror(found.points, width) if self._mirrored else found.points
        names = self.localiser.scheme.landmarks
        return Prediction(self.radiograph.identifier, told, error, names, model=self.localiser.model)

    def _look(self, look: Look, known: Candidate, before: Points, held: Index, places: Points) -> Candidate:
        """Return what is known once each landmark that was carried has gone to its own peak near where it is now."""
        found = known
        for target, frame in enumerate(look.placing.frames(self._film.size, known.points)):
            if frame is not None:
                index = list(look.placing.targets[target])
                body = look.placing.body(known.points)
                laid, votes = self._votes(look, target, frame, known.points[index], body)
                near = laid.to_grid(known.points[index])
                still = np.linalg.norm(near - laid.to_grid(before[index]), axis=1) < _STILL
                found = look.take(near_peaks(votes, near, still), laid, target, found)
                found.points[held] = places
        return found

    def _votes(self, look: Look, target: int, frame: Frame, near: Points, body: Frame | None) -> tuple[Frame, VoteMap]:
        """Return the votes through a frame, or those kept of one that is almost the same."""
        corners = np.array([(x, y) for x in (0, frame.size[0]) for y in (0, frame.size[1])], float)
        kept = self._seen.get((look.name, target))
        if kept and np.abs(frame.to_grid(kept[0].to_image(corners)) - corners).max() < _SAME * max(frame.size):
            return kept
        view = View.through(frame, self._film.pixels, near, self._film.identifier, body)
        self._seen[look.name, target] = seen = frame, look.voter.vote(view)
        return seen


def near_peaks(votes: VoteMap, near: Points, still: npt.NDArray[np.bool_]) -> Chosen:
    """Return for each landmark its own peak near (n, 2) grid coordinates, or these where it is ``still``, (n,).

    They are returned as well where no votes are near, or weak ones. An unknown place (NaN) is anywhere: the landmark's
    highest peak is taken.
    """
    smooth = votes.smooth
    known: npt.NDArray[np.bool_] = np.all(np.isfinite(near), axis=1)
    typical = float(np.median(smooth.max(axis=(1, 2))))
    peaks, _ = votes.peaks()
    start = np.where(known[:, None], near, peaks)
    reach = _REACH * max(smooth.shape[1:]) * votes.cell
    best, strength = in_disks(smooth, votes.to_cells(np.nan_to_num(start)), np.full(len(near), reach / votes.cell))
    climbed, _ = votes.climb(votes.to_grid(best))
    close = np.linalg.norm(climbed - start, axis=1) <= reach + votes.cell
    chosen = ~still & close & (strength > 0) & (strength >= _LEAST * typical)
    points = np.where(chosen[:, None], climbed, start)
    return Chosen(points, votes.dispersion(points), votes.evidence(points))
