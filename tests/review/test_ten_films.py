"""Ten films in a browser, with proposals: every action of the page by mouse, and every one by keys alone."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline, Scheme
from landvote.review.learning import Learning
from landvote.review.models.current import CurrentModel
from landvote.review.models.proposing import Proposer
from landvote.review.opening import open_review
from reviewing import at, click, served, spot

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = pytest.mark.slow

FOUR = Scheme.numbered(4).model_copy(
    update={"name": "four", "landmarks": ("a", "b", "c", "d"), "outlines": (Outline(name="edge", points=(0, 1, 2)),)}
)
PLACES = np.array([[5, 20], [15, 8], [28, 10], [34, 24]], float)
LATER = 250  # milliseconds until what is drawn is on the canvas


@pytest.fixture
def ten(tmp_path, monkeypatch):
    """Return a server of ten films; a stand-in for a model has proposed points on all but the last."""
    monkeypatch.setenv("LANDVOTE_CONFIG", str(tmp_path / "config"))
    folder = tmp_path / "ten"
    folder.mkdir()
    for i in range(10):
        pixels = (np.add.outer(np.arange(30), np.arange(40)) * 500 + i).astype(np.uint16)
        Image.fromarray(pixels).save(folder / f"film-{i}.png")
    review = open_review(folder, "Ana", scheme=FOUR)
    names, errors = FOUR.landmarks, np.array([1.0, 2.0, 3.0, 9.0])
    review.store.propose(Prediction(f"film-{i}.png", PLACES, errors, names, model="m" * 64) for i in range(9))
    proposer = Proposer(review.films, review.store, CurrentModel())
    with served(review, proposer, Learning(review, proposer, command=["false"])) as client:
        client.edit(0, 0, who="Bo", **{name: at(*xy) for name, xy in zip(names, PLACES.tolist(), strict=True)})
        client.edit(0, 1, "approve", who="Bo", proposal=client.get("/api/films/0?who=Bo")["proposal"])
        yield client
    review.store.close()


@pytest.fixture
def page(ten, show):
    """Return the page of these films, sorted by name."""
    found = show(ten)
    expect(found.locator("#verdict")).to_have_text("proposed")
    found.select_option("#sort", "name")
    found.locator(".film", has_text="film-0.png").click()
    film(found, 0, "proposed")
    found.locator("#marks").focus()
    return found


def film(page, number, state=None):
    """Wait until a film is on the screen, in this state."""
    expect(page.locator("#name")).to_have_text(f"film-{number}.png")
    if state:
        expect(page.locator("#verdict")).to_have_text(state)


def saved(page, client, number):
    """Return the marks of a film once the page calls them saved."""
    expect(page.locator("#saved")).to_have_text("saved")
    return client.get(f"/api/films/{number}?who=Ana")["marks"]


def drawn(page):
    """Return what is on the canvases, once they are drawn."""
    page.wait_for_timeout(LATER)
    return page.evaluate("['film', 'marks', 'lens'].map((id) => document.getElementById(id).toDataURL())")


def changes(page, act):
    """Return whether an act changes what is drawn."""
    before = drawn(page)
    act()
    return any(drawn(page) != before for _ in range(20))  # a busy machine draws late


def approved(client):
    return [state for _, state, *_ in client.get("/api/films?who=Ana")["films"]].count("approved")


class Keys:
    """Presses keys, and remembers which acts of the page's table they were."""

    def __init__(self, page) -> None:
        self._page = page
        self._table = page.evaluate("import('/page/keys.js').then(({ KEYS }) => KEYS.flatMap(([, rows]) => rows))")
        self.left = {act for act, *_ in self._table}

    def __call__(self, *acts) -> None:
        for act in acts:
            key = next(keys[0] for name, keys, *_ in self._table if name == act)
            self.left.discard(act)
            self._page.keyboard.press(key.replace("Ctrl", "Control"))


