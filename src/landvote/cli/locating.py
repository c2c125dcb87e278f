"""The verb locate: few films into one file, or very many in shards."""

from itertools import tee
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import Device, Origin, hint, stopped_by_interrupt
from landvote.errors import ExistsError, SettingError


def locate(
    model: Annotated[Path, typer.Argument(help="Model folder.", metavar="MODEL")],
    images: Annotated[list[Path], typer.Argument(help="Films, or folders of films.", metavar="IMAGE_OR_FOLDER...")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Predictions, one JSON object a line; - is standard output.", metavar="FILE.jsonl|DIR"
        ),
    ],
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for pictures of the films with their landmarks.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="The points as a landmarks.csv as well.")] = None,
    pts: Annotated[Path | None, typer.Option("--pts", help="Folder for a .pts file per film as well.")] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Only the films of one DATA folder that its split says are for train, val or test."),
    ] = None,
    films_per_shard: Annotated[
        int | None,
        typer.Option(help="For very many films: --out is a folder of such files; a second call goes on.", min=1),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Shards worked on at a time; 0: one per processor.")] = 0,
    engine: Annotated[str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")] = "local",
    origin: Origin = 0,
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Find the landmarks of films; films that cannot be read are named and left out, and the exit status is 1."""
    if films_per_shard is not None:
        if overlays or csv or pts or force:
            raise SettingError("--films-per-shard: expected without --overlays, --csv, --pts and --force")
        _locate_shards(model, images, split, out, films_per_shard, jobs, engine, device)
        return
    if jobs or engine != "local":
        raise SettingError("--jobs, --engine: expected with --films-per-shard, which divides the work")
    from landvote.cli.progress import locating
    from landvote.formats.predictions import write_predictions
    from landvote.models import load_model
    from landvote.models.locate import export_points, locate_files
    from landvote.runtime.events import Event, FilmFailed
    from landvote.runtime.files import is_stdout, refuse_existing

    for path in filter(None, (out, overlays, csv, pts)):
        if not force:
            with hint(ExistsError, "--force overwrites it"):
                refuse_existing(path)
    localiser = load_model(model, device)
    failures: list[FilmFailed] = []

    with locating() as shown, stopped_by_interrupt() as stop:

        def listener(event: Event) -> None:
            shown(event)
            if isinstance(event, FilmFailed):
                failures.append(event)

        found = locate_files(localiser, images, overlays, listener, stop, split)
        written, kept = tee(found) if csv or pts else (found, iter(()))
        count = write_predictions(out, written)
    export_points(list(kept), csv, pts, origin)
    typer.echo(f"{count} films located: {out}", err=any(is_stdout(path) for path in (out, csv) if path))
    for failure in failures:
        typer.echo(f"left out: {failure.message}", err=True)
    if failures:
        raise typer.Exit(1)


def _locate_shards(
    model: Path,
    images: list[Path],
    split: str | None,
    out: Path,
    films_per_shard: int,
    jobs: int,
    engine: str,
    device: str,
) -> None:
    from landvote.cli.progress import locating
    from landvote.models.shards import locate_shards
    from landvote.runtime.executor import choose_executor

    executor = choose_executor(engine, jobs)
    with locating() as listener, stopped_by_interrupt() as stop:
        located, failed = locate_shards(
            model, images, out, films_per_shard, executor, device, listener, stop=stop, split=split
        )
    typer.echo(f"{located} films located: {out}")
    if failed:
        typer.echo(f"left out: {failed} films, named in {out / 'failures.csv'}", err=True)
        raise typer.Exit(1)
