"""The recipe that suits some films: by their number, the minutes, the device, and what is installed and accepted.

The table of rules holds what was measured, and where. ``docs/recipes.md`` has the figures.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ShapeError
from landvote.recipes.recipe import LEFT_OUT, Recipe, recipe
from landvote.runtime.extras import installed
from landvote.runtime.rank import this_process
from landvote.shapes import ShapeModel

_FEW, _MANY = 20, 30  # films, landmarks: from fewer films networks take one of many vertebrae or teeth for another
_SOON, _SHORT = 3.0, 15.0  # minutes on a CPU in which networks learn next to nothing, and half of their steps


@dataclass(frozen=True)
class Situation:
    """All that decides which recipe suits.

    Attributes:
        films: to learn from.
        row: whether the parts of the scheme form a row.
        few: whether films are few and landmarks many, and a shape model can be learned from them.
        minutes: that training may take, or None.
        gpu: whether networks learn on another device than the CPU.
        networks: whether the packages of networks are installed.
        processes: that train together.
        accepted: whether recipes may be picked that carry a notice of a licence or patent.
    """

    films: int
    row: bool = False
    few: bool = False
    minutes: float | None = None
    gpu: bool = False
    networks: bool = True
    processes: int = 1
    accepted: bool = False

    def __str__(self) -> str:
        limit = "no limit of time" if self.minutes is None else f"{self.minutes:.4g} minutes"
        device = "a GPU" if self.gpu else "a CPU"
        return f"{self.films} film{'s' * (self.films != 1)} to learn from, {limit}, {device}"

    def within(self, minutes: float) -> bool:
        """Say whether training on a CPU may take less than so many minutes."""
        return not self.gpu and self.minutes is not None and self.minutes < minutes


@dataclass(frozen=True)
class Rule:
    """A ``recipe``, when it suits, and the reason."""

    when: Callable[[Situation], bool]
    recipe: str
    reason: str


RULES = (
    Rule(
        lambda s: not s.networks, "rfrv-clm",
        "networks are not installed; from 25 chest films forests had 15.5 px with a shape model, 20.0 px without",
    ),
    Rule(lambda s: not s.networks, "rfrv", "networks are not installed"),
    Rule(lambda s: s.processes > 1, "whdv", "several processes train it together, and forests are grown by one"),
    Rule(
        lambda s: s.row and s.few, "whdv-shape",
        "from 10 spine films whdv had 28.3 px, 19.7 px with a shape model and with levels that hardly count",
    ),
    Rule(lambda s: s.row, "whdv", "forests have no stage for the parts of a row"),
    Rule(
        lambda s: s.within(_SOON), "rfrv-clm",
        "from 51 hips forests had 4.0 px after half a minute, networks 10.8 px after two minutes",
    ),
    Rule(
        lambda s: s.within(_SOON), "rfrv",
        "from 51 hips forests had 4.6 px after a minute, networks 10.8 px after two minutes",
    ),
    Rule(
        lambda s: s.few, "both-shape",
        "from 10 spine films without row both had 61.2 px, 35.3 px with a shape model over the networks' votes too",
    ),
    Rule(
        lambda s: s.few, "whdv-shape",
        "from 10 spine films without row networks had 70.4 px, 36.1 px with a shape model over their votes",
    ),
    Rule(
        lambda s: s.within(_SHORT), "rfrv-clm",
        "from 156 chest films networks with half of their steps had a squared error of 217 px², forests 204 px²",
    ),
    Rule(
        lambda s: s.within(_SHORT), "whdv",
        "networks had 3.6 px from 51 hips after three minutes, forests without shape model 4.6 px after one",
    ),
    Rule(
        lambda _: True, "both",
        "from 10 to 156 chest films the mean of networks and forests had 4 to 11 % less squared error than either",
    ),
    Rule(
        lambda _: True, "whdv",
        "from 10, 25 and 156 chest films networks with all steps had 24, 7 and 22 % less squared error than forests",
    ),
)  # fmt: skip
"""In order: the first that applies counts. One whose recipe carries a notice applies only where that is accepted."""


@dataclass(frozen=True)
class Pick:
    """The ``rule`` that counts in a situation, and the one that would if notices were accepted, if that is another."""

    situation: Situation
    rule: Rule
    instead: Rule | None = None

    def __str__(self) -> str:
        other = (
            f". With its notice accepted it would be {self.instead.recipe}: {self.instead.reason}"
            if self.instead
            else ""
        )
        return f"{self.rule.recipe} for {self.situation}: {self.rule.reason}{other}"

    def settings(self, changes: Iterable[str], scheme: Scheme) -> Recipe:
        """Return the recipe with changes made to it, and this in words under ``picked``; a SettingError as there."""
        return recipe(self.rule.recipe, changes, scheme).model_copy(update={"picked": str(self)})


def pick(situation: Situation) -> Pick:
    """Return which recipe suits; it depends on the argument alone."""
    fitting = [rule for rule in RULES if rule.when(situation)]
    first = fitting[0]
    free = next(rule for rule in fitting if not recipe(rule.recipe).notice)
    return Pick(situation, first) if situation.accepted or first is free else Pick(situation, free, first)


def situation_of(
    samples: Sequence[Sample], minutes: float | None = None, device: str = "auto", *, accepted: bool = False
) -> Situation:
    """Return the situation of a training on some films, on this machine.

    Films count that have points and that the data's own split gives to training, less those that will be held out.
    ``minutes`` are those that training may take, or None; ``device`` is that of networks: ``auto``, ``cpu``, ``cuda``
    or ``mps``.

    Raises:
        SettingError: there is no such device.
    """
    films = [s for s in samples if s.annotations and not s.collapsed]
    learned = [s.points for s in films if s.split in (None, "train")]
    known = len(learned)
    all_learn = known < LEFT_OUT or any(s.split == "val" for s in films)
    held_out = 0 if all_learn else Recipe.model_fields["validation"].default
    networks = installed("networks")
    return Situation(
        round(known * (1 - held_out)), samples[0].scheme.row, known < _FEW and _many_with_shape(learned), minutes,
        networks and _is_gpu(device), networks, this_process().size, accepted,
    )  # fmt: skip


def auto_recipe(
    samples: Sequence[Sample], changes: Iterable[str] = (), minutes: float | None = None, device: str = "auto", *,
    accept_notices: bool = False,
) -> Recipe:  # fmt: skip
    """Return the shipped recipe that suits some films, with ``changes`` made to it; its ``picked`` says why.

    ``minutes`` and ``device`` are as for :func:`situation_of`. With ``accept_notices``, recipes may be picked that
    carry a notice of a licence or patent; without, the best of the others is, and ``picked`` says if another would be.

    Raises:
        SettingError: there is no such device, or a change does not fit the recipe.
    """
    found = pick(situation_of(samples, minutes, device, accepted=accept_notices))
    return found.settings(changes, samples[0].scheme)


def _many_with_shape(points: Sequence[Points]) -> bool:
    """Say whether films have many points, and a shape model can be learned from these."""
    try:
        return bool(points) and len(points[0]) >= _MANY and ShapeModel.fit(np.stack(points)).modes_count > 0
    except ShapeError:
        return False


def _is_gpu(device: str) -> bool:
    from landvote.networks.device import choose_device  # noqa: PLC0415 - imports torch, where there may be none

    return choose_device(device).type != "cpu"
