"""An extension from outside the package: a voter, a placing, a choice and a search, a line each to register them.

They stand in this file alone, as those of a user would; a recipe file names them, and all else is landvote's own.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest

from landvote import cli
from landvote.errors import SettingError
from landvote.formats.predictions import read_predictions
from landvote.frames import Frame, Placing
from landvote.frames.placings import PlacingSettings
from landvote.localiser import Conditions
from landvote.localiser.choice import Choice, ChoiceSettings, Chosen
from landvote.localiser.families import CHOICES, PLACINGS, SEARCHES, VOTERS
from landvote.localiser.search import SearchSettings
from landvote.models import divide, load_model, train_model
from landvote.recipes import recipe
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.settings import Settings
from landvote.votes import Estimate, Voter, VoterSettings
from toys import ELL, draw_crosses, ell, ell_sample, registered, votes_at

pytestmark = pytest.mark.slow

RECIPE = """
name = "toys"
summary = "each part from outside"
validation = 0.25

[defaults]
placing = { kind = "centre", size = [64, 64], zoom = 1.1 }

[[stages]]
name = "mean"
voter = { kind = "habit" }
choice = { kind = "strongest" }
search = { kind = "twice" }
training = { trust = 0.5 }
"""


# -- where to look: at the middle of the film -------------------------------------------------------------------------


@dataclass(frozen=True)
class Centre(Placing):
    size: tuple[int, int]
    landmarks: int
    zoom: float

    @property
    def targets(self):
        return (tuple(range(self.landmarks)),)

    def frame(self, target, image_size, points):  # noqa: ARG002
        return Frame.whole(image_size, self.size).then(self.zoom, 0.0, (0, 0))

    def smallest_cell(self, image_size):  # noqa: ARG002
        return 0.0

    def log_likelihood(self, image_size, points):  # noqa: ARG002
        return 0.0

    def save(self, folder: Path):
        return [save_arrays(folder / "centre.npz", landmarks=self.landmarks)]


class CentreSettings(PlacingSettings):
    kind: Literal["centre"] = "centre"
    zoom: float = 1.0

    @property
    def finds_all(self):
        return True

    def applies(self, scheme):  # noqa: ARG002
        return True

    def fit(self, shapes):
        return Centre(self.size, len(shapes.scheme), self.zoom)

    def load(self, folder, scheme):
        assert load_arrays(folder / "centre.npz", "landmarks")["landmarks"] == len(scheme)
        return Centre(self.size, len(scheme), self.zoom)


# -- which votes: for where each landmark lay in training -------------------------------------------------------------


@dataclass(frozen=True)
class Habit(Voter):
    mean: np.ndarray

    @property
    def computed_on(self):
        return "habit"

    def vote(self, view):
        return votes_at(self.mean, view.frame.size)

    def save(self, folder: Path):
        return [save_arrays(folder / "habit.npz", mean=self.mean)]


class HabitTraining(Settings):
    trust: float = 1.0


class HabitSettings(VoterSettings):
    training_settings: ClassVar[type[Settings]] = HabitTraining
    kind: Literal["habit"] = "habit"

    def check(self, size):
        if size[0] != size[1]:
            raise ValueError(f"size {size}: expected a square")

    def together(self):
        return nullcontext()

    def prepare_process(self):
        pass

    def fit(self, training, lesson):
        assert training.trust == 0.5
        return Habit(np.mean([lesson.views.plain(i).points for i in range(len(lesson.views.working))], axis=0))

    def estimate(self, training, lesson, films, held_out):  # noqa: ARG002
        return Estimate(0.0, 0.0)

    def load(self, folder, landmarks, device):  # noqa: ARG002
        return Habit(load_arrays(folder / "habit.npz", "mean")["mean"])


# -- which points: the strongest cell --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Strongest(Choice):
    def choose(self, votes, known=None):  # noqa: ARG002
        flat = votes.votes.reshape(len(votes.votes), -1)
        at = np.stack(np.divmod(flat.argmax(axis=1), votes.votes.shape[2])[::-1], axis=1)
        points = votes.to_grid(at)
        return Chosen(points, np.ones(len(flat)), votes.evidence(points))

    def save(self, folder):  # noqa: ARG002
        return []


class StrongestSettings(ChoiceSettings):
    kind: Literal["strongest"] = "strongest"

    def fit(self, shapes):  # noqa: ARG002
        return Strongest()

    def load(self, folder, landmarks):  # noqa: ARG002
        return Strongest()


# -- in what order: two looks in each round ---------------------------------------------------------------------------


class TwiceSearch(SearchSettings):
    kind: Literal["twice"] = "twice"

    def look_once(self, look, radiograph, known):
        return [look.at_all((1.0, 0.0), radiograph, look.at_all((1.0, 0.0), radiograph, known))]

    def settle(self, look, radiograph, known):  # noqa: ARG002
        return known


@pytest.fixture
def mine(tmp_path):
    """Register all four, and return the recipe file that names them."""
    (tmp_path / "mine.toml").write_text(RECIPE)
    with ExitStack() as stack:
        stack.enter_context(registered(PLACINGS, CentreSettings))
        stack.enter_context(registered(VOTERS, HabitSettings))
        stack.enter_context(registered(CHOICES, StrongestSettings))
        stack.enter_context(registered(SEARCHES, TwiceSearch))
        yield tmp_path / "mine.toml"


def test_it_is_trained_saved_loaded_and_locates(mine, tmp_path):
    chosen = recipe(str(mine), scheme=ELL)
    split = divide([ell_sample(i) for i in range(8)], chosen)
    made = train_model(split, chosen, tmp_path / "model", Conditions(device="cpu")).localiser
    loaded = load_model(tmp_path / "model", "cpu")
    assert [stage.settings for stage in loaded.stages] == [stage.settings for stage in made.stages]
    one, other = (each.locate(ell_sample(20).open()) for each in (made, loaded))
    np.testing.assert_array_equal(one.points, other.points)
    assert np.linalg.norm(one.points - ell(20)[1], axis=1).mean() < 20
    assert [look["stage"] for look in one.details["looks"]] == ["mean", "mean"]
    assert loaded.computed_on == {"mean": "habit"}


def test_its_settings_are_changed_and_checked_as_all_are(mine):
    changed = recipe(str(mine), ["mean.placing.zoom=1.5", "mean.search.rounds=2"])
    assert (changed.stages[0].placing.zoom, changed.stages[0].search.rounds) == (1.5, 2)
    for change, message in [("mean.placing.zom=2", "did you mean 'zoom'"), ("mean.training.trust=lots", "'lots'"),
                            ("mean.size=[64, 32]", "expected a square")]:  # fmt: skip
        with pytest.raises(SettingError, match=message):
            recipe(str(mine), [change])


def test_without_its_lines_the_recipe_names_what_there_is(tmp_path):
    (tmp_path / "mine.toml").write_text(RECIPE)
    with pytest.raises(SettingError, match="placing 'centre' is unknown, expected one of film, "):
        recipe(str(tmp_path / "mine.toml"))


def test_a_kind_that_is_taken_is_refused():
    class Film(CentreSettings):
        kind: Literal["film"] = "film"

    with pytest.raises(SettingError, match="placing Film: kind is 'film', expected a name of its own"):
        PLACINGS.register(Film)
    assert PLACINGS["film"] is not Film


def test_the_command_line_trains_and_locates_with_it(mine, tmp_path, monkeypatch, capsys):
    data = draw_crosses(tmp_path / "data", [f"{i}.png" for i in range(6)])

    def landvote(*words):
        monkeypatch.setattr(sys, "argv", ["landvote", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().out

    status, said = landvote("train", data, "--recipe", mine, "--out", tmp_path / "model")
    assert status == 0
    assert f"model: {tmp_path / 'model'}" in said
    assert landvote("locate", tmp_path / "model", data, "--out", tmp_path / "found.jsonl")[0] == 0
    assert len(read_predictions(tmp_path / "found.jsonl")) == 6
