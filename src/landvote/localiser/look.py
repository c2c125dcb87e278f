"""The look: a stage looks through a frame at one film, and updates the candidate, all that is known of the film."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.frames import Frame, Placing, View
from landvote.localiser.choice import Choice, Chosen
from landvote.uncertainty import ROW_CUES, contour_axes
from landvote.votes import Evidence, Voter

DIGITS = 9
"""After the point, of what goes into files: compiled loops may differ in their last one from run to run."""

Pose = tuple[float, float]
"""A scale and an angle in radians, by which a frame is varied about its middle."""


@dataclass(frozen=True)
class Candidate:
    """Where the landmarks may be, after some looks.

    Attributes:
        points: (n, 2) image coordinates; NaN if unknown.
        dispersion: (n,) mean distance of the votes from their landmark's point, image pixels.
        evidence: how the votes of the last look at each landmark lie about its point then, image pixels.
        before: (n, 2) image coordinates before the last look at each landmark; NaN if unknown then.
        looks: the frames looked through, as they go into the prediction.
        votes: how many votes the points of the last look have, summed over its landmarks.
        row: (``ROW_CUES``,) cues to whether a row of parts is shifted, see :data:`landvote.uncertainty.ROW_CUES`.
        rows: those that a row of parts was chosen from, itself among them; empty for other schemes.
    """

    points: Points
    dispersion: FloatArray
    evidence: Evidence
    before: Points
    looks: tuple[dict[str, Any], ...] = ()
    votes: float = 0.0
    row: FloatArray = field(default_factory=lambda: np.full(len(ROW_CUES), np.nan))
    rows: tuple["Row", ...] = ()

    @classmethod
    def at(cls, points: Points, dispersion: float = np.nan) -> "Candidate":
        """Return the candidate of a film that has not been looked at; its points may be known from elsewhere."""
        n = len(points)
        return cls(points, np.full(n, dispersion), Evidence.none(n), np.full((n, 2), np.nan))

    @classmethod
    def unknown(cls, n: int) -> "Candidate":
        """Return the candidate of a film of which nothing is known."""
        return cls.at(np.full((n, 2), np.nan))

    def of(self, index: npt.NDArray[np.intp]) -> "Candidate":
        """Return it with each landmark where landmark ``index`` (n,) of it was."""
        points, dispersion, before = self.points[index], self.dispersion[index], self.before[index]
        return replace(
            self, points=points, dispersion=dispersion, evidence=self.evidence.of(index.tolist()), before=before
        )


@dataclass(frozen=True)
class Row:
    """A row of parts as it may be on a film.

    Attributes:
        shift: by how many parts it is shifted against the one found.
        likely: the logarithm, up to a constant, of how likely it is the one.
        candidate: all that is known of it.
    """

    shift: int
    likely: float
    candidate: Candidate


@dataclass(frozen=True)
class Look:
    """The fitted parts of one stage: a placing gives frames, a voter votes on views, a choice takes points.

    ``weight`` is that of the points taken, in their mean with those known before; 1 if these do not count. It holds
    across the outlines of ``scheme``, and ``along`` them the other one does.
    """

    name: str
    placing: Placing
    voter: Voter
    choice: Choice
    scheme: Scheme
    weight: float = 1.0
    along: float = 1.0

    def at_all(self, pose: Pose, radiograph: Radiograph, known: Candidate) -> Candidate:
        """Look at each target that the known points place, its frame varied by ``pose``; return what is known then."""
        frames = enumerate(self.placing.frames(radiograph.size, known.points))
        placed = [(i, frame.then(*pose, (0, 0))) for i, frame in frames if frame]  # of others too little was found
        targets, body = self.placing.targets, self.placing.body(known.points)
        views = [_view(frame, radiograph, known.points[list(targets[i])], body) for i, frame in placed]
        found = replace(known, votes=0.0)
        for (target, frame), view, votes in zip(placed, views, self.voter.vote_on(views), strict=True):
            found = self.take(self.choice.choose(votes, view.points), frame, target, found)
        return found

    def through(self, frame: Frame, target: int, radiograph: Radiograph, known: Candidate) -> Candidate:
        """Look through one frame for the landmarks of a target; return what is known then."""
        index = np.array(self.placing.targets[target])
        chosen = self.vote(frame, radiograph, known.points[index], self.placing.body(known.points))
        return self.take(chosen, frame, target, known)

    def take(self, chosen: Chosen, frame: Frame, target: int, known: Candidate) -> Candidate:
        """Return what is known once points were chosen, on the grid of a frame, for the landmarks of a target."""
        index = np.array(self.placing.targets[target])
        seen = np.isfinite(chosen.dispersion)  # a landmark without votes stays where the stage before saw it
        points, dispersion, before = known.points.copy(), known.dispersion.copy(), known.before.copy()
        before[index[seen]] = known.points[index[seen]]
        evidence = known.evidence.updated(index[seen], chosen.evidence.of(seen).to_image(frame.matrix[:, :2]))
        taken, start = frame.to_image(chosen.points[seen]), points[index[seen]]
        axes = contour_axes(self.scheme, points)[index[seen]]
        moved = np.einsum("nij,j,nkj,nk->ni", axes, [self.along, self.weight], axes, taken - start)
        points[index[seen]] = np.where(np.isnan(start), taken, start + moved)
        dispersion[index[seen]] = chosen.dispersion[seen] / frame.scale
        laid = {"stage": self.name, "size": list(frame.size), "matrix": frame.matrix.round(DIGITS).tolist()}
        if len(chosen.parameters):
            laid["shape"] = chosen.parameters.round(DIGITS).tolist()
        looks, votes = (*known.looks, laid), known.votes + chosen.votes
        return Candidate(points, dispersion, evidence, before, looks, votes, known.row, known.rows)

    def vote(self, frame: Frame, radiograph: Radiograph, known: Points, body: Frame | None = None) -> Chosen:
        """Return the points, on its grid, that the votes on one view give; ``known`` are (k, 2) image coordinates.

        ``body`` is that of :class:`View`.
        """
        view = _view(frame, radiograph, known, body)
        return self.choice.choose(self.voter.vote(view), view.points)


def _view(frame: Frame, radiograph: Radiograph, known: Points, body: Frame | None) -> View:
    return View.through(frame, radiograph.pixels, known, radiograph.identifier, body)


def best(candidates: Sequence[Candidate], keep: int, same: float) -> list[Candidate]:
    """Return up to ``keep`` candidates, most votes first; of those within ``same`` pixels of each other one alone."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: -c.votes):
        away = [np.linalg.norm(one.points - other.points, axis=1) for other in kept]
        if all(np.isfinite(d).any() and np.nanmax(d) > same for d in away):
            kept.append(one)
    return kept[:keep]
