"""The look: what one stage sees through a frame, and which candidates are the same place."""

from dataclasses import replace

import numpy as np
import pytest

from landvote.data.scheme import Outline
from landvote.localiser import Localiser
from landvote.localiser.families import VOTERS
from landvote.localiser.look import Candidate, best
from toys import GLOBAL, LOCAL, SeerSettings, box, box_sample, fitted, registered, voter_of


def stage(of, **sight):
    return of.model_copy(update={"voter": SeerSettings(**sight)})


def test_a_second_round_starts_from_what_the_first_one_found(tmp_path):
    """The global stage is 1.5 cells off; the local one sees what it should, so its second patch lies right."""
    one = fitted(tmp_path, stage(GLOBAL, off=(1.5, 0.0)), LOCAL)
    local = voter_of(one, "local")
    local.looked.clear()
    one.locate(box_sample(30).open())
    first, second = (view.frame.to_grid(box(30)[1])[[0, 2]] for view in local.looked)
    right = one.stages[1].look.placing.layout[[0, 2]]
    assert np.abs(second - right).max() < 0.5 < np.abs(first - right).max()


def test_a_landmark_without_votes_stays_where_the_stage_before_saw_it(tmp_path):
    one = fitted(tmp_path, GLOBAL, stage(LOCAL, blind=(1, 2)))
    prediction = one.locate(box_sample(30).open())
    assert np.isnan(prediction.points[1]).all()  # no stage saw it
    assert np.isnan(prediction.expected_error[1])
    np.testing.assert_allclose(prediction.points[2], box(30)[1][2], atol=1)  # the global stage did


@pytest.mark.parametrize("blind", [(0,), (0, 1)])
def test_too_few_reference_points_leave_the_rest_missing(tmp_path, blind):
    one = fitted(tmp_path, stage(GLOBAL, blind=blind), LOCAL)
    prediction = one.locate(box_sample(30).open())
    assert np.isnan(prediction.points).all(axis=1).sum() == 5 - (2 - len(blind))
    np.testing.assert_array_equal(np.isnan(prediction.points[:, 0]), np.isnan(prediction.expected_error))


def test_looking_changes_nothing_that_was_known(tmp_path):
    look = fitted(tmp_path).stages[1].look
    known = Candidate.at(box(30)[1] + 2)
    before = known.points.copy()
    found = look.at_all((1.0, 0.0), box_sample(30).open(), known)
    np.testing.assert_array_equal(known.points, before)
    np.testing.assert_allclose(found.points, box(30)[1], atol=0.3)
    np.testing.assert_array_equal(found.before, before)
    assert np.isnan(known.evidence.peak).all()
    assert (len(known.looks), len(found.looks)) == (0, 1)


def test_with_a_weight_the_mean_with_the_points_known_before_counts(tmp_path):
    one = fitted(tmp_path, GLOBAL, LOCAL.model_copy(update={"weight": 0.25}))
    one.save(tmp_path)
    with registered(VOTERS, SeerSettings):
        loaded = Localiser.load(tmp_path, "cpu")
    film, known = box_sample(30).open(), Candidate.at(box(30)[1] + 2)
    known.points[3] = np.nan
    for look in (one.looks[-1], loaded.looks[-1]):
        alone = replace(look, weight=1.0, along=1.0).at_all((1.0, 0.0), film, known)
        found = look.at_all((1.0, 0.0), film, known)
        np.testing.assert_allclose(found.points[:3], 0.75 * known.points[:3] + 0.25 * alone.points[:3])
        np.testing.assert_array_equal(found.points[3], alone.points[3])  # nothing was known
        np.testing.assert_array_equal(found.before, known.points)
        np.testing.assert_array_equal(found.evidence.peak, alone.evidence.peak)


def test_along_an_outline_another_weight_holds_than_across(tmp_path):
    """The triangle's first side runs along x here: the points move down to it, and half the way along it."""
    look = fitted(tmp_path).looks[-1]
    line = Outline(name="side", points=(0, 1))
    scheme = look.scheme.model_copy(update={"outlines": (line,)})
    along = box(30)[1][1] - box(30)[1][0]
    along /= np.linalg.norm(along)
    across = np.array([-along[1], along[0]])
    known = Candidate.at(box(30)[1] + 3 * along + 2 * across)
    known.points[2:] += 1
    found = replace(look, scheme=scheme, along=0.5).at_all((1.0, 0.0), box_sample(30).open(), known)
    alone = look.at_all((1.0, 0.0), box_sample(30).open(), known)
    moved, whole = found.points - known.points, alone.points - known.points
    np.testing.assert_allclose(moved[:2] @ across, whole[:2] @ across, atol=1e-9)
    np.testing.assert_allclose(moved[:2] @ along, whole[:2] @ along / 2, atol=1e-9)
    np.testing.assert_allclose(moved[2:] / whole[2:], np.tile([0.5, 1.0], (3, 1)))  # on no outline: along x and y
    assert np.abs(whole[:2] @ along + 3).max() < 0.5


def test_the_evidence_is_about_the_points_found_in_image_pixels(tmp_path):
    look = fitted(tmp_path).stages[1].look
    found = look.at_all((1.0, 0.0), box_sample(30).open(), Candidate.at(box(30)[1]))
    frame = look.placing.frame(0, box_sample(30).open().size, box(30)[1])
    grid = look.vote(frame, box_sample(30).open(), box(30)[1]).evidence
    np.testing.assert_allclose(found.evidence.peak, grid.peak)
    spread = np.trace(found.evidence.covariance, axis1=1, axis2=2)
    np.testing.assert_allclose(spread, np.trace(grid.covariance, axis1=1, axis2=2) / frame.scale**2)


def test_candidates_that_are_the_same_place_are_kept_once():
    points = np.array([[10.0, 10], [50, 60]])
    made = [replace(Candidate.at(points + shift), votes=votes) for shift, votes in ((0, 3), (1, 5), (30, 1), (60, 2))]
    assert [c.votes for c in best(made, 3, same=4)] == [5, 2, 1]
    assert [c.votes for c in best(made, 1, same=4)] == [5]
