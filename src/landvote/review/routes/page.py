"""The page itself, and what it has to know at first."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from landvote.review.landmarks.schemes import scheme_record, shipped_schemes
from landvote.review.opening import Review

_PAGE = Path(__file__).parents[1] / "page"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class PageRoutes:
    """Answers with the page, its scripts and style, and the start."""

    def __init__(self, review: Review) -> None:
        self._review, self._schemes = review, shipped_schemes()
        self._files = {file.name: file.read_bytes() for file in _PAGE.iterdir() if file.suffix in _TYPES}

    @property
    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/", self._page), Route("/page/{name}", self._page), Route("/api/start", self._start)]

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise HTTPException(404, "no such page")
        return Response(self._files[name], media_type=_TYPES[Path(name).suffix])

    async def _start(self, _: Request) -> Response:
        store = self._review.store
        told = {
            "user": self._review.user, "readOnly": store.read_only, "films": len(self._review.films),
            "scheme": scheme_record(store.scheme), "schemes": self._schemes,
        }  # fmt: skip
        return JSONResponse(told)
