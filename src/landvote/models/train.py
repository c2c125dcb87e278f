"""The model folder: a fitted localiser with all that its result rests on.

::

    MODEL/
      training.json     recipe, scheme, seed and device: written first, so that a killed training can go on
      films.csv         every film: subject, whether it was learned from (train) or judged by (val), hash of its pixels
      events.jsonl      what has happened in training, line by line; for programs that watch
      global/ local/    per stage: what a stopped training goes on from, and the files of its placing, voter and choice
      localiser.json    scheme and settings of the stages
      localiser.npz     polarity, and the scale of the expected errors
      model.json        written last: versions, machine, minutes, and the SHA-256 of every file in use
"""

import csv
import hashlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from landvote.data.sample import Sample
from landvote.datasets.split import split_by_subject
from landvote.errors import LandvoteError, ModelError, SettingError, SplitError, StoppedError
from landvote.localiser import Conditions, Fitted, Localiser, fit_localiser
from landvote.localiser.stage import StageSettings
from landvote.recipes import Recipe
from landvote.runtime.events import Ended, Event, EventLog, Failed, Stopped, ignore
from landvote.runtime.files import refuse_existing, write_json, write_text
from landvote.runtime.provenance import machine, versions
from landvote.runtime.rank import this_process
from landvote.runtime.stop import StopToken

_BEGINNING = ("films.csv", "training.json", "events.jsonl")


@dataclass(frozen=True)
class Split:
    """Which films are learned from, which are judged by, and which were left out for want of points."""

    training: list[Sample]
    validation: list[Sample]
    without_points: list[str]


def divide(samples: Sequence[Sample], recipe: Recipe) -> Split:
    """Divide samples by the data's own split, or hold out a share of the subjects where it has none.

    Films marked ``test`` are never touched; films without any point are named and left out.

    Raises:
        SplitError: nothing is left to learn from.
    """
    pointed = [s for s in samples if s.annotations]
    known = [s for s in pointed if s.split in (None, "train")]
    validation = [s for s in pointed if s.split == "val"]
    if not known:
        found = f"{len(samples)} films, of which none has points and is to be trained on"
        raise SplitError(f"{found}; expected one at least")
    if not validation and recipe.validation > 0:
        known, validation = split_by_subject(known, recipe.validation, recipe.seed)
    return Split(known, validation, [s.identifier for s in samples if not s.annotations])


def train_model(
    split: Split, recipe: Recipe, folder: Path, conditions: Conditions | None = None, *,
    resume: bool = False, voters: Path | None = None,
) -> Fitted:  # fmt: skip
    """Fit a localiser and write its model folder; with ``resume``, go on where a stopped or killed call had come to.

    Processes that torchrun started train one model together. Only rank 0 sees the validation films, writes the model
    folder and returns a localiser whose expected errors are scaled.

    ``conditions`` are device, time limit, listener and stop token; the seed is the recipe's. ``voters`` is a finished
    model folder whose voters learned from the same films by the same settings: each stage begins with what is there,
    and finds that it is done.

    Raises:
        DataError: the folder has something in it and ``resume`` is not asked for.
        SettingError: the training to resume had other settings or films; several processes for a voter that one process
            trains; a time limit too short for any training.
        MissingExtraError: a voter needs packages that are not installed.
        StoppedError: the stop token asked for it.
        TrainingError: training cannot go on; another process failed.
    """
    scheme, start = split.training[0].scheme, time.monotonic()
    stages = recipe.stages_for(scheme)
    under = replace(conditions or Conditions(), seed=recipe.seed)
    begun = {"recipe": recipe.model_dump(mode="json"), "scheme": scheme.model_dump(mode="json")}
    with _together(stages):
        if not this_process().is_rank_zero:
            quiet = replace(under, listener=ignore, minutes=None, stop=StopToken())  # rank 0 decides for all
            with tempfile.TemporaryDirectory() as elsewhere:  # rank 0 alone makes the model folder
                return fit_localiser(scheme, stages, split.training, [], Path(elsewhere), quiet)
        films = _film_table(split)
        if resume and (folder / "training.json").exists():
            _same_as_before(folder, begun, films)
        else:
            refuse_existing(folder)
            write_text(folder / "films.csv", films)
            write_json(folder / "training.json", begun | {"device": under.device})
        if voters is not None:
            _begin_with(voters, folder, [stage.name for stage in stages])
        log = EventLog(folder / "events.jsonl")

        def listener(event: Event) -> None:
            log(event)
            under.listener(event)

        def minutes() -> float:
            return round((time.monotonic() - start) / 60, 2)

        try:
            left = None if under.minutes is None else under.minutes - minutes()  # hashing the films took some
            told = replace(under, listener=listener, minutes=left)
            fitted = fit_localiser(scheme, stages, split.training, split.validation, folder, told)
        except StoppedError:
            listener(Stopped(minutes()))
            raise
        except LandvoteError as error:
            listener(Failed(str(error)))
            if not any(path.is_dir() for path in folder.iterdir()):  # no stage has begun: nothing to go on from
                _take_back(folder)
            raise
        files = [*fitted.localiser.save(folder), folder / "films.csv", folder / "training.json"]
        manifest = {
            "versions": versions(), "machine": machine(), "computed_on": fitted.localiser.computed_on,
            "minutes": minutes(), "films": {"train": len(split.training), "val": len(split.validation)},
            "held_out_error_px": [round(e, 3) for e in fitted.held_out],
            "files": {p.relative_to(folder).as_posix(): _sha256(p) for p in sorted(files)},
        }  # fmt: skip
        write_json(folder / "model.json", manifest)
        listener(Ended(minutes()))
    return fitted


