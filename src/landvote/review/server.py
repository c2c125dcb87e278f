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
GET /api/points.csv         the points of approved films, as long-csv
==========================  =======================================================================
"""

import asyncio
import contextlib
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import uvicorn
from pydantic import Field, StringConstraints
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.data.points import MAX_LANDMARKS
from landvote.errors import ConflictError, DataError, EditError, ImageError
from landvote.formats.kinds.long_csv import LongCsv
from landvote.review.films import Opened
from landvote.review.guard import Guard
from landvote.review.log import MarkState
from landvote.review.opening import Review
from landvote.review.proposing import Proposer
from landvote.review.schemes import choose_scheme, scheme_record, shipped_schemes
from landvote.review.store import person_name
from landvote.runtime.settings import Settings, validated

_PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_WRITE_EVERY = 5.0  # seconds between looks whether points.csv is to be written anew
_MARGIN = 1.0  # a landmark lies at most so many widths or heights beside its film

Name: TypeAlias = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
Coordinate: TypeAlias = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Placed(Settings):
    """What a landmark is to be: where, and in which state."""

    state: MarkState
    x: Coordinate | None = None
    y: Coordinate | None = None


class EditRequest(Settings):
    """An edit as the page sends it."""

    who: Name
    revision: Annotated[int, Field(strict=True, ge=0)]
    act: Literal["set", "approve", "reject", "reopen", "undo", "redo"]
    proposal: Annotated[str, StringConstraints(strict=True, max_length=16)] = ""
    changes: Annotated[dict[Name, Placed | None], Field(max_length=MAX_LANDMARKS)] = Field(default_factory=dict)


class SchemeRequest(Settings):
    """A shipped scheme to choose, or landmarks to add."""

    choose: Name = ""
    add: Annotated[tuple[Name, ...], Field(max_length=MAX_LANDMARKS)] = ()


Asked = TypeVar("Asked", bound=Settings)
Read = TypeVar("Read")


def make_app(
    review: Review, token: str, host: str, port: int, proposer: Proposer | None = None, *, once: str = ""
) -> Guard:
    """Return the server of a review as an ASGI application.

    ``host`` and ``port`` are where it will listen, ``token`` and ``once`` those of :class:`Guard`.
    """
    return Guard(_Answers(review, proposer).app, token, host, port, once=once)


class _Answers:
    def __init__(self, review: Review, proposer: Proposer | None) -> None:
        self._review, self._store, self._films, self._proposer = review, review.store, review.films, proposer
        self._files = {file.name: file.read_bytes() for file in _PAGE.iterdir() if file.suffix in _TYPES}
        self._schemes = shipped_schemes()
        self._calm = asyncio.Semaphore(1)  # small pictures wait for each other, and films do not wait for many
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/page/{name}", self._page),
                Route("/api/start", self._start),
                Route("/api/scheme", self._scheme, methods=["POST"]),
                Route("/api/films", self._worklist),
                Route("/api/films/{number:int}", self._film),
                Route("/api/films/{number:int}/pixels", self._pixels),
                Route("/api/films/{number:int}/thumbnail", self._thumbnail),
                Route("/api/films/{number:int}/edits", self._edit, methods=["POST"]),
                Route("/api/points.csv", self._points),
            ],
            exception_handlers={HTTPException: _refused},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Write points.csv behind the edits while the server runs."""
        writer = asyncio.create_task(self._write_files())
        if self._proposer:
            self._proposer.start()
        yield
        writer.cancel()
        if self._proposer:
            await run_in_threadpool(self._proposer.end)

    async def _write_files(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_EVERY)
            with contextlib.suppress(DataError):  # a full disk: edits say so themselves, and the next round tries again
                await run_in_threadpool(self._store.write_files)

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise HTTPException(404, "no such page")
        return Response(self._files[name], media_type=_TYPES[Path(name).suffix])

    async def _start(self, _: Request) -> Response:
        store = self._store
        told = {
            "user": self._review.user, "readOnly": store.read_only, "films": len(self._films),
            "scheme": scheme_record(store.scheme), "schemes": self._schemes,
        }  # fmt: skip
        return JSONResponse(told)

    async def _scheme(self, request: Request) -> Response:
        self._expect_writable()
        asked = await _asked(request, SchemeRequest)
        if bool(asked.choose) == bool(asked.add):
            raise HTTPException(422, "expected either a scheme to choose or landmarks to add")
        act = partial(choose_scheme, self._store, asked.choose)
        if asked.add:
            act = partial(self._store.add_landmarks, asked.add)
        await _edited(act)
        return JSONResponse({"scheme": scheme_record(self._store.scheme)})

    async def _worklist(self, request: Request) -> Response:
        who = _person(request.query_params.get("who", ""))

        def rows() -> list[list[Any]]:
            return [
                [sample.identifier, *self._store.summary(who, sample.identifier)] for sample in self._films.samples
            ]  # fmt: skip

        told = {"films": await run_in_threadpool(rows), "proposing": self._proposer.said() if self._proposer else None}
        return JSONResponse(told)

    async def _film(self, request: Request) -> Response:
        number = self._number(request)
        who = _person(request.query_params.get("who", ""))
        opened = await self._look(number)
        state = await run_in_threadpool(self._store.state, who, self._films.samples[number].identifier)
        return JSONResponse(self._told(number, opened.record(), opened.film, state))

    def _told(self, number: int, film: dict[str, Any], pixels: str, state: dict[str, Any]) -> dict[str, Any]:
        """Return a film's state as the page gets it; ``exchanged``: its pixels were others at the last edit."""
        seen = state.pop("film")
        name, exchanged = self._films.samples[number].identifier, bool(seen and pixels) and seen != pixels
        return {"number": number, "name": name, **film, **state, "exchanged": exchanged}

    async def _pixels(self, request: Request) -> Response:
        opened = await self._read(self._films.open, self._number(request))
        return Response(opened.content, media_type="application/octet-stream")

    async def _thumbnail(self, request: Request) -> Response:
        async with self._calm:
            picture = await self._read(self._films.thumbnail, self._number(request))
        return Response(picture, media_type="image/png")

    async def _edit(self, request: Request) -> Response:
        self._expect_writable()
        number = self._number(request)
        asked = await _asked(request, EditRequest)
        who, image = _person(asked.who), self._films.samples[number].identifier
        opened = await self._look(number)
        if opened.broken and asked.act in ("set", "approve"):
            raise HTTPException(422, opened.broken)
        wanted = {name: None if at is None else (at.state, at.x, at.y) for name, at in asked.changes.items()}
        if (asked.act == "set") != bool(wanted):
            raise HTTPException(422, "expected changes of landmarks in a 'set', and nowhere else")
        for name, told in wanted.items():
            for value, size in zip(told[1:] if told else (), opened.size or (), strict=False):
                if value is not None and not -_MARGIN * size <= value <= (1 + _MARGIN) * size:
                    raise HTTPException(422, f"landmark {name!r} at {value}, expected it on the film")
        act = partial(
            self._store.edit, who, image, opened.film, asked.revision, asked.act, wanted, proposal=asked.proposal
        )  # fmt: skip
        try:
            state = await _edited(act)
        except ConflictError as error:
            state = await run_in_threadpool(self._store.state, who, image)
            now = self._told(number, opened.record(), opened.film, state)
            return JSONResponse({"error": str(error), "state": now}, 409)
        return JSONResponse(self._told(number, opened.record(), opened.film, state))

    async def _points(self, _: Request) -> Response:
        def text() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                LongCsv().write(file := Path(folder) / "points.csv", self._store.table())
                return file.read_bytes()

        headers = {"Content-Disposition": 'attachment; filename="points.csv"'}
        return Response(await run_in_threadpool(text), media_type="text/csv", headers=headers)

    def _number(self, request: Request) -> int:
        number = int(request.path_params["number"])
        if number >= len(self._films):
            raise HTTPException(404, f"no such film, expected a number below {len(self._films)}")
        return number

    def _expect_writable(self) -> None:
        if self._store.read_only:
            raise HTTPException(403, "this review is opened to be read only")

    async def _look(self, number: int) -> Opened:
        """Return a decoded film, or what is wrong with it: it may still be rejected."""
        try:
            return await self._read(self._films.open, number)
        except HTTPException as error:
            return Opened(b"", "", None, None, "", error.detail)

    async def _read(self, read: Callable[[int], Read], number: int) -> Read:
        try:
            return await run_in_threadpool(read, number)
        except ImageError as error:
            sample = self._films.samples[number]  # called by its name in DATA, wherever that lies
            raise HTTPException(422, str(error).replace(str(sample.file), sample.film)) from error


async def _edited(act: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the act returns
    """Run what writes, and turn what it raises into answers."""
    try:
        return await run_in_threadpool(act)
    except ConflictError:
        raise
    except EditError as error:
        raise HTTPException(422, str(error)) from error
    except DataError as error:  # a full disk
        raise HTTPException(507, f"not saved: {error}") from error


async def _asked(request: Request, model: type[Asked]) -> Asked:
    """Return the body of a request; 415 or 422 if it is not as it should be."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "expected application/json")
    try:
        told = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "not JSON") from error
    try:
        return validated(model, told, "request", ValueError)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, str(error)[:500]) from error


def _person(name: str) -> str:
    """Return the name of a person in one form of Unicode; 422 if it is none."""
    try:
        return person_name(name)
    except EditError as error:
        raise HTTPException(422, str(error)) from error


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
