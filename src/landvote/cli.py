"""The command line: one command with verbs. Each reads, calls one function of the library, and says what came of it.

Heavy imports stand inside the verbs, so that ``landvote --help`` is there at once.
"""

from __future__ import annotations

import json
import signal
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landvote.errors import ExistsError, LandvoteError, SettingError, StoppedError

if TYPE_CHECKING:  # as heavy as the verbs
    from landvote.prediction import Prediction
    from landvote.runtime.events import Event
    from landvote.runtime.stop import StopToken

app = typer.Typer(
    name="landvote",
    help="Find anatomical landmarks in radiographs by voting. For research; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path, typer.Argument(help="Folder with images/ and landmarks.csv or .pts files.", metavar="DATA")]
SchemeOption = Annotated[
    str | None,
    typer.Option("--scheme", help="Scheme file, or a shipped one: femur, chest, chest-lungs-heart, spine, wings."),
]
Origin = Annotated[int, typer.Option(help="What .pts files and CSVs call the first pixel: 0 (VXL) or 1 (menpo, iBUG).")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def _say_version(wanted: bool) -> None:
    if wanted:
        from landvote import __version__

        typer.echo(f"landvote {__version__}")
        raise typer.Exit


@app.callback()
def landvote(
    version: Annotated[
        bool, typer.Option("--version", help="Say which landvote this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take what stands before the verb."""


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make.", metavar="OUT")],
    films: Annotated[int, typer.Option("--films", min=1, help="How many; 1696 make the paper's set.")],
    seed: Annotated[int, typer.Option(min=0, help="Film i of a seed is the same everywhere.")] = 0,
) -> None:
    """Simulate radiographs of children's hips, annotated twice, as a DATA folder."""
    from landvote.phantom import simulate_folder
    from landvote.progress import counting

    with counting("simulating", films) as advance:
        simulate_folder(out, films, seed, progress=lambda *_: advance())
    typer.echo(f"{films} films in {out}")


@app.command()
def check(
    data: Data,
    scheme: SchemeOption = None,
    origin: Origin = 0,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Where the contact sheet goes, anew each time; else NAME-check.png here."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON, and draw a contact sheet only for --sheet.")
    ] = False,
) -> None:
    """Tell what a DATA folder holds and what is wrong with it, and draw a contact sheet of overlays."""
    from landvote.readers import check_folder
    from landvote.reports.sheet import contact_sheet

    report = check_folder(data, _scheme(scheme), origin)
    typer.echo(json.dumps(report.record(), indent=2) if as_json else report.text())
    picture = sheet or Path(f"{data.resolve().name}-check.png")  # DATA is the user's
    if sheet or not as_json:
        contact_sheet(report.samples, picture)
        typer.echo(f"contact sheet: {picture}", err=as_json)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def train(
    data: Data,
    recipe: Annotated[
        str, typer.Option("--recipe", help="One that `landvote recipes` lists, or a TOML file.", metavar="NAME|FILE")
    ],
    out: Annotated[Path, typer.Option("--out", help="Model folder to make.", metavar="MODEL")],
    scheme: SchemeOption = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Wall-clock minutes the training may take.", min=0.05)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting, such as local.network.width=32.", metavar="KEY=VALUE"),
    ] = None,
    device: Device = "auto",
    origin: Origin = 0,
) -> None:
    """Train a model on the films of DATA; films its split marks as test are never touched."""
    from landvote.localiser import Conditions
    from landvote.models import divide, train_model
    from landvote.process import this_process
    from landvote.progress import training
    from landvote.readers import read_folder
    from landvote.recipes import recipe as named

    say: Callable[[str], None] = typer.echo if this_process().lead else lambda _: None
    named(recipe, changes or ())  # a wrong word is told of before many films are read
    samples = read_folder(data, _scheme(scheme), origin=origin, require_points=True)
    chosen = named(recipe, changes or (), samples[0].scheme)
    split = divide(samples, chosen)
    if split.without_points:
        say(f"left out, for want of points: {_some(split.without_points)}")
    if reordered := [s.identifier for s in (*split.training, *split.validation) if s.sorted]:
        say(f"parts sorted into the order of the scheme: {_some(reordered)}")
    if chosen.notice:
        say(f"notice: {chosen.notice}")
    say(f"learning from {len(split.training)} films, judging by {len(split.validation)}")
    for stage in chosen.stages_for(samples[0].scheme):
        stage.voter.prepare_process()
    hint = _hint(ExistsError, "" if resume else "--resume goes on with a training")
    with training() as listener, _stopped_by_interrupt(out / "stop") as stop, hint:
        conditions = Conditions(device=device, minutes=max_minutes, listener=listener, stop=stop)
        held_out = train_model(split, chosen, out, conditions, resume=resume).held_out
    if held_out:
        median, worst = statistics.median(held_out), max(held_out)
        say(f"mean error on {len(held_out)} held-out films: median {median:.2f}, worst {worst:.2f} px")
    say(f"model: {out}")


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, as TOML.", metavar="[NAME|FILE]")] = None,
) -> None:
    """List the recipes that come with landvote, or print one: copy it, change it, train with it."""
    from landvote.recipes import find, recipe, shipped

    if name is not None:
        recipe(name)  # what is printed can be trained with
        typer.echo(find(name).read_text(encoding="utf-8"), nl=False)
        return
    for known in shipped():
        typer.echo(f"{known:<12}{recipe(known).summary}")


