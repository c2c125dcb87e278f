"""Very many films: many processes predict them in shards, and a later call resumes where killed processes left off.

::

    OUT/
      shards.json              what the shards are of: landvote, model, list of films, films per shard
      films.jsonl              every film, one a line, shard after shard
      predictions-00000.jsonl  a finished shard
      predictions-00001.part   one that is worked on: a line for each film, on the disk before the next film is read
      failures-00000.jsonl     films of a finished shard that could not be read, if any
      failures.csv             all of them, once every shard is finished
"""

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from landvote import __version__
from landvote.data.limit import Limit
from landvote.errors import ImageError, SettingError, StoppedError
from landvote.films.left_out import LeftOut
from landvote.formats.predictions import SHARDS, prediction_line
from landvote.localiser import Localiser
from landvote.models import load_model, model_hash
from landvote.models.locate import (
    OBLONG,
    PROBABLE,
    SHIFTED,
    SPACELESS,
    UNKNOWN,
    UNTOLD,
    list_sides,
    locate_file,
    tell_named,
    unjudged_by,
)
from landvote.runtime.events import FilmFailed, FilmLocated, Listener, Note, ignore
from landvote.runtime.executor import Executor, Job, relayed
from landvote.runtime.files import atomic_write, expect_folder, refuse_existing, write_json, write_text
from landvote.runtime.journal import Journal
from landvote.runtime.stop import StopToken

_localiser = lru_cache(maxsize=1)(load_model)  # one for all shards of a process
_FAILURE = b'{"failed": '  # so begins the line of a film that could not be read
_SHIFT = re.compile(rb'"probability_of_shift": ([0-9.e-]+)')
_SPACING = re.compile(rb'"spacing": \{"x": ([0-9.eE+-]+), "y": ([0-9.eE+-]+)')
_NAMED = 10  # how many films a note names
_SAME = {
    "landvote": "another version of landvote", "model": "another model", "list": "other films",
    "films_per_shard": "another number of films per shard", "failure_limit": "another failure limit",
}  # fmt: skip


class Located(NamedTuple):
    """How many films were located, how many could not be read, and how many of those located are not known."""

    films: int
    failed: int
    unknown: int


@dataclass(frozen=True)
class Shard:
    """So many films in a row of ``films.jsonl``; the first one's line begins ``offset`` bytes into it."""

    number: int
    films: int
    offset: int


def locate_shards(  # noqa: PLR0913 - the settings of a call that works for days
    model: Path, images: Sequence[Path], out: Path, films_per_shard: int, executor: Executor, device: str = "auto",
    listener: Listener = ignore, *, stop: StopToken | None = None, split: str | None = None,
    failure_limit: Limit | None = None,
) -> Located:  # fmt: skip
    """Locate films, or go on with it, into a folder as drawn at the top of this module.

    Each film that :func:`landvote.models.locate.list_films` lists is located once: after a kill, only the film in
    progress is repeated. In memory there is one film per process, and nothing that grows with their number, but for a
    ``split`` the names of its films. The listener is told, shard by shard as they are finished, how many films are
    done, of each that could not be read, and of files that are no films. At the end it is told of films whose pixels
    are not square, that are not known, or of which the failure limit says nothing. The stop token is asked before each
    film, in other processes too.

    Returns:
        How many films were located, could not be read, and are not known, in all calls together.

    Raises:
        ModelError: the model is not whole.
        MissingExtraError: the model needs packages that are not installed.
        SettingError: the folder was begun with another model, other films, other shards or another failure limit; the
            limit is in per cent, and the scheme has no normaliser; or as :func:`list_films`.
        DataError: the folder holds something else, or cannot be written to; or as :func:`list_films`.
        StoppedError: the stop token asked for it; the same call goes on after the last film.
        WorkerError: processes were killed again and again.
    """
    expect_folder(out)
    if failure_limit is not None:
        failure_limit.check(Localiser.scheme_in(model))
    model, out = model.absolute(), out.absolute()
    left_out = LeftOut()
    films = _begin(model, images, out, films_per_shard, split, left_out, failure_limit)
    for line in left_out.said():
        listener(Note(f"left out: {line}"))
    todo = [shard for shard in _shards(out, films_per_shard) if not _file(out, shard.number).exists()]
    done = films - sum(shard.films for shard in todo)
    listener(FilmLocated(done, films))
    with relayed(stop or StopToken(), out) as token:
        work = partial(_work_on, model=model, out=out, device=device, stop=token, limit=failure_limit)
        reads = [p.absolute() for p in images]
        gpus = 1.0 if device.startswith("cuda") else 0.0
        for shard in filter(None, executor(Job(work, todo, len(todo), (model, *reads), out, gpus))):
            done += shard.films
            for image, message in _failures(out, shard.number):
                listener(FilmFailed(image, message))
            listener(FilmLocated(done, films))
    if done < films:
        raise StoppedError(f"{out}: stopped with {done} of {films} films in finished shards; the same call goes on")
    for left in (*out.glob("*.part"), *out.glob("*.lock")):  # of processes that were killed when they had finished
        with suppress(PermissionError):  # on Windows, of a lock that another call still holds, and will remove
            left.unlink(missing_ok=True)
    failed = _gather_failures(out)
    findings = _findings(out, failure_limit)
    for finding, (names, count) in findings.items():
        tell_named(finding, names, count, listener)
    return Located(films - failed, failed, findings[UNKNOWN][1])


