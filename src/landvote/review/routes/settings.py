"""Settings of a review: how many films are blind."""

from functools import partial
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.review.opening import Review
from landvote.review.proposals.blind import MOST
from landvote.review.routes.asking import body_as, edited, expect_writable
from landvote.runtime.settings import Settings


class SettingsRequest(Settings):
    """The share of films that are blind."""

    blind: Annotated[float, Field(strict=True, ge=0, le=MOST, allow_inf_nan=False)]


class SettingsRoutes:
    """Answers for the settings."""

    def __init__(self, review: Review) -> None:
        self._store = review.store

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/api/settings", self._told), Route("/api/settings", self._set, methods=["POST"])]

    async def _told(self, _: Request) -> Response:
        return JSONResponse({"blind": self._store.proposals.blind.share})

    async def _set(self, request: Request) -> Response:
        expect_writable(self._store)
        asked = await body_as(request, SettingsRequest)
        await edited(partial(self._store.set_blind, asked.blind))
        return await self._told(request)
