"""The model folder: a fitted localiser with all that its result rests on.

::

    MODEL/
      training.json     recipe, scheme, seed, device, the SHA-256 of all points, and the hash of the model to start
                        from, if there was one: written first, so that a killed training can go on
      films.csv         every film: subject, whether it was learned from (train) or judged by (val), its pixels and file
      seen_before.json  hashes of films, patients and subjects that the model to start from had seen, if there was one
      events.jsonl      events of the training, line by line; for programs that watch
      global/ local/    per stage: the files of its placing, voter and choice; until the training is finished also the
                        checkpoint that a stopped training goes on from
      localiser.json    scheme and settings of the stages
      localiser.npz     polarity, and the scale of the expected errors
      left-out-1/ ...   until the training is finished: those before it, each without some of the films
      model.json        written last: versions, machine, minutes, how much each stage has learned, in how many parts the
                        films were left out in turn, and the SHA-256 of every file in use

No file has a patient's name, number or date of birth; subjects are keyed hashes. Where a training is anonymous, films
are as well.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from landvote.errors import LandvoteError, ModelError, SettingError, StoppedError
from landvote.localiser import Conditions, Fitted, Localiser, fit_localiser
from landvote.localiser.families import VOTERS
from landvote.localiser.localiser import FORM
from landvote.localiser.plan import LEFT_OUT, PLAN
from landvote.localiser.stage import StageSettings
from landvote.models.division import Split
from landvote.models.films import SEEN_BEFORE, FilmRow, read_films, seen_films, write_films, write_seen_before
from landvote.recipes import Recipe
from landvote.runtime.events import Ended, Event, EventLog, Failed, Note, StageLearned, Stopped, ignore
from landvote.runtime.files import StrPath, expect_folder, refuse_existing, write_json
from landvote.runtime.provenance import machine, versions
from landvote.runtime.rank import this_process
from landvote.runtime.settings import validated
from landvote.runtime.stop import StopToken

_MANIFEST = ("files", "films", "versions", "held_out_error_px")
_BEGINNING = ("films.csv", "training.json", "events.jsonl", SEEN_BEFORE)


def train_model(
    split: Split, recipe: Recipe, folder: StrPath, conditions: Conditions | None = None, *,
    resume: bool = False, voters: Path | None = None, keep_checkpoints: bool = False, anonymous: bool = False,
) -> Fitted:  # fmt: skip
    """Fit a localiser and write its model folder; with ``resume``, go on where a stopped or killed call had come to.

    A finished training is returned as it is, and leaves no checkpoints but with ``keep_checkpoints``; ``anonymous``
    writes keyed hashes in place of the films' names and UIDs, and no paths.

    Processes that torchrun started train one model together. Only rank 0 sees the validation films, writes the model
    folder and returns a localiser whose expected errors are scaled.

    ``conditions`` are device, time limit, listener, stop token and the model to start from; the seed is the recipe's.
    Where networks start from a model, its hash is kept, and films that it has seen count as seen.

    ``voters`` is a finished model folder whose voters learned from the same films by the same settings, with its
    checkpoints: each stage begins with what is there, and finds that it is done.

    Raises:
        DataError: the folder has something in it and ``resume`` is not asked for.
        SettingError: the training to resume had other settings, films, points or model to start from; networks differ
            from those of the model to start from, or one of both models is a forest; several processes for a voter that
            one process trains; a time limit too short for any training.
        MissingExtraError: a voter needs packages that are not installed.
        StoppedError: the stop token asked for it.
        TrainingError: training cannot go on; another process failed.
    """
    folder, scheme, start = Path(folder), split.training[0].scheme, time.monotonic()
    stages = recipe.stages_for(scheme)
    under = replace(conditions or Conditions(), seed=recipe.seed)
    with _together(stages, split):
        if not this_process().is_rank_zero:
            # rank 0 decides for all
            quiet = replace(under, listener=ignore, minutes=None, stop=StopToken(), foretell=False)
            with tempfile.TemporaryDirectory() as elsewhere:  # rank 0 alone makes the model folder
                return fit_localiser(scheme, stages, split.training, [], Path(elsewhere), quiet)
        _begin(split, recipe, folder, under, resume=resume, anonymous=anonymous)
        if (folder / "model.json").exists():
            manifest = read_manifest(folder)
            figures, left_out = manifest["held_out_error_px"], manifest.get("left_out", 0)
            return Fitted(load_model(folder, under.device), figures, learned_in(manifest), left_out)
        if voters is not None:
            _begin_with(voters, folder, [stage.name for stage in stages])
        log, learned = EventLog(folder / "events.jsonl"), list[StageLearned]()

        def listener(event: Event) -> None:
            learned.extend([event] if isinstance(event, StageLearned) else [])
            log(Failed("an error that may name films") if anonymous and isinstance(event, Failed) else event)
            under.listener(event)

        def minutes() -> float:
            return round((time.monotonic() - start) / 60, 2)

        try:
            left = None if under.minutes is None else under.minutes - minutes()  # the survey took some
            told = replace(under, listener=listener, minutes=left)
            fitted = fit_localiser(scheme, stages, split.training, split.validation, folder, told, split.left_out)
        except StoppedError:
            listener(Stopped(minutes()))
            raise
        except LandvoteError as error:
            listener(Failed(str(error)))
            if not any(path.is_dir() for path in folder.iterdir()):  # no stage has begun: nothing to go on from
                _take_back(folder)
            raise
        own = [folder / name for name in ("films.csv", "training.json", SEEN_BEFORE)]
        files = [*fitted.localiser.save(folder), *(file for file in own if file.exists())]
        manifest = {
            "versions": versions(), "machine": machine(), "computed_on": fitted.localiser.computed_on,
            "minutes": minutes(), "films": {"train": len(split.training), "val": len(split.validation)},
            "held_out_error_px": [round(e, 3) for e in fitted.held_out], "left_out": fitted.left_out,
            "learned": [asdict(event) for event in learned],
        }  # fmt: skip
        seal(folder, manifest, files)
        if not keep_checkpoints:
            remove_checkpoints(folder)
        listener(Ended(minutes()))
    return replace(fitted, localiser=_of(folder, fitted.localiser), learned=tuple(learned))


def seal(folder: Path, manifest: dict[str, Any], files: Iterable[Path]) -> None:
    """Write ``model.json``, which makes a model folder a finished one: the manifest, and the hashes of its files."""
    hashes = {p.relative_to(folder).as_posix(): _sha256(p) for p in sorted(files)}
    write_json(folder / "model.json", FORM.stamp(manifest | {"files": hashes}))


def begins(folder: Path, *, resume: bool) -> bool:
    """Say whether a training begins in a folder, and does not resume one.

    Raises:
        DataError: there is something else, which is not touched.
    """
    if resume and (folder / "training.json").exists():
        return False
    expect_folder(folder)
    refuse_existing(folder)
    return True


def load_model(folder: StrPath, device: str = "auto") -> Localiser:
    """Read a model folder; ``device`` is that of networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        ModelError: it is unfinished, or a file is missing or altered; names the file.
        MissingExtraError: a voter needs packages that are not installed.
        SettingError: there is no such device.
    """
    folder = Path(folder)
    check_files(folder)
    return _of(folder, Localiser.load(folder, device))


def check_files(folder: Path) -> dict[str, Any]:
    """Return what ``model.json`` says; ModelError, with the file, if one that it lists is missing or altered."""
    manifest = read_manifest(folder)
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: missing, expected a file with SHA-256 {digest[:12]}...")
        if (found := _sha256(folder / name)) != digest:
            raise ModelError(f"{folder / name}: altered, SHA-256 is {found[:12]}..., expected {digest[:12]}...")
    return manifest


def _of(folder: Path, localiser: Localiser) -> Localiser:
    """Return the localiser of a model folder, which says in its predictions whose they are."""
    return replace(localiser, model=model_hash(folder), seen=seen_films(folder))


def _together(stages: Sequence[StageSettings], split: Split) -> AbstractContextManager[None]:
    """Join the processes that torchrun started; without torchrun there is nothing to join."""
    if split.left_out and this_process().size > 1:
        found = f"films are left out in turn, by {this_process().size} processes"
        raise SettingError(f"{found}, expected left_out = 0, or one process")
    contexts = [nullcontext() if this_process().size == 1 else stage.voter.together() for stage in stages]
    return contexts[0]


def model_hash(folder: Path) -> str:
    """Return the SHA-256 that identifies a model: of all that decides which points it finds.

    Trained again with the same result, it has the same; ModelError if there is none.
    """
    files = read_manifest(folder)["files"]
    decides = {name: digest for name, digest in files.items() if name not in _BEGINNING}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what ``model.json`` says; ModelError if there is none, or a newer landvote wrote it."""
    manifest = FORM.load(folder / "model.json", *_MANIFEST)
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise ModelError(f"{folder / 'model.json'}: lists no files, expected the SHA-256 of each")
    return manifest


