"""The localiser: stages from coarse to fine. It knows neither networks nor forests, nor what a stage is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from landvote.data.limit import Limit
from landvote.data.polarity import Polarity
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.data.seen import SeenFilms
from landvote.data.side import Side, in_mirror
from landvote.errors import ModelError, SettingError
from landvote.localiser.assessor import Assessor
from landvote.localiser.look import DIGITS, Candidate, Look
from landvote.localiser.old_scales import OldScales
from landvote.localiser.stage import Stage, StageSettings
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.files import write_json
from landvote.runtime.form import Form
from landvote.runtime.settings import Settings, validated

FORM = Form("a finished model", 3, ModelError, {2: lambda record: record})
"""Of the JSON files in a model folder. One of form 2 has an error per point to expect, and knows no more of it."""

_SETTINGS, _ARRAYS, _ERRORS = "localiser.json", "localiser.npz", "errors"


@dataclass(frozen=True)
class Localiser:
    """Finds a scheme's landmarks in a radiograph, stage by stage. Complete from birth; replaced whole, never changed.

    The ``stages`` are coarse to fine; the first looks at the whole film. ``model`` is the hash of the model folder it
    was loaded from, or empty; ``seen`` the films that the folder names, or None. ``sides`` are those that the films
    learned from had: one without a name where a film has one shape. ``errors`` tells what errors to expect.
    """

    scheme: Scheme
    stages: tuple[Stage, ...]
    polarity: Polarity
    errors: Assessor | OldScales
    sides: tuple[Side, ...] = (Side(),)
    model: str = ""
    seen: SeenFilms | None = None

    def locate(
        self, radiograph: Radiograph, side: Side | None = None, failure_limit: Limit | None = None
    ) -> Prediction:
        """Return all landmarks of a film, or of one ``side`` of it, and the error to expect of each.

        Points are (n, 2) image coordinates, x right, y down, (0, 0) the centre of the top-left pixel, and NaN where a
        landmark was not found; errors are (n,) pixels. A film that looks like a negative of those learned from is
        inverted first. Several threads may call this at a time. The side is the first of ``sides`` by default; one that
        is mirrored is looked for in the mirror, and what is found is turned back. With a ``failure_limit`` it tells how
        probably the film's mean error is above that.

        Raises:
            SettingError: the localiser knows sides, and not this one.
        """
        mirrored = (self.own_side(side) if side else self.sides[0]).mirrored
        seen, inverted = self.polarity.normalise(radiograph.mirrored() if mirrored else radiograph)
        found = self.search(seen)
        expected = self.errors.expect(self.looks, seen, found)
        film = radiograph.film(inverted=inverted)
        points = in_mirror(found.points, radiograph.size[0]) if mirrored else found.points
        details = {"looks": list(found.looks), **({"mirrored": True} if mirrored else {})}
        covariance = expected.covariance * [1, -1, 1] if mirrored else expected.covariance
        limit = failure_limit.pixels(film.spacing, points, self.scheme) if failure_limit else float("nan")
        return Prediction(
            radiograph.identifier, points, expected.error, self.scheme.landmarks, film, self.model, self.scheme.name,
            self.scheme.sha256(), self.seen.told(film) if self.seen else "", details,
            radii=expected.radii, covariance=covariance, expected_film_error=expected.film_error,
            probability_of_failure=expected.probability_of_failure(limit), known=expected.known,
            probability_of_shift=expected.probability_of_shift,
        )  # fmt: skip

    def own_side(self, side: Side) -> Side:
        """Return a side as the localiser learned it: data of one side alone do not tell that it was mirrored then.

        Raises:
            SettingError: the localiser knows sides, and not this one.
        """
        names = [own.name for own in self.sides]
        if side.name in names:
            return self.sides[names.index(side.name)]
        if names == [""]:
            return side
        raise SettingError(f"side {side.name!r} is not known to the model, expected {' or '.join(names)}")

    @property
    def looks(self) -> list[Look]:
        """The looks of the stages, coarse to fine."""
        return [stage.look for stage in self.stages]

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
        own = {"polarity": self.polarity.weights.round(DIGITS)}
        if isinstance(self.errors, Assessor):
            (folder / _ERRORS).mkdir(exist_ok=True)
            files += self.errors.save(folder / _ERRORS)
        else:
            own["calibration"] = self.errors.scales
        files.append(save_arrays(folder / _ARRAYS, **own))
        kind: Literal["scales", "assessor"] = "assessor" if isinstance(self.errors, Assessor) else "scales"
        stages = tuple(stage.settings for stage in self.stages)
        written = _Written(scheme=self.scheme, stages=stages, sides=self.sides, errors=kind)
        write_json(folder / _SETTINGS, FORM.stamp(written.model_dump(mode="json")))
        return [*files, folder / _SETTINGS]

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> "Localiser":
        """Read what :meth:`save` wrote; ``device`` is for networks.

        Raises:
            ModelError: a file is missing or not as it should be.
            MissingExtraError: a voter needs packages that are not installed.
        """
        written = _written(folder)
        polarity = Polarity(load_arrays(folder / _ARRAYS, "polarity")["polarity"])
        stages = [Stage.load(folder / s.name, s, written.scheme, device) for s in written.stages]
        errors: Assessor | OldScales
        if written.errors == "assessor":
            errors = Assessor.load(folder / _ERRORS, written.scheme, [stage.look.placing for stage in stages])
        else:
            scales = load_arrays(folder / _ARRAYS, "calibration")["calibration"]
            if scales.shape != (2,):
                raise ModelError(f"{folder / _ARRAYS}: calibration of shape {scales.shape}, expected (2,)")
            errors = OldScales(scales)
        return cls(written.scheme, tuple(stages), polarity, errors, written.sides)

    @staticmethod
    def sides_in(folder: Path) -> tuple[Side, ...]:
        """Return the sides of the localiser in a folder without loading it; ModelError as :meth:`load`."""
        return _written(folder).sides

    @staticmethod
    def scheme_in(folder: Path) -> Scheme:
        """Return the scheme of the localiser in a folder without loading it; ModelError as :meth:`load`."""
        return _written(folder).scheme


class _Written(Settings):
    """The form of ``localiser.json``."""

    scheme: Scheme
    stages: tuple[StageSettings, ...]
    sides: tuple[Side, ...] = Field((Side(),), min_length=1)
    errors: Literal["scales", "assessor"] = "scales"


def _written(folder: Path) -> _Written:
    file = folder / _SETTINGS
    return validated(_Written, FORM.load(file), f"{file}: not the settings of this version of landvote", ModelError)