@app.command()
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
        _locate_shards(model, images, out, films_per_shard, jobs, engine, device)
        return
    if jobs or engine != "local":
        raise SettingError("--jobs, --engine: expected with --films-per-shard, which divides the work")
    from landvote.files import is_stdout, refuse_existing
    from landvote.locating import export_points, locate_files
    from landvote.models import load_model
    from landvote.prediction import write_predictions
    from landvote.progress import locating
    from landvote.runtime.events import FilmFailed

    for path in filter(None, (out, overlays, csv, pts)):
        if not force:
            with _hint(ExistsError, "--force overwrites it"):
                refuse_existing(path)
    localiser = load_model(model, device)
    failures: list[FilmFailed] = []
    located: list[Prediction] = []

    with locating() as shown, _stopped_by_interrupt() as stop:

        def listener(event: Event) -> None:
            shown(event)
            if isinstance(event, FilmFailed):
                failures.append(event)

        found = locate_files(localiser, images, overlays, listener, stop)
        count = write_predictions(out, _kept(found, located) if csv or pts else found)
    export_points(located, csv, pts, origin)
    typer.echo(f"{count} films located: {out}", err=any(is_stdout(path) for path in (out, csv) if path))
    for failure in failures:
        typer.echo(f"left out: {failure.message}", err=True)
    if failures:
        raise typer.Exit(1)


def _locate_shards(
    model: Path, images: list[Path], out: Path, films_per_shard: int, jobs: int, engine: str, device: str
) -> None:
    from landvote.batch import locate_shards
    from landvote.progress import locating
    from landvote.runtime.executor import choose_executor

    executor = choose_executor(engine, jobs)
    with locating() as listener, _stopped_by_interrupt() as stop:
        located, failed = locate_shards(model, images, out, films_per_shard, executor, device, listener, stop)
    typer.echo(f"{located} films located: {out}")
    if failed:
        typer.echo(f"left out: {failed} films, named in {out / 'failures.csv'}", err=True)
        raise typer.Exit(1)


@app.command()
def evaluate(
    predictions: Annotated[
        Path, typer.Argument(help="What locate wrote, file or folder, or the like.", metavar="PREDICTIONS")
    ],
    truth: Annotated[Path, typer.Option("--truth", help="DATA folder with the true points.", metavar="DATA")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for report.html, summary.json and CSVs.", metavar="REPORT")
    ],
    scheme: SchemeOption = None,
    unit: Annotated[str, typer.Option(help="px, mm, % (of the scheme's normalising pair) or auto.")] = "auto",
    radius: Annotated[
        list[float] | None, typer.Option(help="Radius of a success rate (error <= radius); may be repeated.")
    ] = None,
    subgroup: Annotated[
        list[str] | None, typer.Option(help="Column of films.csv or subjects.csv to report apart.")
    ] = None,
    origin: Origin = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the files of an earlier report.")] = False,
) -> None:
    """Score predictions against true points: errors, curves and overlays as one HTML report, CSVs and JSON."""
    from landvote.evaluation import evaluate as score
    from landvote.prediction import read_predictions
    from landvote.readers import read_folder
    from landvote.reports.evaluation import write_report

    samples = read_folder(truth, _scheme(scheme), origin=origin, require_points=True)
    evaluation = score(read_predictions(predictions), samples, unit=unit, radii=radius, subgroups=subgroup or ())
    with _hint(ExistsError, "--force overwrites the files of an earlier report"):
        report = write_report(evaluation, samples, out, force=force)
    typer.echo(f"report: {report}")


