"""The model card: every fact from the folder, limits in sentences, no film or person by name, one page of its own."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from landvote.data.film import Spacing
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.localiser import Conditions
from landvote.models import divide, model_hash, train_model
from landvote.models.describe import FilmFacts, ModelCard, describe_model, write_page
from landvote.models.films import FilmRow, read_films
from landvote.models.train import read_beginning
from toys import ell_sample, tiny

pytestmark = pytest.mark.slow


def spaced(i):
    """Return film ``i``, of a patient of whom the name is known; every second one has a spacing."""
    sample = replace(ell_sample(i), subject=f"Ann Smith {i // 2}")
    spacing = Spacing(0.1 + i / 100, 0.1 + i / 100, "user") if i % 2 else None
    return replace(sample, open=lambda: replace(ell_sample(i).open(), spacing=spacing))


def train(folder, *changes, name="whdv", **others):
    chosen = tiny(name, *changes, **({"steps": 2, "judge_every": 2} if name == "whdv" else {}))
    split = divide([spaced(i) for i in range(8)], chosen)
    train_model(split, chosen, folder, Conditions(device="cpu"), **others)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return train(tmp_path_factory.mktemp("models") / "model", "validation=0.25")


@pytest.fixture(scope="module")
def card(folder):
    return describe_model(folder)


def test_it_says_what_it_is_and_what_it_rests_on(folder, card):
    manifest = json.loads((folder / "model.json").read_text())
    assert (card.model, card.format, card.recipe, card.scheme) == (model_hash(folder), 3, "whdv", "L")
    assert card.landmarks == tuple("012345")
    assert (card.minutes, card.machine, card.versions) == tuple(manifest[k] for k in ("minutes", "machine", "versions"))
    assert (card.device, card.computed_on) == ("cpu", manifest["computed_on"])
    assert card.bytes == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    errors = sorted(manifest["held_out_error_px"])
    assert (card.judged, card.median_px, card.worst_px) == (2, sum(errors) / 2, errors[-1])


def test_it_says_that_films_were_left_out_in_turn(tmp_path):
    card = describe_model(train(tmp_path / "model", "left_out=3"))
    assert (card.learned.films, card.held_out.films, card.judged, card.left_out) == (8, 0, 8, 3)
    facts = dict(card.facts())
    assert facts["judged by"] == "the films learned from, left out in turn by 3 further trainings"
    assert facts["mean error"].endswith("judged by 8 films of 4 subjects that one of 3 further trainings had left out")
    assert any("rest on 8 films: they are rough" in limit for limit in card.limits)
    assert not any("have no figure" in limit for limit in card.limits)


def test_it_says_how_much_each_stage_has_learned_and_if_time_was_short(folder, card, tmp_path):
    assert [str(stage) for stage in card.stages] == ["global: 2 of 2 steps", "local: 2 of 2 steps"]
    assert dict(card.facts())["stages"] == "global: 2 of 2 steps; local: 2 of 2 steps"
    copy = shutil.copytree(folder, tmp_path / "model")
    manifest = json.loads((copy / "model.json").read_text())
    manifest["learned"][1] |= {"asked": 3000, "late": True}
    (copy / "model.json").write_text(json.dumps(manifest))
    said = "It has learned less than its recipe asks (local: 2 of 3,000 steps, for want of time)"
    assert [limit for limit in describe_model(copy).limits if limit.startswith(said)] != []
    assert [limit for limit in card.limits if limit.startswith("It has learned")] == []
    del manifest["learned"]  # as version 0.1.0 wrote it
    (copy / "model.json").write_text(json.dumps(manifest))
    assert describe_model(copy).stages == ()
    (copy / "model.json").write_text(json.dumps(manifest | {"learned": [{"stage": "local"}]}))
    with pytest.raises(ModelError, match=r"learned is .*expected a list of stages"):
        describe_model(copy)


def test_it_says_of_its_films_how_many_how_large_and_how_they_are_spaced(card):
    assert (card.learned.films, card.learned.subjects) == (6, 3)
    assert (card.held_out.films, card.held_out.subjects, card.known) == (2, 1, 0)
    assert (card.learned.widths, card.learned.heights) == ((96, 96), (96, 96))
    assert (card.learned.without_spacing, card.held_out.without_spacing) == (3, 1)
    both = (*card.learned.spacings, *card.held_out.spacings)
    assert {known.source for known in both} == {"user"}
    assert (min(k.least for k in both), max(k.most for k in both)) == (0.11, 0.17)


def test_words_and_data_say_the_same(card):
    words = dict(card.facts())
    assert words["learned from"] == "6 films of 3 subjects"
    assert words["mean error"].endswith("px, judged by 2 films of 1 subject that it was not learned from")
    assert words["sizes, learned from"] == "96 x 96 pixels"
    assert "user: 3 films, unknown: 3 films" in words["spacings, learned from"]
    assert words["landmarks"] == "numbered from 0"
    record = json.loads(json.dumps(card.record()))
    assert record["learned"]["spacings"][0]["films"] == 3
    assert record["limits"] == list(card.limits)


def test_its_limits_are_said(card):
    limits = " ".join(card.limits)
    assert "rest on 2 films: they are rough" in limits
    assert "4 of 8 films have no spacing" in limits
    assert "Films that are not 96 x 96 pixels are outside" in limits
    assert card.limits[-1] == "It is for research, and is not a medical device."
    assert "have no figure" not in limits
    assert "have no figure" in " ".join(replace(card, judged=1).limits)
    assert "rough" not in " ".join(replace(card, judged=30).limits)
    assert "1 film held out are of subjects" in " ".join(replace(card, known=1).limits)


def test_a_model_that_was_judged_by_no_film_says_so(tmp_path):
    card = describe_model(train(tmp_path / "m", "validation=0"))
    assert (card.held_out.films, card.median_px, card.worst_px) == (0, None, None)
    assert dict(card.facts())["mean error"] == "unknown: no film was judged"
    assert "Nothing is known of its errors" in card.limits[0]
    write_page(card, tmp_path / "card.html")


def test_notices_of_the_recipe_survive_into_the_model(tmp_path, card):
    assert card.notice == ""
    other = describe_model(train(tmp_path / "m", "validation=0.25", "fine.choice.kind=shape", name="rfrv"))
    assert "US 9928443" in other.notice
    write_page(other, tmp_path / "card.html")
    assert "US 9928443" in (tmp_path / "card.html").read_text()
    begun = json.loads((tmp_path / "m" / "training.json").read_text())
    assert begun["recipe"]["notice"] == other.notice


def test_no_film_and_no_person_is_named(folder, card, tmp_path):
    write_page(card, tmp_path / "card.html")
    for text in (json.dumps(card.record()), str(card.facts()), (tmp_path / "card.html").read_text()):
        for row in read_films(folder):
            assert not [name for name in (row.image, row.subject, row.path) if name and name in text]
        assert "Ann Smith" not in text


def test_an_anonymous_model_is_described_as_well(tmp_path, card):
    hidden = describe_model(train(tmp_path / "m", "validation=0.25", anonymous=True))
    assert (hidden.anonymous, card.anonymous) == (True, False)
    assert (hidden.learned, hidden.held_out, hidden.known) == (card.learned, card.held_out, 0)
    assert dict(hidden.facts())["names of films"] == "hashes: the model is anonymous"


def test_the_page_needs_no_file_beside_it(card, fetched, tmp_path):
    write_page(card, tmp_path / "card.html")
    text = (tmp_path / "card.html").read_text()
    assert fetched(text) == []
    for word in (card.model, "6 films of 3 subjects", *card.limits):
        assert word in text
    assert "How this was measured" not in text


def rows(*known):
    return [FilmRow(f"{i}.png", str(i), "train", "", **facts) for i, facts in enumerate(known)]


def test_films_of_which_little_is_known_and_of_several_kinds():
    dicom = {"width": "200", "height": "100", "spacing_x": "0.1", "spacing_y": "0.2", "spacing_source": "PixelSpacing"}
    found = FilmFacts.of(rows({}, dicom, dicom | {"width": "50", "spacing_y": "0.3", "orientation": "L\\F"}))
    assert (found.widths, found.heights, found.without_spacing) == ((50, 200), (100, 100), 1)
    assert [(k.source, k.films, k.least, k.most) for k in found.spacings] == [("PixelSpacing", 2, 0.1, 0.3)]
    assert found.orientations == {"L\\F": 1}
    nothing = FilmFacts.of(rows({}))
    assert (nothing.widths, nothing.spacings, nothing.orientations) == (None, (), {})


def test_named_landmarks_and_sizes_that_differ_are_told(card):
    films = replace(card.learned, widths=(50, 200), heights=(100, 100), orientations={"EXIF 6": 2})
    named: ModelCard = replace(card, landmarks=("head", "neck"), learned=films)
    words = dict(named.facts())
    assert words["landmarks"] == "head; neck"
    many = replace(card, landmarks=tuple(f"point {i}" for i in range(12)))
    assert dict(many.facts())["landmarks"].endswith("; point 9; and 2 more")
    assert words["sizes, learned from"] == "50 to 200 wide and 100 to 100 high (pixels)"
    assert words["orientations, learned from"] == "EXIF 6: 2"


def test_films_held_out_of_a_patient_it_has_learned_from_are_counted(tmp_path):
    chosen = tiny("whdv", steps=2, judge_every=2)
    samples = [replace(spaced(i), subject="one", split="val" if i > 5 else "train") for i in range(8)]
    train_model(divide(samples, chosen), chosen, tmp_path / "m", Conditions(device="cpu"))
    assert describe_model(tmp_path / "m").known == 2


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "model")


@pytest.mark.parametrize("name", ["model.json", "training.json", "films.csv", "localiser.npz"])
def test_an_unfinished_or_broken_model_is_named(copied, name):
    (copied / name).write_text("{}")
    with pytest.raises(ModelError, match=rf"{name}"):
        describe_model(copied)
    (copied / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}"):
        describe_model(copied)


def test_facts_that_are_missing_are_named(copied):
    manifest = json.loads((copied / "model.json").read_text())
    del manifest["minutes"]
    (copied / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"model\.json: not as expected: minutes"):
        describe_model(copied)


def test_what_was_begun_is_read_of_the_folder(folder):
    assert Scheme.model_validate(read_beginning(folder)["scheme"]).name == "L"
