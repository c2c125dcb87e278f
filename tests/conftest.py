"""What every test shares: one thread, no display, no network, the same random examples each time."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import hypothesis
import pytest

from landvote import cli
from landvote.runtime.processors import limit_numba

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch and OpenBLAS are first imported
limit_numba()
os.environ["MPLBACKEND"] = "Agg"

hypothesis.settings.register_profile("landvote", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("landvote")

# Keys, caches and settings of the tests are their own, in processes that they start too.
_HOME = tempfile.TemporaryDirectory(prefix="landvote-tests-")
os.environ["LANDVOTE_KEY"] = str(Path(_HOME.name) / "patients.key")
os.environ["LANDVOTE_CACHE"] = str(Path(_HOME.name) / "cache")
os.environ["LANDVOTE_CONFIG"] = str(Path(_HOME.name) / "config")

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    """Let a test reach this machine only; anything else fails where it is tried."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test reached for the network: {address}")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real films that may stand beside the checkout; skip where it does not."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real films beside the checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def draw():
    """Return the function that makes a DATA folder of crosses."""
    from toys import draw_crosses

    return draw_crosses


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command in an empty folder and returns its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def landvote(*words):
        monkeypatch.setattr(sys, "argv", ["landvote", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return landvote


class _Addresses(HTMLParser):
    """Collects what a page would fetch, and checks that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def fetched() -> Callable[[str], list[str]]:
    """Return the function that lists the addresses a page would fetch; it has to be whole."""

    def parse(text: str) -> list[str]:
        page = _Addresses()
        page.feed(text)
        assert page.open == []
        return page.sources

    return parse