def learned_in(manifest: dict[str, Any]) -> tuple[StageLearned, ...]:
    """Return how much each stage has learned by ``model.json``, which may be of a time before it said so.

    Raises:
        ModelError: it is not as expected.
    """
    try:
        return TypeAdapter(tuple[StageLearned, ...]).validate_python(manifest.get("learned", []))
    except ValidationError as error:
        raise ModelError(f"model.json: learned is {manifest['learned']!r}, expected a list of stages") from error


def read_beginning(folder: Path) -> dict[str, Any]:
    """Return what ``training.json`` says; ModelError if there is none, or a newer landvote wrote it."""
    return FORM.load(folder / "training.json", "recipe", "scheme")


def recipe_of(folder: StrPath) -> Recipe:
    """Return the recipe of a model folder, also of a training that is not finished.

    Raises:
        ModelError: there is none, or it is of another version of landvote.
    """
    where = f"{Path(folder) / 'training.json'}: not as expected"
    return validated(Recipe, read_beginning(Path(folder))["recipe"], where, ModelError)


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
        (folder / name).unlink(missing_ok=True)


def remove_checkpoints(folder: Path) -> None:
    """Remove from a finished model the files that only a stopped training would have gone on from."""
    (folder / PLAN).unlink(missing_ok=True)
    for part in folder.glob(f"{LEFT_OUT}*"):
        shutil.rmtree(part)
    for name in {name for kind in VOTERS for name in VOTERS[kind].checkpoints}:
        for file in folder.glob(f"*/{name}"):
            file.unlink()


