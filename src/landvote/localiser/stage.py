"""The stage: one placing, one voter, one choice and one search, fitted and used together."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.frames import Augmentation, Placing
from landvote.frames.placings import PlacingSettings
from landvote.localiser.choice import Choice, ChoiceSettings
from landvote.localiser.families import CHOICES, PLACINGS, SEARCHES, VOTERS
from landvote.localiser.look import Candidate, Look
from landvote.localiser.peaks import PeakSettings
from landvote.localiser.poses import PoseSearch
from landvote.localiser.search import SearchSettings
from landvote.runtime.settings import Settings, validated
from landvote.shapes import Evenness
from landvote.votes import Voter, VoterSettings


class StageSettings(Settings):
    """One stage of a recipe.

    Attributes:
        name: by which its settings are changed and its folder is called.
        applies: to ``always`` all schemes, or only to those whose parts form a ``row``, or ``no row``.
        placing: where to look.
        voter: what votes there.
        choice: which points to take from the votes.
        search: in what order to look, and how often.
        augmentation: how the training views are varied.
        training: how the voter learns; what there is to set depends on the voter.
        share: the stage's part of the time, where training is given a limit.
        weight: of the stage's points, in their mean with those of the stage before; by default they alone count.
        along: the same along outlines, where another weight is to hold than across them.
        even: move points along outlines, after the last look, to where the training shapes spread them evenly.
    """

    name: str = Field(pattern="^[A-Za-z0-9_-]+$")
    applies: Literal["always", "row", "no row"] = "always"
    placing: Annotated[SerializeAsAny[PlacingSettings], BeforeValidator(PLACINGS.parse)]
    voter: Annotated[SerializeAsAny[VoterSettings], BeforeValidator(VOTERS.parse)]
    choice: Annotated[SerializeAsAny[ChoiceSettings], BeforeValidator(CHOICES.parse)] = PeakSettings()
    search: Annotated[SerializeAsAny[SearchSettings], BeforeValidator(SEARCHES.parse)] = PoseSearch()
    augmentation: Augmentation = Augmentation()
    training: SerializeAsAny[Settings] = Field(default_factory=dict, validate_default=True)
    share: float = Field(default=1.0, gt=0)
    weight: float = Field(default=1.0, gt=0, le=1)
    along: float | None = Field(default=None, ge=0, le=1)
    even: bool = False

    @field_validator("training", mode="before")
    @classmethod
    def _as_the_voter_says(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, dict):
            return value
        if "voter" not in info.data:
            return Settings()  # the mistake is the voter's; its training cannot be known
        return validated(info.data["voter"].training_settings, value, "training", ValueError)

    @model_validator(mode="after")
    def _fit_together(self) -> "StageSettings":
        if self.choice.needs_all and not self.placing.finds_all:
            raise ValueError("a shape model needs a stage that finds all landmarks in one look")
        if self.placing.unrolls and not self.search.unrolls:
            raise ValueError("films that the placing unrolls take a search that says which part is which: 'levels'")
        self.voter.check(self.placing.size)
        return self

    def votes(self) -> dict[str, Any]:
        """Return as plain JSON what decides the votes: all but how points are taken from them, and in what order."""
        return self.model_dump(mode="json", exclude={"choice", "search", "weight", "along", "even"})

    def meant_for(self, *, row: bool) -> bool:
        """Say whether ``applies`` names schemes whose parts form a row, or those whose parts do not."""
        return self.applies in ("always", "row" if row else "no row")

    def applies_to(self, scheme: Scheme) -> bool:
        """Say whether the stage is part of a localiser for this scheme."""
        return self.meant_for(row=scheme.row) and self.placing.applies(scheme)


@dataclass(frozen=True)
class Stage:
    """A stage that has learned: settings, a look with fitted parts, and how even outlines are, if that counts."""

    settings: StageSettings
    look: Look
    evenness: Evenness | None = None

    @classmethod
    def of(
        cls, settings: StageSettings, placing: Placing, voter: Voter, choice: Choice, scheme: Scheme,
        evenness: Evenness | None,
    ) -> Self:  # fmt: skip
        """Return a stage of parts that have learned."""
        along = settings.weight if settings.along is None else settings.along
        look = Look(settings.name, placing, voter, choice, scheme, settings.weight, along)
        return cls(settings, look, evenness)

    def search(self, radiograph: Radiograph, candidates: list[Candidate]) -> list[Candidate]:
        """Return where the landmarks may be, best first, searched from where the stage before found them."""
        found = self.settings.search.run(self.look, radiograph, candidates)
        if self.evenness is None:
            return found
        return [replace(one, points=self.evenness.towards(one.points)) for one in found]

    def save(self, folder: Path) -> list[Path]:
        """Write all that was learned into ``folder``, and return the files written."""
        folder.mkdir(parents=True, exist_ok=True)
        files = [file for part in (self.look.placing, self.look.voter, self.look.choice) for file in part.save(folder)]
        return files if self.evenness is None else [*files, *self.evenness.save(folder)]

    @classmethod
    def load(cls, folder: Path, settings: StageSettings, scheme: Scheme, device: str) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: a file is missing, broken, or for other landmarks.
            MissingExtraError: the voter needs packages that are not installed.
        """
        placing = settings.placing.load(folder, scheme)
        voter = settings.voter.load(folder, len(placing.targets[0]), device)
        choice = settings.choice.load(folder, len(scheme))
        evenness = Evenness.load(folder, scheme) if settings.even else None
        return cls.of(settings, placing, voter, choice, scheme, evenness)
