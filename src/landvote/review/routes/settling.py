"""Settling: what follows a landmark that is dragged, and all others found again."""

from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.errors import ConflictError, EditError
from landvote.review.models.current import CurrentModel
from landvote.review.models.settling import Settler
from landvote.review.opening import Review
from landvote.review.routes.asking import Name, Shown, body_as, expect_writable, person
from landvote.review.routes.films import FilmRoutes
from landvote.review.store import OnPage
from landvote.runtime.settings import Settings


class SettleRequest(Settings):
    """A person's wish to settle a film, as it was shown."""

    who: Name
    revision: Annotated[int, Field(strict=True, ge=0)]
    shown: Shown = None


class SettlingRoutes:
    """Answers for proposals that follow or are found again; ``films`` answers for the films themselves."""

    def __init__(self, review: Review, films: FilmRoutes, models: CurrentModel | None) -> None:
        self._store, self._samples, self._films = review.store, review.films.samples, films
        self._settler = Settler(models, review.films, review.store)

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/films/{number:int}/carry", self._carry),
            Route("/api/films/{number:int}/settle", self._settle, methods=["POST"]),
        ]

    async def _carry(self, request: Request) -> Response:
        number, asked = self._films.number(request), request.query_params
        who = person(asked.get("who", ""))
        try:
            gains = await run_in_threadpool(self._settler.gains, number, who, asked.get("landmark", ""))
        except EditError as error:
            raise HTTPException(422, str(error)) from error
        return JSONResponse({"gains": gains})

    async def _settle(self, request: Request) -> Response:
        expect_writable(self._store)
        number = self._films.number(request)
        asked = await body_as(request, SettleRequest)
        who, image = person(asked.who), self._samples[number].identifier
        opened = await self._films.look(number)
        if opened.broken:
            raise HTTPException(422, opened.broken)

        def act() -> dict[str, object]:
            seen = self._store.state(who, image)
            if asked.revision != seen["revision"]:  # before the film is looked at
                raise ConflictError(f"revision {asked.revision}, expected {seen['revision']}")
            found = self._settler.settle(number, who)
            return self._store.edit(
                who, image, opened.film, asked.revision, "settle", proposal=seen["proposal"],
                page=OnPage(shown=asked.shown, moved=found),
            )  # fmt: skip

        return await self._films.answer(number, opened, who, act)
