"""Very many films: predictions in shards, worked on by many processes, and gone on with after any of them was killed.

::

    OUT/
      shards.json              what the shards are of: landvote, model, list of films, films per shard
      films.jsonl              every film, one a line, shard after shard
      predictions-00000.jsonl  a finished shard
      predictions-00001.part   one that is worked on: a line for each film, on the disk before the next film is read
      failures-00000.jsonl     films of a finished shard that could not be read, if any
      failures.csv             all of them, once every shard is finished
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

from filelock import FileLock

from landvote import __version__
from landvote.errors import DataError, ImageError, SettingError
from landvote.files import atomic_write, refuse_existing, write_text
from landvote.localiser import Localiser
from landvote.locating import list_films, locate_file
from landvote.models import load_model, model_hash
from landvote.prediction import prediction_line
from landvote.workers import Work, Workers

_FAILURE = b'{"failed": '  # so begins the line of a film that could not be read
_SAME = {
    "landvote": "another version of landvote",
    "model": "another model",
    "list": "other films",
    "films_per_shard": "another number of films per shard",
}


@dataclass(frozen=True)
class Shard:
    """Some films in a row of ``films.jsonl``.

    Attributes:
        number: which shard, from 0.
        films: how many.
        offset: where the first one's line begins, bytes.
    """

    number: int
    films: int
    offset: int


def locate_shards(
    model: Path,
    images: Sequence[Path],
    out: Path,
    films_per_shard: int,
    workers: Workers,
    device: str = "auto",
    tell: Callable[[int, int], None] = lambda *_: None,
) -> tuple[int, int]:
    """Locate films, or go on with it, into a folder as drawn at the top of this module.

    A film is located once, whoever is killed meanwhile: only the one that was being looked at is looked at again. In
    memory there is one film per process, and nothing that grows with their number.

    Args:
        model: model folder.
        images: films, or folders that are searched for films; see :func:`landvote.locating.list_films`.
        out: the folder; empty, or begun by a call with the same arguments.
        films_per_shard: how many predictions a file is to hold.
        workers: who works.
        device: for networks.
        tell: is told, shard by shard as they are finished, how many films are in it, and in all.

    Returns:
        How many films were located, and how many could not be read, in all calls together.

    Raises:
        ImageError: there is no film at all.
        ModelError: the model is not whole.
        SettingError: the folder was begun with another model, other films or other shards.
        DataError: the folder holds something else, or cannot be written to.
        WorkerError: processes were killed again and again.
    """
    model, out = model.absolute(), out.absolute()
    films = _begin(model, images, out, films_per_shard)
    shards = _shards(out, films_per_shard)
    todo = [shard for shard in shards if not _file(out, shard.number).exists()]
    work = Work(
        function=partial(_work_on, model=model, out=out, device=device),
        tasks=todo,
        count=len(todo),
        reads=(model, *(path.absolute() for path in images)),
        writes=out,
        gpus=1.0 if device.startswith("cuda") else 0.0,
    )
    tell(films - sum(shard.films for shard in todo), films)
    for done in workers(work):
        tell(done, films)
    for left in (*out.glob("*.part"), *out.glob("*.lock")):  # of processes that were killed when they had finished
        left.unlink(missing_ok=True)
    failed = _gather_failures(out)
    return films - failed, failed


def _begin(model: Path, images: Sequence[Path], out: Path, films_per_shard: int) -> int:
    """List the films, and write down what the folder is of, or compare; return how many films there are."""
    manifest = out / "shards.json"
    if not manifest.exists():
        refuse_existing(out)
    fitted = model_hash(model)
    digest, films = hashlib.sha256(), 0
    with atomic_write(out / "films.jsonl") as temporary:
        with temporary.open("wb") as file:
            for path, identifier in list_films(images):
                line = json.dumps({"image": identifier, "path": str(path.absolute())}).encode() + b"\n"
                digest.update(line)
                file.write(line)
                films += 1
        shards = {
            "landvote": __version__,
            "model": fitted,
            "films": films,
            "list": digest.hexdigest(),
            "films_per_shard": films_per_shard,
            "shards": -(-films // films_per_shard),
        }
        if not manifest.exists():
            write_text(manifest, json.dumps(shards, indent=2) + "\n")
    before = json.loads(manifest.read_text(encoding="utf-8"))
    for key, what in _SAME.items():
        if before.get(key) != shards[key]:
            raise SettingError(
                f"{manifest}: was begun with {what} ({key} {before.get(key)!r}, now {shards[key]!r}); go on with the "
                "same, or begin anew elsewhere"
            )
    return films


def _shards(out: Path, films_per_shard: int) -> list[Shard]:
    shards: list[Shard] = []
    offset = 0
    with (out / "films.jsonl").open("rb") as file:
        while sizes := [len(line) for line in islice(file, films_per_shard)]:
            shards.append(Shard(len(shards), len(sizes), offset))
            offset += sum(sizes)
    return shards


def _work_on(shard: Shard, model: Path, out: Path, device: str) -> int:
    """Finish a shard, from where another process may have come to; return how many films it has."""
    file = _file(out, shard.number)
    part = file.with_suffix(".part")
    with FileLock(file.with_suffix(".lock")):  # of a process that is thought to be lost, and is not
        if file.exists():
            return shard.films
        try:
            done = _mend(part)
            with part.open("ab") as journal:
                for path, identifier in islice(_films(out, shard), done, None):
                    journal.write(_line(_localiser(model, device), path, identifier).encode())
                    journal.flush()
                    os.fsync(journal.fileno())
        except OSError as error:
            raise DataError(f"{part}: cannot be written ({error.strerror or error})") from error
        _finish(part, file)
    return shard.films


def _films(out: Path, shard: Shard) -> Iterator[tuple[Path, str]]:
    with (out / "films.jsonl").open("rb") as file:
        file.seek(shard.offset)
        for line in islice(file, shard.films):
            film = json.loads(line)
            yield Path(film["path"]), film["image"]


def _line(localiser: Localiser, path: Path, identifier: str) -> str:
    try:
        return prediction_line(locate_file(localiser, path, identifier))
    except ImageError as error:
        return json.dumps({"failed": str(error), "image": identifier}) + "\n"


def _mend(part: Path) -> int:
    """Cut off a last line that was not written to its end; return how many lines there are."""
    part.touch()
    lines = length = 0
    with part.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n"):
                lines += 1
                length += len(line)
        file.truncate(length)
    return lines


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
            write_text(file.with_name(file.name.replace("predictions", "failures")), "".join(failures))
    part.unlink()


def _gather_failures(out: Path) -> int:
    """Put the failures of all shards into one table, if there are any; return how many."""
    files = sorted(out.glob("failures-*.jsonl"))
    if not files:
        return 0
    failed = 0
    with (
        atomic_write(out / "failures.csv") as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as table,
    ):
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(("image", "failure"))
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                failure = json.loads(line)
                rows.writerow((failure["image"], failure["failed"]))
                failed += 1
    return failed


def _file(out: Path, number: int) -> Path:
    return out / f"predictions-{number:05}.jsonl"


@lru_cache(maxsize=1)
def _localiser(model: Path, device: str) -> Localiser:
    return load_model(model, device)
