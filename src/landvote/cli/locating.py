"""The verb locate: few films into one file, or very many in shards."""

import re
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from landvote.cli.common import Centre, Device, hint, say_written, some, stopped_by_interrupt
from landvote.errors import DataError, ExistsError, SettingError

if TYPE_CHECKING:  # as heavy as the verb
    from landvote.data.prediction import Prediction
    from landvote.formats.format import Format
    from landvote.runtime.events import FilmFailed, FilmUnknown, Note, OverlayFailed

_FORMAT_AND_PATH = re.compile(r"([\w-]+(?::\w+=[^=,]+(?:,\w+=[^=,]+)*)?)(?:=(.*))?", re.DOTALL)  # tps:origin=edge=PATH


def locate(
    model: Annotated[Path, typer.Argument(help="Model folder.", metavar="MODEL")],
    images: Annotated[list[Path], typer.Argument(help="Films, or folders of films.", metavar="IMAGE_OR_FOLDER...")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Predictions, one JSON object per line; - is standard output.", metavar="FILE.jsonl|DIR"
        ),
    ],
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for pictures of the films with their landmarks.")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="Also write the points in this format, such as wide-csv or vxl-pts=points; without PATH they go "
            "beside --out. May be repeated.",
            metavar="FORMAT[=PATH]",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Locate only this side of the split of one DATA folder: train, val or test."),
    ] = None,
    films_per_shard: Annotated[
        int | None,
        typer.Option(
            help="For very many films: write files of so many films each into the folder --out; a second call resumes.",
            min=1,
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Number of shards in work at a time; 0: one per processor.")] = 0,
    engine: Annotated[str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")] = "local",
    failure_limit: Annotated[
        str | None,
        typer.Option(
            help="Also tell how probably a film's mean error is above this: 12px, 2.5mm, or 1% of the normalising "
            "distance.",
            metavar="VALUE[px|mm|%]",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if a film is unlike those the model was made from.")
    ] = False,
    centre: Centre = None,
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Find the landmarks of films. A film that cannot be read is named and left out, and the exit status is then 1."""
    if films_per_shard is not None:
        if overlays or to or force:
            raise SettingError("--films-per-shard: expected without --overlays, --to and --force")
        _locate_shards(model, images, split, out, films_per_shard, jobs, engine, device, failure_limit, strict)
        return
    if jobs or engine != "local":
        raise SettingError("--jobs, --engine: expected with --films-per-shard, which divides the work")
    from landvote.cli.progress import locating
    from landvote.data.limit import Limit
    from landvote.formats.predictions import write_predictions
    from landvote.models import load_model
    from landvote.models.locate import locate_files
    from landvote.runtime.events import Event, FilmFailed, FilmUnknown, Note, OverlayFailed
    from landvote.runtime.files import is_stdout

    targets = _targets(to or [], out, images, centre)
    _refuse_places(out, overlays, targets, force)
    limit = Limit.parse(failure_limit) if failure_limit else None
    localiser = load_model(model, device)
    told: list[FilmFailed | FilmUnknown | Note | OverlayFailed] = []

    with locating() as shown, stopped_by_interrupt() as stop:

        def listener(event: Event) -> None:
            shown(event)
            if isinstance(event, FilmFailed | FilmUnknown | Note | OverlayFailed):
                told.append(event)

        found = locate_files(localiser, images, overlays, listener, stop, split, limit)
        written, kept = tee(found) if targets else (found, iter(()))
        count = write_predictions(out, written)
    quiet = any(is_stdout(path) for path in (out, *targets))
    typer.echo(f"{count} films located: {out}", err=quiet)
    complete = _write_points(list(kept), targets, images, split, quiet)
    if not (_say_all_well(told, strict=strict) and complete):
        raise typer.Exit(1)


def _say_all_well(told: "list[FilmFailed | FilmUnknown | Note | OverlayFailed]", *, strict: bool) -> bool:
    """Say what was told of films, and return whether it was notes alone; with ``strict`` all films are known too."""
    from landvote.runtime.events import FilmFailed, FilmUnknown, Note, OverlayFailed

    undrawn = [event for event in told if isinstance(event, OverlayFailed)]
    if undrawn:  # one cause for most of them, such as a full disk
        films = some([event.image for event in undrawn])
        typer.echo(f"{len(undrawn)} overlays cannot be written, of {films}: {undrawn[0].message}", err=True)
    for event in told:
        if isinstance(event, Note):
            typer.echo(f"warning: {event.text}", err=True)
        elif isinstance(event, FilmFailed):
            typer.echo(f"left out: {event.message}", err=True)
        elif isinstance(event, FilmUnknown):
            typer.echo(f"not known: {event.image}: unlike the films that the model was made from", err=True)
    if unknown := sum(isinstance(event, FilmUnknown) for event in told):
        films = f"{unknown} films are unlike those that the model was made from"
        typer.echo(f"{'error' if strict else 'warning'}: {films}; do not trust their points", err=True)
    return all(isinstance(event, Note) or (isinstance(event, FilmUnknown) and not strict) for event in told)


def _targets(to: list[str], out: Path, images: list[Path], centre: float | None) -> "dict[Path, Format]":
    """Return which formats are to be written where."""
    from landvote.formats.family import format_to_write
    from landvote.runtime.files import is_stream

    targets: dict[Path, Format] = {}
    for word in to:
        divided = _FORMAT_AND_PATH.fullmatch(word)
        kind, path = divided.groups("") if divided else (word, "")
        form = format_to_write(kind, centre)
        if not path and is_stream(out):
            raise SettingError(f"--to {kind}: there is no file to put it beside, expected --to {kind}=PATH")
        above = [given for given in images if given.is_dir() and out.resolve().is_relative_to(given.resolve())]
        if not path and above:
            raise SettingError(f"--to {kind}: {out} is in {above[0]}, which is read, expected --to {kind}=PATH")
        name = f"{out.stem}-{form.kind}{'' if form.per_film else form.suffixes[0]}"
        target = Path(path) if path else out.with_name(name)
        if target in {out, *targets}:
            raise SettingError(f"--to {word}: {target} is written already, expected another path")
        targets[target] = form
    return targets


def _refuse_places(out: Path, overlays: Path | None, targets: "dict[Path, Format]", force: bool) -> None:
    """Raise an error for a place that cannot be written to: before films are located, and not when all are."""
    from landvote.runtime.files import expect_folder, refuse_existing

    for folder in filter(None, (overlays, *(path for path, form in targets.items() if form.per_film))):
        expect_folder(folder)
    for path in filter(None, (out, overlays, *targets)):
        if not force:
            with hint(ExistsError, "--force overwrites it"):
                refuse_existing(path)


def _write_points(
    predictions: "list[Prediction]", targets: "dict[Path, Format]", images: list[Path], split: str | None, quiet: bool
) -> bool:
    """Write predictions in further formats; return whether every film is in each of them."""
    from landvote.formats.films import Films
    from landvote.formats.kinds.jsonl import table_of_predictions
    from landvote.formats.writing import write_points
    from landvote.models.locate import list_films

    complete = True
    if targets and predictions:
        films = Films({identifier: path for path, identifier in list_films(images, split)}, ", ".join(map(str, images)))
        table = table_of_predictions([replace(p, points=p.points.round(3)) for p in predictions])  # as --out has them
        problems: list[DataError] = []
        for path, form in targets.items():
            try:
                written = write_points(path, table, form, films, force=True)  # what was there has been refused before
            except DataError as error:  # the other formats are written all the same
                problems.append(error)
                continue
            complete &= say_written(written, path, form.kind, quiet=quiet)
        for problem in problems[1:]:
            typer.echo(f"not written: {problem}", err=True)
        if problems:
            raise problems[0]
    return complete


def _locate_shards(
    model: Path,
    images: list[Path],
    split: str | None,
    out: Path,
    films_per_shard: int,
    jobs: int,
    engine: str,
    device: str,
    failure_limit: str | None,
    strict: bool,
) -> None:
    from landvote.cli.progress import locating
    from landvote.data.limit import Limit
    from landvote.models.shards import locate_shards
    from landvote.runtime.events import Event, Note
    from landvote.runtime.executor import choose_executor

    executor = choose_executor(engine, jobs)
    notes: list[str] = []
    with locating() as shown, stopped_by_interrupt() as stop:

        def listener(event: Event) -> None:
            shown(event)
            if isinstance(event, Note):
                notes.append(event.text)

        found = locate_shards(
            model, images, out, films_per_shard, executor, device, listener, stop=stop, split=split,
            failure_limit=Limit.parse(failure_limit) if failure_limit else None,
        )  # fmt: skip
    typer.echo(f"{found.films} films located: {out}")
    for note in notes:
        typer.echo(f"warning: {note}", err=True)
    if found.failed:
        typer.echo(f"left out: {found.failed} films, named in {out / 'failures.csv'}", err=True)
    if found.unknown and strict:
        films = f"{found.unknown} films are unlike those that the model was made from"
        typer.echo(f"error: {films}; --strict makes this an error", err=True)
    if found.failed or (found.unknown and strict):
        raise typer.Exit(1)
