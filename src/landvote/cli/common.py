"""Shared by the verbs: options, hints of flags, and Ctrl-C.

Heavy imports stand inside the verbs and these functions, so that ``landvote --help`` is there at once.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from landvote.errors import LandvoteError

if TYPE_CHECKING:  # as heavy as the verbs
    from landvote.data.sample import Sample
    from landvote.data.scheme import Scheme
    from landvote.formats.writing import Written
    from landvote.runtime.stop import StopToken

Data = Annotated[
    Path,
    typer.Argument(
        help="Folder of films, in images/ or not, with points in any format; or a file of points, with --films.",
        metavar="DATA",
    ),
]
Films = Annotated[
    Path | None,
    typer.Option("--films", help="Folder of the films, where DATA is a file or they lie elsewhere.", metavar="DIR"),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Format of the points, with its settings if any; by default landvote recognises it.",
        metavar="FORMAT[:KEY=VALUE]",
    ),
]
SchemeOption = Annotated[
    str | None,
    typer.Option(
        "--scheme",
        help="Scheme file, or a shipped scheme: cephalogram, femur, chest, chest-lungs-heart, spine, wings.",
    ),
]
Centre = Annotated[
    float | None,
    typer.Option(
        metavar="0|0.5|1",
        help="Coordinate of the centre of the first pixel in point files: 0 (VXL), 0.5 (its corner is 0) or 1 (menpo, "
        "iBUG); by default that of the format.",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder for facts of films that landvote has read; by default the user's cache folder.",
        metavar="DIR",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


@contextmanager
def stopped_by_interrupt(file: Path | None = None, minutes: float | None = None) -> Iterator["StopToken"]:
    """Yield a token that Ctrl-C stops, the first time; a second Ctrl-C ends the process at once.

    Another process stops the work by making ``file``; one left from before is removed. ``minutes`` from now the token
    stops by itself.
    """
    from landvote.runtime.stop import StopToken

    if file is not None:
        file.unlink(missing_ok=True)
    stop = StopToken.after(minutes, file)

    def interrupted(*_: object) -> None:
        typer.echo("stopping after this step or film; press Ctrl-C again to end at once", err=True)
        signal.signal(signal.SIGINT, before)
        stop.stop()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def hint(kind: type[LandvoteError], flag: str) -> Iterator[None]:
    """Add to errors of this kind which flag would help: the library knows no flags."""
    try:
        yield
    except kind as error:
        if flag:
            error.add_note(flag)
        raise


def scheme_named(name: str | None) -> "Scheme | None":
    """Return the scheme in a file, or a shipped one; None for None."""
    from landvote.data.scheme import Scheme

    return Scheme.named(name) if name else None


def read_data(
    data: Path, scheme: str | None, films: Path | None, kind: str | None, centre: float | None,
    say: Callable[[str], None],
) -> "list[Sample]":  # fmt: skip
    """Read DATA that has to have points, and say which format and centre were taken, and what was left out."""
    from landvote.datasets.folder import survey_folder

    found = survey_folder(data, scheme_named(scheme), centre, films=films, kind=kind)
    samples = found.read(data, require_points=True)
    say(f"points read as {found.points}")
    for text in found.warnings:
        say(f"warning: {text}")
    for text in found.left_out:
        say(f"left out: {text}")
    return samples


def some(names: list[str], most: int = 5) -> str:
    """Return the first of many names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def say_written(written: "Written", path: Path, kind: str, *, quiet: bool) -> bool:
    """Say what became of points that were written, and what is not in the file; return whether every film is.

    With ``quiet`` all of it goes to standard error, since standard output has the points.
    """
    typer.echo(f"{written.films} films as {kind}: {path}", err=quiet)
    if written.lost:
        typer.echo(f"not in {path}: {', '.join(written.lost)}", err=True)
    if written.left_out:
        typer.echo(f"left out of {path}, for want of points: {some(list(written.left_out))}", err=True)
    return not written.left_out
