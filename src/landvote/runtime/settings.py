"""Settings: strict, frozen, and in families whose members are told apart by ``kind``.

A family (placings, voters, choices, searches, codecs) is one table. A new member is one new file and one line in that
table, or, from outside the package, one call of :meth:`Family.register`; nothing else knows its name.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from landvote.errors import SettingError, nearest, one_of
from landvote.runtime.files import StrPath


class Settings(BaseModel):
    """Settings that cannot be changed or misspelt: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Member = TypeVar("Member", bound=Settings)


class Family(Generic[Member]):
    """The table of what there is of one kind of thing, by the ``kind`` in its settings.

    ``noun`` is how messages call a member, such as ``"placing"``. A member is a settings class with a field ``kind``
    whose default is its name.
    """

    def __init__(self, noun: str, *members: type[Member]) -> None:
        self.noun = noun
        self._members: dict[str, type[Member]] = {}
        for member in members:
            self.register(member)

    def register(self, member: type[Member]) -> None:
        """Add a member; SettingError if its settings have no ``kind``, or another member has the same one."""
        kind = member.model_fields["kind"].default if "kind" in member.model_fields else None
        if not isinstance(kind, str) or self._members.get(kind, member) is not member:
            raise SettingError(f"{self.noun} {member.__name__}: kind is {kind!r}, expected a name of its own")
        self._members[kind] = member

    def unregister(self, member: type[Member]) -> None:
        """Take a member out again: a notebook that defines it anew, or a test that is over."""
        self._members = {kind: other for kind, other in self._members.items() if other is not member}

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __getitem__(self, kind: str) -> type[Member]:
        """Return the settings class of that kind; SettingError, which names the nearest, if there is none."""
        if kind not in self._members:
            raise SettingError(f"{self.noun} {kind!r} is unknown, expected {one_of(self, str(kind))}")
        return self._members[kind]

    def parse(self, value: object) -> object:
        """Turn a table with a ``kind`` into settings; a pydantic validator, to be run before the field's own.

        Raises:
            ValueError: the kind is missing or unknown, or a setting does not fit; in one line.
        """
        if not isinstance(value, dict):
            return value
        if "kind" not in value:
            raise ValueError(f"a {self.noun} without kind, expected one of {', '.join(self)}")
        try:
            member = self[value["kind"]]
            return member.model_validate(value)
        except ValidationError as error:
            raise ValueError(explain(error, member)) from error
        except SettingError as error:
            raise ValueError(str(error)) from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Put a model's error into one line: setting, what is wrong, the value found, the nearest known key."""
    lines = []
    for each in error.errors():
        where = ".".join(map(str, each["loc"]))
        if each["type"] == "extra_forbidden":
            lines.append(f"unknown key {where!r}{nearest(str(each['loc'][-1]), _keys_beside(model, each['loc']))}")
            continue
        cause = each.get("ctx", {}).get("error")
        found = "" if cause is not None or isinstance(each["input"], dict) else f", found {each['input']!r}"
        lines.append(f"{where + ': ' if where else ''}{cause if cause is not None else each['msg']}{found}")
    return "; ".join(lines)


def validated(
    model: type[Member], value: Any, where: str, raised: type[Exception] = SettingError  # noqa: ANN401 - any JSON or TOML
) -> Member:  # fmt: skip
    """Return ``value``, a table as JSON or TOML gives it, as settings of class ``model``.

    Raises:
        Exception: of class ``raised``; the value does not fit, see :func:`explain`. Its message begins with ``where``,
            a file or what the settings are of.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise raised(f"{where}: {explain(error, model)}") from error


def named_file(
    name_or_file: StrPath, shipped: Mapping[str, Path], noun: str, raised: type[Exception],
    beside: Path = Path(),
) -> Path:  # fmt: skip
    """Return a TOML file: one ``shipped`` with landvote, by its name, or by a path relative to ``beside``.

    Raises:
        Exception: of class ``raised``; neither a file nor a known name. The nearest is named.
    """
    path, name = beside / name_or_file, str(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        return path
    if name not in shipped:
        known = f"{', '.join(shipped)}{nearest(name, shipped)}"
        raise raised(f"{noun} {name!r} is unknown, expected a file or one of {known}")
    return shipped[name]


def _keys_beside(model: Any, loc: tuple[int | str, ...]) -> list[str]:  # noqa: ANN401 - a class, or None on the way
    """Return the keys that the table at ``loc[:-1]`` of a model may have, as far as annotations tell."""
    for step in loc[:-1]:
        if isinstance(step, str) and model is not None:
            field = next((f for name, f in model.model_fields.items() if step in (name, f.alias)), None)
            model = _model_in(field.annotation) if field is not None else None
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - whatever stands behind a field's colon
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)
