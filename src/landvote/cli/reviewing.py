"""The verb review: a page on which people annotate films and correct proposals."""

from pathlib import Path
from typing import Annotated

import typer

from landvote.cli.common import SchemeOption, hint, scheme_named
from landvote.errors import DataError

_USUAL_PORT = 8470  # the same each time, so that a browser knows the page again
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def review(
    data: Annotated[Path, typer.Argument(help="Folder of films, with points or without.", metavar="DATA")],
    scheme: SchemeOption = None,
    model: Annotated[Path | None, typer.Option(help="Model folder, which proposes points.", metavar="MODEL")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Predictions, or points in any format, as proposals.", metavar="FILE")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(
            help="Points of another model or annotator, to compare with a film's once you have approved it; may be "
            "given several times.",
            metavar="FILE",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; by default 8470, or a free one if that is taken.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another one than this machine's own lets others in.")
    ] = "127.0.0.1",
    user: Annotated[
        str | None, typer.Option(help="Person to suggest on the page, and of points without an annotator.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show everything and write nothing.")] = False,
    no_learning: Annotated[
        bool, typer.Option("--no-learning", help="Train no models from the films that you approve.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder for all that is written; by default landvote-review in DATA.", metavar="DIR"),
    ] = None,
) -> None:
    """Annotate films and correct proposals in a browser. Ctrl-C ends it; each edit is saved when it is made."""
    import secrets
    import sys
    import threading
    import webbrowser

    from landvote.runtime.extras import require

    require("review", "review")
    from landvote.errors import EditError, PointsError
    from landvote.models import load_model
    from landvote.review.learning import Learning
    from landvote.review.models.current import CurrentModel
    from landvote.review.models.proposing import Proposer
    from landvote.review.opening import compare_with, open_review
    from landvote.review.server import listen, make_app, serve

    localiser = load_model(model) if model else None
    with (
        hint(EditError, "--user gives one"),
        hint(DataError, "" if store else "--store names another folder to write into"),
    ):
        opened = open_review(
            data, user or _login(), store=store, scheme=scheme_named(scheme), predictions=predictions,
            localiser=localiser, read_only=read_only, say=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
    try:
        with hint(PointsError, "--compare names the file"), hint(EditError, "--compare names both"):
            opened = compare_with(opened, compare or [])
        with hint(DataError, "--port names another one"):
            try:
                listening = listen(host, _USUAL_PORT if port is None else port)
            except DataError:
                if port is not None:
                    raise
                listening = listen(host, 0)
        port = listening.getsockname()[1]
        token, once = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/?token="
        if host not in _LOOPBACK:
            typer.echo(
                f"warning: listening on {host}: whoever sees the address can see the films, and what is sent is not "
                "encrypted", err=True,
            )  # fmt: skip
        proposer = Proposer(opened.films, opened.store, CurrentModel(localiser))
        learning = None if no_learning or read_only else Learning(opened, proposer, localiser)
        app = make_app(opened, token, host, port, proposer, learning, once="" if no_browser else once)
        typer.echo(f"review of {len(opened.films)} films: {address}{token}")
        if not no_browser:  # in a thread: some browsers end when they are closed
            threading.Thread(target=webbrowser.open, args=(address + once,), daemon=True).start()
        sys.setswitchinterval(0.001)  # an edit does not wait long for threads that write, locate or rank
        serve(app, listening)
    finally:
        opened.store.close()
    typer.echo(f"ended; everything is in {opened.store.folder}", err=True)


def _login() -> str:
    """Return the user's name on this machine, or ``me`` where the system has none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
