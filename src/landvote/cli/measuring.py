"""The verbs of measuring: evaluate, compare."""

from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import (
    Cache,
    Centre,
    Device,
    Films,
    From,
    SchemeOption,
    hint,
    read_data,
    some,
    stopped_by_interrupt,
)
from landvote.errors import ExistsError, PointsError, StoppedError


def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(help="Predictions: a file, or a folder of shards.", metavar="PREDICTIONS"),
    ],
    truth: Annotated[
        Path,
        typer.Option("--truth", help="DATA with the true points; or a file of them, with --films.", metavar="DATA"),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for report.html, summary.json and CSVs.", metavar="REPORT")
    ],
    films: Films = None,
    scheme: SchemeOption = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Model folder that names the films seen by the model, for predictions that do not."),
    ] = None,
    unit: Annotated[str, typer.Option(help="px, mm, % (of the scheme's normalising pair) or auto.")] = "auto",
    radius: Annotated[
        list[float] | None, typer.Option(help="Radius of a success rate (error <= radius); may be repeated.")
    ] = None,
    subgroup: Annotated[
        list[str] | None,
        typer.Option(help="Column of films.csv or subjects.csv that divides the films into groups; may be repeated."),
    ] = None,
    kind: From = None,
    centre: Centre = None,
    cache: Cache = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of an earlier report.")] = False,
) -> None:
    """Score predictions against true points; write errors, curves and overlays as one HTML report, CSVs and JSON."""
    from landvote.datasets.plausible import resized
    from landvote.datasets.survey import Survey
    from landvote.evaluation import evaluate as score
    from landvote.formats.predictions import read_predictions
    from landvote.models.seen import mark_seen
    from landvote.reports.evaluation import seen_in_words, write_report

    said: list[str] = []
    samples = read_data(truth, scheme, films, kind, centre, said.append)
    found = read_predictions(predictions)
    sizes = {p.identifier: p.film.size for p in found if p.film.size}
    if wrong := resized({s.identifier: s.stated_size for s in samples}, sizes):
        raise PointsError(f"{truth}: {wrong[0]}")
    found = mark_seen(found, samples, model, Survey(cache)) if model else found
    evaluation = score(found, samples, unit=unit, radii=radius, subgroups=subgroup or ())
    with hint(ExistsError, "--force overwrites the files of an earlier report"):
        report = write_report(evaluation, samples, out, force=force)
    typer.echo("\n".join(said))
    if coincide := evaluation.matching.collapsed:
        typer.echo(f"left out, for true points in one place: {some(list(coincide))}")
    for heading, names in seen_in_words(evaluation.summary):
        typer.echo(f"{heading}, {len(names)}: {some(names)}")
    typer.echo(f"report: {report}")


def compare(
    grid: Annotated[Path, typer.Argument(help="The experiment as TOML.", metavar="GRID.toml")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results; a second call resumes there.")],
    scale: Annotated[
        str, typer.Option(help="paper: the grid as it stands; or a reduced scale that the grid names.")
    ] = "paper",
    engine: Annotated[
        str,
        typer.Option(help="local: processes of this machine; ray: a Ray cluster; none: only report on finished runs."),
    ] = "local",
    shard: Annotated[
        str,
        typer.Option(help="Work only on this part of the grid, such as 2/8; other calls do the rest.", metavar="I/N"),
    ] = "1/1",
    data: Annotated[
        Path | None, typer.Option(help="DATA, or a file of points with --films, instead of the grid's.", metavar="DATA")
    ] = None,
    films: Films = None,
    kind: From = None,
    centre: Centre = None,
    jobs: Annotated[int, typer.Option(min=0, help="Number of runs in work at a time; 0: one per processor.")] = 0,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Wall-clock minutes this call may take, report included; a second call resumes.", min=0.5),
    ] = None,
    keep_models: Annotated[bool, typer.Option("--keep-models", help="Keep the models of finished runs.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
    device: Device = "cpu",
) -> None:
    """Train and measure many recipes on many training sets, and write tables, tests and curves that compare them."""
    with stopped_by_interrupt(minutes=max_minutes) as stop:  # the minutes begin before the imports
        from landvote.cli.progress import whole_grid
        from landvote.experiments import choose_engine, compare_grid

        executor = choose_engine(engine, jobs)
        with whole_grid() as listener:
            found = compare_grid(
                grid, out, executor, scale=scale, shard=shard, data=data, films=films, kind=kind, centre=centre,
                device=device,
                keep_models=keep_models, report=report, listener=listener, stop=stop,
            )  # fmt: skip
    if found.report:
        typer.echo(f"report: {found.report}")
    for failure in found.failures:
        typer.echo(f"failed: {failure}", err=True)
    if found.stopped:
        raise StoppedError(f"stopped with {found.stopped} runs left; the same command goes on from here")
    if found.failures:
        raise typer.Exit(1)
