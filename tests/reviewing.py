"""Toys that the tests of the review page share: a scheme, a server on loopback, and what speaks to it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import contextmanager

from landvote.data.scheme import Scheme
from landvote.review.server import listen, make_app, make_server

TOKEN = "a-token-of-the-tests"  # noqa: S105 - no password
THREE = Scheme.numbered(3).model_copy(update={"name": "three", "landmarks": ("tip", "base", "näsion")})
MISSING = {"state": "missing"}


def at(x, y, state="placed"):
    return {"state": state, "x": x, "y": y}


class Client:
    """Speaks to a server as its page does, or otherwise."""

    def __init__(self, port: int) -> None:
        self.port, self.host = port, f"127.0.0.1:{port}"
        self.headers = {"Host": self.host, "Cookie": f"landvote-{port}={TOKEN}", "Origin": f"http://{self.host}"}

    def ask(self, method, path, body=None, **headers):
        """Return status, headers and bytes of the answer; a header that is None is not sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in sent:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def get(self, path):
        status, _, content = self.ask("GET", path)
        assert status == 200, content
        return json.loads(content)

    def post(self, path, told):
        status, _, content = self.ask("POST", path, json.dumps(told).encode(), Content_Type="application/json")
        return status, json.loads(content)

    def edit(self, number, revision, act="set", who="Ana", proposal="", **changes):
        told = {"who": who, "revision": revision, "act": act, "proposal": proposal, "changes": changes}
        return self.post(f"/api/films/{number}/edits", told)


@contextmanager
def served(review, proposer=None, learning=None, once=""):
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = make_server(make_app(review, TOKEN, "127.0.0.1", port, proposer, learning, once=once))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield Client(port)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def spot(page, x, y):
    """Return where a pixel of a film of 40 x 30 is on the screen, as the page fits it."""
    box = page.locator("#marks").bounding_box()
    scale = min(box["width"] / 40, box["height"] / 30) * 0.98
    return (
        box["x"] + (box["width"] - 40 * scale) / 2 + (x + 0.5) * scale,
        box["y"] + (box["height"] - 30 * scale) / 2 + (y + 0.5) * scale,
    )


def click(page, x, y):
    page.mouse.click(*spot(page, x, y))
