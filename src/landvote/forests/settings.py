"""Settings of the forests, with the publications they come from.

Imports no scikit-learn: that takes a second, and only a process that votes or learns needs it. The methods import it.
"""

# ruff: noqa: PLC0415

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from landvote.runtime.settings import Settings, validated
from landvote.votes import Estimate, Lesson, Voter, VoterSettings


class ForestTraining(Settings):
    """How long forests are grown.

    Attributes:
        minutes: wall-clock minutes at most, or none; then each landmark has as many trees, from as many views of each
            film, as the time allows, up to those of the settings.
        seed: added to that of the forests.
    """

    minutes: PositiveFloat | None = None
    seed: NonNegativeInt = 0


class ForestSettings(VoterSettings):
    """One forest per landmark: how it is grown and how it votes. Lengths are in grid cells.

    The method is that of Cootes et al. (ECCV 2012) and Lindner et al. (TMI 2013; TPAMI 2015). These papers set the
    values task by task. The brackets below give their usual range; the defaults did well on simulated hips.

    Attributes:
        trees: trees per landmark (2013, 2015: 10 to 20; here 20 found no more than 10).
        leaf: fewest training patches in a leaf (2, 5 and 10 did alike).
        pool: Haar-like features drawn for a tree, by which alone it splits (2012, 2013: some hundreds, drawn anew at
            each node; a pool per tree is computed once for all its nodes).
        tried: share of the pool tried at each node, drawn anew (a third took three times as long and found no more).
        patch: side of the square patch that is looked at (2012, 2013: 13 to 24).
        displacement: training patches lie up to this far from the landmark, uniformly along x and y (2013: about 15 in
            the coarse stage, 5 to 8 in the fine one).
        views: how often each film is seen, varied anew by the stage's augmentation each time (2013: scale +-5 to 10 %,
            angle +-0.1 to 0.2 rad); where the augmentation makes fixed copies, each of them is seen once instead.
        patches: training patches drawn from each view.
        step: distance between positions that are searched (2012: every third).
        radius: searched around a point that is known, along x and y (2013: the displacement of training; a little more
            did better).
        reach: around a landmark of which nothing is known, this many SDs of where it lay in training are searched,
            from its mean.
        weighted: a vote weighs ``1 / (1 + spread²)`` by the spread of its leaf; otherwise all weigh the same (both in
            2012 and 2015; here weights did worse).
        smoothing: SD of the Gaussian over the votes (2015: a light blur).
        cell: grid cells per accumulator cell.
        seed: of the views, the patches, the features and the trees.
        jobs: landmarks that are learned at the same time; 0 for one per processor.
        memory_gib: the most that training may hold in memory; more is refused before it begins.
    """

    checkpoints: ClassVar[tuple[str, ...]] = ("limit.npz",)
    training_settings: ClassVar[type[Settings]] = ForestTraining

    kind: Literal["forest"] = "forest"
    trees: PositiveInt = 10
    leaf: PositiveInt = 5
    pool: PositiveInt = 400
    tried: float = Field(default=0.1, gt=0, le=1)
    patch: int = Field(default=20, ge=4, le=128)
    displacement: PositiveFloat = 8.0
    views: PositiveInt = 5
    patches: PositiveInt = 20
    step: PositiveInt = 3
    radius: PositiveFloat = 12.0
    reach: PositiveFloat = 3.0
    weighted: bool = False
    smoothing: NonNegativeFloat = 2.0
    cell: PositiveInt = 1
    seed: NonNegativeInt = 0
    jobs: NonNegativeInt = 0
    memory_gib: PositiveFloat = 6.0

    def fit(self, training: Settings, lesson: Lesson) -> Voter:
        """Grow the forests, or those that are not in the lesson's folder yet; see :meth:`ForestVoter.fit`."""
        from landvote.forests.voter import ForestVoter

        return ForestVoter.fit(self, validated(ForestTraining, training, "training"), lesson)

    def estimate(self, training: Settings, lesson: Lesson, films: int, held_out: int) -> Estimate:  # noqa: ARG002 - not judged by
        """Return how long looks at films and trees take, measured on the lesson's views."""
        from landvote.forests.limit import estimate

        return estimate(self, lesson, films, validated(ForestTraining, training, "training").minutes)

    def load(self, folder: Path, landmarks: int, device: str) -> Voter:  # noqa: ARG002 - forests vote on the CPU
        """Read the forests; see :meth:`ForestVoter.load`."""
        from landvote.forests.voter import ForestVoter

        return ForestVoter.load(self, folder, landmarks)
