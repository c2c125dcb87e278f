"""The server: what the page asks for, and all that is refused."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from starlette.responses import PlainTextResponse

from landvote.errors import DataError
from landvote.review.guard import MAX_BODY, Guard
from landvote.review.opening import open_review
from landvote.review.server import listen
from reviewing import MISSING, THREE, TOKEN, at, served

PATHS = ("/", "/page/main.js", "/api/start", "/api/films?who=Ana", "/api/films/0?who=Ana", "/api/films/0/pixels",
         "/api/films/0/thumbnail", "/api/learning", "/api/scheme", "/api/formats", "/api/agreement",
         "/api/agreement.csv", "/api/agreement.html", "/api/settings")  # fmt: skip


def test_the_page_gets_all_that_it_asks_for(client):
    for path in PATHS:
        status, headers, content = client.ask("GET", path)
        assert status == 200, path
        assert content
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    assert client.get("/api/start")["scheme"]["landmarks"] == list(THREE.landmarks)
    film = client.get("/api/films/0?who=Ana")
    assert (film["name"], film["size"], film["spacing"], film["state"]) == ("film-0.png", [40, 30], None, "new")
    pixels = client.ask("GET", "/api/films/1/pixels")[2]
    assert struct.unpack("<IIII", pixels[4:20]) == (40, 30, 16, 0)
    assert np.frombuffer(pixels[20:], "<u2")[0] == 1
    assert client.ask("GET", "/api/films/1/preview")[2] == pixels  # a small film is whole at once


def test_the_page_fetches_from_its_own_server_alone(client, fetched):
    page = client.ask("GET", "/")[2].decode().replace("<input", "<img").replace('autofocus="">', ">")
    sources = fetched(page.replace("<link", "<img"))
    assert sources
    assert all(source.startswith(("/page/", "/api/")) for source in sources)
    names = (
        "main view session worklist pixels editor api keys marks panel pointer learning drawing landmark outline ruler "
        "scheme insight agreement compare doubtful export preferences spread table words"
    )
    for name in names.split():
        script = client.ask("GET", f"/page/{name}.js")[2].decode()
        assert "//" not in script.replace("// ", "").replace("//\n", "").replace("http://www.w3.org/2000/svg", "")
        assert len(script.splitlines()) < 400


def test_edits_are_answered_with_the_new_state_and_end_in_the_points(client, review):
    status, state = client.edit(0, 0, tip=at(1.5, 2), base=MISSING)
    assert (status, state["revision"], state["state"]) == (200, 1, "corrected")
    assert client.edit(0, 1, "approve")[0] == 422
    client.edit(0, 1, näsion=at(3, 4, "occluded"))
    assert client.edit(0, 2, "approve")[1]["state"] == "approved"
    points = client.ask("GET", "/api/export?format=long-csv&who=Ana")[2].decode().splitlines()
    assert points[1] == "film-0.png,tip,1.500,2.000,Ana,0"
    assert client.get("/api/films?who=Ana")["films"][0][1:3] == ["approved", 3]
    assert client.get("/api/films?who=Bo")["films"][0][1:3] == ["new", 0]
    assert client.edit(0, 3, "undo")[1]["state"] == "corrected"
    assert len((review.store.folder / "edits.jsonl").read_text().splitlines()) == 5  # the import, of nothing, as well


def test_two_browsers_on_one_film_lose_nothing_and_the_later_one_is_told(client):
    assert client.edit(0, 0, tip=at(1, 1))[0] == 200
    status, told = client.edit(0, 0, tip=at(9, 9))
    assert status == 409
    assert "another window has changed it" in told["error"]
    assert told["state"]["marks"]["tip"][1:3] == [1, 1]
    assert client.edit(0, told["state"]["revision"], tip=at(9, 9))[0] == 200
    assert client.edit(0, 2, "undo")[1]["marks"]["tip"][1:3] == [1, 1]


def test_many_windows_at_once_keep_every_edit(client, review):
    saved = []

    def window(name):
        for i in range(6):
            revision = client.get("/api/films/0?who=Ana")["revision"]
            while True:
                status, told = client.edit(0, revision, **{name: at(i, i)})
                if status == 200:
                    saved.append((name, i))
                    break
                revision = told["state"]["revision"]

    windows = [threading.Thread(target=window, args=(name,)) for name in THREE.landmarks]
    for each in windows:
        each.start()
    for each in windows:
        each.join()
    lines = [json.loads(line) for line in (review.store.folder / "edits.jsonl").read_text().splitlines()]
    kept = [(c["landmark"], c["new"][1]) for line in lines for c in line["changes"]]
    assert sorted(kept) == sorted(saved)
    assert len(kept) == 18


def test_without_the_token_nothing_is_answered(client):
    cookie = client.headers["Cookie"]
    for shown in (
        None,
        "",
        "landvote-1=x",
        cookie[:-1],
        cookie + "x",
        cookie.replace(TOKEN, "ä"),
        '"; =,',
        cookie.upper(),
    ):
        for path in (*PATHS, "/nothing"):
            status, _, content = client.ask("GET", path, Cookie=None if shown is None else shown.encode("latin-1"))
            assert status == 401, (shown, path)
            assert TOKEN.encode() not in content
        told = json.dumps({"who": "Ana", "revision": 0, "act": "reject"}).encode()
        path = "/api/films/0/edits"
        assert client.ask("POST", path, told, Cookie=None if shown is None else shown.encode("latin-1"))[0] == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(client):
    status, headers, content = client.ask("GET", f"/?token={TOKEN}", Cookie=None)
    assert (status, headers["location"], content) == (303, "/", b"")
    assert headers["set-cookie"] == f"landvote-{client.port}={TOKEN}; HttpOnly; Path=/; SameSite=strict"
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "%ff", "%00"):
        status, headers, _ = client.ask("GET", f"/?token={wrong}", Cookie=None)
        assert (status, "set-cookie" in headers) == (401, False)
    assert client.ask("GET", f"/api/start?token={TOKEN}", Cookie=None)[0] == 401


def test_the_token_of_the_command_that_opens_the_browser_is_good_once(review):
    with served(review, once="once") as client:
        answers = [client.ask("GET", "/?token=once", Cookie=None)[0] for _ in range(2)]
        assert answers == [303, 401]
        assert client.ask("GET", "/?token=", Cookie=None)[0] == 401
        assert client.ask("GET", f"/?token={TOKEN}", Cookie=None)[0] == 303
        assert client.ask("GET", "/", Cookie=f"landvote-{client.port}=once")[0] == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "", "localhost.evil.example:{}", "10.0.0.1:{}"]
)
def test_a_foreign_host_is_refused(client, host):
    assert client.ask("GET", "/api/start", Host=host.format(client.port))[0] == 421


def test_no_host_is_refused_and_this_machine_by_another_name_is_not(client):
    assert client.ask("GET", "/api/start", Host=None)[0] in (400, 421)
    for name in ("localhost", "LOCALHOST", "[::1]"):
        assert client.ask("GET", "/api/start", Host=f"{name}:{client.port}", Origin=None)[0] == 200


def test_a_foreign_origin_is_refused_and_an_edit_needs_one(client):
    body = json.dumps({"who": "Ana", "revision": 0, "act": "reject"}).encode()
    for origin in (
        "http://evil.example",
        "null",
        "",
        f"https://{client.host}",
        f"http://localhost:{client.port}",
        None,
    ):
        assert client.ask("POST", "/api/films/0/edits", body, Origin=origin, Content_Type="application/json")[0] == 403
        if origin is not None:
            assert client.ask("GET", "/api/start", Origin=origin)[0] == 403
    assert client.ask("GET", "/api/films/0/pixels", Origin=None, Sec_Fetch_Site="cross-site")[0] == 403
    assert client.ask("GET", "/api/films/0/pixels", Origin=None, Sec_Fetch_Site="same-origin")[0] == 200
    assert client.get("/api/films/0?who=Ana")["revision"] == 0


@pytest.mark.parametrize(
    "path",
    ["/page/../server.py", "/page/..%2fserver.py", "/page/%2e%2e/server.py", "/../../etc/passwd", "/page//etc/passwd",
     "/page/..\\server.py", "/api/films/-1?who=A", "/api/films/4?who=A", "/api/films/99999999999999999999/pixels",
     "/api/films/..%2f..%2f/pixels", "/api/films/film-0.png?who=A", "/page/", "/page/__init__.py", "/page/main.js%00"],
)  # fmt: skip
def test_nothing_is_served_by_path(client, path):
    status, _, content = client.ask("GET", path)
    assert status == 404
    assert b"root:" not in content
    assert b"import" not in content


def test_oversized_bodies_are_refused_told_or_not(client):
    large = b"[" * (MAX_BODY + 1)
    assert client.ask("POST", "/api/films/0/edits", large, Content_Type="application/json")[0] == 413
    head = "POST /api/films/0/edits HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in client.headers.items()) + "\r\n"
    with socket.create_connection(("127.0.0.1", client.port)) as raw:
        raw.settimeout(20)
        raw.sendall(head.encode())
        try:
            for _ in range(40):
                raw.sendall(b"10000\r\n" + b"[" * 65536 + b"\r\n")
        except OSError:
            pass  # it has hung up
        else:
            assert b" 413 " in raw.recv(100)
    assert client.get("/api/films/0?who=Ana")["revision"] == 0


GOOD = {"who": "Ana", "revision": 0, "act": "set", "changes": {"tip": at(1, 2)}}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (b"", 400), (b"{", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b"null", 422), (b"[]", 422), (b"1e999", 422),
        *((json.dumps(GOOD | change).encode(), 422) for change in (
            {"who": ""}, {"who": " Ana"}, {"who": "a\nb"}, {"who": 5}, {"who": "x" * 61}, {"who": "a\u202eb"},
            {"revision": -1}, {"revision": "0"}, {"revision": True}, {"revision": None}, {"act": "import"}, {"act": ""},
            {"more": 1}, {"changes": {}}, {"changes": {"nose": at(1, 2)}}, {"changes": {"tip": at(1, None)}},
            {"changes": {"tip": at("1", 2)}}, {"changes": {"tip": at(float("nan"), 2)}},
            {"changes": {"tip": at(81, 2)}}, {"changes": {"tip": at(1, -31)}},
            {"changes": {"tip": {"state": "missing", "x": 1, "y": 1}}},
            {"changes": {"tip": {"state": "gone"}}}, {"changes": [1]}, {"act": "approve"},
        )),
    ],
)  # fmt: skip
def test_a_malformed_edit_is_refused_in_one_line(client, told, status):
    found, _, content = client.ask("POST", "/api/films/0/edits", told, Content_Type="application/json")
    assert found == status
    message = json.loads(content)["error"]
    assert message
    assert "\n" not in message
    assert "Traceback" not in message
    assert client.get("/api/films/0?who=Ana")["revision"] == 0


def test_other_kinds_of_content_and_methods_are_refused(client):
    body = json.dumps(GOOD).encode()
    assert client.ask("POST", "/api/films/0/edits", body)[0] == 415
    assert client.ask("POST", "/api/films/0/edits", body, Content_Type="text/plain")[0] == 415
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert client.ask(method, "/api/films/0/edits", Content_Length="0")[0] == 405


def test_a_thousand_random_requests_harm_nothing(client, review, capsys):
    rng = random.Random(7)
    words = (
        "api films 0 1 -1 99 edits pixels thumbnail page main.js .. %2e%2e %00 start scheme ?who=Ana ?who= landmarks "
        "picture ruler ?film=0 export settings agreement others formats ?who=Ana&format=tps learning"
    )
    parts = [*words.split(), "?token=x", "%ff", "//", "e" * 300]
    bodies = [
        b"", b"{}", b"[]", b"null", b"\x00\xff", b'{"who":', json.dumps(GOOD).encode(), b'{"add": ["\\ud800"]}',
        b'{"choose": "femur"}', b'{"who": "Ana", "revision": 1e400, "act": "undo"}',
        b'{"who": "A", "revision": 0, "act": "set", "changes": {"\\ud800": null}}',
    ]  # fmt: skip
    found = set()
    for _ in range(1000):
        path = "/" + "/".join(rng.choice(parts) for _ in range(rng.randint(0, 4)))
        path = rng.choice([path, path, *PATHS[:3], "/api/films/0/edits", "/api/scheme"])
        method, body = rng.choice(["GET", "GET", "POST", "PUT", "HEAD", "OPTIONS"]), rng.choice(bodies)
        kind = rng.choice(["application/json", "text/plain"])
        status, _, content = client.ask(method, path, body, Content_Type=kind)
        found.add(status)
        assert b"Traceback" not in content
        assert status < 500, (method, path, body, content)
    assert {200, 404, 405, 422} <= found
    assert "internal error" not in capsys.readouterr().err
    assert client.get("/api/start")["films"] == 4
    expected = {"edits.jsonl", "scheme.toml", "points.csv", "thumbnails", ".lock"}
    assert {file.name for file in review.store.folder.iterdir()} <= expected


def test_requests_that_write_come_at_a_limited_rate():
    now = 0.0
    guard = Guard(PlainTextResponse("done"), TOKEN, "127.0.0.1", 80, clock=lambda: now)
    told = {"host": "127.0.0.1:80", "origin": "http://127.0.0.1:80", "cookie": f"landvote-80={TOKEN}"}
    scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }  # fmt: skip

    def write():
        answers = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            answers.append(message)

        asyncio.run(guard(dict(scope), receive, send))
        return answers[0]["status"]

    with ThreadPoolExecutor(1) as own:  # a browser that another test drives may run a loop in this thread
        assert [own.submit(write).result() for _ in range(202)] == [200] * 200 + [429] * 2
        now = 0.1
        assert [own.submit(write).result() for _ in range(6)] == [200] * 5 + [429]


def test_a_fault_of_the_servers_is_told_without_what_it_quotes(review, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("secret of the film")

    monkeypatch.setattr(type(review.store), "summary", broken)
    with served(review) as client:
        status, headers, content = client.ask("GET", "/api/films?who=Ana")
    assert (status, headers["cache-control"]) == (500, "no-store")
    said = content.decode() + "".join(capsys.readouterr())
    assert "secret" not in said
    assert "internal error, RuntimeError in test_server.py, line" in said


def test_a_film_that_cannot_be_read_is_told_by_its_name_alone(films):
    (films / "film-1.png").write_bytes(b"broken")
    review = open_review(films, "Ana", scheme=THREE)
    with served(review) as client:
        film = client.get("/api/films/1?who=Ana")
        assert film["size"] is None
        assert film["broken"].startswith("film-1.png: not an image or broken")
        for path in ("/api/films/1/preview", "/api/films/1/pixels", "/api/films/1/thumbnail"):
            status, _, content = client.ask("GET", path)
            assert status == 422
            assert json.loads(content)["error"].startswith("film-1.png: not an image or broken")
        assert client.edit(1, 0, tip=at(1, 2))[0] == 422
        assert client.edit(1, 0, "approve")[0] == 422
        assert client.edit(1, 0, "reject")[1]["state"] == "rejected"
    review.store.close()


def test_a_full_disk_is_told_and_nothing_is_said_to_be_saved(client, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        status, told = client.edit(0, 0, tip=at(1, 2))
    assert status == 507
    assert "not saved" in told["error"]
    assert client.get("/api/films/0?who=Ana")["revision"] == 0
    assert client.edit(0, 0, tip=at(1, 2))[0] == 200


def test_a_review_to_be_read_only_is_not_written(films):
    review = open_review(films, "Ana", scheme=THREE, read_only=True)
    with served(review) as client:
        assert client.edit(0, 0, tip=at(1, 2))[0] == 403
        assert client.post("/api/scheme", {"who": "Ana", "add": ["x"]})[0] == 403
        assert client.ask("GET", "/api/films/0/thumbnail")[0] == 200
    review.store.close()
    assert not (films / "landvote-review").exists()


def test_a_scheme_is_chosen_or_made_on_the_page(films):
    review = open_review(films, "Ana")
    with served(review) as client:
        assert client.get("/api/start")["scheme"] is None
        assert {s["name"] for s in client.get("/api/start")["schemes"]} >= {"cephalogram", "femur"}
        assert client.edit(0, 0, tip=at(1, 2))[0] == 422
        assert client.edit(0, 0, "approve")[0] == 422
        assert client.post("/api/scheme", {"who": "Ana", "choose": "../femur"})[0] == 422
        assert client.post("/api/scheme", {"who": "Ana"})[0] == 422
        assert client.post("/api/scheme", {"who": "Ana", "add": ["tip", "base"]})[1]["scheme"]["landmarks"] == [
            "tip",
            "base",
        ]
        assert client.post("/api/scheme", {"who": "Ana", "choose": "cephalogram"})[0] == 422
        assert client.post("/api/scheme", {"who": "Ana", "add": ["third", "tip"]})[0] == 422
        assert client.post("/api/scheme", {"who": "Ana", "add": ["third"]})[1]["scheme"]["landmarks"] == [
            "tip",
            "base",
            "third",
        ]
    review.store.close()


def whole(client, **more):
    """Return what changes the scheme into itself, but for what is told."""
    scheme = client.get("/api/scheme")["scheme"]
    landmarks = [{"name": name, "was": name} for name in scheme["landmarks"]]
    return {"who": "Ana", "revision": scheme["revision"], "change": {"landmarks": landmarks} | more}


def test_a_scheme_is_changed_as_a_whole_and_a_stale_one_is_answered_with_the_new(client):
    client.edit(0, 0, tip=at(1, 2))
    told = whole(client, reference=[0, 2], mirrored=[[0, 1]], normaliser=[1, 2])
    told["change"]["landmarks"][0] |= {"name": "apex", "definition": " The top. "}
    status, answer = client.post("/api/scheme", told)
    assert status == 200
    scheme = answer["scheme"]
    assert (scheme["landmarks"], scheme["definitions"]) == (["apex", "base", "näsion"], ["The top.", "", ""])
    assert client.get("/api/films/0?who=Ana")["marks"].keys() == {"apex"}
    assert client.get("/api/scheme")["marked"] == ["apex"]
    status, answer = client.post("/api/scheme", told)
    assert (status, answer["scheme"]) == (409, scheme)


@pytest.mark.parametrize(
    "more",
    [{"landmarks": []}, {"landmarks": [{"name": ""}]}, {"landmarks": [{"name": "a", "definition": "x" * 501}]},
     {"landmarks": [{"name": "a", "was": "nose"}]}, {"landmarks": [{"name": "a", "was": "tip"}] * 2},
     {"reference": [-1, 0]}, {"reference": "01"}, {"reference": [0.5, 1]}, {"normaliser": [0]}, {"mirrored": [[0, 0]]},
     {"outlines": [{"name": "a", "points": [0]}]}, {"outlines": [{"name": "a", "points": [0, -1]}]},
     {"outlines": [{"name": "a\nb", "points": [0, 1]}]}, {"outlines": [{"name": "a", "points": [0, 1], "more": 1}]},
     {"landmarks": [{"name": "\ud800"}]}, {"landmarks": [{"name": "a", "was": "tip", "definition": "\ud800"}]},
     {"file_points": 7}],
)  # fmt: skip
def test_a_malformed_scheme_is_refused_in_one_line(client, more):
    before = client.get("/api/scheme")
    status, told = client.post("/api/scheme", whole(client, **more))
    assert status == 422
    assert "\n" not in told["error"]
    assert client.get("/api/scheme") == before
    for also in ({"add": ["x"]}, {"choose": "femur"}):
        assert client.post("/api/scheme", whole(client) | also)[0] == 422
    assert client.post("/api/scheme", {"who": "Ana", "outline": "edge"})[0] == 422
    assert client.post("/api/scheme", {"add": ["x"]})[0] == 422


RULER = {"x0": 0, "y0": 5, "x1": 20, "y1": 5, "length": 10}


def measure(client, number, revision, more=(), **also):
    told = {"who": "Ana", "revision": revision, "ruler": RULER} | dict(more) | also
    return client.post(f"/api/films/{number}/ruler", told)


def test_a_film_is_measured_and_undo_takes_it_back(client):
    status, told = measure(client, 0, 0)
    assert (status, told["films"]) == (200, 1)
    spacing = told["state"]["spacing"]
    assert (spacing["x"], spacing["source"], spacing["who"], spacing["file"]) == (0.5, "ruler", "Ana", None)
    assert client.get("/api/films/0?who=Bo")["spacing"] == spacing
    assert client.get("/api/films/1?who=Ana")["spacing"] is None
    status, told = measure(client, 0, 0)
    assert (status, told["state"]["revision"]) == (409, 1)
    assert client.edit(0, 1, "undo")[1]["spacing"] is None
    assert client.edit(0, 2, "redo")[1]["spacing"]["x"] == 0.5
    assert measure(client, 0, 3, ruler=None)[1]["state"]["spacing"] is None


def test_films_of_the_same_size_without_a_spacing_are_measured_with_it(films):
    (films / "films.csv").write_text("image,spacing_mm\nfilm-1.png,0.25\n")
    Image.fromarray(np.zeros((9, 40), np.uint8)).save(films / "film-2.png")
    (films / "film-3.png").rename(films / "film-9.png")
    (films / "film-3.png").write_bytes(b"broken")
    review = open_review(films, "Ana", scheme=THREE)
    with served(review) as client:
        status, told = measure(client, 0, 0, alike=True)
        assert (status, told["films"]) == (200, 2)
        found = [client.get(f"/api/films/{i}?who=Ana")["spacing"] for i in range(5)]
        assert [spacing and spacing["x"] for spacing in found] == [0.5, 0.25, None, None, 0.5]
        assert measure(client, 1, 0)[1]["state"]["spacing"]["file"] == {"x": 0.25, "y": 0.25, "source": "films.csv"}
    review.store.close()
    assert (review.store.folder / "films.csv").read_text().splitlines()[1:] == [
        "film-0.png,0.5", "film-1.png,0.5", "film-9.png,0.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [{"ruler": RULER | {"length": 0}}, {"ruler": RULER | {"length": -1}}, {"ruler": RULER | {"length": float("inf")}},
     {"ruler": RULER | {"x1": 0}}, {"ruler": RULER | {"x1": 40}}, {"ruler": RULER | {"y0": -1}}, {"ruler": {}},
     {"ruler": RULER | {"length": 1000}}, {"ruler": RULER | {"x1": float("nan")}}, {"ruler": None, "alike": True},
     {"alike": 1}, {"revision": -1}, {"who": " "}, {"more": 1}],
)  # fmt: skip
def test_a_malformed_ruler_is_refused_in_one_line(client, more):
    status, told = measure(client, 0, 0, more)
    assert status == 422
    assert "\n" not in told["error"]
    assert client.get("/api/films/0?who=Ana")["revision"] == 0


def test_a_ruler_of_a_film_that_is_broken_or_not_there_or_to_be_read_only_is_refused(films):
    (films / "film-1.png").write_bytes(b"broken")
    review = open_review(films, "Ana", scheme=THREE)
    with served(review) as client:
        assert measure(client, 1, 0)[0] == 422
        assert measure(client, 4, 0)[0] == 404
    review.store.close()
    review = open_review(films, "Ana", scheme=THREE, read_only=True)
    with served(review) as client:
        assert measure(client, 0, 0)[0] == 403
    review.store.close()


def test_the_picture_of_a_landmark_is_the_mean_of_approved_films_and_made_anew_with_more(client):
    path = "/api/landmarks/0/picture?film=2"
    assert client.ask("GET", path)[0] == 404
    pictures = []
    for number in range(2):
        client.edit(number, 0, tip=at(30 - 29 * number, 15), base=MISSING, näsion=MISSING)
        client.edit(number, 1, "approve")
        status, headers, content = client.ask("GET", path)
        assert (status, headers["content-type"], content[:4]) == (200, "image/png", b"\x89PNG")
        pictures.append(content)
    assert pictures[0] != pictures[1] == client.ask("GET", path)[2]
    assert client.ask("GET", "/api/landmarks/1/picture?film=2")[0] == 404
    assert client.ask("GET", "/api/landmarks/3/picture?film=2")[0] == 404
    for film in ("", "4", "-1", "x", "٣", "9" * 400):
        assert client.ask("GET", "/api/landmarks/0/picture?film=" + quote(film))[0] == 422


def test_no_answer_names_a_patient(tmp_path, capsys):
    patient = {"PatientName": "Quillfeather^Xanthippe", "PatientID": "PID48151623", "PatientBirthDate": "19310417"}
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", generate_uid()
    film.StudyInstanceUID, film.SeriesInstanceUID = "1.2.3.4.5678901", generate_uid()
    film.update({})
    for key, value in patient.items():
        setattr(film, key, value)
    film.Rows, film.Columns, film.SamplesPerPixel, film.PhotometricInterpretation = 20, 30, 1, "MONOCHROME2"
    film.BitsAllocated = film.BitsStored = 16
    film.HighBit, film.PixelRepresentation = 15, 0
    film.PixelData = np.arange(600, dtype=np.uint16).tobytes()
    film.PixelSpacing = [0.2, 0.2]
    film.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    review = open_review(tmp_path, "Ana", scheme=THREE)
    said = []
    with served(review) as client:
        film = client.get("/api/films/0?who=Ana")
        assert film["spacing"] == {"x": 0.2, "y": 0.2, "source": "PixelSpacing"}
        client.edit(0, 0, tip=at(1, 2), base=MISSING, näsion=MISSING)
        client.edit(0, 1, "approve")
        (tmp_path / "a.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:-700])
        said += [str(client.ask("GET", path)[1:]) for path in PATHS]
        assert client.ask("GET", "/api/films/0/pixels")[0] == 422
    review.store.close()
    said += [file.read_bytes().decode("latin-1") for file in review.store.folder.rglob("*") if file.is_file()]
    said += capsys.readouterr()
    assert len(said) > 12
    for secret in ("Quillfeather", "Xanthippe", "PID48151623", "19310417", "1.2.3.4.5678901"):
        assert [text[:200] for text in said if secret in text] == []


def test_a_port_that_is_taken_is_an_error_that_names_it():
    with listen("127.0.0.1", 0) as taken, pytest.raises(DataError, match=r"127\.0\.0\.1:\d+: nothing can listen there"):
        listen("127.0.0.1", taken.getsockname()[1])
