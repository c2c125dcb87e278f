"""The views of a stage, one by one, for a training loop of one's own; a DataLoader of torch takes them as they are."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray
from landvote.errors import SettingError, one_of
from landvote.frames import Reading, Views
from landvote.localiser import Conditions
from landvote.localiser.films import in_polarity
from landvote.localiser.fit import fit_placings, looks_of
from landvote.models.division import Split
from landvote.recipes import Recipe


class ViewItem(NamedTuple):
    """One view, of types that a DataLoader puts into batches.

    Attributes:
        pixels: (height, width) float32, standardised grey levels, bone brighter than air; 0 beside the film.
        points: (n, 2) float32 grid coordinates, x then y, (0, 0) the centre of the top-left cell; NaN where missing.
        matrix: (2, 3), from image to grid: ``grid = matrix[:, :2] @ image + matrix[:, 2]``.
        identifier: the film's.
    """

    pixels: npt.NDArray[np.float32]
    points: npt.NDArray[np.float32]
    matrix: FloatArray
    identifier: str


@dataclass(frozen=True)
class ViewDataset:
    """A map-style dataset of views: it has a length, and ``dataset[i]`` is a :class:`ViewItem`.

    Item i depends on the seed, the epoch and i alone, in whichever process it is asked for;
    ``dataclasses.replace(dataset, epoch=1)`` is the same films varied anew.

    Attributes:
        views: the films, held small in memory.
        varied: whether items are varied at random by the augmentation of their stage.
        seed: of the variations.
        epoch: how often all films have been seen before.
    """

    views: Views
    varied: bool
    seed: int = 0
    epoch: int = 0

    def __len__(self) -> int:
        return len(self.views) if self.varied else len(self.views.working)

    def __getitem__(self, index: int) -> ViewItem:
        """Return item ``index``, from the end where it is negative; IndexError beyond the last one."""
        i = range(len(self))[index]
        drawn = np.random.default_rng([self.seed, self.epoch, i])
        view = self.views.varied(i, drawn) if self.varied else self.views.plain(i)
        return ViewItem(view.pixels, view.points.astype(np.float32), view.frame.matrix, view.identifier)


def view_datasets(
    split: Split, recipe: Recipe, stage: str, conditions: Conditions | None = None
) -> tuple[ViewDataset, ViewDataset]:
    """Return what a stage learns from, varied anew each time, and what it is judged by, as it is.

    Each film is decoded here, once, and brought to the polarity of most; in memory there is what the stage can see of
    it. The places to look at are those of the true points.

    Args:
        split: the films, as :func:`divide` returns them.
        recipe: that has the stage; its seed is that of the variations.
        stage: the name of a stage that applies to the scheme of the films.
        conditions: whose listener is told of each film, and whose stop token is asked after it.

    Raises:
        ImageError: a film cannot be read.
        PointsError: no film has the points that the stage looks at.
        SettingError: no stage of that name applies to the scheme.
        StoppedError: the stop token asked for it.
    """
    under, scheme = conditions or Conditions(), split.training[0].scheme
    stages = {settings.name: settings for settings in recipe.stages_for(scheme)}
    if stage not in stages:
        found = f"no stage {stage!r} for scheme {scheme.name!r}"
        raise SettingError(f"recipe {recipe.name!r}: {found}, expected {one_of(stages, stage)}")
    polarity, placings = fit_placings([stages[stage]], split.training, under)
    looks = looks_of([stages[stage]], placings, scheme)
    training, validation = (
        Reading(in_polarity(samples, polarity), looks, under.stop.check).views()[0]
        for samples in (split.training, split.validation)
    )
    return ViewDataset(training, varied=True, seed=recipe.seed), ViewDataset(validation, varied=False, seed=recipe.seed)