def load_model(folder: Path, device: str = "auto") -> Localiser:
    """Read a model folder.

    Raises:
        ModelError: it is unfinished, or a file is missing or altered; names the file.
        MissingExtraError: a voter needs packages that are not installed.
    """
    for name, digest in _read_manifest(folder)["files"].items():
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: missing, expected a file with SHA-256 {digest[:12]}...")
        if (found := _sha256(folder / name)) != digest:
            raise ModelError(f"{folder / name}: altered, SHA-256 is {found[:12]}..., expected {digest[:12]}...")
    return Localiser.load(folder, device)


def _together(stages: Sequence[StageSettings]) -> AbstractContextManager[None]:
    """Join the processes that torchrun started; without torchrun there is nothing to join."""
    contexts = [nullcontext() if this_process().size == 1 else stage.voter.together() for stage in stages]
    return contexts[0]


def model_hash(folder: Path) -> str:
    """Return the SHA-256 of ``model.json``, which has those of all files in use; ModelError if there is none."""
    _read_manifest(folder)
    return _sha256(folder / "model.json")


def _read_manifest(folder: Path) -> dict[str, Any]:
    manifest = _read_json(folder / "model.json", "a finished model")
    if not isinstance(manifest.get("files"), dict):
        raise ModelError(f"{folder / 'model.json'}: lists no files, expected the SHA-256 of each")
    return manifest


def _begin_with(voters: Path, folder: Path, stages: Sequence[str]) -> None:
    """Copy the stages of another model, each whole or not at all; placings and choices are then written anew."""
    for stage in stages:
        if (voters / stage).is_dir() and not (folder / stage).exists():
            with tempfile.TemporaryDirectory(prefix=f".{stage}.", dir=folder) as temporary:
                made = Path(temporary) / stage
                shutil.copytree(voters / stage, made)
                made.replace(folder / stage)


def _take_back(folder: Path) -> None:
    """Remove what a training that was refused has written, so that the next one may begin there."""
    for name in _BEGINNING:
        (folder / name).unlink()


def _same_as_before(folder: Path, begun: dict[str, Any], films: str) -> None:
    before = _read_json(folder / "training.json", "the settings of a training")
    others = [f"{folder}: was begun with another {key}" for key in begun if before.get(key) != begun[key]]
    if (folder / "films.csv").read_text(encoding="utf-8") != films:
        others.append(f"{folder / 'films.csv'}: was begun with other films")
    if others:
        raise SettingError(f"{others[0]}; resume with the same, or begin anew elsewhere")


def _film_table(split: Split) -> str:
    rows = [("image", "subject", "use", "pixels_sha256")]
    for use, samples in (("train", split.training), ("val", split.validation)):
        rows += [(s.identifier, s.subject, use, s.open().pixel_hash()) for s in samples]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _read_json(file: Path, expected: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{file}: cannot be read ({error}), expected {expected}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file}: holds a {type(content).__name__}, expected {expected}")
    return content


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
