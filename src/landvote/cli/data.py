"""The verbs of films and points: simulate, check, split, shape."""

import json
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import Cache, Centre, Data, Films, From, SchemeOption, hint, say_written, scheme_named, some
from landvote.errors import ExistsError, SettingError


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make.", metavar="OUT")],
    films: Annotated[int, typer.Option("--films", min=1, help="Number of films; the paper's set has 1696.")],
    seed: Annotated[int, typer.Option(min=0, help="Film i of a seed is the same on every machine.")] = 0,
) -> None:
    """Simulate radiographs of children's hips, each annotated twice, as a DATA folder."""
    from landvote.cli.progress import counting
    from landvote.phantom import simulate_folder

    with counting("simulating") as update:
        simulate_folder(out, films, seed, progress=lambda done: update(done, films))
    typer.echo(f"{films} films in {out}")


def check(
    data: Data,
    films: Films = None,
    scheme: SchemeOption = None,
    kind: From = None,
    centre: Centre = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="File of the contact sheet, by default NAME-check.png here. It and the pages beside it (-2, -3, ..., "
            "-landmarks) are written anew each time; other files are never replaced."
        ),
    ] = None,
    save_scheme: Annotated[
        Path | None,
        typer.Option("--save-scheme", help="Write the scheme into this new file, to add to it.", metavar="FILE.toml"),
    ] = None,
    cache: Cache = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON, and draw a contact sheet only for --sheet.")
    ] = False,
) -> None:
    """List the contents and problems of DATA, and draw contact sheets of its films with their points."""
    from landvote.cli.progress import counting
    from landvote.datasets.check import check_folder
    from landvote.datasets.survey import Survey
    from landvote.reports.sheet import contact_sheet, landmark_sheet, refuse_others
    from landvote.runtime.files import refuse_existing

    if save_scheme is not None:
        refuse_existing(save_scheme)
    picture = None if as_json and not sheet else _sheet(data, films, sheet)
    if picture:
        with hint(ExistsError, "--sheet names another place"):
            refuse_others(picture)
    with counting("checking") as update:
        report = check_folder(data, scheme_named(scheme), centre, Survey(cache), update, films=films, kind=kind)
    hints = {"points": "--from and --centre change it"}
    typer.echo(json.dumps(report.record(), indent=2) if as_json else report.text(hints))
    if save_scheme is not None:
        report.samples[0].scheme.write(save_scheme)
        typer.echo(f"scheme: {save_scheme}", err=as_json)
    if picture:
        drawn, pages = contact_sheet(report.samples, picture)
        left = f" ({drawn} of {len(report.samples)} films, evenly spread)" if drawn < len(report.samples) else ""
        typer.echo(f"contact sheet: {some(list(map(str, pages)))}{left}", err=as_json)
        if large := landmark_sheet(report.samples, picture):
            typer.echo(f"landmarks of one film: {large}", err=as_json)
    if not report.ok:
        raise typer.Exit(1)


def _sheet(data: Path, films: Path | None, given: Path | None) -> Path | None:
    """Return the file of the contact sheet, which is no film of DATA; None where it would be one."""
    from landvote.datasets.place import Place

    name = data.resolve().name if data.is_dir() else data.stem
    sheet = given or Path(f"{name}-check.png")
    if not sheet.resolve().is_relative_to(Place.of(data, films).images.resolve()):
        return sheet
    if given:
        raise SettingError(f"--sheet {given}: among the films, expected another place")
    typer.echo("no contact sheet is drawn, since it would lie among the films; --sheet names another place", err=True)
    return None


