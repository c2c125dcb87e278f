"""The verb describe: the films, errors, training, notices and limits of a model."""

import json
from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import hint
from landvote.errors import ExistsError


def describe(
    model: Annotated[Path, typer.Argument(help="Model folder.", metavar="MODEL")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the description as JSON.")] = False,
    page: Annotated[
        Path | None, typer.Option(help="Also write the description as an HTML page.", metavar="FILE.html")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the page if it exists.")] = False,
) -> None:
    """Describe a model: its films, its errors on held-out films, its training, its licence notices and its limits."""
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
