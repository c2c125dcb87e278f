"""Rulers: people measure films, by two points and the millimetres between them."""

import math
from functools import partial
from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.errors import ConflictError
from landvote.review.edits.log import Ruler
from landvote.review.edits.rulers import films_alike
from landvote.review.films import Opened
from landvote.review.opening import Review
from landvote.review.routes.asking import Coordinate, Name, body_as, edited, expect_writable, person
from landvote.review.routes.films import FilmRoutes
from landvote.runtime.settings import Settings

_LEAST, _MOST = 0.001, 10.0  # millimetres per pixel of any film


class Ends(Settings):
    """The ends of a ruler in pixels of the image, and the millimetres between them."""

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate
    length: Annotated[float, Field(strict=True, gt=0, le=10_000, allow_inf_nan=False)]


class RulerRequest(Settings):
    """A ruler of a film, or None to take the film's ruler away; ``alike`` is whether films of its size get it too."""

    who: Name
    revision: Annotated[int, Field(strict=True, ge=0)]
    ruler: Ends | None
    alike: Annotated[bool, Field(strict=True)] = False


class RulerRoutes:
    """Answers for rulers."""

    def __init__(self, review: Review, films: FilmRoutes) -> None:
        self._store, self._samples, self._films = review.store, review.films.samples, films

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/api/films/{number:int}/ruler", self._measure, methods=["POST"])]

    async def _measure(self, request: Request) -> Response:
        expect_writable(self._store)
        number = self._films.number(request)
        asked = await body_as(request, RulerRequest)
        who, sample, opened = person(asked.who), self._samples[number], await self._films.look(number)
        ruler = _checked(asked.ruler, opened) if asked.ruler else None
        if asked.alike and ruler is None:
            raise HTTPException(422, "expected a ruler for the films of one size")
        alike = await run_in_threadpool(films_alike, self._samples, opened.size) if asked.alike and opened.size else []
        films = (sample.film, *(name for name in alike if name != sample.film and self._store.rulers.of(name) is None))
        act = partial(self._store.measure, who, sample.identifier, opened.film, asked.revision, ruler, films)
        try:
            state = await edited(act)
        except ConflictError as error:
            state = await run_in_threadpool(self._store.state, who, sample.identifier)
            now = self._films.told(number, opened, state)
            return JSONResponse({"error": str(error), "state": now}, 409)
        return JSONResponse({"state": self._films.told(number, opened, state), "films": len(films)})


def _checked(ends: Ends, opened: Opened) -> Ruler:
    """Return a ruler that fits its film; 422 if it does not."""
    if opened.size is None:
        raise HTTPException(422, opened.broken)
    ruler, (width, height) = Ruler(ends.x0, ends.y0, ends.x1, ends.y1, ends.length), opened.size
    for x, y in ((ruler.x0, ruler.y0), (ruler.x1, ruler.y1)):
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
            raise HTTPException(422, f"the ruler ends at {x}, {y}, expected it on the film")
    if math.hypot(ruler.x1 - ruler.x0, ruler.y1 - ruler.y0) < 1 or not _LEAST <= ruler.mm <= _MOST:
        raise HTTPException(
            422, f"this ruler gives no pixel of {_LEAST} to {_MOST:g} mm, expected one; check its length"
        )
    if opened.spacing is not None and not opened.spacing.is_square:
        raise HTTPException(422, "the pixels of this film are not square, and a ruler gives one figure for both sides")
    return ruler
