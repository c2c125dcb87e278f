"""Agreement: the points of others on a film, and figures of people, machine and time, as JSON and as files."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.data.film import Spacing
from landvote.errors import EditError
from landvote.review.opening import Review
from landvote.review.reports.agreement import Record, agreement
from landvote.review.reports.agreement_report import agreement_csv, agreement_page
from landvote.review.reports.comparing import Disagreements, beside
from landvote.review.routes.asking import person
from landvote.review.routes.films import FilmRoutes

Made = TypeVar("Made")


class AgreementRoutes:
    """Answers for comparisons."""

    def __init__(self, review: Review, films: FilmRoutes) -> None:
        self._review, self._films = review, films
        self._disagreements = Disagreements(review.store, review.compared)
        self._numbers = {sample.identifier: n for n, sample in enumerate(review.films.samples)}
        self._calm = asyncio.Semaphore(1)  # figures of many films are reckoned for one request at a time

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/films/{number:int}/others", self._others),
            Route("/api/apart", self._apart),
            Route("/api/agreement", self._figures),
            Route("/api/agreement.csv", self._csv),
            Route("/api/agreement.html", self._html),
        ]

    async def _others(self, request: Request) -> Response:
        number, who = self._films.number(request), person(request.query_params.get("who", ""))
        image = self._review.films.samples[number].identifier
        try:
            sets = await run_in_threadpool(beside, self._review.store, self._review.compared, who, image)
        except EditError as error:
            raise HTTPException(403, str(error)) from error
        return JSONResponse({"sets": sets})

    async def _apart(self, _: Request) -> Response:
        images = [sample.identifier for sample in self._review.films.samples]
        async with self._calm:
            return JSONResponse({"apart": await run_in_threadpool(self._disagreements.of, images)})

    async def _figures(self, _: Request) -> Response:
        return JSONResponse(await self._made(lambda record: record))

    async def _csv(self, _: Request) -> Response:
        return _download(await self._made(agreement_csv), "agreement.csv", "text/csv")

    async def _html(self, _: Request) -> Response:
        return _download(await self._made(agreement_page), "agreement.html", "text/html")

    async def _made(self, make: Callable[[Record], Made]) -> Made:
        store = self._review.store

        def made() -> Made:
            landmarks = store.scheme.landmarks if store.scheme else ()
            return make(agreement(store.states.every(), landmarks, self._spacing))

        async with self._calm:
            return await run_in_threadpool(made)

    def _spacing(self, image: str) -> Spacing | None:
        return self._review.films.spacing(self._numbers[image]) if image in self._numbers else None


def _download(content: str, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content.encode(errors="surrogateescape"), media_type=kind, headers=headers)
