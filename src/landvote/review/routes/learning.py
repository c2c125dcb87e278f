"""Learning: how far the loop is, and what a person asks of it."""

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.review.learning import Learning
from landvote.review.learning.loop import Act
from landvote.review.routes.asking import body_as, edited
from landvote.runtime.settings import Settings


class LearningRequest(Settings):
    """An act of a person."""

    act: Act


class LearningRoutes:
    """Answers for the loop; without one it answers that there is none."""

    def __init__(self, learning: Learning | None) -> None:
        self._learning = learning

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        path = "/api/learning"
        return [Route(path, self._told), *([Route(path, self._act, methods=["POST"])] if self._learning else [])]

    async def _told(self, _: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._learning.told) if self._learning else None)

    async def _act(self, request: Request) -> Response:
        asked, learning = await body_as(request, LearningRequest), self._learning
        assert learning is not None  # noqa: S101 - there is no route without
        await edited(partial(learning.act, asked.act))
        return await self._told(request)
