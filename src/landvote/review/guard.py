"""The guard before the server: token, Host, Origin, sizes, rates; nothing comes past it that fails one of them."""

import ipaddress
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2**20
"""Bytes of a request; an edit of all landmarks of a large scheme has less."""

_RATE, _BURST = 50.0, 200.0  # writing requests a second, and how many at once
_WRITING = ("POST", "PUT", "PATCH", "DELETE")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """An ASGI application around another one.

    Args:
        app: that answers what comes past.
        token: that a browser shows once in the address, and then as a cookie.
        once: another one for the address, good for one time: other users see the command that opens a browser.
        host: that the server listens on.
        port: the same.
        clock: tells seconds.
    """

    def __init__(
        self, app: ASGIApp, token: str, host: str, port: int, *, once: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._app, self._token, self._once, self._clock = app, token.encode(), once.encode(), clock
        self._cookie = f"landvote-{port}"
        self._any_address = host in _WILDCARDS
        names = {*_LOOPBACK, host.lower()} | ({socket.gethostname().lower()} if self._any_address else set())
        self._hosts, self._port = names, port
        self._left, self._since = _BURST, clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing speaks WebSocket here; the server closes it

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refused(scope, Headers(scope=scope))
        if refused is not None:
            await refused(scope, receive, guarded)
            return
        try:
            await self._app(scope, _limited(receive), guarded)
        except Exception as error:  # noqa: BLE001 - a fault of landvote's, answered as 500: told of without its message
            at = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(at.filename).name}, line {at.lineno}"
            print(f"landvote review: internal error, {type(error).__name__} in {place}", file=sys.stderr)  # noqa: T201

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that does not come past; None for one that does."""
        host, writing = headers.get("host", ""), scope["method"] in _WRITING
        if len(headers.getlist("host")) != 1 or not self._known(host):
            return _refusal(421, "unknown Host, expected the address that the server printed")
        origin = headers.get("origin")
        if (origin is not None or writing) and origin != f"http://{host}":
            return _refusal(403, "foreign Origin, expected the page of this server")
        query = QueryParams(scope["query_string"])
        if "token" in query and scope["method"] == "GET" and scope["path"] == "/":
            return self._welcome(query["token"])
        return self._stranger(headers) or self._excessive(headers, writing=writing)

    def _stranger(self, headers: Headers) -> Response | None:
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _refusal(403, "a request from another site, expected the page of this server")
        if not self._shown(headers):
            return _refusal(401, "no valid token, expected the address with the token that the server printed")
        return None

    def _excessive(self, headers: Headers, *, writing: bool) -> Response | None:
        if writing and not self._in_time():
            return _refusal(429, "too many edits at a time, expected fewer; try again in a second")
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return _refusal(400, "Content-Length is no number")
        return _refusal(413, f"expected at most {MAX_BODY} bytes") if int(length[:12]) > MAX_BODY else None

    def _known(self, host: str) -> bool:
        name, colon, port = host.lower().rpartition(":")
        if not colon or port != str(self._port):
            name, port = host.lower(), "80"
        if port != str(self._port):
            return False
        name = name.removeprefix("[").removesuffix("]")
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address

    def _welcome(self, token: str) -> Response:
        shown = token.encode(errors="surrogateescape")
        if self._once and secrets.compare_digest(shown, self._once):
            self._once = b""
        elif not secrets.compare_digest(shown, self._token):
            return _refusal(401, "wrong token, expected the address that the server printed last")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._token.decode(), path="/", httponly=True, samesite="strict")
        return answer

    def _shown(self, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        shown = morsel.value.encode(errors="surrogateescape") if morsel else b""
        return secrets.compare_digest(shown, self._token)

    def _in_time(self) -> bool:
        now = self._clock()
        self._left, self._since = min(_BURST, self._left + (now - self._since) * _RATE), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _limited(receive: Receive) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413, f"expected at most {MAX_BODY} bytes")
        return message

    return limited


def _refusal(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)
