"""Recipes: named, complete sets of settings, and how they become a localiser. Here alone voters join stages."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from landvote.errors import SettingError, nearest
from landvote.forests.settings import ForestSettings
from landvote.frames.augment import PAPER, Augmentation
from landvote.localiser import Localiser
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.scheme import Scheme
from landvote.shapes import ShapeSettings
from landvote.stage import Stage, StageSettings
from landvote.votes import Voter

_TRAINING = 0.95  # of the minutes given; reading films, judging and saving take the rest


class StageRecipe(StageSettings):
    """A stage's place and its voter: a network and how it is trained, or a forest.

    ``share`` is the stage's part of the time given with --max-minutes.
    """

    network: NetworkSettings | None = None
    training: TrainingSettings = TrainingSettings()
    forest: ForestSettings | None = None
    share: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _one_votes(self) -> StageRecipe:
        if (self.network is None) == (self.forest is None):
            raise ValueError("expected either a network or a forest to vote")
        return self

    @model_validator(mode="after")
    def _grid_can_be_halved(self) -> StageRecipe:
        if self.network is None:
            return self
        unit = 2**self.network.depth
        if self.size[0] % unit or self.size[1] % unit:
            raise ValueError(f"size {self.size} with network.depth {self.network.depth}: expected multiples of {unit}")
        if self.network.stride > unit:
            raise ValueError(
                f"network.stride {self.network.stride} with network.depth {self.network.depth}: expected at most {unit}"
            )
        return self


class Recipe(BaseModel):
    """All settings of a localiser.

    Attributes:
        name: the recipe this began as.
        global_: the global searcher: the whole film, for the reference points (section 3); ``global`` in files.
        local: the local searcher: a patch placed by them, for all landmarks.
        fine: the local searcher once more, on a finer grid, from where the first found the landmarks.
        parts: one patch per repeated part of the scheme; left out where the scheme has no groups.
        validation: share of the subjects held out to judge by, where the data has no ``val`` films of its own.
        seed: of the split and of all training; the ``training.seed`` of a stage is added to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    global_: StageRecipe = Field(alias="global")
    local: StageRecipe | None = None
    fine: StageRecipe | None = None
    parts: StageRecipe | None = None
    validation: float = Field(default=0.15, ge=0, lt=1)
    seed: int = 0

    @property
    def stages(self) -> dict[str, StageRecipe]:
        """The stages there are, coarse to fine."""
        named = {"global": self.global_, "local": self.local, "fine": self.fine, "parts": self.parts}
        return {name: stage for name, stage in named.items() if stage is not None}

    def within(self, minutes: float | None, scheme: Scheme) -> Recipe:
        """Return the recipe with ``minutes`` divided among its stages by their shares.

        Raises:
            SettingError: forests vote; they are grown until they are done.
        """
        if minutes is None:
            return self
        if any(s.forest for s in self.stages.values()):
            raise SettingError(
                f"--max-minutes {minutes:g}: recipe {self.name!r} grows forests, which take the time they take; "
                "leave it out, or set fewer forest.trees or forest.views"
            )
        stages = {n: s for n, s in self.stages.items() if s.look != "parts" or scheme.groups}
        total = sum(s.share for s in stages.values()) / _TRAINING
        changed = self.model_dump(by_alias=True)
        for name, stage in stages.items():
            changed[name]["training"]["minutes"] = minutes * stage.share / total
        return Recipe.model_validate(changed)


def _voting(method: str, *, row: bool) -> dict[str, Any]:
    """Return our defaults for one of the paper's three methods.

    In a ``row`` of parts that look alike two reference points are as hard to tell from their neighbours as any others;
    there the global searcher looks for all landmarks, coarsely and often, and from there on parts are found one by one.
    """
    network: dict[str, Any] = {"method": method}
    if method == "ho":  # each cell votes for itself: only smoothing brings the votes of neighbours together
        network["smoothing"] = 4.0
    two_points = StageRecipe(
        look="film", find="reference", size=(256, 192), border=0.06, share=1.0,
        network=NetworkSettings(**network, head_width=32), training=TrainingSettings(steps=3000),
    )  # fmt: skip
    whole_row = StageRecipe(
        look="film", size=(128, 96), border=0.04, share=1.0,
        network=NetworkSettings(**network, sigma=4.0), training=TrainingSettings(steps=20000, batch=4, rate=2e-3),
    )  # fmt: skip
    moved = Augmentation(rotation=(-10, 10), scale=0.12, shift=0.05)
    # a part may be expected beside its place, by up to half the way to the next one
    beside = Augmentation(rotation=(-8, 8), scale=0.12, shift=0.14, erase=0.1)
    patch = StageRecipe(
        look="reference", size=(224, 224), border=0.12, rounds=2, share=2.5,
        network=NetworkSettings(**network), augmentation=moved, training=TrainingSettings(steps=6000),
    )  # fmt: skip
    return {
        "name": method,
        **({"global": whole_row} if row else {"global": two_points, "local": patch}),
        "parts": StageRecipe(
            look="parts", size=(96, 96), border=0.28, fit_aspect=False, rounds=2, share=2.0,
            network=NetworkSettings(**network, depth=4, stride=2), augmentation=beside,
            training=TrainingSettings(steps=12000),
        ),
    }  # fmt: skip


def _whdv_shape(*, row: bool) -> dict[str, Any]:
    """Return ``whdv`` with a shape model that chooses the points where a stage looks for all of them at once."""
    settings = _voting("whdv", row=row)
    stage = "global" if row else "local"
    settings[stage] = settings[stage].model_copy(update={"shape": ShapeSettings()})
    return settings | {"name": "whdv-shape"}