@app.command()
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
    from landvote.readers import read_shapes
    from landvote.shape_study import study

    shapes = read_shapes(data, _scheme(scheme), origin)
    with _hint(ExistsError, "--force overwrites it"):
        found = study(shapes, out, share, mirrored=mirrored, force=force)
    typer.echo(f"{found['films']} shapes of {found['landmarks']} landmarks: {found['modes']} modes; study: {out}")
    if found["left_out"]:
        typer.echo(f"left out, for want of points: {_some(found['left_out'])}")
    if found["implausible"]:
        typer.echo(f"on the limit of what is plausible: {_some(found['implausible'])}")


@app.command()
def compare(
    grid: Annotated[Path, typer.Argument(help="The experiment, as TOML.", metavar="GRID.toml")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results; a second call goes on there.")],
    scale: Annotated[str, typer.Option(help="paper, the grid as it stands, or a reduced one it names.")] = "paper",
    engine: Annotated[
        str,
        typer.Option(help="local: processes of this machine; ray: a Ray cluster; none: only report on what is there."),
    ] = "local",
    shard: Annotated[
        str, typer.Option(help="Work only on this part of the grid, such as 2/8; others do the rest.", metavar="I/N")
    ] = "1/1",
    data: Annotated[Path | None, typer.Option(help="DATA folder, instead of the grid's own.", metavar="DATA")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Runs worked on at a time; 0: one per processor.")] = 0,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Wall-clock minutes this call may take, report included; a second call goes on.", min=0.5),
    ] = None,
    keep_models: Annotated[bool, typer.Option("--keep-models", help="Keep the models of finished runs.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
    device: Device = "cpu",
) -> None:
    """Train and measure many recipes on many training sets, and write tables, tests and curves of how they compare."""
    with _stopped_by_interrupt(minutes=max_minutes) as stop:  # the minutes begin before the imports
        from landvote.experiments import choose_engine, compare_grid
        from landvote.progress import whole_grid

        executor = choose_engine(engine, jobs)
        with whole_grid() as listener:
            found = compare_grid(
                grid, out, executor, scale=scale, shard=shard, data=data, device=device,
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


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to make.", metavar="DIR")] = Path("landvote-demo"),
    device: Device = "auto",
) -> None:
    """Simulate hips, train on some, locate the others and write the report: the whole of landvote in a few minutes."""
    from landvote.demo import run_demo

    with _hint(ExistsError, "--out names another folder"):
        report = run_demo(out, device, typer.echo)
    typer.echo(f"report: {report.resolve()}")


def main() -> None:
    """Run the command line; an error of landvote's is one line on stderr and exit status 2, not a traceback.

    The status is 3 if the work was stopped as asked, and the same command goes on.
    """
    from landvote.processors import limit_numba

    limit_numba()
    try:
        app()
    except LandvoteError as error:
        typer.echo(f"landvote: {'; '.join([str(error), *getattr(error, '__notes__', ())])}", err=True)
        sys.exit(3 if isinstance(error, StoppedError) else 2)


@contextmanager
def _stopped_by_interrupt(file: Path | None = None, minutes: float | None = None) -> Iterator[StopToken]:
    """Yield a token that Ctrl-C stops, the first time; a second Ctrl-C ends the process at once.

    Args:
        file: another process stops the work by making it; a file left from before is removed.
        minutes: from now until the token stops by itself.
    """
    from landvote.runtime.stop import StopToken

    if file is not None:
        file.unlink(missing_ok=True)
    stop = StopToken.after(minutes, file)

    def interrupted(*_: object) -> None:
        typer.echo("stopping after this step or film; again to end at once", err=True)
        signal.signal(signal.SIGINT, before)
        stop.stop()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _hint(kind: type[LandvoteError], flag: str) -> Iterator[None]:
    """Add to errors of this kind which flag would help: the library knows no flags."""
    try:
        yield
    except kind as error:
        if flag:
            error.add_note(flag)
        raise


def _kept(predictions: Iterable[Prediction], kept: list[Prediction]) -> Iterator[Prediction]:
    for prediction in predictions:
        kept.append(prediction)
        yield prediction


def _scheme(name: str | None) -> Any:  # noqa: ANN401 - a Scheme, imported only when needed
    from landvote.scheme import Scheme

    return Scheme.named(name) if name else None


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
