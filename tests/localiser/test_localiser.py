"""The localiser: stages from coarse to fine, with voters that know the truth, so that only the localiser is tested."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from landvote.errors import ModelError, PointsError
from landvote.frames import Frame
from landvote.localiser import Localiser
from landvote.sample import Radiograph, Sample, Spacing
from landvote.scheme import Scheme
from landvote.shapes import ShapeModel, ShapeSettings
from landvote.stage import Candidate, Stage, StageSettings, best
from landvote.votes import VoteMap, Voter

SHAPE = np.array([[0, 0], [60, 10], [50, 120], [-10, 110], [25, 60]], float)
SCHEME = Scheme(
    name="box", landmarks=("a", "b", "c", "d", "e"), file_points=5, columns=(0, 1, 2, 3, 4), reference=(0, 2)
)
GLOBAL = StageSettings(look="film", find="reference", size=(64, 64), border=0.1)
LOCAL = StageSettings(look="reference", size=(96, 96), border=0.15, rounds=2)
SPACING = Spacing(0.2, 0.2, "test")


def film(i):
    """Return film ``i``: its size and its true points."""
    rng = np.random.default_rng(i)
    frame = Frame.similarity(rng.uniform(0.8, 1.6), rng.uniform(-0.3, 0.3), SHAPE.mean(axis=0), (200, 180), (1, 1))
    return (380 + 10 * i, 400), frame.to_grid(SHAPE)


def sample(i, holes=(), scheme=SCHEME, split=None, opened=None):
    size, points = film(i)
    points[list(holes)] = np.nan

    def open_film():
        if opened is not None:
            opened.append(i)
        return Radiograph(np.full(size[::-1], i, np.uint8), f"{i}.png", SPACING)

    return Sample(f"{i}.png", open_film, scheme, {"": points}, split=split)


class Seer(Voter):
    """Votes for where the landmarks really are, a little off; remembers what it was given."""

    def __init__(self, landmarks, stage, blind=(), off=(0.0, 0.0)):
        self.landmarks, self.stage, self.blind, self.off = landmarks, stage, blind, off
        self.looked = []

    @property
    def computed_on(self):
        return f"eyes, {self.stage.name}"

    def fit(self, training, validation, folder, report):  # noqa: ARG002
        self.training, self.validation = training, validation
        report({"step": 1, "progress": 1.0, "loss": 0.0, "validation": 0.0})

    def vote(self, view):
        self.looked.append(view)
        _, truth = film(int(view.identifier.removesuffix(".png")))
        parts = self.stage.placing.parts  # they are looked at in turn
        chosen = parts[(len(self.looked) - 1) % len(parts)]
        votes = np.zeros((self.landmarks, *view.pixels.shape), np.float32)
        for p, (x, y) in enumerate(view.frame.to_grid(truth[list(chosen)]) + self.off):
            if p not in self.blind:
                for u, v in ((int(x), int(y)), (int(x) + 1, int(y)), (int(x), int(y) + 1), (int(x) + 1, int(y) + 1)):
                    if 0 <= v < votes.shape[1] and 0 <= u < votes.shape[2]:
                        votes[p, v, u] = (1 - abs(x - u)) * (1 - abs(y - v))
        return VoteMap(votes, 1, 1.5)

    def save(self, folder):
        (folder / "seer.txt").write_text(str(self.landmarks))

    def load(self, folder):
        assert (folder / "seer.txt").read_text() == str(self.landmarks)


def localiser(scheme=SCHEME, stages=None, **sight):
    """Return a localiser of seers; ``sight`` says by stage what is wrong with their eyes."""
    stages = stages or {"global": GLOBAL, "local": LOCAL}
    made = [Stage(name, s, Seer) for name, s in stages.items()]
    for stage in made:
        stage.make_voter = partial(Seer, stage=stage, **sight.get(stage.name, {}))
    return Localiser(scheme, made)


def fitted(folder, training=range(6), validation=range(6, 9), report=lambda _: None, **kwargs):
    one = localiser(**kwargs)
    one.fit([sample(i, scheme=one.scheme) for i in training], [sample(i, scheme=one.scheme) for i in validation],
            folder, report)  # fmt: skip
    return one


def test_points_come_back_in_image_coordinates(tmp_path):
    one = fitted(tmp_path)
    for i in (20, 21):
        size, truth = film(i)
        prediction = one.locate(sample(i).open())
        np.testing.assert_allclose(prediction.points, truth, atol=0.3)
        assert prediction.landmarks == SCHEME.landmarks
        assert prediction.identifier == f"{i}.png"
        assert prediction.details["size"] == list(size)
        assert prediction.details["spacing"] == {"x": 0.2, "y": 0.2, "source": "test"}


def test_the_global_stage_finds_the_reference_points_and_the_local_one_all_in_two_rounds(tmp_path):
    one = fitted(tmp_path)
    voters = {s.name: s.voter for s in one.stages}
    assert (voters["global"].landmarks, voters["local"].landmarks) == (2, 5)
    for voter in voters.values():
        voter.looked.clear()
    one.locate(sample(30).open())
    assert (len(voters["global"].looked), len(voters["local"].looked)) == (1, 3)  # the last one through a frame askew
    whole, patch = voters["global"].looked[0].frame, voters["local"].looked[0].frame
    size, truth = film(30)
    corners = whole.to_grid(np.array([[0, 0], size], float))
    assert ((corners > 0) & (corners < np.array(whole.size))).all()
    on_patch = patch.to_grid(truth)
    assert ((on_patch > 0) & (on_patch < np.array(patch.size) - 1)).all()


def test_a_second_round_starts_from_what_the_first_one_found(tmp_path):
    """The global stage is 1.5 cells off; the local one sees what it should, so its second patch lies right."""
    one = fitted(tmp_path, **{"global": {"off": (1.5, 0.0)}})
    local = one.stages[1].voter
    local.looked.clear()
    one.locate(sample(30).open())
    first, second, _ = (view.frame.to_grid(film(30)[1])[[0, 2]] for view in local.looked)
    right = one.stages[1].placing.layout[[0, 2]]
    assert np.abs(second - right).max() < 0.5 < np.abs(first - right).max()


def test_a_landmark_without_votes_stays_where_the_stage_before_saw_it(tmp_path):
    one = fitted(tmp_path, local={"blind": (1, 2)})
    prediction = one.locate(sample(30).open())
    assert np.isnan(prediction.points[1]).all()  # nobody saw it
    assert np.isnan(prediction.expected_error[1])
    np.testing.assert_allclose(prediction.points[2], film(30)[1][2], atol=1)  # the global stage did


@pytest.mark.parametrize("blind", [(0,), (0, 1)])
def test_too_few_reference_points_leave_the_rest_missing(tmp_path, blind):
    one = fitted(tmp_path, validation=(), **{"global": {"blind": blind}})
    prediction = one.locate(sample(30).open())
    assert np.isnan(prediction.points).all(axis=1).sum() == 5 - (2 - len(blind))
    np.testing.assert_array_equal(np.isnan(prediction.points[:, 0]), np.isnan(prediction.expected_error))


def test_expected_errors_are_scaled_by_the_films_held_out(tmp_path):
    """A voter that is always 3 cells off and sure of itself: the films held out say how sure it may be."""
    one = fitted(tmp_path, local={"off": (3.0, 0.0)})
    prediction = one.locate(sample(30).open())
    error = np.linalg.norm(prediction.points - film(30)[1], axis=1)
    assert prediction.expected_error.mean() == pytest.approx(error.mean(), rel=0.5)
    plain = fitted(tmp_path, validation=(), local={"off": (3.0, 0.0)})
    np.testing.assert_array_equal(plain.calibration, 1)


class Guesser(Seer):
    """Votes for where landmarks usually lie in a view, whatever it is shown."""

    def vote(self, view):
        seen = super().vote(view)
        if self.stage.settings.look == "film":
            return seen
        votes = np.zeros_like(seen.votes)
        for p, (x, y) in enumerate(np.rint(self.stage.placing.layout).astype(int)):
            votes[p, y, x] = 1
        return VoteMap(votes, 1, 1.5)


def test_points_that_go_with_the_frame_are_not_believed(tmp_path):
    """Both are right, and equally sure of it; but one of them did not look."""
    seer = fitted(tmp_path)
    guesser = localiser()
    guesser.stages[1].make_voter = partial(Guesser, stage=guesser.stages[1])
    guesser.fit([sample(i) for i in range(6)], [], tmp_path, lambda _: None)
    seer.calibration = guesser.calibration
    known, guessed = (np.median(one.locate(sample(30).open()).expected_error) for one in (seer, guesser))
    patch = guesser.stages[1].placing.frames(film(30)[0], film(30)[1])[0]
    assert guessed - known > 0.03 * min(patch.size) / patch.scale


class Together(Seer):
    """Sees both reference points at nearly one place."""

    def vote(self, view):
        votes = np.zeros((self.landmarks, *view.pixels.shape), np.float32)
        for p in range(self.landmarks):
            votes[p, 32, 30 + 4 * p] = 1
        return VoteMap(votes, 1, 1.5)


class Content(Seer):
    """Finds something where landmarks usually lie in the first view that it is shown, and stays with it."""

    def vote(self, view):
        if not self.looked:
            self.found = view.frame.to_image(self.stage.placing.layout)
        self.looked.append(view)
        votes = np.zeros((self.landmarks, *view.pixels.shape), np.float32)
        for p, (x, y) in enumerate(np.rint(view.frame.to_grid(self.found)).astype(int)):
            votes[p, y, x] = 1
        return VoteMap(votes, 1, 1.5)


def test_points_in_a_patch_far_smaller_than_any_in_training_are_not_believed(tmp_path):
    """Votes agree, and points stay on the film when the frame is laid askew: only the size of the patch tells."""
    one = fitted(tmp_path, validation=())
    local = one.stages[1]
    one.stages[0].voter, local.voter = Together(2, one.stages[0]), Content(5, local)
    found = one.locate(sample(30).open())
    assert np.linalg.norm(found.points - film(30)[1], axis=1).mean() > 30
    assert found.expected_error.min() > 30
    local.placing.cell, local.voter = np.array(0.0), Content(5, local)  # as if every size were usual
    believed = one.locate(sample(30).open())
    np.testing.assert_array_equal(believed.points, found.points)
    assert believed.expected_error.max() < 3


def test_no_voter_sees_a_negative(tmp_path):
    def ramp(i, stored_inverted):
        def opened():
            grey = np.linspace(20, 200, film(i)[0][0]).astype(np.uint8) * np.ones((400, 1), np.uint8)
            return Radiograph(255 - grey if stored_inverted else grey, f"{i}.png", SPACING)

        return replace(sample(i), open=opened)

    one = localiser()
    one.fit([ramp(i, i == 3) for i in range(6)], [ramp(6, stored_inverted=True)], tmp_path, lambda _: None)
    for stage in one.stages:
        one.locate(ramp(20, stored_inverted=True).open())
        seen = [views.plain(i) for views in (stage.voter.training, stage.voter.validation) for i in range(len(views))]
        for view in [*seen, *stage.voter.looked]:
            right = view.frame.to_grid(np.array([[300.0, 200.0], [100.0, 200.0]])).round().astype(int)
            (bright_x, bright_y), (dark_x, dark_y) = np.clip(right, 0, np.array(view.frame.size) - 1)
            assert view.pixels[bright_y, bright_x] > view.pixels[dark_y, dark_x]


def test_without_reference_points_some_are_chosen_far_apart(tmp_path):
    scheme = Scheme.numbered(5)
    one = fitted(tmp_path, scheme=scheme)
    assert len(one.reference) >= 2
    assert one.stages[0].voter.landmarks == len(one.reference)
    np.testing.assert_allclose(one.locate(sample(30).open()).points, film(30)[1], atol=0.3)


def test_films_with_missing_points_are_learned_from_as_far_as_they_go(tmp_path):
    one = localiser()
    training = [sample(0), sample(1, holes=[4]), sample(2, holes=[0]), sample(3), sample(4, holes=[0, 2])]
    one.fit(training, [sample(6, holes=[0, 1])], tmp_path, lambda _: None)
    seen = [s.voter.training for s in one.stages]
    assert len(seen[0].working) == 5
    assert {w.identifier for w in seen[1].working} == {"0.png", "1.png", "3.png"}  # a patch needs its reference points
    np.testing.assert_allclose(one.locate(sample(30).open()).points, film(30)[1], atol=0.3)


def test_no_film_with_both_reference_points_is_an_error(tmp_path):
    with pytest.raises(PointsError, match="all reference points"):
        localiser().fit([sample(i, holes=[0]) for i in range(3)], [], tmp_path, lambda _: None)


def test_parts_are_looked_at_one_by_one(tmp_path):
    groups = ((0, 1), (3, 2))
    scheme = Scheme(name="pairs", landmarks=tuple("abcd"), file_points=5, columns=(0, 1, 2, 3), reference=(0, 2),
                    groups=groups)  # fmt: skip
    stages = {"global": GLOBAL.model_copy(update={"find": "all"}), "parts": StageSettings(look="parts", size=(64, 64))}
    one = localiser(scheme, stages)
    four = [Sample(f"{i}.png", sample(i).open, scheme, {"": film(i)[1][:4]}) for i in range(6)]
    one.fit(four, [], tmp_path, lambda _: None)
    parts = one.stages[1]
    assert parts.placing.parts == groups
    assert parts.voter.landmarks == 2
    found = one.locate(sample(30).open())
    np.testing.assert_allclose(found.points, film(30)[1][:4], atol=0.3)
    *looks, told = found.details["looks"]
    assert [each["stage"] for each in looks] == ["global", "parts", "parts"]  # the last look at each
    assert (told["stage"], told["shifted"]) == ("parts", 0)
    assert {len(view.points) for view in parts.voter.looked} == {2}
    one.save(tmp_path)
    again = localiser(scheme, stages)
    again.load(tmp_path)
    for key, learned in parts.placing.state().items():
        np.testing.assert_array_equal(again.stages[1].placing.state()[key], learned)


def test_parts_are_left_out_where_a_scheme_has_none():
    assert [
        s.name for s in localiser(stages={"global": GLOBAL, "parts": StageSettings(look="parts", size=(64, 64))}).stages
    ] == ["global"]


def test_progress_names_the_stage_and_every_film(tmp_path):
    rows = []
    fitted(tmp_path, report=rows.append)
    assert {row["stage"] for row in rows} == {"global", "local"}
    assert sum(row.get("event") == "film" for row in rows) == 2 * 9
    assert [row["films"] for row in rows if row.get("event") == "gather"] == [9, 9]


def test_saved_and_loaded_it_locates_the_same(tmp_path):
    one = fitted(tmp_path / "work", scheme=Scheme.numbered(5), local={"off": (1.0, 0.5)})
    one.save(tmp_path / "model")
    other = localiser(scheme=Scheme.numbered(5), local={"off": (1.0, 0.5)})
    other.load(tmp_path / "model")
    a, b = one.locate(sample(30).open()), other.locate(sample(30).open())
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.expected_error, b.expected_error)
    assert other.reference == one.reference
    np.testing.assert_array_equal(other.calibration, one.calibration)


@pytest.mark.parametrize("name", ["localiser.npz", "local/placing.npz"])
@pytest.mark.parametrize("spoil", ["missing", "empty", "text", "cut", "other"])
def test_a_file_that_is_missing_or_broken_is_named(tmp_path, name, spoil):
    fitted(tmp_path / "work").save(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    file.unlink()
    if spoil == "other":
        np.savez(file, something=np.zeros(3))
    elif spoil != "missing":
        file.write_bytes({"empty": b"", "text": b"hello", "cut": content[: len(content) // 2]}[spoil])
    with pytest.raises(ModelError, match=name):
        localiser().load(tmp_path)


class Turned(Seer):
    """Sees the landmarks only in a view turned to the angle it knows; elsewhere it is sure of something else."""

    ANGLE = 20.0

    def vote(self, view):
        votes = super().vote(view)
        c, s = view.frame.matrix[:, 0]
        away = abs(np.degrees(np.arctan2(s, c)) - self.ANGLE)
        if away > 5:
            votes.votes[:] = np.roll(votes.votes, 12, axis=2) * np.float32(0.6)
        return votes


def test_every_angle_and_scale_is_looked_at_and_the_one_with_most_votes_wins(tmp_path):
    posed = GLOBAL.model_copy(update={"angles": (-20.0, 0.0, 20.0), "scales": (0.9, 1.0)})
    one = localiser(stages={"global": posed, "local": LOCAL})
    one.stages[0].make_voter = partial(Turned, stage=one.stages[0])
    one.fit([sample(i) for i in range(6)], [], tmp_path, lambda _: None)
    one.stages[0].voter.looked.clear()
    prediction = one.locate(sample(20).open())
    assert len(one.stages[0].voter.looked) == 6
    np.testing.assert_allclose(prediction.points, film(20)[1], atol=0.3)


def test_of_several_candidates_the_one_the_next_stage_votes_for_wins(tmp_path):
    """The global voter is sure of the wrong pose; only with a second candidate can the local one put it right."""

    class Wrong(Turned):
        ANGLE = 99.0

        def vote(self, view):
            c, s = view.frame.matrix[:, 0]
            if abs(np.degrees(np.arctan2(s, c)) - 20) < 5:
                votes = Seer.vote(self, view)
                return VoteMap(votes.votes * np.float32(0.5), 1, 1.5)
            return super().vote(view)

    class Local(Seer):
        def vote(self, view):
            votes = super().vote(view)
            middle = view.frame.to_grid(film(int(view.identifier.removesuffix(".png")))[1]).mean(axis=0)
            off = np.linalg.norm(middle - (np.array(view.frame.size) - 1) / 2)
            return VoteMap(votes.votes * np.float32(1.0 if off < 8 else 0.1), 1, 1.5)

    def error(keep):
        posed = GLOBAL.model_copy(update={"angles": (0.0, 20.0), "keep": keep})
        one = localiser(stages={"global": posed, "local": LOCAL.model_copy(update={"rounds": 1})})
        one.stages[0].make_voter = partial(Wrong, stage=one.stages[0])
        one.stages[1].make_voter = partial(Local, stage=one.stages[1])
        one.fit([sample(i) for i in range(6)], [], tmp_path / str(keep), lambda _: None)
        found = one.locate(sample(20).open())
        used = found.details["looks"][-1]["matrix"]
        local = Frame(np.array(used), tuple(found.details["looks"][-1]["size"])).to_grid(film(20)[1])
        return np.linalg.norm(local.mean(axis=0) - (np.array(found.details["looks"][-1]["size"]) - 1) / 2)

    for keep in (1, 2):
        (tmp_path / str(keep)).mkdir()
    assert error(1) > 8
    assert error(2) < 3


def test_a_shape_model_brings_back_a_landmark_that_flew_off(tmp_path):
    class Stray(Seer):
        def vote(self, view):
            votes = super().vote(view)
            votes.votes[1] = 0
            votes.votes[1, 5, 5] = 1
            return votes

    errors = {}
    for name, shape in (("votes", None), ("shape", ShapeSettings())):
        one = localiser(stages={"global": GLOBAL, "local": LOCAL.model_copy(update={"shape": shape})})
        one.stages[1].make_voter = partial(Stray, stage=one.stages[1])
        (tmp_path / name).mkdir()
        one.fit([sample(i) for i in range(8)], [], tmp_path / name, lambda _: None)
        found = one.locate(sample(20).open())
        errors[name] = np.linalg.norm(found.points - film(20)[1], axis=1)
        one.save(tmp_path / name)
        again = localiser(stages={"global": GLOBAL, "local": LOCAL.model_copy(update={"shape": shape})})
        again.stages[1].make_voter = partial(Stray, stage=again.stages[1])
        again.load(tmp_path / name)
        np.testing.assert_array_equal(again.locate(sample(20).open()).points, found.points)
    assert errors["votes"][1] > 30
    assert errors["shape"].max() < 3
    assert (tmp_path / "shape" / "local" / "shape.npz").exists()
    assert not (tmp_path / "votes" / "local" / "shape.npz").exists()


def test_a_shape_model_of_another_scheme_is_refused(tmp_path):
    settings = LOCAL.model_copy(update={"shape": ShapeSettings()})
    one = fitted(tmp_path, stages={"global": GLOBAL, "local": settings})
    one.save(tmp_path)
    ShapeModel.fit(np.random.default_rng(0).normal(size=(9, 7, 2))).save(tmp_path / "local" / "shape.npz")
    with pytest.raises(ModelError, match=r"shape\.npz.*: not for 5 landmarks"):
        localiser(stages={"global": GLOBAL, "local": settings}).load(tmp_path)


def test_candidates_that_are_the_same_place_are_kept_once():
    points = np.array([[10.0, 10], [50, 60]])
    made = [Candidate(points + shift, np.ones(2), (), votes) for shift, votes in ((0, 3), (1, 5), (30, 1), (60, 2))]
    assert [c.votes for c in best(made, 3, same=4)] == [5, 2, 1]
    assert [c.votes for c in best(made, 1, same=4)] == [5]
