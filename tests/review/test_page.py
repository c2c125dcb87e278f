"""The page in a browser: by mouse and by keys; where there is no Chromium or no playwright, these tests are skipped."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.review.blind import BlindFilms
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


SURE, UNSURE = np.array([1.0, 2.0, 9.0]), np.array([[4.0, 0.0, 1.0], [9.0, 3.0, 4.0], [60.0, 0.0, 60.0]])


@pytest.fixture
def proposed(films):
    """Return a review in which a model has proposed points for the first two films, and does not know the second."""
    review = open_review(films, "Ana", scheme=THREE)
    points = np.array([[5, 5], [20, 10], [30, 20]], float)
    for number, known in ((0, True), (1, False)):
        review.store.propose([
            Prediction(f"film-{number}.png", points, SURE, THREE.landmarks, covariance=UNSURE, known=known,
                       expected_film_error=4.0, probability_of_failure=0.25)
        ])  # fmt: skip
    yield review
    review.store.close()


def yellow(page):
    """Return how many pixels of the marks have a colour of proposals."""
    return page.evaluate("""() => {
      const canvas = document.getElementById("marks");
      const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 60 && data[i] > 200 && data[i + 2] < 180) count++;
      return count;
    }""")


def test_films_that_the_model_does_not_know_come_first_and_say_so(proposed, show):
    with served(proposed) as client:
        page = show(client)
        expect(page.locator("#name")).to_have_text("film-1.png")
        expect(page.locator("#banner")).to_have_text("Not of the kind that the model knows: do not trust its points.")
        expect(page.locator("#facts")).to_contain_text("expected error 4.0 px · failure 25 %")
        expect(page.locator(".film").first).to_contain_text("strange")
        expect(page.locator("#show option").first).to_have_text("all films (4)")
        page.uncheck("#strange")
        expect(page.locator(".film .title").first).to_have_text("film-0.png")
        page.check("#strange")
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        expect(page.locator("#name")).to_have_text("film-0.png")
        expect(page.locator("#banner")).to_be_empty()
        page.select_option("#sort", "touched")
        expect(page.locator(".film .title").first).to_have_text("film-1.png")
        expect(page.locator(".film").first).to_contain_text("just now")


def test_ellipses_are_drawn_for_the_chosen_proposal_or_for_all(proposed, show):
    with served(proposed) as client:
        page = show(client)
        page.locator("#landmarks button").nth(1).click()
        page.wait_for_timeout(200)
        one = yellow(page)
        page.locator("#marks").focus()
        page.keyboard.press("Shift+E")
        page.wait_for_timeout(200)
        assert yellow(page) > one + 100


def test_doubtful_landmarks_come_last_and_have_to_be_placed(proposed, show):
    with served(proposed) as client:
        page = show(client)
        page.keyboard.press("Shift+P")
        page.fill("#settings-limit", "5")
        page.check("#settings-doubtful")
        page.keyboard.press("Enter")
        expect(page.locator("#settings")).to_be_hidden()
        expect(page.locator("#count")).to_have_text("0 of 3 decided, 2 proposed")
        page.keyboard.press("a")
        expect(page.locator("#message")).to_contain_text("Not placed yet: näsion.")
        click(page, 30, 20)
        page.keyboard.press("a")
        expect(page.locator("#name")).to_have_text("film-0.png")
        page.reload()  # the browser remembers it
        expect(page.locator("#count")).to_have_text("0 of 3 decided, 2 proposed")
        page.keyboard.press("Shift+U")
        expect(page.locator("#count")).to_have_text("0 of 3 decided, 3 proposed")
        log = (proposed.store.folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()
        changes = [change for line in log for change in json.loads(line)["changes"]]
        assert {c["landmark"]: c["proposed"] and c["new"][3] for c in changes} == {
            "näsion": None,
            "tip": "accepted",
            "base": "accepted",
        }
        assert json.loads(log[-1])["shown"] > 0


def test_a_blind_film_shows_nothing_until_it_is_approved(proposed, show):
    proposed.store.blind = next(b for b in (BlindFilms(0.5, str(i)) for i in range(99)) if b.chosen("film-1.png"))
    with served(proposed) as client:
        page = show(client)
        expect(page.locator("#banner")).to_contain_text("Blind film: place every landmark yourself.")
        expect(page.locator("#count")).to_have_text("0 of 3 decided")
        for x, y in ((5, 6), (20, 11), (30, 22)):
            click(page, x, y)
        page.keyboard.press("a")
        expect(page.locator("#progress")).to_have_text("1 of 4 films approved")
        page.keyboard.press("Shift+G")
        expect(page.locator("#agreement-told")).to_contain_text("blind films")
        page.keyboard.press("Escape")
        expect(page.locator("#agreement")).to_be_hidden()


def test_points_of_others_are_beside_those_of_an_approved_film(proposed, show):
    with served(proposed) as client:
        proposal = client.get("/api/films/0?who=Bo")["proposal"]
        client.edit(0, 0, who="Bo", tip={"state": "placed", "x": 5, "y": 8})
        assert client.edit(0, 1, "approve", who="Bo", proposal=proposal)[0] == 200
        page = show(client)
        page.locator(".film", has_text="film-0.png").click()
        expect(page.locator("#name")).to_have_text("film-0.png")
        page.locator("#marks").focus()
        page.keyboard.press("c")
        expect(page.locator("#message")).to_contain_text("Approve the film first")
        expect(page.locator("#compare")).to_be_disabled()
        page.keyboard.press("a")
        expect(page.locator("#progress")).to_have_text("1 of 4 films approved")
        page.locator(".film", has_text="film-0.png").click()
        page.click("#compare")
        expect(page.locator("#legend")).to_contain_text("Bo: 1.0 px apart on average")
        expect(page.locator("#landmarks button").first).to_have_text("1tip3.0 · 0.0 px")
        page.locator("#marks").focus()
        page.keyboard.press("c")
        expect(page.locator("#legend")).to_be_hidden()


def test_points_are_exported_and_what_is_lost_is_told(page, client):
    for name in THREE.landmarks:
        client.edit(0, client.get("/api/films/0?who=Ana")["revision"], **{name: {"state": "placed", "x": 5, "y": 8}})
    client.edit(0, 3, "approve")
    page.keyboard.press("Shift+Q")
    page.select_option("#export-format", "tps")
    with page.expect_download() as found:
        page.click("#export-form button.main")
    assert found.value.suggested_filename == "points.tps"
    expect(page.locator("#export-told")).to_contain_text("not in the file: the annotators of 1 films")
    page.select_option("#export-annotators", "me")
    page.select_option("#export-format", "labelme")
    with page.expect_download() as found:
        page.keyboard.press("Tab")
        page.click("#export-form button.main")
    assert found.value.suggested_filename == "points.zip"
