"""The conditions under which a localiser learns, and those under which it is calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from landvote.data.sample import Sample
from landvote.datasets.survey import Facts, Survey
from landvote.localiser.localiser import Localiser
from landvote.runtime.events import FilmRead, Listener, ignore
from landvote.runtime.stop import StopToken


@dataclass(frozen=True)
class Conditions:
    """Under which a localiser is fitted.

    Attributes:
        device: that networks learn on: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: of all that is random; :func:`train_model` takes that of the recipe.
        minutes: wall-clock minutes that all stages together may take, or None for as long as their settings say.
        listener: a function that is called with each event of :mod:`landvote.runtime.events`.
        stop: is asked after each film, step and tree.
        survey: tells of films without decoding them.
        start: a localiser whose voters learning begins from, stage by stage, or None.
        foretell: whether to measure beforehand, in some seconds, how long all will take, and tell the listener.
    """

    device: str = "auto"
    seed: int = 0
    minutes: float | None = None
    listener: Listener = ignore
    stop: StopToken = field(default_factory=StopToken)
    survey: Survey = field(default_factory=Survey)
    start: Localiser | None = None
    foretell: bool = False

    def surveyed(self, samples: Sequence[Sample]) -> list[Facts]:
        """Return the facts of all samples; the listener is told after each, and the stop token asked."""

        def seen(done: int) -> None:
            self.listener(FilmRead("survey", done, len(samples)))
            self.stop.check()

        return self.survey.all(samples, seen)
