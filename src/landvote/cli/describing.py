"""The verb describe: what a model is, and what that is worth."""

import json
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import hint
from landvote.errors import ExistsError


def describe(
    model: Annotated[Path, typer.Argument(help="Model folder.", metavar="MODEL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write it as a page of HTML as well.", metavar="FILE.html")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a page that is there.")] = False,
) -> None:
    """Say what a model is: its films, its errors on films held out, its training, its licence notices and limits."""
    from landvote.models.describe import describe_model, write_page
    from landvote.runtime.files import refuse_existing

    if page is not None and not force:
        with hint(ExistsError, "--force overwrites it"):
            refuse_existing(page)
    card = describe_model(model)
    if as_json:
        typer.echo(json.dumps(card.record(), indent=2))
    else:
        for heading, text in card.facts():
            typer.echo(f"{heading:<28}{text}")
        if card.notice:
            typer.echo(f"notice: {card.notice}")
        for sentence in card.limits:
            typer.echo(f"limit: {sentence}")
    if page is not None:
        write_page(card, page)
        typer.echo(f"page: {page}", err=as_json)
