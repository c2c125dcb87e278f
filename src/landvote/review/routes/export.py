"""Export: the points of the review, as files in every format that landvote writes."""

import asyncio
import json
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.errors import LandvoteError
from landvote.formats.family import written_kinds
from landvote.review.opening import Review
from landvote.review.reports.exporting import ANNOTATORS, export, export_formats
from landvote.review.routes.asking import person


class ExportRoutes:
    """Answers with files of points."""

    def __init__(self, review: Review) -> None:
        self._store, self._files = review.store, review.files
        self._calm = asyncio.Semaphore(1)  # one export at a time: memory stays flat, and edits are answered

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/formats", self._formats),
            Route("/api/export", self._export),
        ]

    async def _formats(self, _: Request) -> Response:
        return JSONResponse({"formats": export_formats()})

    async def _export(self, request: Request) -> Response:
        """Answer with a file, whose name and losses are in the header ``X-Export``, as JSON."""
        asked = request.query_params
        who, kind, films = person(asked.get("who", "")), asked.get("format", ""), asked.get("films", "approved")
        annotators = next((known for known in ANNOTATORS if known == asked.get("annotators", "all")), None)
        if kind not in written_kinds():
            raise HTTPException(422, f"format {kind[:40]!r}, expected one of {', '.join(written_kinds())}")
        if annotators is None or films not in ("approved", "all"):
            raise HTTPException(422, f"expected annotators {', '.join(ANNOTATORS)}, and films approved or all")
        make = partial(export, self._store, self._files, kind, annotators, who, approved=films == "approved")
        try:
            async with self._calm:
                made = await run_in_threadpool(make)
        except LandvoteError as error:
            raise HTTPException(422, str(error)[:1000]) from error
        headers = {
            "Content-Disposition": f'attachment; filename="{made.name}"',
            "X-Export": json.dumps({"name": made.name, "told": made.told}),
        }
        return Response(made.content, media_type="application/octet-stream", headers=headers)
