"""The entry point: one command with verbs. Each reads, calls one function of the library, and prints the outcome."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import Device, hint
from landvote.cli.data import check, convert, shape, simulate, split
from landvote.cli.describing import describe
from landvote.cli.locating import locate
from landvote.cli.measuring import compare, evaluate
from landvote.cli.reviewing import review
from landvote.cli.training import calibrate, recipes, train
from landvote.errors import ExistsError, LandvoteError, StoppedError

app = typer.Typer(
    name="landvote",
    help="Find anatomical landmarks in radiographs by voting. For research; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from landvote import __version__

        typer.echo(f"landvote {__version__}")
        raise typer.Exit


@app.callback()
def landvote(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version of landvote.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before the verb."""


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to make.", metavar="DIR")] = Path("landvote-demo"),
    device: Device = "auto",
) -> None:
    """Simulate hips, train on some, locate landmarks in the others and write the report: all of landvote in minutes."""
    from landvote.cli.demo import run_demo

    with hint(ExistsError, "--out names another folder"):
        report = run_demo(out, device, typer.echo)
    typer.echo(f"report: {report.resolve()}")


for verb in (
    simulate,
    check,
    convert,
    split,
    review,
    recipes,
    train,
    calibrate,
    describe,
    locate,
    evaluate,
    shape,
    compare,
    demo,
):
    app.command()(verb)


def main() -> None:
    """Run the command line; an error of landvote's is one line on stderr and exit status 2, not a traceback.

    The status is 3 if the work was stopped as asked, and the same command goes on.
    """
    from landvote.runtime.processors import limit_numba

    limit_numba()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of films may be no text that a terminal can show
    try:
        app()
    except LandvoteError as error:
        typer.echo(f"landvote: {'; '.join([str(error), *getattr(error, '__notes__', ())])}", err=True)
        sys.exit(3 if isinstance(error, StoppedError) else 2)
