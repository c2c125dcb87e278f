"""The verbs of training: train, recipes."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import Data, Device, Origin, SchemeOption, hint, scheme_named, some, stopped_by_interrupt
from landvote.errors import ExistsError


def train(
    data: Data,
    recipe: Annotated[
        str, typer.Option("--recipe", help="One that `landvote recipes` lists, or a TOML file.", metavar="RECIPE")
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
    from landvote.cli.progress import training
    from landvote.datasets.folder import read_folder
    from landvote.localiser import Conditions
    from landvote.models import divide, train_model
    from landvote.recipes import recipe as named
    from landvote.runtime.rank import this_process

    say: Callable[[str], None] = typer.echo if this_process().is_rank_zero else lambda _: None
    named(recipe, changes or ())  # a wrong word is told of before many films are read
    samples = read_folder(data, scheme_named(scheme), origin=origin, require_points=True)
    chosen = named(recipe, changes or (), samples[0].scheme)
    for stage in chosen.stages_for(samples[0].scheme):
        stage.voter.prepare_process()
    split = divide(samples, chosen)
    if split.without_points:
        say(f"left out, for want of points: {some(split.without_points)}")
    if reordered := [s.identifier for s in (*split.training, *split.validation) if s.sorted]:
        say(f"parts sorted into the order of the scheme: {some(reordered)}")
    if chosen.notice:
        say(f"notice: {chosen.notice}")
    say(f"learning from {len(split.training)} films, judging by {len(split.validation)}")
    resuming = hint(ExistsError, "" if resume else "--resume goes on with a training")
    with training() as listener, stopped_by_interrupt(out / "stop") as stop, resuming:
        conditions = Conditions(device=device, minutes=max_minutes, listener=listener, stop=stop)
        held_out = train_model(split, chosen, out, conditions, resume=resume).held_out
    if held_out:
        median, worst = statistics.median(held_out), max(held_out)
        say(f"mean error on {len(held_out)} held-out films: median {median:.2f}, worst {worst:.2f} px")
    say(f"model: {out}")


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, as TOML.", metavar="[RECIPE]")] = None,
) -> None:
    """List the recipes that come with landvote, or print one: copy it, change it, train with it."""
    from landvote.recipes import find, recipe, shipped

    if name is not None:
        recipe(name)  # what is printed can be trained with
        typer.echo(find(name).read_text(encoding="utf-8"), nl=False)
        return
    for known in shipped():
        typer.echo(f"{known:<12}{recipe(known).summary}")