def _begin(
    split: Split, recipe: Recipe, folder: Path, under: Conditions, *, resume: bool, anonymous: bool
) -> None:  # fmt: skip
    """Write down what the model folder is of, or compare with what is there."""
    scheme, file = split.training[0].scheme, folder / "training.json"
    begun = {
        "recipe": recipe.model_dump(mode="json"), "scheme": scheme.model_dump(mode="json"), "anonymous": anonymous,
        "model to start from": under.start.model if under.start else None,
        "division into parts left out in turn": [
            [i for i, sample in enumerate(split.training) if sample.identifier in part] for part in split.left_out
        ] or None,
    }  # fmt: skip
    points = _points_hash(split)
    films = _film_table(split, under, anonymous=anonymous)
    if begins(folder, resume=resume):
        write_films(folder / "films.csv", films)
        if under.start and under.start.seen:
            write_seen_before(folder, under.start.seen)
        write_json(file, FORM.stamp(begun | {"points_sha256": points, "device": under.device}))
        return
    before = read_beginning(folder)
    others = [f"{folder}: was begun with another {key}" for key in begun if before.get(key) != begun[key]]
    if [(f.use, f.pixels_sha256) for f in read_films(folder)] != [(f.use, f.pixels_sha256) for f in films]:
        others.append(f"{folder / 'films.csv'}: was begun with other films")
    if before.get("points_sha256") != points:
        others.append(f"{folder}: was begun with other points")
    if others:
        raise SettingError(f"{others[0]}; resume with the same, or begin anew elsewhere")


def _points_hash(split: Split) -> str:
    """Return the SHA-256 of the points that are learned from and judged by, film by film."""
    digest = hashlib.sha256()
    for sample in (*split.training, *split.validation):
        digest.update(sample.points.tobytes())
    return digest.hexdigest()


def _film_table(split: Split, under: Conditions, *, anonymous: bool) -> list[FilmRow]:
    samples = [*split.training, *split.validation]
    uses = ["train"] * len(split.training) + ["val"] * len(split.validation)
    facts = under.surveyed(samples)
    if flat := [s.identifier for s, known in zip(samples, facts, strict=True) if known.is_flat]:
        named = ", ".join(flat[:10]) + (", ..." if len(flat) > 10 else "")
        under.listener(Note(f"{len(flat)} films are of one grey, with nothing to learn from: {named}"))
    rows = [FilmRow.of(s, use, known.film) for s, use, known in zip(samples, uses, facts, strict=True)]
    return [row.hidden() for row in rows] if anonymous else rows


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