def _forests(*, shape: bool, row: bool) -> dict[str, Any]:  # noqa: ARG001 - the same for a row
    """Return random-forest regression voting (Lindner et al. 2013, 2015), alone or under a shape model (RFRV-CLM).

    Combining forest votes with the fit of a shape model is claimed by the patents US 9928443 and EP 2893491 (GB, FR,
    DE): users in those countries should take advice before they use ``rfrv-clm``. The networks' recipes are separate.
    """
    jitter = Augmentation(rotation=(-8, 8), scale=0.08, shift=0, mirror=False, gamma=0.8, blur=0.5, erase=0)
    # votes alone grow worse from look to look, a shape model makes use of each
    judged: dict[str, Any] = {"augmentation": jitter}
    judged |= {"shape": ShapeSettings(), "rounds": 2} if shape else {}
    return {
        "name": "rfrv-clm" if shape else "rfrv",
        "global": StageRecipe(
            look="film", find="reference", size=(128, 96), border=0.06, angles=(-16, 0, 16), scales=(0.85, 1.0, 1.18),
            keep=8, forest=ForestSettings(displacement=15), augmentation=jitter,
        ),
        "local": StageRecipe(look="reference", size=(112, 112), border=0.12, forest=ForestSettings(), **judged),
        "fine": StageRecipe(
            look="reference", size=(224, 224), border=0.12, forest=ForestSettings(patch=30), **judged,
        ),
    }  # fmt: skip


def _paper(*, row: bool) -> dict[str, Any]:  # noqa: ARG001 - to the letter, whatever the scheme
    """Return the paper's experiment to the letter (sections 3, 4.1 and 4.2), with its WHDV loss.

    Where the paper is silent (k, sigma, width and depth of the U-Net, how long to train) our values stand. Its weight
    multiplies the finished votes at their target, its smoothing has SD 4, its planes are as fine as the picture.
    """
    network = NetworkSettings(
        method="whdv", width=32, depth=4, stride=1, head_width=32, coordinates=False, normalise=False,
        dense=0, side="target", smoothing=4, cell=1,
    )  # fmt: skip
    training = TrainingSettings(
        rate=1e-3, schedule="constant", weight_decay=0, epsilon=1e-7, batch=10, average=0, keep="best", patience=8
    )
    common: dict[str, Any] = {"fit_aspect": False, "network": network, "training": training, "augmentation": PAPER}
    return {
        "name": "paper",
        "global": StageRecipe(look="film", find="reference", size=(256, 192), border=0, **common),
        "local": StageRecipe(look="reference", size=(224, 224), border=0.05, **common),
    }


_MADE_BY: dict[str, Any] = {
    "ho": functools.partial(_voting, "ho"),
    "hdv": functools.partial(_voting, "hdv"),
    "whdv": functools.partial(_voting, "whdv"),
    "whdv-shape": _whdv_shape,
    "rfrv": functools.partial(_forests, shape=False),
    "rfrv-clm": functools.partial(_forests, shape=True),
    "paper": _paper,
}
RECIPES = tuple(_MADE_BY)
"""The names ``landvote train --recipe`` knows."""


def recipe(name: str, changes: Iterable[str] = (), scheme: Scheme | None = None) -> Recipe:
    """Return the recipe of that name with ``changes`` made to it.

    Args:
        name: one of :data:`RECIPES`.
        scheme: what is to be found; where it has groups, defaults are those for a row of parts that look alike.
        changes: ``"local.network.width=32"`` and the like; values are written as in TOML, words may go without quotes.

    Raises:
        SettingError: an unknown recipe or setting (the nearest known one is named), or a value that does not fit.
    """
    if name not in _MADE_BY:
        raise SettingError(f"recipe {name!r} is unknown, expected one of {', '.join(RECIPES)}{nearest(name, RECIPES)}")
    settings = Recipe.model_validate(_MADE_BY[name](row=bool(scheme and scheme.groups))).model_dump(by_alias=True)
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise SettingError(f"--set {change!r}: expected key=value, such as local.network.width=32")
        _put(settings, key.strip(), _value(value.strip()))
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        found = "" if isinstance(first["input"], dict) else f", found {first['input']!r}"
        raise SettingError(
            f"setting {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}{found}"
        ) from error


def build(recipe: Recipe, scheme: Scheme, device: str = "auto") -> Localiser:
    """Return an unfitted localiser for ``scheme`` by ``recipe``."""

    def voter(stage: StageRecipe, landmarks: int) -> Voter:
        if stage.forest is not None:
            from landvote.forests.voter import ForestVoter  # noqa: PLC0415 - scikit-learn takes a second

            seeded = stage.forest.model_copy(update={"seed": recipe.seed + stage.forest.seed})
            return ForestVoter(landmarks, seeded)
        from landvote.networks.voter import NetworkVoter  # noqa: PLC0415 - torch takes seconds; only who votes needs it

        if stage.network is None:
            raise SettingError("a stage has neither a network nor a forest")
        training = stage.training.model_copy(update={"seed": recipe.seed + stage.training.seed})
        return NetworkVoter(landmarks, stage.network, training, device)

    stages = [Stage(name, s, functools.partial(voter, s)) for name, s in recipe.stages.items()]
    return Localiser(scheme, stages)


def _put(settings: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key that exists."""
    *path, last = key.split(".")
    at: Any = settings
    for depth, step in enumerate([*path, last]):
        if not isinstance(at, dict) or step not in at:
            known = list(at) if isinstance(at, dict) else []
            expected = f"one of {', '.join(known)}" if known else "none below " + ".".join(path[:depth])
            raise SettingError(f"setting {key!r}: {step!r} is unknown, expected {expected}{nearest(step, known)}")
        if depth < len(path):
            at = at[step]
    at[last] = value


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
