"""The verbs of films and points: simulate, check, shape."""

import json
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import Data, Origin, SchemeOption, hint, scheme_named, some
from landvote.errors import ExistsError


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make.", metavar="OUT")],
    films: Annotated[int, typer.Option("--films", min=1, help="How many; 1696 make the paper's set.")],
    seed: Annotated[int, typer.Option(min=0, help="Film i of a seed is the same everywhere.")] = 0,
) -> None:
    """Simulate radiographs of children's hips, annotated twice, as a DATA folder."""
    from landvote.cli.progress import counting
    from landvote.phantom import simulate_folder

    with counting("simulating") as update:
        simulate_folder(out, films, seed, progress=lambda done: update(done, films))
    typer.echo(f"{films} films in {out}")


def check(
    data: Data,
    scheme: SchemeOption = None,
    origin: Origin = 0,
    sheet: Annotated[
        Path | None, typer.Option(help="Where the contact sheet goes, anew each time; else NAME-check.png here.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON, and draw a contact sheet only for --sheet.")
    ] = False,
) -> None:
    """Tell what a DATA folder holds and what is wrong with it, and draw a contact sheet of overlays."""
    from landvote.cli.progress import counting
    from landvote.datasets.check import check_folder
    from landvote.reports.sheet import contact_sheet

    with counting("checking") as update:
        report = check_folder(data, scheme_named(scheme), origin, update)
    typer.echo(json.dumps(report.record(), indent=2) if as_json else report.text())
    picture = sheet or Path(f"{data.resolve().name}-check.png")  # DATA is the user's
    if sheet or not as_json:
        contact_sheet(report.samples, picture)
        typer.echo(f"contact sheet: {picture}", err=as_json)
    if not report.ok:
        raise typer.Exit(1)


def shape(
    data: Annotated[
        Path, typer.Argument(help="DATA folder, folder of .pts files, or a CSV of points; no films needed.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for pictures, curves and CSVs.", metavar="DIR")],
    scheme: SchemeOption = None,
    share: Annotated[float, typer.Option(help="Of the variance that the modes cover.", min=0.01, max=1)] = 0.98,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Learn from mirror images too; the scheme has to name the pairs.")
    ] = False,
    origin: Origin = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of an earlier study.")] = False,
) -> None:
    """Learn a shape model: mean and modes as pictures, its quality as curves, one row of parameters per film."""
    from landvote.datasets.shapes import read_shapes
    from landvote.reports.study import study

    shapes = read_shapes(data, scheme_named(scheme), origin)
    with hint(ExistsError, "--force overwrites it"):
        found = study(shapes, out, share, mirrored=mirrored, force=force)
    typer.echo(f"{found['films']} shapes of {found['landmarks']} landmarks: {found['modes']} modes; study: {out}")
    if found["left_out"]:
        typer.echo(f"left out, for want of points: {some(found['left_out'])}")
    if found["implausible"]:
        typer.echo(f"on the limit of what is plausible: {some(found['implausible'])}")
