"""The verbs of training: train, recipes."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import (
    Cache,
    Centre,
    Data,
    Device,
    SchemeOption,
    hint,
    scheme_named,
    some,
    stopped_by_interrupt,
)
from landvote.errors import ExistsError


def train(
    data: Data,
    recipe: Annotated[
        str, typer.Option("--recipe", help="Recipe that `landvote recipes` lists, or a TOML file.", metavar="RECIPE")
    ],
    out: Annotated[Path, typer.Option("--out", help="Model folder to make.", metavar="MODEL")],
    scheme: SchemeOption = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Wall-clock minutes the training may take.", min=0.05)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume a stopped training.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a setting, such as local.network.width=32; may be repeated.", metavar="KEY=VALUE"
        ),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Keep keyed hashes in place of films' names and UIDs, and no paths.")
    ] = False,
    keep_checkpoints: Annotated[
        bool,
        typer.Option("--keep-checkpoints", help="Keep in the model the files from which a stopped training resumes."),
    ] = False,
    device: Device = "auto",
    cache: Cache = None,
    centre: Centre = None,
) -> None:
    """Train a model on the films of DATA, without those that its split marks as test."""
    from landvote.cli.progress import training
    from landvote.datasets.folder import read_folder
    from landvote.datasets.placeholders import placeholders
    from landvote.datasets.survey import Survey
    from landvote.localiser import Conditions
    from landvote.models import divide, train_model
    from landvote.recipes import recipe as named
    from landvote.runtime.rank import this_process

    say: Callable[[str], None] = typer.echo if this_process().is_rank_zero else lambda _: None
    named(recipe, changes or ())  # a wrong word is told of before many films are read
    samples = read_folder(
        data, scheme_named(scheme), centre=centre, require_points=True, warn=lambda text: say(f"warning: {text}")
    )  # fmt: skip
    chosen = named(recipe, changes or (), samples[0].scheme)
    for stage in chosen.stages_for(samples[0].scheme):
        stage.voter.prepare_process()
    began = time.monotonic()
    with training() as listener, stopped_by_interrupt(out / "stop") as stop:
        split = divide(samples, chosen, Conditions(listener=listener, stop=stop, survey=Survey(cache)))
    left = None if max_minutes is None else max_minutes - (time.monotonic() - began) / 60
    if split.without_points:
        say(f"left out, for want of points: {some(split.without_points)}")
    if split.collapsed:
        say(f"left out, for points in one place: {some(split.collapsed)}")
    for code in placeholders([*split.training, *split.validation]):
        say(f"warning: {code}; {len(code.films)} films: {some(list(code.films))}")
    if reordered := [s.identifier for s in (*split.training, *split.validation) if s.sorted]:
        say(f"parts sorted into the order of the scheme: {some(reordered)}")
    if chosen.notice:
        say(f"notice: {chosen.notice}")
    say(f"learning from {len(split.training)} films, judging by {len(split.validation)}")
    resuming = hint(ExistsError, "" if resume else "--resume goes on with a training")
    with training() as listener, stopped_by_interrupt(out / "stop") as stop, resuming:
        conditions = Conditions(
            device=device, minutes=left, listener=listener, stop=stop, survey=Survey(cache), foretell=True
        )  # fmt: skip
        fitted = train_model(
            split, chosen, out, conditions, resume=resume, keep_checkpoints=keep_checkpoints, anonymous=anonymous
        )
    for learned in fitted.learned:
        if learned.done < learned.asked:
            say(f"learned less than the recipe asks: {learned}")
    held_out = fitted.held_out
    if held_out:
        median, worst = statistics.median(held_out), max(held_out)
        say(f"mean error on {len(held_out)} held-out films: median {median:.2f}, worst {worst:.2f} px")
    say(f"model: {out}")


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe as TOML.", metavar="[RECIPE]")] = None,
) -> None:
    """List the recipes that come with landvote, or print one to copy, change and train with."""
    from landvote.recipes import find, recipe, shipped

    if name is not None:
        chosen, text = recipe(name), find(name).read_text(encoding="utf-8")  # what is printed can be trained with
        if chosen.notice and chosen.notice not in text:  # it follows from what the recipe is made of
            text = f"# notice: {chosen.notice}\n{text}"
        typer.echo(text, nl=False)
        return
    listed = {known: recipe(known) for known in shipped()}
    notices = list(dict.fromkeys(one.notice for one in listed.values() if one.notice))
    for known, one in listed.items():
        mark = f" [{notices.index(one.notice) + 1}]" if one.notice else ""
        typer.echo(f"{known:<12}{one.summary}{mark}")
    for number, notice in enumerate(notices, 1):
        typer.echo(f"[{number}] notice: {notice}")
