"""Export: the points of approved films, as files."""

import tempfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from landvote.formats.kinds.long_csv import LongCsv
from landvote.review.opening import Review


class ExportRoutes:
    """Answers with files of points."""

    def __init__(self, review: Review) -> None:
        self._store = review.store

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/api/points.csv", self._points)]

    async def _points(self, _: Request) -> Response:
        def text() -> bytes:
            with tempfile.TemporaryDirectory() as folder:
                LongCsv().write(file := Path(folder) / "points.csv", self._store.table())
                return file.read_bytes()

        headers = {"Content-Disposition": 'attachment; filename="points.csv"'}
        return Response(await run_in_threadpool(text), media_type="text/csv", headers=headers)
