"""Fitting: all stages learn from films with points, missing ones left out; events are told; a stop is obeyed."""

import sys
from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.survey import Facts, Survey
from landvote.errors import MissingExtraError, ModelError, PointsError, StoppedError
from landvote.localiser import Conditions, StageSettings, fit_localiser
from landvote.networks.settings import NetworkSettings
from landvote.runtime.events import FilmLocated, FilmRead, Note, StageBegun, StageEnded, StageLearned
from landvote.runtime.stop import StopToken
from landvote.uncertainty import FILM_CUES
from toys import BOX, GLOBAL, LOCAL, SPACING, SeerSettings, SeerTraining, box, box_sample, fitted, voter_of


def test_without_reference_points_some_are_chosen_far_apart(tmp_path):
    one = fitted(tmp_path, scheme=Scheme.numbered(5))
    reference = one.stages[1].look.placing.reference
    assert len(reference) >= 2
    assert one.stages[0].look.placing.landmarks == reference
    assert voter_of(one, "global").lesson.landmarks == len(reference)
    np.testing.assert_allclose(one.locate(box_sample(30).open()).points, box(30)[1], atol=0.3)


def test_films_with_missing_points_are_learned_from_as_far_as_they_go(tmp_path):
    holes = [box_sample(0), box_sample(1, [4]), box_sample(2, [0]), box_sample(3), box_sample(4, [0, 2])]
    one = fitted(tmp_path, training=holes, validation=[box_sample(6, [0, 1])])
    coarse, fine = (voter_of(one, name).lesson.views.working for name in ("global", "local"))
    assert len(coarse) == 5
    assert {w.identifier for w in fine} == {"0.png", "1.png", "3.png"}  # a patch needs its reference points
    np.testing.assert_allclose(one.locate(box_sample(30).open()).points, box(30)[1], atol=0.3)


def test_no_film_with_both_reference_points_is_an_error(tmp_path):
    with pytest.raises(PointsError, match="all reference points"):
        fitted(tmp_path, training=[box_sample(i, [0]) for i in range(3)], validation=())


def test_a_film_whose_points_lie_in_one_place_is_named(tmp_path):
    films = [box_sample(i) for i in range(4)]
    films[1] = replace(films[1], annotations={"": np.full((5, 2), 7.0)})
    with pytest.raises(PointsError, match=r"1\.png: its points, or reference points, lie in one place"):
        fitted(tmp_path, training=films)


def test_stages_that_do_not_apply_are_left_out(tmp_path):
    parts = StageSettings(name="parts", placing={"kind": "repeats", "size": (64, 64)}, voter=SeerSettings())
    row = LOCAL.model_copy(update={"name": "row", "applies": "row"})
    assert [s.settings.name for s in fitted(tmp_path, GLOBAL, parts, row).stages] == ["global"]


