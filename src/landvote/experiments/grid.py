"""The grid: the methods, the numbers of training films, the folds and the test films of an experiment.

It is a TOML file; ``docs/experiments.md`` describes its form.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from landvote.errors import SettingError, one_of
from landvote.recipes import find
from landvote.runtime.files import read_toml
from landvote.runtime.settings import Settings, validated

Size = PositiveInt | Literal["all"]


class Source(Settings):
    """Where the films come from: a DATA ``folder``, sought beside the grid file, or as many hips to ``simulate``.

    ``scheme`` is a name or file, for a folder without a ``scheme.toml``.
    """

    folder: str | None = None
    simulate: PositiveInt | None = None
    seed: NonNegativeInt = 0
    scheme: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.folder is None) == (self.simulate is None):
            raise ValueError("expected either folder or simulate")
        return self


class Method(Settings):
    """A recipe with changes, and what it is called in figures."""

    name: str = Field(min_length=1)
    recipe: str
    set: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            find(self.recipe)
        except SettingError as error:
            raise ValueError(str(error)) from error
        return self


class Change(Settings):
    """Settings that some of the methods get; the same for all of them, so that they stay comparable."""

    methods: tuple[str, ...] = Field(min_length=1)
    set: tuple[str, ...] = Field(min_length=1)


class Scale(Settings):
    """A scale reduces a grid: it replaces settings of the grid, and changes settings of methods."""

    note: str = Field(min_length=1)
    sizes: tuple[Size, ...] | None = None
    folds: PositiveInt | None = None
    seeds: tuple[NonNegativeInt, ...] | None = None
    test: PositiveInt | Literal["val", "test"] | None = None
    data: Source | None = None
    changes: tuple[Change, ...] = ()


class Grid(Settings):
    """All runs of an experiment: methods x sizes x folds x seeds; see the top of this module.

    Attributes:
        methods: in the order of figures and tables.
        folds: draws of the films to learn from. A fold's smaller sets are parts of its larger ones.
        draw: seed of the draws.
        unit: ``px``, ``mm``, ``%`` or ``auto``, as in ``landvote evaluate``.
        subgroups: columns of the data to report apart; ``column:edge,edge`` cuts numbers into ranges.
        scales: what may be asked for as ``scale`` besides ``paper``, the grid as it stands.
        note: what was reduced; filled in by the scale chosen.
    """

    title: str
    data: Source
    methods: tuple[Method, ...] = Field(min_length=1)
    sizes: tuple[Size, ...] = Field(min_length=1)
    folds: PositiveInt = 1
    seeds: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    test: PositiveInt | Literal["val", "test"]
    validation: float = Field(default=0.15, gt=0, lt=1)
    draw: NonNegativeInt = 0
    unit: Literal["auto", "px", "mm", "%"] = "auto"
    subgroups: tuple[str, ...] = ()
    scales: dict[str, Scale] = Field(default_factory=dict)
    note: str = ""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [m.name for m in self.methods]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"method {name!r} is there twice, expected names that differ")
        for which, scale in self.scales.items():
            for name in (n for c in scale.changes for n in c.methods if n not in names):
                raise ValueError(f"scale {which!r} changes {name!r}, expected {one_of(names, name)}")
        return self

    def at(self, scale: str) -> Self:
        """Return the grid reduced to a scale, ``paper`` being the whole; SettingError if there is no such scale."""
        if scale == "paper":
            return self.model_copy(update={"scales": {}})
        if scale not in self.scales:
            raise SettingError(f"scale {scale!r}: expected {one_of(('paper', *self.scales), scale)}")
        chosen = self.scales[scale]
        changed = {k: getattr(chosen, k) for k in chosen.model_dump(exclude={"changes"}, exclude_none=True)}
        sets = {m: [setting for c in chosen.changes if m.name in c.methods for setting in c.set] for m in self.methods}
        methods = tuple(m.model_copy(update={"set": (*m.set, *more)}) for m, more in sets.items())
        return self.model_copy(update=changed | {"methods": methods, "scales": {}})


def read_grid(file: Path) -> Grid:
    """Read a grid file; SettingError, with the setting and what was expected, if it holds no grid."""
    return validated(Grid, read_toml(file, "grid", SettingError), str(file))
