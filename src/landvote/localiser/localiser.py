"""The localiser: stages from coarse to fine. It knows neither networks nor forests, nor what a stage is made of."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from landvote.data.polarity import Polarity
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.data.seen import SeenFilms
from landvote.data.side import Side, in_mirror
from landvote.errors import ModelError
from landvote.localiser.expected_error import Calibration, cues
from landvote.localiser.look import DIGITS, Candidate
from landvote.localiser.stage import Stage, StageSettings
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.files import write_json
from landvote.runtime.form import Form
from landvote.runtime.settings import Settings, validated

FORM = Form("a finished model", 2, ModelError)
"""Of the JSON files in a model folder."""

_SETTINGS, _ARRAYS = "localiser.json", "localiser.npz"


@dataclass(frozen=True)
class Localiser:
    """Finds a scheme's landmarks in a radiograph, stage by stage. Complete from birth; replaced whole, never changed.

    The ``stages`` are coarse to fine; the first looks at the whole film. ``model`` is the hash of the model folder it
    was loaded from, or empty; ``seen`` the films that the folder names, or None. ``sides`` are those that the films
    learned from had: one without a name where a film has one shape.
    """

    scheme: Scheme
    stages: tuple[Stage, ...]
    polarity: Polarity
    calibration: Calibration
    sides: tuple[Side, ...] = (Side(),)
    model: str = ""
    seen: SeenFilms | None = None

    def locate(self, radiograph: Radiograph, side: Side | None = None) -> Prediction:
        """Return all landmarks of a film, or of one ``side`` of it, and the error to expect of each.

        Points are (n, 2) image coordinates, x right, y down, (0, 0) the centre of the top-left pixel, and NaN where a
        landmark was not found; errors are (n,) pixels. A film that looks like a negative of those learned from is
        inverted first. Several threads may call this at a time. The side is the first of ``sides`` by default; one that
        is mirrored is looked for in the mirror, and what is found is turned back.
        """
        mirrored = (side or self.sides[0]).mirrored
        seen, inverted = self.polarity.normalise(radiograph.mirrored() if mirrored else radiograph)
        found = self.search(seen)
        error = self.calibration.expected_error(cues(self.stages[-1].look, seen, found))
        film = radiograph.film(inverted=inverted)
        points = in_mirror(found.points, radiograph.size[0]) if mirrored else found.points
        details = {"looks": list(found.looks), **({"mirrored": True} if mirrored else {})}
        return Prediction(
            radiograph.identifier, points, error, self.scheme.landmarks, film, self.model, self.scheme.name,
            self.scheme.sha256(), self.seen.told(film) if self.seen else "", details,
        )  # fmt: skip

    def search(self, radiograph: Radiograph) -> Candidate:
        """Return what the stages find, each from where the one before has led."""
        candidates = [Candidate.unknown(len(self.scheme))]
        for stage in self.stages:
            candidates = stage.search(radiograph, candidates)
        return candidates[0]

    @property
    def computed_on(self) -> dict[str, str]:
        """The device and the precision that compute the votes of each stage, by the stage's name."""
        return {stage.settings.name: stage.look.voter.computed_on for stage in self.stages}

    def prepare_process(self) -> None:
        """Set what this process needs to compute fast; called by entry points alone, see :class:`VoterSettings`."""
        for stage in self.stages:
            stage.settings.voter.prepare_process()

    def save(self, folder: Path) -> list[Path]:
        """Write every stage into a folder of its name, and the rest beside; return the files written."""
        files = [file for stage in self.stages for file in stage.save(folder / stage.settings.name)]
        own = {"polarity": self.polarity.weights.round(DIGITS), "calibration": self.calibration.scales}
        files.append(save_arrays(folder / _ARRAYS, **own))
        written = _Written(scheme=self.scheme, stages=tuple(stage.settings for stage in self.stages), sides=self.sides)
        write_json(folder / _SETTINGS, FORM.stamp(written.model_dump(mode="json")))
        return [*files, folder / _SETTINGS]

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> "Localiser":
        """Read what :meth:`save` wrote; ``device`` is for networks.

        Raises:
            ModelError: a file is missing or not as it should be.
            MissingExtraError: a voter needs packages that are not installed.
        """
        file = folder / _SETTINGS
        where = f"{file}: not the settings of this version of landvote"
        written = validated(_Written, FORM.load(file), where, ModelError)
        own = load_arrays(folder / _ARRAYS, "polarity", "calibration")
        if own["calibration"].shape != (2,):
            raise ModelError(f"{folder / _ARRAYS}: calibration of shape {own['calibration'].shape}, expected (2,)")
        stages = [Stage.load(folder / s.name, s, written.scheme, device) for s in written.stages]
        polarity, calibration = Polarity(own["polarity"]), Calibration(own["calibration"])
        return cls(written.scheme, tuple(stages), polarity, calibration, written.sides)

    @staticmethod
    def sides_in(folder: Path) -> tuple[Side, ...]:
        """Return the sides of the localiser in a folder without loading it; ModelError as :meth:`load`."""
        return validated(_Written, FORM.load(folder / _SETTINGS), str(folder / _SETTINGS), ModelError).sides


class _Written(Settings):
    """The form of ``localiser.json``."""

    scheme: Scheme
    stages: tuple[StageSettings, ...]
    sides: tuple[Side, ...] = Field((Side(),), min_length=1)