def test_ten_films_by_keys_alone(page, ten):  # noqa: PLR0915 - ten films are many steps
    keys = Keys(page)
    # film 0: accept each, compare with the other person's
    keys("placeOrAccept", "placeOrAccept", "placeOrAccept", "placeOrAccept")
    assert {mark[3] for mark in saved(page, ten, 0).values()} == {"accepted"}
    keys("approve")
    film(page, 1, "proposed")
    keys("previousFilm")
    film(page, 0, "approved")
    keys("compare")
    expect(page.locator("#legend")).to_contain_text("Bo")
    keys("nextFilm")
    # film 1: move by keys, along the outline too, undo, redo
    film(page, 1, "proposed")
    keys("left", "up", "right", "down", "right", "right")
    assert saved(page, ten, 1)["a"][1:3] == [7, 20]
    keys("next", "next", "previous", "slideOn")
    first = saved(page, ten, 1)["b"]
    keys("slideBack", "slideBack")
    assert saved(page, ten, 1)["b"][1] < first[1]
    keys("undo")
    expect(page.locator("#redo")).to_be_enabled()
    keys("redo")
    expect(page.locator("#redo")).to_be_disabled()
    keys("occluded")
    assert saved(page, ten, 1)["b"][0] == "occluded"
    keys("missing")
    assert saved(page, ten, 1)["b"][0] == "missing"
    page.keyboard.press("p")
    keys("clear")
    expect(page.locator("#count")).to_contain_text("proposed")
    keys("approve")
    # film 2: settle, neighbours, doubtful landmarks
    film(page, 2, "proposed")
    keys("follow")
    expect(page.locator("#follow")).not_to_be_checked()
    keys("follow", "left")
    saved(page, ten, 2)
    keys("settle")
    expect(page.locator("#message")).to_contain_text(re.compile("Settled|Nothing moved"))
    keys("doubtful")
    expect(page.locator("#message")).to_contain_text("Doubtful landmarks come last")
    keys("doubtful", "approve")
    # film 3: looking changes no point
    film(page, 3, "proposed")
    for act in ("zoomIn", "zoomOut", "brighter", "darker", "harder", "softer", "invert", "outlines", "names", "points"):
        assert changes(page, lambda act=act: keys(act)), act
    keys("fit", "natural", "points", "outlines", "names", "ellipses", "lens", "invert", "cancel")
    assert saved(page, ten, 3) == {}
    keys("approve")
    # film 4: rejected, and opened again
    film(page, 4, "proposed")
    keys("reject")
    film(page, 5)
    keys("previousFilm")
    film(page, 4, "rejected")
    keys("reopen")
    film(page, 4, "proposed")
    keys("approve")
    # film 5: a ruler; film 6: a further landmark, and its name
    film(page, 5, "proposed")
    keys("ruler")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_contain_text("0.500 mm a pixel")
    keys("approve")
    film(page, 6, "proposed")
    keys("relations")
    expect(page.get_by_label("Name of a", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("The leftmost.")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_have_text("The landmarks are saved.")
    keys("approve")
    # film 7: the dialogs, and a search
    film(page, 7, "proposed")
    for act, dialog in (
        ("agreement", "agreement"),
        ("exportPoints", "export"),
        ("settings", "settings"),
        ("sheet", "keys"),
        ("log", "log"),
    ):
        keys(act)
        expect(page.locator(f"#{dialog}")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(f"#{dialog}")).to_be_hidden()
    keys("find")
    page.keyboard.type("film-7")
    expect(page.locator(".film")).to_have_count(1)
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    expect(page.locator(".film")).not_to_have_count(1)
    page.keyboard.press("Escape")
    keys("approve")
    # film 8: a training is asked for; film 9, which has no proposal: all is missing, and an outline of new landmarks
    film(page, 8, "proposed")
    keys("train", "approve")
    film(page, 9)
    keys("restMissing")
    expect(page.locator("#count")).to_have_text("4 of 4 decided")
    keys("newLandmark")
    page.keyboard.press("Enter")
    page.keyboard.type("e")
    page.keyboard.press("Enter")
    expect(page.locator("#landmarks li")).to_have_count(5)
    page.keyboard.press("Escape")
    keys("outline")
    expect(page.locator("#outline-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    keys("approve")
    expect(page.locator("#progress")).to_contain_text("10 of 10 films approved")
    assert approved(ten) == 10
    assert keys.left == set()


def press(page, button):
    """Press a button, under More if it lies there."""
    found = page.locator(f"#{button}")
    if not found.is_visible():
        page.click("#open-more")
    found.click()


def drag(page, start, end, *, button="left", held=None):
    page.mouse.move(*spot(page, *start))
    if held:
        page.keyboard.down(held)
    page.mouse.down(button=button)
    page.mouse.move(*spot(page, *end), steps=4)
    page.mouse.up(button=button)
    if held:
        page.keyboard.up(held)


def test_ten_films_by_mouse(page, ten):  # noqa: PLR0915 - ten films are many steps
    # film 0: accept each, compare with the other person's
    for i in range(4):
        page.locator("#landmarks button").nth(i).click()
        page.click("#accept")
    assert {mark[3] for mark in saved(page, ten, 0).values()} == {"accepted"}
    page.click("#approve")
    film(page, 1, "proposed")
    page.locator(".film", has_text="film-0.png").click()
    film(page, 0, "approved")
    press(page, "compare")
    expect(page.locator("#legend")).to_contain_text("Bo")
    page.locator(".film", has_text="film-1.png").click()
    # film 1: drag, along the outline too, pick up and drop, undo, redo
    film(page, 1, "proposed")
    drag(page, (5, 20), (8, 22))
    assert [round(v) for v in saved(page, ten, 1)["a"][1:3]] == [8, 22]
    b = ten.get("/api/films/1?who=Ana")["proposed"]["b"][:2]
    drag(page, b, (b[0] + 4, b[1] + 6), held="Control")
    assert saved(page, ten, 1)["b"][2] < b[1] + 5  # it stays on the curve
    click(page, *saved(page, ten, 1)["a"][1:3])
    click(page, 10, 25)
    assert [round(v) for v in saved(page, ten, 1)["a"][1:3]] == [10, 25]
    page.click("#undo")
    expect(page.locator("#redo")).to_be_enabled()
    press(page, "redo")
    expect(page.locator("#redo")).to_be_disabled()
    page.click("#occluded")
    assert saved(page, ten, 1)["a"][0] == "occluded"
    page.click("#missing")
    assert saved(page, ten, 1)["a"][0] == "missing"
    page.locator("#landmarks button").first.click()
    page.click("#clear")
    expect(page.locator("#count")).to_contain_text("proposed")
    page.click("#approve")
    # film 2: settle, neighbours, doubtful landmarks
    film(page, 2, "proposed")
    page.click("#open-more")
    page.locator("label", has_text="Neighbours follow").click()
    expect(page.locator("#follow")).not_to_be_checked()
    drag(page, (5, 20), (6, 23))
    saved(page, ten, 2)
    page.click("#settle")
    expect(page.locator("#message")).to_contain_text(re.compile("Settled|Nothing moved"))
    page.click("#open-settings")
    page.check("#settings-doubtful")
    page.uncheck("#settings-doubtful")
    page.locator("#settings-form").get_by_text("Save", exact=True).click()
    expect(page.locator("#settings")).to_be_hidden()
    page.click("#approve")
    # film 3: looking changes no point
    film(page, 3, "proposed")
    page.mouse.move(*spot(page, 20, 15))
    assert changes(page, lambda: page.mouse.wheel(0, -300))
    assert changes(page, lambda: drag(page, (20, 15), (22, 20), button="right"))
    assert changes(page, lambda: drag(page, (20, 16), (24, 12)))
    assert saved(page, ten, 3) == {}
    page.click("#approve")
    # film 4: rejected, and opened again
    film(page, 4, "proposed")
    press(page, "reject")
    film(page, 5)
    page.locator(".film", has_text="film-4.png").click()
    film(page, 4, "rejected")
    press(page, "reopen")
    film(page, 4, "proposed")
    page.click("#approve")
    # film 5: a ruler; film 6: a definition
    film(page, 5, "proposed")
    press(page, "ruler")
    click(page, 5, 10)
    click(page, 25, 10)
    page.fill("#ruler-length", "10")
    page.get_by_text("Use it", exact=True).click()
    expect(page.locator("#facts")).to_contain_text("0.500 mm a pixel")
    page.click("#approve")
    film(page, 6, "proposed")
    press(page, "relations")
    page.get_by_label("Definition of a", exact=True).fill("The leftmost.")
    page.locator("#relations-form").get_by_text("Save", exact=True).click()
    expect(page.locator("#message")).to_have_text("The landmarks are saved.")
    page.click("#approve")
    # film 7: the dialogs, and a search
    film(page, 7, "proposed")
    for button, dialog in (
        ("open-agreement", "agreement"),
        ("open-export", "export"),
        ("help", "keys"),
        ("learning-log", "log"),
    ):
        if button == "learning-log" and not page.locator("#learning-log").is_visible():
            page.click("#learning summary")
        page.click(f"#{button}")
        page.locator(f"#{dialog}").get_by_text("Close").click()
        expect(page.locator(f"#{dialog}")).to_be_hidden()
    page.fill("#find", "film-7")
    expect(page.locator(".film")).to_have_count(1)
    page.fill("#find", "")
    page.click("#approve")
    # film 8: a training is asked for; film 9, which has no proposal: clicks, new landmarks, an outline
    film(page, 8, "proposed")
    page.click("#learning-train")
    page.click("#approve")
    film(page, 9)
    for x, y in ((5, 5), (12, 5), (20, 5), (30, 5)):
        click(page, x, y)
    expect(page.locator("#count")).to_have_text("4 of 4 decided")
    press(page, "newLandmark")
    click(page, 30, 25)
    page.locator("#naming").get_by_text("Save").click()
    expect(page.locator("#landmarks li")).to_have_count(5)
    press(page, "outline")
    page.click("#outline-cancel")
    page.click("#approve")
    expect(page.locator("#progress")).to_contain_text("10 of 10 films approved")
    assert approved(ten) == 10


DIALOGS = ("relations", "open-export", "open-agreement", "open-settings", "help", "outline", "learning-log")


def faults(page, axe):
    """Return what axe finds that is serious or critical: rule and places."""
    found = axe.run(page).response["violations"]
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], [node["html"][:100] for node in rule["nodes"]][:5]) for rule in serious]


@pytest.mark.parametrize("button", [None, *DIALOGS])
def test_axe_finds_no_serious_fault(page, button):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    if button == "learning-log" and not page.locator("#learning-log").is_visible():
        page.click("#learning summary")
    if button:
        press(page, button)
        expect(page.locator("dialog[open]")).to_be_visible()
    assert json.dumps(faults(page, axe), indent=1) == "[]"


def test_axe_finds_no_serious_fault_at_the_first_start(films, show):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    review = open_review(films, "Ana")
    with served(review) as client:
        found = show(client)
        expect(found.locator("#scheme")).to_be_visible()
        assert json.dumps(faults(found, axe), indent=1) == "[]"
        found.context.clear_cookies(name="landvote-name")
        found.reload()
        expect(found.locator("#person")).to_be_visible()
        assert json.dumps(faults(found, axe), indent=1) == "[]"
    review.store.close()
