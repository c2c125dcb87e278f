"""Settings of the forests, with the publications they come from. Imports no scikit-learn."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


class ForestSettings(BaseModel):
    """One forest per landmark: how it is grown and how it votes. Lengths are in grid cells.

    The method is Cootes et al. (ECCV 2012) and Lindner et al. (TMI 2013; TPAMI 2015). They fix little of what follows,
    and differ from task to task; where a value is ours, it is the one that found simulated hips best.

    Attributes:
        trees: trees per landmark (2013 and 2015: 10).
        leaf: fewest training patches in a leaf (2012 splits nodes of 10 or more; common since: 5; ours: 3).
        pool: Haar-like features drawn for a tree, by which alone it splits (2013: "a random subset" at every node; one
            pool per tree is filled once, and so costs a fraction of it).
        tried: share of the pool tried at each node.
        patch: side of the square patch that is looked at (2013: 13 to 24).
        displacement: training patches lie up to this far from the landmark, uniformly along x and y (2012 and 2013:
            15 in a coarse stage; 5 to 8 in fine ones).
        views: how often each film is seen, varied anew by the stage's augmentation each time (2013: scale +-5 %,
            angle +-6 degrees); where the augmentation makes fixed copies, each of them is seen once instead.
        patches: training patches drawn from each view; ``views * patches`` were about 20 in 2012 and 2013.
        step: distance between positions that are searched (2013: every third).
        radius: searched around a point that is known, along x and y (2013: the displacement of training).
        reach: around a landmark of which nothing is known, this many SDs of where it lay in training are searched,
            from its mean.
        weighted: a vote weighs ``1 / (1 + spread²)`` by the spread of its leaf (2013 compares weights; 2015 keeps one
            vote per tree, each weighing the same).
        smoothing: SD of the Gaussian over the votes (2015: a light blur).
        cell: grid cells per accumulator cell.
        seed: of the views, the patches, the features and the trees.
        jobs: landmarks that are learned at the same time; 0 for one per processor.
        memory_gib: the most that training may hold in memory; more is refused before it begins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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
