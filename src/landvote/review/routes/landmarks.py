"""Landmarks: the scheme, and how it comes to be."""

from functools import partial
from typing import Annotated

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.data.points import MAX_LANDMARKS
from landvote.review.opening import Review
from landvote.review.routes.asking import Name, body_as, edited, expect_writable
from landvote.review.schemes import choose_scheme, scheme_record
from landvote.runtime.settings import Settings


class SchemeRequest(Settings):
    """A shipped scheme to choose, or landmarks to add."""

    choose: Name = ""
    add: Annotated[tuple[Name, ...], Field(max_length=MAX_LANDMARKS)] = ()


class LandmarkRoutes:
    """Answers for the scheme."""

    def __init__(self, review: Review) -> None:
        self._store = review.store

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/api/scheme", self._scheme, methods=["POST"])]

    async def _scheme(self, request: Request) -> Response:
        expect_writable(self._store)
        asked = await body_as(request, SchemeRequest)
        if bool(asked.choose) == bool(asked.add):
            raise HTTPException(422, "expected either a scheme to choose or landmarks to add")
        act = partial(choose_scheme, self._store, asked.choose)
        if asked.add:
            act = partial(self._store.add_landmarks, asked.add)
        await edited(act)
        return JSONResponse({"scheme": scheme_record(self._store.scheme)})
