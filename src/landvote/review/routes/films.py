"""Films: the worklist, a film's state and pixels, and edits of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.data.points import MAX_LANDMARKS
from landvote.errors import ConflictError, ImageError
from landvote.review.edits.history import revision_of
from landvote.review.edits.log import MarkState
from landvote.review.films import Opened
from landvote.review.models.proposing import Proposer
from landvote.review.models.teaching import Teaching
from landvote.review.opening import Review
from landvote.review.routes.asking import Coordinate, Name, Shown, body_as, edited, expect_writable, person
from landvote.review.store import OnPage
from landvote.runtime.settings import Settings

_MARGIN = 1.0  # a landmark lies at most so many widths or heights beside its film

Read = TypeVar("Read")


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
    unplaced: Annotated[frozenset[Name], Field(max_length=MAX_LANDMARKS)] = frozenset()
    shown: Shown = None
    followed: Annotated[dict[Name, tuple[Coordinate, Coordinate]], Field(max_length=MAX_LANDMARKS)] = Field(
        default_factory=dict
    )


class FilmRoutes:
    """Answers for films; other routes ask it for a film by the number in a request."""

    def __init__(self, review: Review, proposer: Proposer | None, teaching: Teaching | None = None) -> None:
        self._store, self._films, self._proposer = review.store, review.films, proposer
        self._teaching = teaching
        self._calm = asyncio.Semaphore(1)  # small pictures wait for each other, and films do not wait for many

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/films", self._worklist),
            Route("/api/films/{number:int}", self._film),
            Route("/api/films/{number:int}/preview", self._preview),
            Route("/api/films/{number:int}/pixels", self._pixels),
            Route("/api/films/{number:int}/thumbnail", self._thumbnail),
            Route("/api/films/{number:int}/edits", self._edit, methods=["POST"]),
        ]

    def number(self, request: Request) -> int:
        """Return the number of the film that a request names; 404 if there is none."""
        number = int(request.path_params["number"])
        if number >= len(self._films):
            raise HTTPException(404, f"no such film, expected a number below {len(self._films)}")
        return number

    async def look(self, number: int) -> Opened:
        """Return a decoded film, or what is wrong with it: it may still be rejected."""
        try:
            return await self._read(self._films.open, number)
        except HTTPException as error:
            return Opened(b"", b"", "", None, None, "", error.detail)

    async def _worklist(self, request: Request) -> Response:
        who = person(request.query_params.get("who", ""))

        def rows() -> list[list[Any]]:
            ranks = self._teaching.ranks() if self._teaching else {}
            return [
                [sample.identifier, *self._store.summary(who, sample.identifier), ranks.get(number)]
                for number, sample in enumerate(self._films.samples)
            ]

        told = {
            "films": await run_in_threadpool(rows), "proposing": self._proposer.said() if self._proposer else None,
            "usualError": await run_in_threadpool(self._store.proposals.usual_error),
        }  # fmt: skip
        return JSONResponse(told)

    async def _film(self, request: Request) -> Response:
        number = self.number(request)
        who = person(request.query_params.get("who", ""))
        if self._proposer:
            self._proposer.opened(who, number)
        opened = await self.look(number)
        state = await run_in_threadpool(self._store.state, who, self._films.samples[number].identifier)
        return JSONResponse(self.told(number, opened, state))

    def told(self, number: int, opened: Opened, state: dict[str, Any]) -> dict[str, Any]:
        """Return a film's state as the page gets it.

        ``exchanged``: its pixels were others at the last edit. ``scheme``: the revision of the landmarks.
        """
        sample, seen, pixels = self._films.samples[number], state.pop("film"), opened.film
        film, exchanged = opened.record(), bool(seen and pixels) and seen != pixels
        film["spacing"] = self._store.rulers.record(sample.film, film["spacing"])
        told = {"number": number, "name": sample.identifier, "exchanged": exchanged}
        return {**told, **film, **state, "scheme": revision_of(self._store.scheme)}

    async def _preview(self, request: Request) -> Response:
        opened = await self._read(self._films.open, number := self.number(request))
        if self._proposer:
            self._proposer.wanted(number)
        return Response(opened.preview, media_type="application/octet-stream")

    async def _pixels(self, request: Request) -> Response:
        opened = await self._read(self._films.open, self.number(request))
        return Response(opened.content, media_type="application/octet-stream")

    async def _thumbnail(self, request: Request) -> Response:
        async with self._calm:
            picture = await self._read(self._films.thumbnail, self.number(request))
        return Response(picture, media_type="image/png")

    async def _edit(self, request: Request) -> Response:
        expect_writable(self._store)
        number = self.number(request)
        asked = await body_as(request, EditRequest)
        who, image = person(asked.who), self._films.samples[number].identifier
        opened = await self.look(number)
        if opened.broken and asked.act in ("set", "approve"):
            raise HTTPException(422, opened.broken)
        wanted = {name: None if at is None else (at.state, at.x, at.y) for name, at in asked.changes.items()}
        if (asked.act == "set") != bool(wanted) or (asked.followed and not wanted):
            raise HTTPException(422, "expected changes of landmarks in a 'set', and nowhere else")
        told = [(name, at[1:]) for name, at in wanted.items() if at]
        for name, point in (*told, *asked.followed.items()):
            for value, size in zip(point, opened.size or (), strict=False):
                if value is not None and not -_MARGIN * size <= value <= (1 + _MARGIN) * size:
                    raise HTTPException(422, f"landmark {name!r} at {value}, expected it on the film")
        followed = {name: (*point, None) for name, point in asked.followed.items()}
        act = partial(
            self._store.edit, who, image, opened.film, asked.revision, asked.act, wanted, proposal=asked.proposal,
            page=OnPage(asked.unplaced, asked.shown, followed),
        )  # fmt: skip
        return await self.answer(number, opened, who, act)

    async def answer(self, number: int, opened: Opened, who: str, act: Callable[[], dict[str, Any]]) -> Response:
        """Make an edit, and return the film's state after it; 409 with the state as it is if that has changed."""
        image = self._films.samples[number].identifier
        try:
            state = await edited(act)
        except ConflictError as error:
            state = await run_in_threadpool(self._store.state, who, image)
            now = self.told(number, opened, state)
            return JSONResponse({"error": str(error), "state": now}, 409)
        return JSONResponse(self.told(number, opened, state))

    async def _read(self, read: Callable[[int], Read], number: int) -> Read:
        try:
            return await run_in_threadpool(read, number)
        except ImageError as error:
            sample = self._films.samples[number]  # called by its name in DATA, wherever that lies
            raise HTTPException(422, str(error).replace(str(sample.file), sample.film)) from error