def _begin(
    model: Path, images: Sequence[Path], out: Path, films_per_shard: int, split: str | None, left_out: LeftOut,
    limit: Limit | None,
) -> int:  # fmt: skip
    """List the films, and write down what the folder is of, or compare; return how many films there are."""
    manifest = out / "shards.json"
    if not manifest.exists():
        refuse_existing(out)
    fitted = model_hash(model)
    digest, films = hashlib.sha256(), 0
    with atomic_write(out / "films.jsonl") as temporary:
        with temporary.open("wb") as file:
            for path, identifier in list_sides(Localiser.sides_in(model), images, split, left_out):
                line = json.dumps({"image": identifier, "path": str(path.absolute())}).encode() + b"\n"
                digest.update(line)
                file.write(line)
                films += 1
        shards = {
            "landvote": __version__, "model": fitted, "films": films, "list": digest.hexdigest(),
            "films_per_shard": films_per_shard, "shards": -(-films // films_per_shard),
            "failure_limit": f"{limit.value:g}{limit.unit}" if limit else None,
        }  # fmt: skip
        if not manifest.exists():
            write_json(manifest, SHARDS.stamp(shards))
    before = SHARDS.load(manifest)
    for key, what in _SAME.items():
        if before.get(key) != shards[key]:
            other = f"was begun with {what} ({key} {before.get(key)!r}, now {shards[key]!r})"
            raise SettingError(f"{manifest}: {other}; go on with the same, or begin anew elsewhere")
    return films


def _shards(out: Path, films_per_shard: int) -> Iterator[Shard]:
    number = offset = 0
    with (out / "films.jsonl").open("rb") as file:
        while sizes := [len(line) for line in islice(file, films_per_shard)]:
            yield Shard(number, len(sizes), offset)
            number, offset = number + 1, offset + sum(sizes)


def _work_on(
    shard: Shard, model: Path, out: Path, device: str, stop: StopToken, limit: Limit | None
) -> Shard | None:  # fmt: skip
    """Finish a shard, from where another process may have come to, and return it; None if it is to stop before."""
    file = _file(out, shard.number)
    part = file.with_suffix(".part")
    with FileLock(file.with_suffix(".lock")):  # of a process that is thought to be lost, and is not
        if file.exists():
            return shard
        journal = Journal(part)
        for path, identifier in islice(_films(out, shard), journal.lines, None):
            if stop.stopped:
                return None
            journal.append(_line(_localiser(model, device), path, identifier, limit))
        _finish(part, file)
    return shard


def _films(out: Path, shard: Shard) -> Iterator[tuple[Path, str]]:
    with (out / "films.jsonl").open("rb") as file:
        file.seek(shard.offset)
        for line in islice(file, shard.films):
            film = json.loads(line)
            yield Path(film["path"]), film["image"]


def _line(localiser: Localiser, path: Path, identifier: str, limit: Limit | None) -> str:
    try:
        return prediction_line(locate_file(localiser, path, identifier, failure_limit=limit))
    except ImageError as error:
        return json.dumps({"failed": str(error), "image": identifier}) + "\n"


def _finish(part: Path, file: Path) -> None:
    """Divide the lines of a shard into predictions and failures; the file of predictions is there last."""
    with atomic_write(file) as temporary, part.open("rb") as journal:
        failures = []
        with temporary.open("wb") as predictions:
            for line in journal:
                if line.startswith(_FAILURE):
                    failures.append(line.decode())
                else:
                    predictions.write(line)
            predictions.flush()
            os.fsync(predictions.fileno())
        if failures:
            write_text(_failures_file(file), "".join(failures))
    part.unlink()


def _gather_failures(out: Path) -> int:
    """Put the failures of all shards into one table, if there are any; return how many."""
    numbers = sorted(int(file.stem.partition("-")[2]) for file in out.glob("failures-*.jsonl"))
    if not numbers:
        return 0
    failures = (failure for number in numbers for failure in _failures(out, number))
    with (
        atomic_write(out / "failures.csv") as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as table,
    ):
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("image", "failure"))
        return sum(1 for failure in failures if rows.writerow(failure))


def _findings(out: Path, limit: Limit | None) -> dict[str, tuple[list[str], int]]:
    """Return what is to be said of the predictions of all shards: of which films first, and of how many."""
    found = {finding: (list[str](), 0) for finding in (OBLONG, UNKNOWN, SHIFTED, SPACELESS, UNTOLD)}
    for file in sorted(out.glob("predictions-*.jsonl")):
        with file.open("rb") as predictions:
            for line in predictions:
                spacing = _SPACING.search(line)
                oblong = spacing is not None and float(spacing[1]) != float(spacing[2])
                findings = [OBLONG] * oblong + [UNKNOWN] * (b'"known": false' in line)
                if (shift := _SHIFT.search(line)) and float(shift[1]) > PROBABLE:
                    findings.append(SHIFTED)
                if limit is not None and b'"probability_of_failure": ' not in line:
                    findings.append(unjudged_by(limit, spaced=spacing is not None))
                for finding in findings:
                    names, count = found[finding]
                    found[finding] = [*names, *([json.loads(line)["image"]] if count < _NAMED else [])], count + 1
    return found


def _failures(out: Path, number: int) -> Iterator[tuple[str, str]]:
    """Yield the films of a finished shard that could not be read, each with a message."""
    file = _failures_file(_file(out, number))
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        failure = json.loads(line)
        yield failure["image"], failure["failed"]


def _failures_file(predictions: Path) -> Path:
    return predictions.with_name(predictions.name.replace("predictions", "failures"))


def _file(out: Path, number: int) -> Path:
    return out / f"predictions-{number:05}.jsonl"
