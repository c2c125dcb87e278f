"""A server that is killed at any moment: each edit that it answered as saved is there, once."""

from __future__ import annotations

import http.client
import json
import random
import re
import signal
import subprocess
import sys
import threading

import pytest

from reviewing import THREE, Client, at

pytestmark = pytest.mark.slow

ROUNDS = 3


def started(films):
    """Start the verb and return its process, and a client that has shown the token."""
    words = [sys.executable, "-m", "landvote", "review", films, "--no-browser", "--port", "0", "--user", "Ana"]
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    port, token = re.fullmatch(r"review of 4 films: http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n", line).groups()
    client = Client(int(port))
    status, headers, _ = client.ask("GET", f"/?token={token}", Cookie=None)
    assert status == 303
    client.headers["Cookie"] = headers["set-cookie"].partition(";")[0]
    return process, client


def test_every_edit_that_was_answered_is_there_once(films):
    THREE.write(films / "scheme.toml")
    rng, saved, sent = random.Random(3), [], 0
    for _ in range(ROUNDS):
        process, client = started(films)
        client.get("/api/films/0?who=Ana")  # from here on it is at work
        threading.Timer(rng.uniform(0.05, 0.6), process.kill).start()
        revisions = {}
        try:
            while True:
                film, name = rng.randrange(4), rng.choice(THREE.landmarks)
                if film not in revisions:
                    revisions[film] = client.get(f"/api/films/{film}?who=Ana")["revision"]
                sent += 1
                place = at(round(sent / 100, 2), film)
                status, told = client.edit(film, revisions[film], **{name: place})
                assert status in (200, 429)
                if status == 200:
                    saved.append((film, name, place["x"]))
                    revisions[film] = told["revision"]
        except (OSError, http.client.HTTPException):
            pass  # it was killed
        assert process.wait(20) == -signal.SIGKILL
        process.communicate()
    process, client = started(films)
    shown = {film: client.get(f"/api/films/{film}?who=Ana") for film in range(4)}
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1].endswith(f"ended; everything is in {films / 'landvote-review'}\n")
    assert process.returncode == 0
    lines = (films / "landvote-review" / "edits.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [
        (int(edit["image"][5]), change["landmark"], change["new"][1])
        for edit in map(json.loads, lines) for change in edit["changes"]
    ]  # fmt: skip
    assert len(saved) > 5
    assert set(saved) <= set(kept)
    assert len(kept) == len(set(kept)) <= len(saved) + ROUNDS  # one each may have been written and not answered
    last = {(film, name): x for film, name, x in kept}
    assert {(f, n): mark[1] for f, film in shown.items() for n, mark in film["marks"].items()} == last
