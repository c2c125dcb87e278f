"""Settings of the networks, with the defaults that the sweeps in results/ led to.

Imports no torch: that takes seconds, and only a process that votes or learns needs it. The methods import it.
"""

# ruff: noqa: PLC0415

from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from landvote.errors import SettingError
from landvote.runtime.extras import require
from landvote.runtime.settings import Settings, validated
from landvote.votes import Estimate, Lesson, Voter, VoterSettings

_TRUNK = ("width", "depth", "stride", "head_width", "widest", "coordinates", "normalise")  # decide its tensors


class TrainingSettings(Settings):
    """How a network is trained.

    Attributes:
        steps: optimiser steps at most.
        minutes: wall-clock minutes at most, or none; the lesson may allow fewer. The learning rate is brought down to
            fit whichever of steps and minutes ends first.
        batch: views per step.
        rate: highest learning rate.
        schedule: ``constant`` (the paper), or ``cosine``: a short rise, then down to zero at the end.
        weight_decay: AdamW's; 0 makes it Adam.
        epsilon: Adam's.
        average: decay of the running mean of the weights that is judged and kept; 0 keeps the weights themselves.
        judge_every: steps between looks at the validation views.
        patience: looks without improvement after which to stop; 0 never stops early.
        keep: ``best`` keeps the weights that did best on the validation views, ``last`` those of the last step.
        tensorboard: write the validation curve for TensorBoard as well; needs the extra ``landvote[tensorboard]``.
        seed: of the first weights, the order of the films and their variations; the lesson's is added to it.
    """

    steps: PositiveInt = 4000
    minutes: PositiveFloat | None = None
    batch: PositiveInt = 10
    rate: PositiveFloat = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    weight_decay: NonNegativeFloat = 1e-4
    epsilon: PositiveFloat = 1e-7
    average: float = Field(default=0.995, ge=0, lt=1)
    judge_every: PositiveInt = 250
    patience: NonNegativeInt = 0
    keep: Literal["best", "last"] = "last"
    tensorboard: bool = False
    seed: int = 0


