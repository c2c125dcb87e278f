"""The server: the page, and what it asks for, as JSON and bytes.

============================  =======================================================================
GET /                         the page; its scripts and style are at ``/page/NAME``
GET /api/start                the person to suggest, the scheme, the schemes there are, how many films
GET /api/scheme               the scheme, which landmarks have marks, and what could be said of them
POST /api/scheme              choose a shipped scheme, add landmarks, or change the whole
GET /api/landmarks/N/picture  the mean of approved films around a landmark, a small PNG
GET /api/films                the worklist of ``?who=``
GET /api/films/N              a film of ``?who=``: its state, marks, proposal, size and spacing
GET /api/films/N/preview      its pixels, halved where it is large
GET /api/films/N/pixels       see :mod:`landvote.review.films`
GET /api/films/N/thumbnail    a small PNG
POST /api/films/N/ruler       measure a film
POST /api/films/N/edits       an edit, which is on the disk before it is answered
GET /api/films/N/carry        how proposals follow a landmark that is dragged
POST /api/films/N/settle      propose anew what a person has not fixed
GET /api/films/N/others       the points of others, once the person has approved the film
GET /api/apart                how far annotators, or models, are apart on each film
GET /api/formats              the formats that points are exported in
GET /api/export               the points in one of these, a zip where there are several files
GET /api/agreement            figures of agreement and time; also as ``.csv`` and ``.html``
GET, POST /api/settings       how many films are left without proposals
GET /api/learning             how far the loop is; null without one
POST /api/learning            train, stop, pause, resume, accept or decline the notice
============================  =======================================================================
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from landvote.errors import DataError
from landvote.review.guard import Guard
from landvote.review.learning import Learning
from landvote.review.models.proposing import Proposer
from landvote.review.opening import Review
from landvote.review.routes.agreement import AgreementRoutes
from landvote.review.routes.export import ExportRoutes
from landvote.review.routes.films import FilmRoutes
from landvote.review.routes.landmarks import LandmarkRoutes
from landvote.review.routes.learning import LearningRoutes
from landvote.review.routes.page import PageRoutes
from landvote.review.routes.rulers import RulerRoutes
from landvote.review.routes.settings import SettingsRoutes
from landvote.review.routes.settling import SettlingRoutes
from landvote.review.store import Store

_WRITE_EVERY = 5.0  # seconds at least between looks whether points.csv is to be written anew
_WRITE_SHARE = 10.0  # seconds of rest for each that writing has taken: edits come first


def make_app(
    review: Review, token: str, host: str, port: int, proposer: Proposer | None = None,
    learning: Learning | None = None, *, once: str = "",
) -> Guard:  # fmt: skip
    """Return the server of a review as an ASGI application.

    ``host`` and ``port`` are where it will listen, ``token`` and ``once`` those of :class:`Guard`.
    """
    teaching = learning.teaching if learning else None
    films = FilmRoutes(review, proposer, teaching)
    parts = (
        PageRoutes(review), films, LandmarkRoutes(review), RulerRoutes(review, films), ExportRoutes(review),
        AgreementRoutes(review, films), SettingsRoutes(review), LearningRoutes(learning),
        SettlingRoutes(review, films, proposer.models if proposer else None),
    )  # fmt: skip
    app = Starlette(
        routes=[route for part in parts for route in part.routes],
        exception_handlers={HTTPException: _refused},
        lifespan=_lifespan(review.store, proposer, learning),
    )
    return Guard(app, token, host, port, once=once)


def _lifespan(
    store: Store, *background: Proposer | Learning | None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what writes points.csv behind the edits, proposes and learns, while the server runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        writer = asyncio.create_task(_write_files(store))
        at_work = [each for each in background if each]
        for each in at_work:
            each.start()
        yield
        writer.cancel()
        for each in at_work:
            await run_in_threadpool(each.end)

    return lifespan


async def _write_files(store: Store) -> None:
    took = 0.0
    while True:
        await asyncio.sleep(max(_WRITE_EVERY, _WRITE_SHARE * took))
        begun = time.monotonic()
        with contextlib.suppress(DataError):  # a full disk: edits say so themselves, and the next round tries again
            await run_in_threadpool(store.write_files)
        took = time.monotonic() - begun


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the one kind that this handles
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; with port 0 the system chooses a free one. DataError if that is not possible."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise DataError(f"{host}:{port}: nothing can listen there ({error}), expected a free port here") from error


def make_server(app: Guard) -> uvicorn.Server:
    """Return what serves an application: it logs nothing, names no software, and ends within two seconds."""
    config = uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=2, limit_concurrency=128,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(app: Guard, listening: socket.socket) -> None:
    """Answer requests until the process is asked to end."""
    with contextlib.suppress(KeyboardInterrupt):  # which uvicorn hands on once it has ended
        make_server(app).run(sockets=[listening])
