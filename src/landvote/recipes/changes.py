"""Changes to a recipe's settings, such as ``local.voter.width = 32``; paths of version 0.1.0 still work."""

import copy
import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from landvote.errors import SettingError, nearest
from landvote.localiser.families import PLACINGS, VOTERS
from landvote.localiser.stage import StageSettings
from landvote.runtime.settings import validated

Tree = dict[str, Any]

_PLACED = ("size", "border", "fit_aspect", "find")  # keys of a stage in 0.1.0, and where they have gone
_SEARCHED = ("rounds", "angles", "scales", "keep")
_UNREAD = ("fit_aspect", "find")  # by some placings: 0.1.0 took them for all
_NAMED = {"network": "voter", "forest": "voter", "shape": "choice"}
_KINDS = {"film": "film", "reference": "reference", "parts": "row"}
_ORDER = ("global", "local", "fine", "parts", "levels", "outline")  # of all stages that a shipped recipe has


def change_settings(settings: Tree, changes: Iterable[str]) -> Tree:
    """Return all settings of a recipe, every default written out, with changes made.

    A change begins with a setting of the recipe (``seed``) or the name of a stage, and goes to all stages of that name;
    ``global:row`` is only the one that applies to rows. Values are written as in TOML, words may go without quotes.

    Raises:
        SettingError: not a change, or an unknown setting; the nearest known one is named.
    """
    before = settings["stages"]
    settings = settings | {"stages": copy.deepcopy(list(before))}
    originals = list(zip(settings["stages"], before, strict=True))
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
            problem = f"the recipe has no stage {first!r}" if first in _ORDER else f"{first!r} is unknown"
            hint = "" if first in _ORDER else nearest(first, known)
            raise SettingError(f"setting {key!r}: {problem}, expected one of {', '.join(known)}{hint}")
    return settings | {"stages": [_fitting(stage, settings["stages"], originals) for stage in settings["stages"]]}


def _fitting(stage: Tree, stages: list[Tree], originals: list[tuple[Tree, Tree]]) -> Tree:
    """Return the stage, or as it was before where changes fit another stage of its name and not this one."""
    others = [s for s in stages if s is not stage and s["name"] == stage["name"]]
    if not _fits(stage) and any(map(_fits, others)):
        return next((before for changed, before in originals if changed is stage), stage)
    return stage


def _fits(stage: Tree) -> bool:
    try:
        StageSettings.model_validate(stage)
    except ValidationError:
        return False
    return True


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
        kind = _KINDS.get(str(value), str(value))
        known = PLACINGS[kind].model_fields if kind in PLACINGS else stage["placing"]
        stage["placing"] = {k: v for k, v in stage["placing"].items() if k in known} | {"kind": kind}
    elif first == "training":
        _change_training(stage, key, rest, value)
    elif path == ["voter"] and isinstance(value, dict) and value.get("kind") != stage["voter"]["kind"]:
        stage |= {"voter": value, "training": {}}  # what there is to set of it depends on the voter
    elif first in _NAMED:
        _change_named(stage, key, path, value)
    elif first not in _UNREAD or first in stage["placing"]:
        part = ["placing"] if first in _PLACED else ["search"] if first in _SEARCHED else []
        _put(stage, key, [*part, *path], value)


def _change_named(stage: Tree, key: str, path: list[str], value: object) -> None:
    """Change what 0.1.0 called by the kind of a part: ``network``, ``forest`` or ``shape``, or set it whole."""
    part, whole = _NAMED[path[0]], path[1:] == [] and isinstance(value, dict)
    if whole and (part == "choice" or stage[part]["kind"] == path[0]):
        stage[part] = {"kind": path[0], **dict(value)}  # type: ignore[call-overload]  # whole: it is a dict
    elif stage[part]["kind"] == path[0]:
        _put(stage, key, [part, *path[1:]], value)
    else:
        raise SettingError(f"setting {key!r}: the stage's {part} is of kind {stage[part]['kind']!r}, not {path[0]!r}")


def _change_training(stage: Tree, key: str, rest: list[str], value: object) -> None:
    """Change how the voter learns; 0.1.0 took settings of a network's training for forests, and did not read them."""
    networks = VOTERS["network"].training_settings.model_fields
    told = value if not rest and isinstance(value, dict) else {".".join(rest): value}
    for name, each in told.items():
        if name in stage["training"] or name not in networks:
            _put(stage, key, ["training", *name.split(".")], each)


def _put(stage: Tree, key: str, path: list[str], value: object) -> None:
    """Set a path that exists; ``key`` is how the user wrote it."""
    at: Any = stage
    for depth, step in enumerate(path):
        if not isinstance(at, dict) or step not in at:
            known = list(at) if isinstance(at, dict) else []
            expected = f"one of {', '.join(known)}" if known else f"none below {'.'.join(path[:depth])}"
            hint = nearest(step, [*known, *(() if depth else (*_PLACED, *_SEARCHED, *_NAMED))])
            raise SettingError(f"setting {key!r}: {step!r} is unknown, expected {expected}{hint}")
        if depth == len(path) - 1:
            at[step] = value
        at = at[step]


def _with_stage(stages: list[Tree], name: str, value: Tree) -> list[Tree]:
    """Return stages with the one of that name replaced, or added where 0.1.0 had it."""
    stage = {"name": name, **value}
    if "look" in value:  # as in 0.1.0
        voter = "forest" if "forest" in value else "network"
        placing = {"kind": _KINDS.get(value["look"], value["look"]), "size": value.get("size")}
        search = {"kind": "row" if value["look"] == "parts" else "poses"}
        bare = {"name": name, "placing": placing, "voter": {"kind": voter}, "search": search}
        stage = validated(StageSettings, bare, f"setting {name!r}").model_dump()
        for key, each in value.items():
            if key != "look":
                _change_stage(stage, f"{name}.{key}", [key], each)
    others = [s for s in stages if s["name"] != name.partition(":")[0]]
    later = _ORDER[_ORDER.index(name) :] if name in _ORDER else ()
    place = sum(s["name"] not in later for s in others)
    return [*others[:place], stage, *others[place:]]


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except (ValueError, RecursionError):
        return text