def convert(
    source: Annotated[Path, typer.Argument(help="DATA folder, or a file or folder of points.", metavar="IN")],
    out: Annotated[Path, typer.Argument(help="File, or folder with one file per film; - is standard output.")],
    kind: From = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Format of OUT; by default the format with its suffix.", metavar="FORMAT")
    ] = None,
    scheme: SchemeOption = None,
    films: Annotated[
        Path | None,
        typer.Option(help="Folder of the films, which gives their full names and their sizes.", metavar="DIR"),
    ] = None,
    centre: Centre = None,
    to_centre: Annotated[
        float | None,
        typer.Option("--to-centre", help="The same for OUT; by default that of its format.", metavar="0|0.5|1"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT if it exists.")] = False,
) -> None:
    """Convert points to another format, and list the assumptions about IN and the facts that OUT cannot hold."""
    from landvote.datasets.convert import convert_points, format_for
    from landvote.formats.family import format_to_write
    from landvote.runtime.files import is_stdout

    with hint(SettingError, "--to names it"):
        to = to or format_for(out)
    form = format_to_write(to, to_centre)
    with hint(ExistsError, "--force overwrites it"):
        done = convert_points(source, out, form, kind=kind, centre=centre, scheme=scheme_named(scheme), images=films,
                              force=force)  # fmt: skip
    quiet = is_stdout(out)
    assumed = f" ({'; '.join(done.read.notes)}; --from and --centre change it)"
    typer.echo(f"read as {done.read.form}: {source}{assumed}", err=quiet)
    for text in done.left_out:
        typer.echo(f"left out: {text}", err=quiet)
    if not say_written(done.written, out, form.kind, quiet=quiet):
        raise typer.Exit(1)


def split(
    data: Data,
    films: Films = None,
    test: Annotated[float, typer.Option(help="Share of the films for measuring the model.", min=0, max=1)] = 0.2,
    val: Annotated[
        float, typer.Option(help="Share of the films for judging the model during training.", min=0, max=1)
    ] = 0.15,
    seed: Annotated[int, typer.Option(help="The same seed and films give the same split.")] = 0,
    cache: Cache = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier split.")] = False,
) -> None:
    """Divide the films of DATA by subject into train, val and test, and write split.csv into DATA, or beside a file."""
    from landvote.cli.progress import counting
    from landvote.datasets.split import split_folder
    from landvote.datasets.survey import Survey

    with hint(ExistsError, "--force overwrites it"), counting("reading films") as update:
        sides = split_folder(
            data, films=films, test=test, val=val, seed=seed, force=force, survey=Survey(cache), progress=update
        )  # fmt: skip
    for name, (count, subjects) in sides.items():
        typer.echo(f"{name:<6}{count} films of {subjects} subjects")
    typer.echo(f"split: {(data if data.is_dir() else data.parent) / 'split.csv'}")


def shape(
    data: Annotated[
        Path, typer.Argument(help="DATA folder, or a file or folder of points in any format; films are not needed.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for pictures, curves and CSVs.", metavar="DIR")],
    films: Films = None,
    scheme: SchemeOption = None,
    kind: From = None,
    share: Annotated[float, typer.Option(help="Share of the variance that the modes cover.", min=0.01, max=1)] = 0.98,
    mirrored: Annotated[
        bool,
        typer.Option("--mirrored", help="Also learn from mirror images; the scheme has to name the mirrored pairs."),
    ] = False,
    centre: Centre = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of an earlier study.")] = False,
) -> None:
    """Learn a shape model; write mean and modes as pictures, quality as curves, and one row of parameters per film."""
    from landvote.datasets.shapes import read_shapes
    from landvote.reports.study import study

    shapes = read_shapes(data, scheme_named(scheme), centre, films=films, kind=kind)
    with hint(ExistsError, "--force overwrites it"):
        found = study(shapes, out, share, mirrored=mirrored, force=force)
    typer.echo(f"{found['films']} shapes of {found['landmarks']} landmarks: {found['modes']} modes; study: {out}")
    if found["left_out"]:
        typer.echo(f"left out, for want of points: {some(found['left_out'])}")
    if found["implausible"]:
        typer.echo(f"on the limit of what is plausible: {some(found['implausible'])}")
