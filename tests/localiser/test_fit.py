"""Fitting: all stages learn from films with points, missing ones left out; events are told; a stop is obeyed."""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.datasets.survey import Facts, Survey
from landvote.errors import MissingExtraError, PointsError, StoppedError
from landvote.localiser import StageSettings, fit_localiser
from landvote.networks.settings import NetworkSettings
from landvote.runtime.events import FilmLocated, FilmRead, StageBegun, StageEnded
from landvote.runtime.stop import StopToken
from toys import BOX, GLOBAL, LOCAL, SPACING, SeerSettings, box, box_sample, fitted, voter_of


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
