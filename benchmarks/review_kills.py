"""A server of the review page that is killed again and again while two browsers' worth of clients edit.

    python benchmarks/review_kills.py [KILLS]

Two clients of one person and one of another edit the same films and different ones, place, undo and approve. At a
random moment SIGKILL ends the server; the next one opens the same store. In the end the log is compared with the edits
that were answered as saved: each has to be there, once, and the films have to be as the log says.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from landvote.data.scheme import Scheme
from review_server import Server

FILMS, NAMES, CLIENTS = 6, ("tip", "base", "notch"), ("Ana", "Ana", "Bo")
LATEST = 1.5  # seconds after the start of the clients at which a server is killed
Saved = tuple[str, int, str, float]


class Clients:
    """Edits that clients make on a server until it is gone.

    Attributes:
        saved: person, film, landmark and x of each placing that was answered as saved; each x is used once.
        counts: of answers by kind.
    """

    def __init__(self) -> None:
        self.saved: list[Saved] = []
        self.counts: Counter[str] = Counter()
        self._next, self._mutex = 0, threading.Lock()

    def edit(self, server: Server, who: str, seed: str) -> None:
        """Edit until the server is gone."""
        rng = random.Random(seed)  # noqa: S311 - no secret
        revisions: dict[int, int] = {}
        try:
            while True:
                film = rng.randrange(FILMS)
                if film not in revisions:
                    revisions[film] = int(server.film(film, who)["revision"])
                name, act = rng.choice(NAMES), rng.choice(("set",) * 8 + ("undo", "approve"))
                with self._mutex:
                    self._next += 1
                    x = round(self._next / 1000, 3)
                changes = {name: {"state": "placed", "x": x, "y": 5}} if act == "set" else {}
                status, told = server.edit(film, who, revisions[film], act, **changes)
                with self._mutex:
                    self.counts[f"{act} {status}"] += 1
                    if status == 200 and act == "set":
                        self.saved.append((who, film, name, x))
                if status == 200:
                    revisions[film] = int(told["revision"])
                elif status == 409:  # the other window of this person was first
                    revisions[film] = int(told["state"]["revision"])
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return  # the server was killed


def main(kills: int) -> None:
    """Kill servers, and print what was found."""
    rng, clients, repaired = random.Random(20), Clients(), 0  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        Scheme.numbered(3).model_copy(update={"name": "three", "landmarks": NAMES}).write(folder / "scheme.toml")
        for i in range(FILMS):
            cv2.imwrite(
                str(folder / f"film-{i}.png"), (np.add.outer(np.arange(300), np.arange(400)) * 90 + i).astype("u2")
            )
        log = folder / "landvote-review" / "edits.jsonl"
        for kill in range(kills):
            server = Server(folder, "--no-learning")
            threads = [
                threading.Thread(target=clients.edit, args=(server, who, f"{kill} {number}"))
                for number, who in enumerate(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.02, LATEST))
            server.process.kill()
            for thread in threads:
                thread.join()
            server.process.communicate()
            repaired += not log.read_bytes().endswith(b"\n")
        server = Server(folder, "--no-learning")
        shown = {(who, film): server.film(film, who) for who in set(CLIENTS) for film in range(FILMS)}
        server.end()
        _report(kills, clients, log, shown, repaired)


def _report(kills: int, clients: Clients, log: Path, shown: dict[tuple[str, int], dict[str, Any]], cut: int) -> None:
    edits = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    kept: list[Saved] = []
    last: dict[tuple[str, int], dict[str, object]] = {}
    for edit in edits:
        if not edit["image"]:
            continue
        film = int(edit["image"][5])
        marks = last.setdefault((edit["who"], film), {})
        for change in edit["changes"]:
            marks[change["landmark"]] = change["new"]
            if edit["act"] == "set":
                kept.append((edit["who"], film, change["landmark"], change["new"][1]))
    placed = {key: {name: mark for name, mark in marks.items() if mark} for key, marks in last.items()}
    differing = sum(film["marks"] != placed.get(key, {}) for key, film in shown.items())
    saved, once = set(clients.saved), Counter(kept)
    rows = [
        ("kills", kills), ("placings answered as saved", len(saved)),
        ("of these not in the log", len(saved - set(kept))),
        ("of these in the log twice", sum(once[placing] > 1 for placing in saved)),
        ("placings in the log that had no answer", len(set(kept) - saved)),
        ("undos and approvals answered as saved", clients.counts["undo 200"] + clients.counts["approve 200"]),
        ("conflicts told (409)", sum(n for told, n in clients.counts.items() if told.endswith("409"))),
        ("last lines cut short by a kill, and dropped", cut),
        ("films that are shown otherwise than the log says", differing),
    ]  # fmt: skip
    for told, count in rows:
        print(f"{told:50} {count:6}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
