"""The server: the page, and what it asks for, as JSON and bytes.

==========================  =======================================================================
GET /                       the page; its scripts and style are at ``/page/NAME``
GET /api/start              the person to suggest, the scheme, the schemes there are, how many films
POST /api/scheme            choose a shipped scheme, or add landmarks
GET /api/films              the worklist of ``?who=``
GET /api/films/N            a film of ``?who=``: its state, marks, proposal, size and spacing
GET /api/films/N/pixels     see :mod:`landvote.review.films`
GET /api/films/N/thumbnail  a small PNG
POST /api/films/N/edits     an edit, which is on the disk before it is answered
GET /api/films/N/carry      see :mod:`landvote.review.routes.settling`
POST /api/films/N/settle    the same
GET /api/points.csv         the points of approved films, as long-csv
==========================  =======================================================================
"""

import asyncio
import contextlib
import socket
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
from landvote.review.opening import Review
from landvote.review.proposing import Proposer
from landvote.review.routes.export import ExportRoutes
from landvote.review.routes.films import FilmRoutes
from landvote.review.routes.landmarks import LandmarkRoutes
from landvote.review.routes.page import PageRoutes
from landvote.review.routes.settling import SettlingRoutes
from landvote.review.store import Store

_WRITE_EVERY = 5.0  # seconds between looks whether points.csv is to be written anew


def make_app(
    review: Review, token: str, host: str, port: int, proposer: Proposer | None = None, *, once: str = ""
) -> Guard:
    """Return the server of a review as an ASGI application.

    ``host`` and ``port`` are where it will listen, ``token`` and ``once`` those of :class:`Guard`.
    """
    films = FilmRoutes(review, proposer)
    parts = (
        PageRoutes(review), films, LandmarkRoutes(review), ExportRoutes(review),
        SettlingRoutes(review, films, proposer),
    )  # fmt: skip
    app = Starlette(
        routes=[route for part in parts for route in part.routes],
        exception_handlers={HTTPException: _refused},
        lifespan=_lifespan(review.store, proposer),
    )
    return Guard(app, token, host, port, once=once)


def _lifespan(store: Store, proposer: Proposer | None) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return what writes points.csv behind the edits, and proposes, while the server runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        writer = asyncio.create_task(_write_files(store))
        if proposer:
            proposer.start()
        yield
        writer.cancel()
        if proposer:
            await run_in_threadpool(proposer.end)

    return lifespan


async def _write_files(store: Store) -> None:
    while True:
        await asyncio.sleep(_WRITE_EVERY)
        with contextlib.suppress(DataError):  # a full disk: edits say so themselves, and the next round tries again
            await run_in_threadpool(store.write_files)


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