class NetworkSettings(VoterSettings):
    """The network, its planes and how they are turned into votes.

    Attributes:
        kind: tells these settings from other voters'.
        method: ``ho``, ``hdv`` or ``whdv`` (section 4.4 of the paper), or ``levels``, see
            :class:`landvote.networks.levels.Levels`.
        width: channels of the U-Net's first level; doubled per level up to ``widest``.
        depth: its levels below the first.
        stride: grid cells per plane cell.
        head_width: channels of the last layer before the planes, at least.
        widest: upper limit of the channels of a level.
        coordinates: give the network two further input planes with x and y from -1 to 1: of the body, where the placing
            tells where on it a view is, else of the view.
        normalise: batch normalisation after each convolution.
        k: offsets are clipped to +-k grid cells (equation 2; the paper gives no value).
        sigma: SD of the Gaussian weight in grid cells (equation 1; the paper gives no value).
        gain: how much the error of the weight counts in the loss; 1 in equation 3.
        widen: the Gaussian begins this many times as wide as sigma and shrinks to it by half-time.
        dense: how much :class:`landvote.networks.codecs.WHDV` begins like HDV.
        side: where the weight acts: on each vote at its ``source``, or on the finished votes at their ``target``.
        smoothing: SD in grid cells of the Gaussian over the votes (the paper: 4).
        cell: grid cells per accumulator cell.
        sharpness: votes weigh ``weight ** sharpness``.
        precision: ``bf16``, ``fp32``, or ``auto``: bf16 where the hardware multiplies in it.
    """

    checkpoints: ClassVar[tuple[str, ...]] = ("checkpoint.pt",)
    training_settings: ClassVar[type[Settings]] = TrainingSettings

    kind: Literal["network"] = "network"
    method: Literal["ho", "hdv", "whdv", "levels"] = "whdv"
    width: PositiveInt = 16
    depth: int = Field(default=5, ge=1, le=5)
    stride: Literal[1, 2, 4, 8, 16] = 4
    head_width: PositiveInt = 64
    widest: PositiveInt = 256
    coordinates: bool = True
    normalise: bool = True
    k: PositiveFloat = 16.0
    sigma: PositiveFloat = 6.0
    gain: PositiveFloat = 1.0
    widen: PositiveFloat = 1.0
    dense: NonNegativeFloat = 0.0
    side: Literal["source", "target"] = "source"
    smoothing: NonNegativeFloat = 1.5
    cell: PositiveInt = 2
    sharpness: PositiveFloat = 1.0
    precision: Literal["auto", "bf16", "fp32"] = "auto"

    def check(self, size: tuple[int, int]) -> None:
        """Return if the network can halve views of ``size`` as often as it has levels; else raise a ValueError."""
        unit = 2**self.depth
        if size[0] % unit or size[1] % unit:
            raise ValueError(f"size {size} with depth {self.depth}: expected multiples of {unit}")
        if self.stride > unit or (self.method == "levels" and self.stride < unit):
            expected = f"{unit}, as of all levels" if self.method == "levels" else f"at most {unit}"
            raise ValueError(f"stride {self.stride} with depth {self.depth}: expected {expected}")

    def check_packages(self) -> None:
        """Return if torch and safetensors can be imported; else raise a MissingExtraError."""
        require("networks", "a voter of kind 'network'")

    def check_start(self, other: VoterSettings) -> None:
        """Return if the trunks of both networks, all but their heads, are alike; else raise a SettingError."""
        if not isinstance(other, NetworkSettings):
            kind = type(other).model_fields["kind"].default
            raise SettingError(f"the model to start from has a voter of kind {kind!r}, expected {self.kind!r}")
        if (self.method == "levels") != (other.method == "levels"):
            raise SettingError(f"voter.method is {self.method!r}, expected that of the model, {other.method!r}")
        for name in _TRUNK:
            own, found = getattr(self, name), getattr(other, name)
            if own != found:
                raise SettingError(f"voter.{name} is {own}, expected {found} as in the model to start from")

    def together(self) -> AbstractContextManager[None]:
        """Join the processes that torchrun started."""
        self.check_packages()
        from landvote.networks.parallel import together

        return together()

    def prepare_process(self) -> None:
        """Keep freed memory and the number of threads, see :mod:`landvote.networks.device`; for entry points alone."""
        self.check_packages()
        from landvote.networks.device import keep_freed_memory, keep_threads

        keep_freed_memory()
        keep_threads()

    def brief(self, training: Settings) -> Settings:
        """Return the training with half of its steps, after which errors are 8 % larger (``results/errors.md``)."""
        whole = validated(TrainingSettings, training, "training")
        minutes = None if whole.minutes is None else whole.minutes / 2
        return whole.model_copy(update={"steps": -(-whole.steps // 2), "minutes": minutes})

    def fit(self, training: Settings, lesson: Lesson) -> Voter:
        """Train a network, or go on from the checkpoint in the lesson's folder; see :meth:`VoterSettings.fit`."""
        self.check_packages()
        from landvote.networks.voter import NetworkVoter

        return NetworkVoter.fit(self, validated(TrainingSettings, training, "training"), lesson)

    def estimate(self, training: Settings, lesson: Lesson, films: int, held_out: int) -> Estimate:  # noqa: ARG002 - steps count
        """Return how long steps and looks at the held-out views take, measured on the lesson's views."""
        self.check_packages()
        from landvote.networks.voter import estimate

        return estimate(self, validated(TrainingSettings, training, "training"), lesson, held_out)

    def load(self, folder: Path, landmarks: int, device: str) -> Voter:
        """Return the voter that was saved into ``folder``; see :meth:`VoterSettings.load`."""
        self.check_packages()
        from landvote.networks.voter import NetworkVoter

        return NetworkVoter.load(self, folder, landmarks, device)
