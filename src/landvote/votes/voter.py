"""The voter: looks at a view and votes for each landmark. Networks and forests are two; all else is shared."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from landvote.errors import SettingError
from landvote.frames import View, Views
from landvote.runtime.events import Listener, ignore
from landvote.runtime.settings import Settings
from landvote.runtime.stop import StopToken
from landvote.votes.votemap import VoteMap


class Voter(ABC):
    """Votes on views. Complete from birth: its settings' ``fit`` or ``load`` made it. An interface without fields."""

    @property
    @abstractmethod
    def computed_on(self) -> str:
        """The device that computes the votes, and its precision, for the record: the last digits depend on both."""

    @abstractmethod
    def vote(self, view: View) -> VoteMap:
        """Return the votes for each landmark over the view's grid."""

    def vote_on(self, views: Sequence[View]) -> Iterator[VoteMap]:
        """Yield the votes on each view; all views have one size, and all have a body or none.

        A voter that is faster on several views at once says so here. The last digits may then depend on the others.
        """
        return map(self.vote, views)

    @abstractmethod
    def save(self, folder: Path) -> list[Path]:
        """Write what :meth:`vote` needs into ``folder``, an existing one, and return the files written."""


@dataclass(frozen=True)
class Start:
    """A voter of another model that learning begins from.

    ``same_landmarks`` says whether it votes for the landmarks of the lesson, so that all it has learned is kept. Else
    only the part that is not of single landmarks is.
    """

    voter: Voter
    same_landmarks: bool


@dataclass(frozen=True)
class Lesson:
    """The views that a voter learns from, and the conditions of learning.

    Attributes:
        stage: the stage's name, for events.
        landmarks: how many landmarks to vote for.
        views: what to learn from.
        held_out: views to judge by; may be empty.
        folder: an existing folder where a killed or stopped call leaves what the next one goes on from.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: of all that is random.
        minutes: wall-clock minutes that learning may take, or None for as long as its settings say. A time limit
            bounds all calls together that go on from each other.
        listener: is told of events.
        stop: is asked after each step or tree.
        start: what learning begins from, or None; :meth:`VoterSettings.check_start` has allowed it.
    """

    stage: str
    landmarks: int
    views: Views
    held_out: Views
    folder: Path
    device: str = "auto"
    seed: int = 0
    minutes: float | None = None
    listener: Listener = ignore
    stop: StopToken = field(default_factory=StopToken)
    start: Start | None = None


@dataclass(frozen=True)
class Estimate:
    """How long learning takes on this machine, wall-clock minutes: the ``least`` that is useful, and the ``whole``.

    The whole is ``amount`` units, such as steps; 0 where learning is not counted in units.
    """

    least: float
    whole: float
    amount: int = 0
    unit: str = "steps"


class VoterSettings(Settings, ABC):
    """How one kind of voter votes, and what that kind can. A subclass names its ``kind``.

    Attributes:
        multiple: what the width and height of its views are multiples of, where a placing chooses them. Both rivals
            look at the same grids, so what networks need holds for all.
        checkpoints: the files in the lesson's folder that only a stopped call goes on from.
        training_settings: the settings under ``training`` in a stage of this voter; of their class is each argument
            ``training`` below. By default there is nothing to set.
    """

    multiple: ClassVar[int] = 32
    checkpoints: ClassVar[tuple[str, ...]] = ()
    training_settings: ClassVar[type[Settings]] = Settings

    def check(self, size: tuple[int, int]) -> None:
        """Return if views of ``size`` (width, height) can be voted on.

        Raises:
            ValueError: they cannot; names the setting, the value found and the value expected.
        """

    def check_packages(self) -> None:
        """Return if the packages that such voters learn and vote with can be imported.

        Raises:
            MissingExtraError: they cannot; names the command that installs them.
        """

    def check_start(self, other: "VoterSettings") -> None:  # noqa: ARG002 - no voter can, unless its kind says so
        """Return if such a voter can begin from one with the settings ``other``.

        Raises:
            SettingError: it cannot; names the setting, the value found and the value expected.
        """
        kind = type(self).model_fields["kind"].default
        raise SettingError(f"a voter of kind {kind!r} cannot start from a model, expected one of a kind that can")

    def together(self) -> AbstractContextManager[None]:
        """Return the context in which several processes that torchrun started train one voter together.

        Raises:
            SettingError: such a voter is trained by one process, as most are.
        """
        kind = type(self).model_fields["kind"].default
        raise SettingError(f"a voter of kind {kind!r} in several processes: expected one, without torchrun")

    def prepare_process(self) -> None:
        """Set what this process needs to compute fast (allocator, threads); called by entry points alone."""

    def brief(self, training: Settings) -> Settings:
        """Return how such a voter learns where it is only to tell what errors to expect: by default as always."""
        return training

    @abstractmethod
    def fit(self, training: Settings, lesson: Lesson) -> Voter:
        """Learn, and return a complete voter.

        Called again with a folder that holds the work of a stopped or killed call, it goes on where that one had come
        to and ends with the same result (a time limit aside).

        Raises:
            StoppedError: ``lesson.stop`` asked for it; what is in the folder is gone on from.
            SettingError: the settings do not fit the lesson or the machine.
            MissingExtraError: packages that this takes are not installed.
            TrainingError: learning cannot go on.
        """

    @abstractmethod
    def estimate(self, training: Settings, lesson: Lesson, films: int, held_out: int) -> Estimate:
        """Return how long learning takes on this machine, measured on a few views in some seconds.

        The lesson is as for :meth:`fit`, but with the views of a few films; ``films`` will be learned from, and
        ``held_out`` will be judged by. Nothing is written, and no random generator is touched.
        """

    @abstractmethod
    def load(self, folder: Path, landmarks: int, device: str) -> Voter:
        """Return the voter saved into ``folder``.

        Raises:
            ModelError: a file is missing, broken or of another voter.
            MissingExtraError: packages that this voter needs are not installed.
        """
