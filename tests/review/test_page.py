"""The page in a browser: by mouse and by keys; where there is no Chromium or no playwright, these tests are skipped."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline
from landvote.review.opening import open_review
from reviewing import THREE, TOKEN, served

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield found
        found.close()


@pytest.fixture
def show(browser):
    """Return a function that opens the page of a server in a new window, as a person who has given a name."""
    contexts, faults = [], []

    def opened(client, name="Ana"):
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "requestfinished", lambda request: faults.append(request.url) if client.host not in request.url else None
        )
        page.goto(f"http://{client.host}/?token={TOKEN}")
        page.fill("#person-name", name)
        page.keyboard.press("Enter")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(client, show):
    found = show(client)
    expect(found.locator("#name")).to_have_text("film-0.png")
    return found


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


def marks(page, client, number=0, who="Ana"):
    """Return the marks that the server has once the page calls them saved: state, and whole pixels."""
    expect(page.locator("#saved")).to_have_text("saved")
    kept = client.get(f"/api/films/{number}?who={who}")["marks"]
    return {name: (m[0], *(v if v is None else round(v) for v in m[1:3])) for name, m in kept.items()}


def test_the_address_loses_the_token_and_the_name_is_asked_for_once(page, client):
    assert page.url == f"http://{client.host}/"
    page.reload()
    expect(page.locator("#name")).to_have_text("film-0.png")
    expect(page.locator("#who")).to_have_text("Ana")


def test_three_landmarks_are_placed_by_three_clicks_and_the_next_film_comes_by_one_key(page, client):
    expect(page.locator("#prompt")).to_have_text("Click 1 of 3: tip")
    for x, y in ((5, 6), (20, 10), (30, 25)):
        click(page, x, y)
    assert marks(page, client) == {"tip": ("placed", 5, 6), "base": ("placed", 20, 10), "näsion": ("placed", 30, 25)}
    page.keyboard.press("a")
    expect(page.locator("#name")).to_have_text("film-1.png")
    expect(page.locator("#progress")).to_have_text("1 of 4 films approved")
    assert client.get("/api/films/0?who=Ana")["state"] == "approved"


def test_points_are_dragged_picked_up_and_dropped(page, client):
    click(page, 5, 6)
    page.mouse.move(*spot(page, 5, 6))
    page.mouse.down()
    page.mouse.move(*spot(page, 9, 9), steps=4)
    page.mouse.up()
    assert marks(page, client)["tip"] == ("placed", 9, 9)
    click(page, 9, 9)
    page.mouse.move(*spot(page, 15, 15), steps=4)
    click(page, 15, 15)
    assert marks(page, client)["tip"] == ("placed", 15, 15)
    click(page, 15, 15)
    page.keyboard.press("Escape")
    page.mouse.move(*spot(page, 30, 20))
    assert marks(page, client)["tip"] == ("placed", 15, 15)


def test_all_of_it_goes_by_keys_alone(page, client):
    page.keyboard.press("Enter")  # at the centre
    page.keyboard.press("p")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("o")
    page.keyboard.press("n")
    page.keyboard.press("m")
    page.keyboard.press("Shift+M")
    found = marks(page, client)
    assert found["tip"] in {("occluded", x, y) for x in (21, 22) for y in (4, 5)}
    assert (found["base"], found["näsion"]) == (("missing", None, None), ("missing", None, None))
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.locator("#count")).to_have_text("1 of 3 decided")
    page.keyboard.press("Control+y")
    expect(page.locator("#count")).to_have_text("2 of 3 decided")
    page.keyboard.press("a")
    expect(page.locator("#message")).to_contain_text("Not placed yet: näsion.")
    page.keyboard.press("m")
    page.keyboard.press("a")
    expect(page.locator("#name")).to_have_text("film-1.png")
    page.keyboard.press("x")
    expect(page.locator("#name")).to_have_text("film-2.png")
    page.keyboard.press("PageUp")
    expect(page.locator("#verdict")).to_have_text("rejected")
    page.keyboard.press("Shift+A")
    expect(page.locator("#verdict")).to_have_text("new")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_looking_changes_no_point(page, client):
    click(page, 20, 15)
    before = marks(page, client)
    page.mouse.move(*spot(page, 20, 20))
    page.mouse.wheel(0, -500)
    page.mouse.down(button="right")
    page.mouse.move(*spot(page, 25, 10), steps=3)
    page.mouse.up(button="right")
    page.mouse.down()
    page.mouse.move(*spot(page, 30, 25), steps=3)  # the film is dragged
    page.mouse.up()
    for key in "izzzzlthhrf+-.,[]":
        page.keyboard.press(key)
    assert marks(page, client) == before
    page.keyboard.press("f")
    click(page, 30, 5)
    assert marks(page, client)["base"] == ("placed", 30, 5)  # the whole film is where it was


def test_proposals_are_told_from_labels_and_accepted_with_the_film(films, show):
    review = open_review(films, "Ana", scheme=THREE)
    points = np.array([[5, 5], [20, 10], [30, 20]], float)
    review.store.propose([Prediction("film-0.png", points, np.full(3, 2.0), THREE.landmarks)])
    with served(review) as client:
        page = show(client)
        expect(page.locator("#verdict")).to_have_text("proposed")
        expect(page.locator("#landmarks button").first).to_have_text("1tipproposed")
        click(page, 2, 2)  # beside all points: nothing is set
        expect(page.locator("#message")).to_be_visible()
        assert marks(page, client) == {}
        page.mouse.move(*spot(page, 20, 10))
        page.mouse.down()
        page.mouse.move(*spot(page, 22, 12), steps=3)
        page.mouse.up()
        expect(page.locator("#verdict")).to_have_text("in work")
        page.keyboard.press("a")
        expect(page.locator("#name")).to_have_text("film-1.png")
        kept = client.get("/api/films/0?who=Ana")["marks"]
        assert [kept[name][3] for name in THREE.landmarks] == ["accepted", "changed", "accepted"]
    review.store.close()


def test_two_windows_on_one_film_keep_both_edits_and_the_later_one_is_told(page, client, show):
    other = show(client)
    expect(other.locator("#name")).to_have_text("film-0.png")
    click(page, 5, 5)
    assert marks(page, client)["tip"] == ("placed", 5, 5)
    click(other, 30, 20)
    expect(other.locator("#message")).to_have_text(
        re.compile(r"Another window changed this film \(tip\).*Yours is kept on top")
    )
    assert marks(other, client)["tip"] == ("placed", 30, 20)
    other.keyboard.press("Control+z")
    expect(other.locator("#undo")).to_be_enabled()
    assert marks(other, client)["tip"] == ("placed", 5, 5)


def test_a_server_that_is_gone_is_told_and_the_edit_is_sent_when_it_is_back(page, client):
    page.route("**/edits", lambda route: route.abort())
    click(page, 5, 5)
    expect(page.locator("#saved")).to_contain_text("NOT SAVED")
    assert client.get("/api/films/0?who=Ana")["marks"] == {}
    page.unroute("**/edits")
    assert marks(page, client)["tip"] == ("placed", 5, 5)


def test_a_film_that_cannot_be_shown_is_rejected_by_one_key(films, show):
    (films / "film-0.png").write_bytes(b"broken")
    review = open_review(films, "Ana", scheme=THREE)
    with served(review) as client:
        page = show(client)
        expect(page.locator("#wait")).to_contain_text("This film cannot be shown. film-0.png: not an image or broken")
        page.keyboard.press("m")
        page.keyboard.press("a")
        page.keyboard.press("x")
        expect(page.locator("#name")).to_have_text("film-1.png")
        expect(page.locator("#wait")).to_be_hidden()
        found = client.get("/api/films/0?who=Ana")
        assert (found["state"], found["marks"]) == ("rejected", {})
    review.store.close()


def test_from_nothing_to_the_first_points(films, show):
    review = open_review(films, "Ana")
    with served(review) as client:
        page = show(client, "Bo")
        page.fill("#names", "tip\n\nbase")
        page.click("#own button")
        expect(page.locator("#landmarks li")).to_have_count(2)
        click(page, 5, 5)
        click(page, 6, 20)
        page.fill("#new", "a third")
        page.keyboard.press("Enter")
        expect(page.locator("#prompt")).to_have_text("Click 3 of 3: a third")
        click(page, 30, 20)
        found = marks(page, client, who="Bo")
        assert found == {"tip": ("placed", 5, 5), "base": ("placed", 6, 20), "a third": ("placed", 30, 20)}
    log = (review.store.folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["who"] for line in log[1:]] == ["Bo"] * 3
    review.store.close()


OUTLINED = THREE.model_copy(
    update={"name": "line", "outlines": (Outline(name="line", points=(0, 1, 2)),)}
)  # fmt: skip


@pytest.fixture
def outlined(films, show):
    """Return a page, and a client, of a film on which three points of an outline are proposed."""
    review = open_review(films, "Ana", scheme=OUTLINED)
    points = np.array([[19, 15], [20, 15], [21, 15]], float)
    review.store.propose([Prediction("film-0.png", points, np.full(3, 2.0), THREE.landmarks)])
    with served(review) as client:
        page = show(client)
        expect(page.locator("#verdict")).to_have_text("proposed")
        yield page, client
    review.store.close()


def drag(page, start, end, key=""):
    page.mouse.move(*spot(page, *start))
    page.mouse.down()
    if key:
        page.keyboard.down(key)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*spot(page, *middle), steps=3)
    page.wait_for_load_state("networkidle")  # what follows is known
    page.mouse.move(*spot(page, *end), steps=3)
    page.mouse.up()
    if key:
        page.keyboard.up(key)


def film(page, client):
    expect(page.locator("#saved")).to_have_text("saved")
    return client.get("/api/films/0?who=Ana")


def test_neighbours_follow_a_point_that_is_dragged_and_undo_puts_all_back(outlined):
    page, client = outlined
    before = film(page, client)["proposed"]
    with page.expect_response(re.compile(r"/edits$")):
        drag(page, (20, 15), (20, 25))
    found = film(page, client)
    assert list(found["marks"]) == ["base"]
    assert 15.01 < found["proposed"]["tip"][1] < 24
    assert found["proposed"]["tip"][1] == pytest.approx(found["proposed"]["näsion"][1], abs=0.01)
    with page.expect_response(re.compile(r"/edits$")):
        page.keyboard.press("Control+z")
    assert (film(page, client)["marks"], film(page, client)["proposed"]) == ({}, before)
    page.keyboard.press("g")
    expect(page.locator("#follow")).not_to_be_checked()
    with page.expect_response(re.compile(r"/edits$")):
        drag(page, (20, 15), (20, 25))
    assert film(page, client)["proposed"] == before


def test_a_film_with_points_that_followed_is_approved_at_once(outlined):
    page, client = outlined
    drag(page, (20, 15), (20, 25))
    page.keyboard.press("a")
    expect(page.locator("#name")).to_have_text("film-1.png")
    found = client.get("/api/films/0?who=Ana")
    assert (found["state"], found["marks"]["tip"][3], found["marks"]["base"][3]) == ("approved", "accepted", "changed")
    assert found["marks"]["tip"][2] > 15.01


@pytest.mark.parametrize("by", ["key", "mouse"])
def test_settling_proposes_anew_round_a_point_that_was_set(outlined, by):
    page, client = outlined
    page.locator("label.switch").click()  # nothing follows
    drag(page, (20, 15), (20, 25))
    before = film(page, client)["proposed"]
    with page.expect_response(re.compile(r"/settle$")):
        page.keyboard.press("s") if by == "key" else page.click("#settle")
    expect(page.locator("#message")).to_contain_text("Ctrl Z puts it back")
    assert film(page, client)["proposed"]["tip"][1] > before["tip"][1] + 0.01
    expect(page.locator("#count")).to_have_text("1 of 3 decided, 2 proposed")
    page.click("#undo")
    expect(page.locator("#undo")).to_be_enabled()
    assert film(page, client)["proposed"] == before


def test_settling_without_a_point_says_why_it_cannot(outlined):
    page, _ = outlined
    page.keyboard.press("s")
    expect(page.locator("#message")).to_contain_text("expected one placed at least")


def test_a_point_slides_along_its_outline_by_keys_and_by_mouse(outlined):
    page, client = outlined
    page.keyboard.press("n")
    expect(page.locator("#prompt")).to_contain_text("2 of 3: base")
    page.keyboard.press("Alt+>")
    page.keyboard.press("Alt+>")
    expect(page.locator("#verdict")).to_have_text("in work")
    state, x, y, _ = film(page, client)["marks"]["base"]
    assert (state, x, y) == ("placed", pytest.approx(20.4, abs=0.02), pytest.approx(15, abs=0.01))
    page.keyboard.press("<")
    with page.expect_response(re.compile(r"/edits$")):
        page.keyboard.press("<")
    assert film(page, client)["marks"]["base"][1] == pytest.approx(19, abs=0.02)  # not beyond its neighbour
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.locator("#verdict")).to_have_text("proposed")
    page.locator("label.switch").click()
    with page.expect_response(re.compile(r"/edits$")):
        drag(page, (20, 15), (20.6, 25), key="Control")
    assert film(page, client)["marks"]["base"][1:3] == [pytest.approx(20.6, abs=0.1), pytest.approx(15, abs=0.01)]
