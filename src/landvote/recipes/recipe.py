"""The recipe: a named, complete set of settings, as a TOML file; the shipped ones lie beside this module.

``docs/recipes.md`` has the form of the file. Several stages may have one name if they apply to different schemes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, ValidationInfo, field_validator, model_validator

from landvote.data.scheme import Scheme
from landvote.errors import SettingError
from landvote.forests.settings import ForestSettings
from landvote.localiser.stage import StageSettings
from landvote.recipes.changes import change_settings
from landvote.runtime.files import StrPath, read_toml
from landvote.runtime.rank import this_process
from landvote.runtime.settings import Settings, named_file, validated

CLAIMED = (
    "Forest votes combined with the fit of a shape model are claimed by the patents US 9928443 and EP 2893491 "
    "(GB, FR, DE): take advice before you use this recipe there."
)
"""The notice that a recipe carries whenever its stages have both."""


LEFT_OUT = 60
"""Films: of fewer none is held out by default, so that all are learned from; they are left out in turn."""

_PARTS = 3  # in which films are left out in turn by default


class Recipe(Settings):
    """All settings of a localiser, and how its films are divided.

    Attributes:
        name: by which it is spoken of.
        summary: in a line.
        validation: share of the films held out to judge by, as whole subjects, where the data has no ``val`` films and
            films are not left out in turn.
        left_out: in how many parts films are left out in turn by further trainings, which tell what errors to expect,
            so that all films are learned from; 0 to hold films out, and ``auto`` for 3 parts with fewer than
            :data:`LEFT_OUT` films, if any would be held out. It does not apply where the data has ``val`` films.
        seed: of the split and of all training; a stage's own seed is added to it.
        stages: coarse to fine.
        picked: why :func:`landvote.recipes.auto.auto_recipe` has picked it; empty where a user named it.
        notice: of a licence or patent that a user has to know of; may be empty. That on forests with a shape model is
            there whenever the stages have both, whatever the recipe is called or says.
    """

    name: str
    summary: str = ""
    validation: float = Field(default=0.15, ge=0, lt=1)
    left_out: Literal["auto"] | NonNegativeInt = "auto"
    seed: int = 0
    stages: tuple[StageSettings, ...] = Field(min_length=1)
    picked: str = ""
    notice: str = Field(default="", validate_default=True)

    @field_validator("notice")
    @classmethod
    def _as_the_stages_say(cls, notice: str, info: ValidationInfo) -> str:
        stages: tuple[StageSettings, ...] = info.data.get("stages", ())  # none where there is a mistake in them
        both = any(isinstance(s.voter, ForestSettings) for s in stages) and any(s.choice.needs_all for s in stages)
        own = notice.replace(CLAIMED, "").strip()  # a recipe that extends another, or was changed, may have it or not
        return f"{own} {CLAIMED * both}".strip()

    @field_validator("left_out")
    @classmethod
    def _not_all(cls, parts: Literal["auto"] | int) -> Literal["auto"] | int:
        if parts == 1:
            raise ValueError("of one part nothing is left to learn from, expected auto, 0, or 2 or more")
        return parts

    @model_validator(mode="after")
    def _told_apart(self) -> "Recipe":
        for row in (True, False):
            names = [s.name for s in self.stages if s.meant_for(row=row)]
            if twice := {n for n in names if names.count(n) > 1}:
                raise ValueError(f"stage {min(twice)!r} is there twice for one scheme, expected names that differ")
        return self

    def parts(self, films: int) -> int:
        """Return in how many parts so many ``films`` are left out in turn, 0 where they are not.

        Several processes, which train one voter together, leave none out by themselves.
        """
        if self.left_out == "auto":
            return _PARTS if films < LEFT_OUT and self.validation > 0 and this_process().size == 1 else 0
        return self.left_out

    def stages_for(self, scheme: Scheme) -> tuple[StageSettings, ...]:
        """Return the stages that apply to a scheme, coarse to fine.

        Raises:
            SettingError: there is none.
        """
        stages = tuple(s for s in self.stages if s.applies_to(scheme))
        if not stages:
            found = f"no stage applies to scheme {scheme.name!r}"
            raise SettingError(f"recipe {self.name!r}: {found}, expected one at least")
        return stages


def shipped() -> dict[str, Path]:
    """Return the recipes that come with landvote, by name."""
    return {file.stem: file for file in sorted(Path(__file__).parent.glob("*.toml"), key=lambda f: f.stem)}


def find(name_or_file: StrPath, beside: Path = Path()) -> Path:
    """Return the file of a recipe, given a shipped one's name or a path, relative to ``beside`` or the working folder.

    Raises:
        SettingError: neither a file nor a known name; the nearest is named.
    """
    return named_file(name_or_file, shipped(), "recipe", SettingError, beside)


def recipe(name_or_file: StrPath, changes: Iterable[str] = (), scheme: Scheme | None = None) -> Recipe:
    """Return a shipped recipe, or that of a TOML file, with ``changes`` made to it, see :func:`change_settings`.

    With a ``scheme`` stages for other kinds of scheme are left out, and changes have to fit the rest. Without it a
    change has to fit one of the stages of its name.

    Raises:
        SettingError: an unknown recipe or setting (the nearest known one is named), a file that is no recipe, or a
            value that does not fit.
    """
    found = _read(find(name_or_file), ())
    if scheme is not None:
        kept = tuple(s for s in found.stages if s.meant_for(row=scheme.row))
        found = found.model_copy(update={"stages": kept})
    return changed(found, changes)


def changed(found: Recipe, changes: Iterable[str], where: str = "") -> Recipe:
    """Return a recipe with changes made to it, see :func:`change_settings`; ``where`` is how messages call it.

    Raises:
        SettingError: an unknown setting, or a value that does not fit.
    """
    where = where or f"recipe {found.name!r}"
    try:
        settings = change_settings(found.model_dump(), changes)
    except SettingError as error:
        raise SettingError(f"{where}: {error}") from error
    return _complete(settings, where)


def _complete(content: dict[str, Any], where: str) -> Recipe:
    """Return content as a recipe; a mistake in a stage is told with the stage's name."""
    stages = content.get("stages")
    if isinstance(stages, list):
        content = content | {"stages": [_stage(s, where) if isinstance(s, dict) else s for s in stages]}
    return validated(Recipe, content, where)


