"""The page in a browser: by mouse and by keys; where there is no Chromium or no playwright, these tests are skipped."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline
from landvote.review.learning import Learning
from landvote.review.models.current import CurrentModel
from landvote.review.models.proposing import Proposer
from landvote.review.opening import open_review
from landvote.review.proposals.blind import BlindFilms
from reviewing import MISSING, THREE, at, click, served, spot

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = pytest.mark.slow


@pytest.fixture
def page(client, show):
    found = show(client)
    expect(found.locator("#name")).to_have_text("film-0.png")
    return found


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


@pytest.fixture
def bare(films):
    """Return a review of films without a scheme."""
    opened = open_review(films, "Ana")
    yield opened
    opened.store.close()


@pytest.fixture
def empty(bare, show):
    """Return the page of a review without a scheme, once its person has said that landmarks will be clicked."""
    with served(bare) as client:
        page = show(client, "Bo")
        page.click("#click-them")
        expect(page.locator("#prompt")).to_contain_text("New landmarks: click")
        yield page, client


def names(page):
    return page.locator("#landmarks .label").all_text_contents()


def test_from_nothing_to_the_first_points(bare, show):
    with served(bare) as client:
        page = show(client, "Bo")
        page.fill("#names", "tip\n\nbase")
        page.click("#own button")
        expect(page.locator("#prompt")).to_have_text("Click 1 of 2: tip")
        click(page, 5, 5)
        click(page, 6, 20)
        page.click("#open-more")
        page.click("#newLandmark")
        click(page, 30, 20)
        page.keyboard.type("a third")
        page.keyboard.press("Enter")
        expect(page.locator("#landmarks li")).to_have_count(3)
        found = marks(page, client, who="Bo")
        assert found == {"tip": ("placed", 5, 5), "base": ("placed", 6, 20), "a third": ("placed", 30, 20)}
    log = (bare.store.folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()
    assert [(told["who"], told["act"]) for told in map(json.loads, log[1:])] == [
        ("Bo", "scheme"), ("Bo", "set"), ("Bo", "set"), ("Bo", "scheme"), ("Bo", "set"),
    ]  # fmt: skip


def test_the_page_shows_how_models_learn_and_trains_one_when_asked(films, show, tmp_path, monkeypatch):
    monkeypatch.setenv("LANDVOTE_CONFIG", str(tmp_path / "config"))
    review = open_review(films, "Ana", scheme=THREE)
    proposer = Proposer(review.films, review.store, CurrentModel())
    stub = "import sys; print('reading'); sys.exit('landvote: no space left, expected some')"
    learning = Learning(review, proposer, command=[sys.executable, "-c", stub])
    with served(review, proposer, learning) as client:
        page = show(client)
        says = page.locator("#learning-says")
        expect(says).to_have_text("0 approved films. A model learns from 5 on.")
        expect(page.locator("#sort")).to_have_value("teaches")
        page.keyboard.press("Shift+T")
        expect(page.locator("#message")).to_contain_text("0 approved films, expected 2 at least to train")
        for number in range(2):
            client.edit(number, 0, tip=at(1, 2), base=at(20, 20), näsion=MISSING)
            client.edit(number, 1, "approve")
        page.keyboard.press("Shift+T")
        expect(says).to_have_text("The training failed.")
        expect(page.locator("#learning-why")).to_have_text("no space left, expected some")
        expect(page.locator("#learning-train")).to_contain_text("Try again")
        page.keyboard.press("Shift+L")
        expect(page.locator("#log-lines")).to_have_text("reading\nlandvote: no space left, expected some")
        page.keyboard.press("Escape")
        page.click("#learning-pause")
        expect(page.locator("#learning-pause")).to_have_text("Resume learning")
        page.click("#learning-ask")
        expect(page.locator("#notice-text")).to_contain_text("US 9928443")
        page.keyboard.press("Escape")
        expect(page.locator("#learning-ask")).to_be_visible()  # nothing was answered
        page.click("#learning-ask")
        page.click("#notice button[value=decline-notice]")
        expect(page.locator("#learning-ask")).to_be_hidden()
        assert not client.get("/api/learning")["accepted"]
    review.store.close()


def test_each_line_of_the_sheet_of_keys_is_a_button_too(page, client):
    page.click("#help")
    page.locator("#sheet button", has_text="missing").first.click()
    expect(page.locator("#keys")).to_be_hidden()
    assert marks(page, client)["tip"][0] == "missing"
    page.keyboard.press("?")
    page.locator("#sheet button", has_text="undo").click()
    expect(page.locator("#undo")).to_be_disabled()
    assert marks(page, client) == {}


def test_landmarks_are_made_by_clicks_one_after_the_other_and_named_or_not(empty):
    page, client = empty
    click(page, 5, 5)
    expect(page.locator("#naming-name")).to_have_value("1")
    click(page, 30, 8)
    page.keyboard.type("notch")
    page.keyboard.press("Enter")
    click(page, 20, 20)
    page.keyboard.press("Escape")  # this one not
    page.keyboard.press("Escape")
    expect(page.locator("#landmarks li")).to_have_count(2)
    assert marks(page, client, who="Bo") == {"1": ("placed", 5, 5), "notch": ("placed", 30, 8)}
    expect(page.locator("#prompt")).not_to_contain_text("New landmarks")


def test_a_film_is_approved_with_the_landmark_that_was_just_named(empty):
    page, client = empty
    click(page, 10, 12)
    page.keyboard.type("tip")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#progress")).to_contain_text("1 of")
    assert marks(page, client, who="Bo") == {"tip": ("placed", 10, 12)}
    assert client.get("/api/films/0?who=Bo")["state"] == "approved"


def test_landmarks_are_made_by_keys_alone(empty):
    page, client = empty
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+N")
    page.keyboard.press("Enter")
    page.keyboard.type("middle")
    page.keyboard.press("Enter")
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp", "Enter", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#landmarks li")).to_have_count(2)
    found = marks(page, client, who="Bo")
    (_, x, y), (_, u, v) = found["middle"], found["2"]
    assert (x - u, y - v) == (10, 10)
    page.keyboard.press("Escape")


def test_a_name_that_is_taken_is_told_and_the_click_is_kept(empty):
    page, client = empty
    for x in (5, 30):
        click(page, x, 10)
        page.keyboard.type("tip")
        page.keyboard.press("Enter")
    expect(page.locator("#naming-error")).to_contain_text("'tip', expected a name of its own")
    page.fill("#naming-name", "other")
    page.keyboard.press("Enter")
    expect(page.locator("#landmarks li")).to_have_count(2)
    assert marks(page, client, who="Bo") == {"tip": ("placed", 5, 10), "other": ("placed", 30, 10)}


def test_an_outline_is_drawn_by_clicks_and_again_on_the_next_film_by_keys(empty):
    page, client = empty
    page.keyboard.press("Escape")
    page.click("#open-more")
    page.click("#outline")
    page.fill("#outline-name", "edge")
    page.fill("#outline-count", "5")
    page.click("#outline-draw")
    click(page, 4, 10)
    click(page, 30, 28)  # by mistake
    page.keyboard.press("Backspace")
    click(page, 20, 10)
    page.mouse.dblclick(*spot(page, 36, 10))
    expect(page.locator("#landmarks li")).to_have_count(5)
    found = marks(page, client, who="Bo")
    assert found == {f"edge {i + 1}": ("placed", 4 + 8 * i, 10) for i in range(5)}
    (outline,) = client.get("/api/start")["scheme"]["outlines"]
    assert (outline["name"], outline["landmarks"], outline["closed"]) == ("edge", [0, 1, 2, 3, 4], False)
    assert client.get("/api/films/0?who=Bo")["undo"] == 1
    page.keyboard.press("j")
    expect(page.locator("#name")).to_have_text("film-1.png")
    page.keyboard.press("u")
    page.keyboard.press("Enter")  # the outline that was drawn last is chosen
    page.keyboard.press("Enter")
    for key in ("Shift+ArrowRight", "ArrowRight", "ArrowRight", "Enter", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#count")).to_have_text("5 of 5 decided")
    found = marks(page, client, 1, who="Bo")
    np.testing.assert_allclose(np.diff([found[f"edge {i + 1}"][1] for i in range(5)]), 3, atol=1)  # whole pixels
    assert found["edge 5"][1] - found["edge 1"][1] == 12
    assert len({y for _, _, y in found.values()}) == 1
    page.keyboard.press("Control+z")
    expect(page.locator("#count")).to_have_text("0 of 5 decided")


def test_a_drawing_that_is_left_changes_nothing(empty):
    page, client = empty
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.fill("#outline-name", "edge")
    page.click("#outline-draw")
    click(page, 4, 10)
    click(page, 20, 10)
    page.keyboard.press("PageDown")
    expect(page.locator("#name")).to_have_text("film-1.png")
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    assert names(page) == []
    assert marks(page, client, who="Bo") == {}


def test_points_of_an_outline_are_spread_between_clicks_by_length(page):
    got = page.evaluate("""async () => {
      const { spread } = await import("/page/outline.js");
      const square = [[0, 0], [10, 0], [10, 10], [0, 10]];
      return [spread([[0, 0], [30, 0], [40, 0]], 5, false), spread(square, 8, true), spread(square, 4, true)];
    }""")
    np.testing.assert_allclose(got[0], [[0, 0], [10, 0], [20, 0], [30, 0], [40, 0]], atol=0.6)
    np.testing.assert_allclose(got[1][::2], [[0, 0], [10, 0], [10, 10], [0, 10]], atol=1e-9)
    np.testing.assert_allclose(np.ptp(np.linalg.norm(np.diff(got[1], axis=0), axis=1)), 0, atol=0.1)
    np.testing.assert_allclose(got[2], [[0, 0], [10, 0], [10, 10], [0, 10]], atol=1e-9)


def test_the_scheme_is_edited_by_keys_and_marks_keep_to_their_landmarks(page, client):
    click(page, 5, 6)
    assert marks(page, client)["tip"] == ("placed", 5, 6)
    page.keyboard.press("e")
    expect(page.get_by_label("Name of tip")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("apex")
    page.keyboard.press("Tab")
    page.keyboard.type("The highest point.")
    page.keyboard.press("Tab")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_have_text("The landmarks are saved.")
    page.keyboard.press("p")
    expect(page.locator("#definition")).to_have_text("The highest point.")
    assert names(page) == ["apex", "base", "näsion"]
    assert marks(page, client) == {"apex": ("placed", 5, 6)}
    scheme = client.get("/api/start")["scheme"]
    assert (scheme["mirrored"], scheme["definitions"]) == ([[0, 1]], ["The highest point.", "", ""])


def test_the_scheme_is_edited_by_mouse_with_what_landvote_suggests(page, client):
    for number in range(3):
        client.edit(number, 0, tip=at(5, 5 + number), base=at(30, 5), näsion=at(18, 25))
        client.edit(number, 1, "approve")
    page.click("#relations")
    expect(page.get_by_label("Take tip out")).to_be_disabled()
    page.click("#suggest-reference")
    expect(page.locator("#why-reference")).to_contain_text("They lie farthest from each other")
    page.click("#suggest-normaliser")
    page.click("#relations-add")
    page.get_by_label("Name of the new landmark").fill("fourth")
    page.click("#relations-curve")
    page.get_by_label("Name of the new outline").fill("edge")
    page.get_by_label("Landmarks of the new outline").fill("1-2, 4")
    page.locator("#relations-form").get_by_text("Save", exact=True).click()
    expect(page.locator("#landmarks li")).to_have_count(4)
    scheme = client.get("/api/start")["scheme"]
    assert (scheme["reference"], len(scheme["normaliser"])) == ([0, 1, 2], 2)
    assert scheme["outlines"][0]["landmarks"] == [0, 1, 3]
    expect(page.locator("#relations-dialog")).to_be_hidden()
    expect(page.locator("#mean")).to_be_visible()  # the mean of the approved films


def test_two_who_edit_the_scheme_at_once_are_told_and_lose_nothing(page, client, show):
    other = show(client, "Bo")
    expect(other.locator("#name")).to_have_text("film-0.png")
    page.keyboard.press("e")
    other.keyboard.press("e")
    page.get_by_label("Definition of base").fill("The lowest.")
    page.locator("#relations-form").get_by_text("Save", exact=True).click()
    expect(page.locator("#message")).to_have_text("The landmarks are saved.")
    other.get_by_label("Name of tip").fill("apex")
    other.locator("#relations-form").get_by_text("Save", exact=True).click()
    expect(other.locator("#relations-error")).to_contain_text("Not saved yet: another window has changed")
    expect(other.get_by_label("Definition of base")).to_have_value("The lowest.")
    expect(other.get_by_label("Name of tip")).to_have_value("apex")
    other.locator("#relations-form").get_by_text("Save", exact=True).click()
    expect(other.locator("#message")).to_have_text("The landmarks are saved.")
    scheme = client.get("/api/start")["scheme"]
    assert (scheme["landmarks"][0], scheme["definitions"][1]) == ("apex", "The lowest.")


def test_landmarks_that_another_window_has_made_are_shown_with_the_next_edit(page, client, show):
    other = show(client, "Bo")
    expect(other.locator("#name")).to_have_text("film-0.png")
    assert client.post("/api/scheme", {"who": "Ana", "add": ["fourth"]})[0] == 200
    click(other, 5, 6)
    expect(other.locator("#landmarks li")).to_have_count(4)
    expect(other.locator("#message")).to_have_text("Another window has changed the landmarks.")
    assert marks(other, client, who="Bo") == {"tip": ("placed", 5, 6)}


def test_a_film_is_measured_by_mouse_and_the_next_one_by_keys(page, client):
    page.click("#ruler")
    click(page, 5, 10)
    click(page, 25, 10)
    expect(page.locator("#ruler-pixels")).to_contain_text("20.0 pixels.")
    page.fill("#ruler-length", "10")
    page.check("#ruler-alike")
    page.get_by_text("Use it", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("0.500 mm a pixel (ruler, Ana)")
    assert client.get("/api/films/3?who=Bo")["spacing"]["x"] == pytest.approx(0.5, abs=0.01)
    page.keyboard.press("j")
    expect(page.locator("#name")).to_have_text("film-1.png")
    page.keyboard.press("Shift+R")
    for key in ("Enter", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_contain_text("0.300 mm a pixel (ruler, Ana)")
    page.keyboard.press("Control+z")
    expect(page.locator("#facts")).to_contain_text("0.500 mm a pixel (ruler, Ana)")
    assert marks(page, client, 1) == {}


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
        expect(page.locator("#count")).to_contain_text("proposed")
        page.locator("#marks").focus()
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
    proposed.store.proposals.blind = next(
        b for b in (BlindFilms(0.5, str(i)) for i in range(99)) if b.chosen("film-1.png")
    )
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
        page.click("#open-more")
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
    page.click("#open-more")
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
    page.click("#open-more")
    page.locator("label.switch").click()
    with page.expect_response(re.compile(r"/edits$")):
        drag(page, (20, 15), (20.6, 25), key="Control")
    assert film(page, client)["marks"]["base"][1:3] == [pytest.approx(20.6, abs=0.1), pytest.approx(15, abs=0.01)]


def test_a_large_film_is_shown_smaller_at_first_and_then_whole(films, show):
    pixels = (np.add.outer(np.arange(1500), np.arange(2500)) * 10).astype(np.uint16)
    Image.fromarray(pixels).save(films / "film-0.png")
    review = open_review(films, "Ana", scheme=THREE)
    held = []
    with served(review) as client:
        page = show(client)
        page.context.route("**/pixels", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks it
        page.reload()
        expect(page.locator("#facts")).to_contain_text("2500 × 1500, 16 bit")
        box = page.locator("#marks").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(*middle)
        page.keyboard.press("z")  # the magnifier shows the smaller picture
        page.mouse.click(*middle)
        _, x, y = marks(page, client)["tip"]
        assert abs(x - 1250) < 5
        assert abs(y - 750) < 5
        expect(page.locator("#lens")).to_be_visible()
        expect(page.locator("#cursor")).to_be_empty()
        assert len(held) == 1
        held.pop().continue_()
        page.wait_for_timeout(1000)
        page.mouse.move(middle[0] + 40, middle[1] + 40)
        expect(page.locator("#cursor")).to_contain_text(re.compile(r"grey \d+"))
        x, y, grey = map(float, re.findall(r"[\d.]+", page.locator("#cursor").inner_text()))
        assert abs(grey - 10 * (x + y)) <= 10
    review.store.close()