def test_a_voter_without_its_packages_is_an_error_before_the_first_stage_learns(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    network = LOCAL.model_copy(update={"voter": NetworkSettings()})
    with pytest.raises(MissingExtraError, match=r"pip install 'landvote\[networks\]'"):
        fitted(tmp_path, GLOBAL, network)
    assert list(tmp_path.iterdir()) == []


def test_events_name_the_stage_and_every_film(tmp_path):
    told = []
    fitted(tmp_path, listener=told.append)
    assert [event for event in told if isinstance(event, StageBegun)] == [StageBegun(s) for s in ("global", "local")]
    assert [e for e in told if isinstance(e, StageEnded)] == [StageEnded(s) for s in ("global", "local")]
    for purpose, films in (("survey", 6), ("learning", 9)):
        read = [event for event in told if isinstance(event, FilmRead) and event.purpose == purpose]
        assert read == [FilmRead(purpose, i, films) for i in range(1, films + 1)]
    assert [e for e in told if isinstance(e, FilmLocated)] == [FilmLocated(i, 3) for i in range(1, 4)]


@pytest.mark.parametrize("at", [FilmRead("survey", 4, 6), FilmRead("learning", 1, 9), StageEnded("local"),
                                FilmLocated(2, 3)], ids=str)  # fmt: skip
def test_a_stop_is_obeyed_at_once_after_the_film(tmp_path, at):
    stop, told = StopToken(), []

    def listener(event):
        told.append(event)
        if event == at:
            stop.stop()

    with pytest.raises(StoppedError):
        fitted(tmp_path, listener=listener, stop=stop)
    after = told[told.index(at) + 1 :]
    assert [e for e in after if isinstance(e, FilmRead | FilmLocated)][1:] == []


def test_the_conditions_reach_the_voters(tmp_path):
    stop = StopToken()
    one = fitted(tmp_path, seed=7, device="cpu", stop=stop)
    for name in ("global", "local"):
        lesson = voter_of(one, name).lesson
        assert (lesson.stage, lesson.seed, lesson.device, lesson.minutes) == (name, 7, "cpu", None)
        assert lesson.stop is stop
        assert lesson.folder == tmp_path / name
        assert lesson.folder.is_dir()


def test_the_error_on_each_film_held_out_is_told(tmp_path):
    held_out = [box_sample(6), box_sample(7, range(5)), box_sample(8, [1])]
    off = LOCAL.model_copy(update={"voter": SeerSettings(off=(3.0, 0.0))})
    made = fit_localiser(BOX, [GLOBAL, off], [box_sample(i) for i in range(6)], held_out, tmp_path)
    assert len(made.held_out) == 2  # one film has no point to judge by
    for film, told in zip((6, 8), made.held_out, strict=True):
        away = np.linalg.norm(made.localiser.locate(box_sample(film).open()).points - box(film)[1], axis=1)
        assert told == pytest.approx(np.delete(away, [1] if film == 8 else []).mean())


@pytest.mark.parametrize("minutes", [None, 5])
def test_after_the_survey_each_film_is_opened_once(tmp_path, minutes):
    opened, surveyed = Counter(), []

    class Knowing(Survey):
        def __call__(self, sample):
            surveyed.append(sample.identifier)
            return Facts.of(box_sample(int(sample.identifier.removesuffix(".png"))).open())

    def counted(i):
        def opening():
            opened[f"{i}.png"] += 1
            return box_sample(i).open()

        return replace(box_sample(i), open=opening)

    fitted(tmp_path, training=[counted(i) for i in range(6)], validation=[counted(i) for i in range(6, 9)],
           minutes=minutes, survey=Knowing(tmp_path / "cache"), foretell=True)  # fmt: skip
    assert opened == Counter({f"{i}.png": 1 for i in range(9)})
    assert len(surveyed) == 6
    assert not list(tmp_path.glob(".films*"))  # where films held out lay until they were judged


def test_no_voter_sees_a_negative(tmp_path):
    def ramp(i, stored_inverted):
        def opened():
            grey = np.linspace(20, 200, box(i)[0][0]).astype(np.uint8) * np.ones((400, 1), np.uint8)
            return Radiograph(255 - grey if stored_inverted else grey, f"{i}.png", SPACING)

        return replace(box_sample(i), open=opened)

    one = fitted(tmp_path, training=[ramp(i, i == 3) for i in range(6)], validation=[ramp(6, stored_inverted=True)])
    located = one.locate(ramp(20, stored_inverted=True).open())
    assert located.film.inverted
    for name in ("global", "local"):
        voter = voter_of(one, name)
        gathered = (voter.lesson.views, voter.lesson.held_out)
        seen = [views.plain(i) for views in gathered for i in range(len(views))]
        for view in [*seen, *voter.looked]:
            right = view.frame.to_grid(np.array([[300.0, 200.0], [100.0, 200.0]])).round().astype(int)
            (bright_x, bright_y), (dark_x, dark_y) = np.clip(right, 0, np.array(view.frame.size) - 1)
            assert view.pixels[bright_y, bright_x] > view.pixels[dark_y, dark_x]


def test_paired_landmarks_change_places_in_a_mirror_where_both_are_looked_for(tmp_path):
    scheme = BOX.model_copy(update={"mirrored": ((0, 1), (2, 3))})
    one = fitted(tmp_path, scheme=scheme)
    assert voter_of(one, "global").lesson.views.mirror is None  # of each pair it looks for one
    np.testing.assert_array_equal(voter_of(one, "local").lesson.views.mirror, [1, 0, 3, 2, 4])


# -- films left out in turn -------------------------------------------------------------------------------------------

TURNS = ({"0.png", "3.png"}, {"1.png", "4.png"}, {"2.png", "5.png"})
OFF = LOCAL.model_copy(update={"voter": SeerSettings(off=(3.0, 0.0))})


def in_turn(folder, *stages, training=range(6), left_out=TURNS, **conditions):
    films = [one if isinstance(one, Sample) else box_sample(one) for one in training]
    return fit_localiser(BOX, stages or (GLOBAL, OFF), films, [], folder, Conditions(**conditions), left_out)


class WatchedSettings(SeerSettings):
    """A seer that says how much it has learned: less where it is only to tell errors, if it is ``shorter``."""

    kind: Literal["watched"] = "watched"
    shorter: bool = False

    def brief(self, training):
        return Brief() if self.shorter else training

    def fit(self, training, lesson):
        steps = 10 if isinstance(training, Brief) else 20
        lesson.listener(StageLearned(lesson.stage, "steps", steps, steps, late=False))
        LESSONS.append(lesson)
        return super().fit(training, lesson)


class Brief(SeerTraining):
    """How a seer learns that is only to tell errors."""


LESSONS = []


def watched(*, shorter=False):
    LESSONS.clear()
    return GLOBAL, OFF.model_copy(update={"voter": WatchedSettings(off=(3.0, 0.0), shorter=shorter)})


def test_all_films_are_learned_from_and_each_is_found_by_a_training_that_left_it_out(tmp_path):
    made = in_turn(tmp_path, *watched())
    learned = [{w.identifier for w in lesson.views.working} for lesson in LESSONS]
    every = {f"{i}.png" for i in range(6)}
    assert learned == [*(every - part for part in TURNS), every]
    assert [len(lesson.held_out.working) for lesson in LESSONS] == [0] * 4
    assert [lesson.stage for lesson in LESSONS] == [*(f"left out {i} of 3, local" for i in (1, 2, 3)), "local"]
    assert made.left_out == 3
    order = [int(name.partition(".")[0]) for part in TURNS for name in sorted(part)]
    for i, told in zip(order, made.held_out, strict=True):
        away = made.localiser.locate(box_sample(i).open()).points - box(i)[1]
        assert told == pytest.approx(np.linalg.norm(away, axis=1).mean(), rel=0.3)
    found = made.localiser.locate(box_sample(40).open())
    true = np.linalg.norm(found.points - box(40)[1], axis=1).mean()
    assert found.expected_film_error == pytest.approx(true, rel=0.3)
    assert np.isfinite(found.radii[:, :2]).all()


@pytest.mark.parametrize("shorter", [True, False])
def test_votes_tell_errors_only_where_trainings_learned_as_much(tmp_path, shorter):
    told = []
    made = in_turn(tmp_path, *watched(shorter=shorter), listener=told.append)
    usual = made.localiser.errors.calibrator.usual[0]
    known = {name for name, mean in zip(FILM_CUES, usual, strict=True) if np.isfinite(mean)}
    assert ("mean_peak" in known, "mean_oddness" in known) == (not shorter, True)
    assert any("how the votes lie does not count" in e.text for e in told if isinstance(e, Note)) == shorter
    assert [event for event in told if isinstance(event, StageLearned)] == [
        StageLearned("local", "steps", 20, 20, late=False)  # of the model itself
    ]


def test_a_stopped_call_goes_on_with_the_films_that_are_not_judged_yet(tmp_path):
    stop, stages, told = StopToken(), watched(), []

    def listener(event):
        told.append(event)
        if event == StageBegun("left out 2 of 3, local"):
            stop.stop()

    with pytest.raises(StoppedError):
        in_turn(tmp_path, *stages, listener=listener, stop=stop)
    assert (tmp_path / "left-out-1" / "judged.npz").exists()
    assert [lesson.stage for lesson in LESSONS] == [f"left out {i} of 3, local" for i in (1, 2)]
    LESSONS.clear()
    again = in_turn(tmp_path, *stages)
    assert [lesson.stage for lesson in LESSONS] == [*(f"left out {i} of 3, local" for i in (2, 3)), "local"]
    whole = in_turn(tmp_path / "other", *stages)
    assert again.held_out == pytest.approx(whole.held_out)
    one, other = (m.localiser.locate(box_sample(40).open()) for m in (again, whole))
    np.testing.assert_allclose(one.radii, other.radii)


def test_a_damaged_file_of_films_judged_is_named(tmp_path):
    (tmp_path / "left-out-1").mkdir()
    (tmp_path / "left-out-1" / "judged.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"left-out-1.judged\.npz: cannot be read"):
        in_turn(tmp_path)


def test_films_without_which_nothing_can_be_learned_do_not_count_and_that_is_said(tmp_path):
    holes = [box_sample(i, [] if i in (0, 3) else [0]) for i in range(6)]  # reference points in one part alone
    told = []
    made = in_turn(tmp_path, training=holes, listener=told.append)
    assert len(made.held_out) == 4
    (note,) = (e.text for e in told if isinstance(e, Note) and e.text.startswith("left out 1 of 3"))
    assert "too little is left to learn from" in note


def test_films_left_out_in_turn_are_decoded_once(tmp_path):
    opened = Counter()

    class Knowing(Survey):
        def __call__(self, sample):
            return Facts.of(box_sample(int(sample.identifier.removesuffix(".png"))).open())

    def counted(i):
        def opening():
            opened[i] += 1
            return box_sample(i).open()

        return replace(box_sample(i), open=opening)

    in_turn(tmp_path, training=[counted(i) for i in range(6)], survey=Knowing(tmp_path / "cache"))
    assert opened == Counter(range(6))
    assert not list(tmp_path.glob(".films*"))
