"""Changes to a recipe's settings, such as ``local.voter.width = 32``; the paths of version 0.1.0 are understood too."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from landvote.errors import SettingError, nearest
from landvote.localiser.families import VOTERS

Tree = dict[str, Any]

_PLACED = ("size", "border", "fit_aspect", "find")  # keys of a stage in 0.1.0, and where they have gone
_SEARCHED = ("rounds", "angles", "scales", "keep")
_VOTED = ("network", "forest")
_KINDS = {"film": "film", "reference": "reference", "parts": "row"}
_ORDER = ("global", "local", "fine", "parts")  # of the four stages that a recipe of 0.1.0 could have


def change_settings(settings: Tree, changes: Iterable[str]) -> Tree:
    """Return all settings of a recipe, every default written out, with changes made.

    A change begins with a setting of the recipe (``seed``) or the name of a stage, and goes to all stages of that name;
    ``global:row`` is only the one that applies to rows. Values are written as in TOML, words may go without quotes.

    Raises:
        SettingError: not a change, or an unknown setting; the nearest known one is named.
    """
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise SettingError(f"change {change!r}: expected key=value, such as local.voter.width=32")
        key, value = key.strip(), _value(text.strip())
        first, _, rest = key.partition(".")
        stages = [s for s in settings["stages"] if first in (s["name"], f"{s['name']}:{s['applies']}")]
        if rest and stages:
            _change_stages(stages, key, rest.split("."), value)
        elif isinstance(value, dict) and (stages or first in _ORDER) and not rest:
            settings = settings | {"stages": _with_stage(settings["stages"], first, value)}
        elif not rest and first in settings and first != "stages":
            settings = settings | {first: value}
        else:
            known = [*(k for k in settings if k != "stages"), *dict.fromkeys(s["name"] for s in settings["stages"])]
            if first in _ORDER:
                raise SettingError(f"setting {key!r}: the recipe has no stage {first!r}, expected one of {_list(known)}")
            raise SettingError(
                f"setting {key!r}: {first!r} is unknown, expected one of {_list(known)}{nearest(first, known)}"
            )
    return settings


def _change_stages(stages: list[Tree], key: str, path: list[str], value: object) -> None:
    """Change all stages of one name; a setting that one of several does not have is changed in the others."""
    faults = []
    for stage in stages:
        try:
            _change_stage(stage, key, path, value)
        except SettingError as error:
            faults.append(error)
    if len(faults) == len(stages):
        raise faults[0]


def _change_stage(stage: Tree, key: str, path: list[str], value: object) -> None:
    first, rest = path[0], path[1:]
    if first == "look":
        kept = {k: v for k, v in stage["placing"].items() if k in ("size", "border")}
        stage["placing"] = {"kind": _KINDS.get(str(value), value), **kept}
    elif first in _PLACED:
        if first in stage["placing"] or first not in ("fit_aspect", "find"):  # not read in other placings in 0.1.0 either
            _put(stage, key, ["placing", *path], value)
    elif first in _SEARCHED:
        _put(stage, key, ["search", *path], value)
    elif first == "shape" and not rest and isinstance(value, dict):
        stage["choice"] = {"kind": "shape", **value}
    elif first == "shape" and stage["choice"]["kind"] == "shape":
        _put(stage, key, ["choice", *rest], value)
    elif first == stage["voter"]["kind"] and first in _VOTED:
        if rest:
            _put(stage, key, ["voter", *rest], value)
        else:
            stage["voter"] = {"kind": first, **value} if isinstance(value, dict) else value
    elif first == "training" and rest and rest[0] not in stage["training"] and _trains_networks(rest[0]):
        return  # 0.1.0 took settings of a network's training for forests, and did not read them
    else:
        _put(stage, key, path, value)


def _trains_networks(key: str) -> bool:
    return key in VOTERS["network"].training_settings.model_fields


def _put(stage: Tree, key: str, path: list[str], value: object) -> None:
    """Set a path that exists; ``key`` is how the user wrote it."""
    at: Any = stage
    for depth, step in enumerate(path):
        if not isinstance(at, dict) or step not in at:
            known = list(at) if isinstance(at, dict) else []
            expected = f"one of {_list(known)}" if known else f"none below {'.'.join(path[:depth])}"
            older = (*_PLACED, *_SEARCHED, *_VOTED, "shape") if depth == 0 else ()
            raise SettingError(
                f"setting {key!r}: {step!r} is unknown, expected {expected}{nearest(step, [*known, *older])}"
            )
        if depth == len(path) - 1:
            at[step] = value
        at = at[step]


def _with_stage(stages: list[Tree], name: str, value: Tree) -> list[Tree]:
    """Return stages with the one of that name replaced, or added where 0.1.0 had it."""
    stage = {"name": name, **value}
    if "look" in value:
        kind = next((v for v in _VOTED if v in value), _VOTED[0])
        stage = {
            "name": name,
            "placing": {"kind": _KINDS.get(value["look"], value["look"])}
            | {k: value[k] for k in _PLACED if k in value and not (k == "find" and value["look"] != "film")},
            "voter": {"kind": kind, **value.get(kind, {})},
            "search": {"kind": "row" if value["look"] == "parts" else "poses"}
            | {k: value[k] for k in _SEARCHED if k in value},
            **({"choice": {"kind": "shape", **value["shape"]}} if value.get("shape") else {}),
            **{k: v for k, v in value.items() if k not in ("look", "shape", *_PLACED, *_SEARCHED, *_VOTED)},
        }
    others = [s for s in stages if s["name"] != name.partition(":")[0]]
    after = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    place = sum(s["name"] in _ORDER[:after] or s["name"] not in _ORDER for s in others)
    return [*others[:place], stage, *others[place:]]


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
