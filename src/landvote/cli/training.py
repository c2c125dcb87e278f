"""The verbs of training: train, recipes."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from landvote.cli.common import (
    Cache,
    Centre,
    Data,
    Device,
    Films,
    From,
    SchemeOption,
    hint,
    read_data,
    some,
    stopped_by_interrupt,
)
from landvote.errors import ExistsError

if TYPE_CHECKING:  # as heavy as the verbs
    from landvote.data.sample import Sample
    from landvote.localiser import Fitted
    from landvote.models import Split
    from landvote.recipes import Recipe

Say: TypeAlias = Callable[[str], None]

_AUTO = "auto"


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Model folder to make.", metavar="MODEL")],
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="Recipe that `landvote recipes` lists, or a TOML file; auto picks one by the films, the minutes and "
            "the device, and says why.",
            metavar="RECIPE",
        ),
    ] = _AUTO,
    films: Films = None,
    scheme: SchemeOption = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Wall-clock minutes the training may take; it says at once which steps or trees it will leave out.",
            min=0.05,
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Start networks from those of this model, which may have other landmarks; auto takes its recipe.",
            metavar="MODEL",
        ),
    ] = None,
    accept_patent_notice: Annotated[
        bool,
        typer.Option(
            "--accept-patent-notice",
            help="Let auto pick recipes whose patent notice `landvote recipes` prints; it is remembered for DATA.",
        ),
    ] = False,
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
    kind: From = None,
    centre: Centre = None,
) -> None:
    """Train a model on the films of DATA, without those that its split marks as test."""
    from landvote.cli.progress import training
    from landvote.datasets.survey import Survey
    from landvote.localiser import Conditions
    from landvote.models import divide, load_model, train_model
    from landvote.models.train import begins
    from landvote.recipes import recipe as named
    from landvote.runtime.rank import this_process

    say: Say = typer.echo if this_process().is_rank_zero else lambda _: None
    if recipe != _AUTO:
        named(recipe, changes or ())  # a wrong word is told of before many films are read
    if this_process().is_rank_zero:  # before anything there is removed; the other processes may come later
        with hint(ExistsError, "" if resume else "--resume goes on with a training"):
            begins(out, resume=resume)
    samples = read_data(data, scheme, films, kind, centre, say)
    if accept_patent_notice:
        _accept(data, say)
    if recipe != _AUTO:
        chosen = named(recipe, changes or (), samples[0].scheme)
    elif resume and (out / "training.json").exists():
        chosen = _of_model(out, changes or (), say)
    elif start_from is not None:
        chosen = _of_model(start_from, changes or (), say, "that of the model to start from")
    else:
        chosen = _pick(data, samples, changes or (), max_minutes, device, say)
    for stage in chosen.stages_for(samples[0].scheme):
        stage.voter.prepare_process()
    began = time.monotonic()
    with training() as listener, stopped_by_interrupt(out / "stop") as stop:
        split = divide(samples, chosen, Conditions(listener=listener, stop=stop, survey=Survey(cache)))
    left = None if max_minutes is None else max_minutes - (time.monotonic() - began) / 60
    _tell_films(split, say)
    if chosen.notice:
        say(f"notice: {chosen.notice}")
    say(_how_judged(split))
    start = None if start_from is None else load_model(start_from, "cpu")
    with training() as listener, stopped_by_interrupt(out / "stop") as stop:
        conditions = Conditions(
            device=device, minutes=left, listener=listener, stop=stop, survey=Survey(cache), foretell=True, start=start
        )  # fmt: skip
        fitted = train_model(
            split, chosen, out, conditions, resume=resume, keep_checkpoints=keep_checkpoints, anonymous=anonymous
        )
    _tell_fitted(fitted, say)
    say(f"model: {out}")


def _accept(data: Path, say: Say) -> None:
    from landvote.recipes import CLAIMED
    from landvote.runtime.consent import accept, consent_file

    accept(data, CLAIMED)
    say(f"accepted for {data}, as {consent_file()} remembers: {CLAIMED}")


def _of_model(model: Path, changes: Iterable[str], say: Say, why: str = "") -> "Recipe":
    """Return the recipe of a training to resume, or of a model to start from (``why`` it is picked), with changes."""
    from landvote.models import recipe_of
    from landvote.recipes import changed

    found = recipe_of(model)
    picked = f"{found.name}, {why}" if why else found.picked
    say(f"recipe: {picked or found.name}")
    return changed(found, changes).model_copy(update={"picked": picked})


def _pick(
    data: Path, samples: "Sequence[Sample]", changes: Iterable[str], minutes: float | None, device: str, say: Say
) -> "Recipe":  # fmt: skip
    """Return the recipe that suits the films; say how a notice is accepted, if another one would suit better."""
    from landvote.recipes import CLAIMED, pick, situation_of
    from landvote.runtime.consent import has_accepted

    found = pick(situation_of(samples, minutes, device, accepted=has_accepted(data, CLAIMED)))
    say(f"recipe: {found}")
    if found.instead:
        say(f"--accept-patent-notice lets auto pick {found.instead.recipe} for {data}. Its notice: {CLAIMED}")
    return found.settings(changes, samples[0].scheme)


def _tell_films(split: "Split", say: Say) -> None:
    """Say which films are left out, and what is strange about the others."""
    from landvote.datasets.placeholders import placeholders

    if split.without_points:
        say(f"left out, for want of points: {some(split.without_points)}")
    for message in split.unreadable:
        say(f"left out: {message}")
    if split.collapsed:
        say(f"left out, for points in one place: {some(split.collapsed)}")
    for code in placeholders([*split.training, *split.validation]):
        say(f"warning: {code}; {len(code.films)} films: {some(list(code.films))}")
    if reordered := [s.identifier for s in (*split.training, *split.validation) if s.sorted]:
        say(f"parts sorted into the order of the scheme: {some(reordered)}")


def _how_judged(split: "Split") -> str:
    learning = f"learning from {len(split.training)} films"
    if not split.left_out:
        return f"{learning}, judging by {len(split.validation)}"
    parts = f"{len(split.left_out)} further trainings leave them out in turn to tell what errors to expect"
    return f"{learning}, which are too few to hold some out: {parts} (left_out = 0 holds films out)"


def _tell_fitted(fitted: "Fitted", say: Say) -> None:
    """Say what was left out for want of time, and the errors on films not learned from."""
    for learned in fitted.learned:
        if learned.done < learned.asked:
            say(f"learned less than the recipe asks: {learned}")
    if held_out := fitted.held_out:
        median, worst = statistics.median(held_out), max(held_out)
        films = f"{len(held_out)} held-out films"
        if fitted.left_out:
            films = f"{len(held_out)} films, each found by one of {fitted.left_out} trainings that left it out"
        say(f"mean error on {films}: median {median:.2f}, worst {worst:.2f} px")


def calibrate(
    model: Annotated[Path, typer.Argument(help="Model folder, which stays as it is.", metavar="MODEL")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Model folder to make.", metavar="NEW")],
    films: Films = None,
    scheme: SchemeOption = None,
    device: Device = "auto",
    cache: Cache = None,
    kind: From = None,
    centre: Centre = None,
) -> None:
    """Learn a model's expected errors anew from the films of DATA, such as another hospital's, without training."""
    from landvote.cli.progress import training
    from landvote.datasets.survey import Survey
    from landvote.localiser import Conditions
    from landvote.models import calibrate_model
    from landvote.runtime.files import refuse_existing

    refuse_existing(out)
    samples = read_data(data, scheme, films, kind, centre, typer.echo)
    with training() as listener, stopped_by_interrupt() as stop:
        conditions = Conditions(device=device, listener=listener, stop=stop, survey=Survey(cache))
        held_out = calibrate_model(model, samples, out, conditions).held_out
    if held_out:
        typer.echo(f"mean error on {len(held_out)} films: median {statistics.median(held_out):.2f} px")
    typer.echo(f"model: {out}")


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
