"""Landmarks: the scheme, how it comes to be and changes, and small pictures of where landmarks lie."""

import asyncio
from functools import partial
from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.data.points import MAX_LANDMARKS
from landvote.errors import ConflictError
from landvote.review.landmarks.pictures import MeanPictures
from landvote.review.landmarks.schemes import WantedScheme, add_landmarks, choose_scheme, rewrite_scheme, scheme_record
from landvote.review.landmarks.suggesting import suggestions
from landvote.review.opening import Review
from landvote.review.routes.asking import Name, body_as, edited, expect_writable, person
from landvote.runtime.settings import Settings


class SchemeRequest(Settings):
    """A shipped scheme to choose, landmarks to add, as an outline if that has a name, or a whole scheme."""

    who: Name
    choose: Name = ""
    add: Annotated[tuple[Name, ...], Field(max_length=MAX_LANDMARKS)] = ()
    outline: Annotated[str, StringConstraints(strict=True, max_length=200)] = ""
    closed: Annotated[bool, Field(strict=True)] = False
    change: WantedScheme | None = None
    revision: Annotated[str, StringConstraints(strict=True, max_length=16)] = ""


class LandmarkRoutes:
    """Answers for the scheme and for the pictures of landmarks."""

    def __init__(self, review: Review) -> None:
        self._store, self._samples = review.store, review.films.samples
        self._pictures = MeanPictures(review.store, review.films)
        self._calm = asyncio.Semaphore(1)  # pictures wait for each other, and nothing else waits for many

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/scheme", self._scheme),
            Route("/api/scheme", self._change, methods=["POST"]),
            Route("/api/landmarks/{landmark:int}/picture", self._picture),
        ]

    async def _scheme(self, _: Request) -> Response:
        told = {"scheme": scheme_record(self._store.scheme), "marked": sorted(self._store.history.marked)}
        return JSONResponse(told | {"suggestions": await run_in_threadpool(suggestions, self._store)})

    async def _change(self, request: Request) -> Response:
        expect_writable(self._store)
        asked = await body_as(request, SchemeRequest)
        if sum(map(bool, (asked.choose, asked.add, asked.change))) != 1 or (asked.outline and not asked.add):
            raise HTTPException(422, "expected either a scheme to choose, landmarks to add, or a whole scheme")
        who = person(asked.who)
        if asked.change:
            act = partial(rewrite_scheme, self._store, who, asked.change, asked.revision)
        elif asked.add:
            act = partial(add_landmarks, self._store, who, asked.add, asked.outline, closed=asked.closed)
        else:
            act = partial(choose_scheme, self._store, who, asked.choose)
        try:
            await edited(act)
        except ConflictError as error:
            return JSONResponse({"error": str(error), "scheme": scheme_record(self._store.scheme)}, 409)
        return JSONResponse({"scheme": scheme_record(self._store.scheme)})

    async def _picture(self, request: Request) -> Response:
        """Return the picture of a landmark for the film ``?film=``, whose side counts."""
        scheme, landmark = self._store.scheme, int(request.path_params["landmark"])
        if scheme is None or landmark >= len(scheme):
            raise HTTPException(404, "no such landmark")
        film = request.query_params.get("film", "")
        if not (film.isascii() and film.isdecimal()) or int(film[:9]) >= len(self._samples):
            raise HTTPException(422, "no such film, expected its number")
        side = self._samples[int(film[:9])].side.name
        async with self._calm:
            picture = await run_in_threadpool(self._pictures.picture, scheme.landmarks[landmark], side)
        if picture is None:
            raise HTTPException(404, "no approved film has this landmark")
        return Response(picture, media_type="image/png")