def _stage(table: dict[str, Any], where: str) -> StageSettings:
    return validated(StageSettings, table, f"{where}, stage {table.get('name')!r}")


def _read(file: Path, above: tuple[Path, ...]) -> Recipe:
    content = read_toml(file, "recipe", SettingError)
    if file in above:
        raise SettingError(f"{file}: extends itself, by way of {' and '.join(f.name for f in above)}")
    own = content.pop("set", [])
    if not isinstance(own, list) or not all(isinstance(change, str) for change in own):
        raise SettingError(f"{file}: set is {own!r}, expected a list such as ['local.voter.width = 32']")
    if "stages" in content:
        defaults, stages = content.pop("defaults", {}), content["stages"]
        if not isinstance(stages, list) or not all(isinstance(table, dict) for table in (defaults, *stages)):
            raise SettingError(f"{file}: expected a table [defaults] and tables [[stages]]")
        content["stages"] = [_merged(defaults, stage) for stage in stages]
    if "extends" in content:
        base = _read(find(str(content.pop("extends")), file.parent), (*above, file))
        content = base.model_dump() | {"summary": ""} | content
    return changed(_complete(content, str(file)), own, str(file))


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of both tables, and of tables in both; where they differ, those ``above`` stand."""
    both = {k: _merged(below[k], v) if isinstance(v, dict) and isinstance(below.get(k), dict) else v
            for k, v in above.items()}  # fmt: skip
    return below | both
