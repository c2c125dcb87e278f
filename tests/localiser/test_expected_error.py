"""The error to expect: scaled on films held out; points that follow the frame, or lie in a tiny patch, are doubted."""

from dataclasses import replace

import numpy as np
import pytest

from landvote.localiser.expected_error import Calibration
from toys import GLOBAL, LOCAL, Eyes, SeerSettings, box, box_sample, fitted, votes_at, with_look

OFF = LOCAL.model_copy(update={"voter": SeerSettings(off=(3.0, 0.0))})


def test_expected_errors_are_scaled_by_the_films_held_out(tmp_path):
    """A voter that is always 3 cells off and sure of itself: the films held out say how sure it may be."""
    one = fitted(tmp_path, GLOBAL, OFF)
    prediction = one.locate(box_sample(30).open())
    error = np.linalg.norm(prediction.points - box(30)[1], axis=1)
    assert prediction.expected_error.mean() == pytest.approx(error.mean(), rel=0.5)
    plain = fitted(tmp_path, GLOBAL, OFF, validation=())
    np.testing.assert_array_equal(plain.calibration.scales, 1)


def test_on_average_the_error_to_expect_is_the_error():
    rng = np.random.default_rng(0)
    films = []
    for _ in range(30):
        cues = rng.uniform(0, 3, (2, 4))
        films.append((cues, 2 * cues[0] + cues[1] + rng.normal(0, 0.1, 4)))
    films[3][0][:, 1] = np.nan  # a landmark that was not found teaches nothing
    films[4][1][2] = np.nan  # nor does one without a true point
    made = Calibration.fit(films)
    np.testing.assert_allclose(made.scales, [2, 1], atol=0.05)
    np.testing.assert_allclose(made.expected_error(films[0][0]), films[0][1], atol=0.5)


def test_a_shift_that_is_more_than_the_error_counts_for_less():
    scales = Calibration.fit([(np.array([[1.0, 1.0], [8.0, 8.0]]), np.array([2.0, 2.0]))]).scales
    np.testing.assert_allclose(scales, [0, 0.25])


@pytest.mark.parametrize("films", [[], [(np.full((2, 3), np.nan), np.ones(3))], [(np.zeros((2, 3)), np.ones(3))]])
def test_without_any_film_to_learn_from_cues_count_as_they_are(films):
    np.testing.assert_array_equal(Calibration.fit(films).scales, 1)


def test_points_that_go_with_the_frame_are_not_believed(tmp_path):
    """Both are right, and equally sure of it; but one of them did not look."""
    seer = fitted(tmp_path, validation=())
    placing = seer.stages[1].look.placing
    guesser = with_look(seer, "local", voter=Eyes(lambda view: votes_at(placing.layout.round(), view.frame.size)))
    known, guessed = (np.median(one.locate(box_sample(30).open()).expected_error) for one in (seer, guesser))
    patch = placing.frames(box(30)[0], box(30)[1])[0]
    assert guessed - known > 0.03 * min(patch.size) / patch.scale


def content(layout):
    """Return a voter that finds something where landmarks lie in the first view it is shown, and stays with it."""
    found = []

    def see(view):
        found.append(view.frame.to_image(layout))
        return votes_at(view.frame.to_grid(found[0]).round(), view.frame.size)

    return Eyes(see)


def test_points_in_a_patch_far_smaller_than_any_in_training_are_not_believed(tmp_path):
    """Votes agree, and points stay on the film when the frame is perturbed: only the size of the patch tells."""
    one = fitted(tmp_path, validation=())
    together = Eyes(lambda view: votes_at(np.array([[30.0, 32.0], [34.0, 32.0]]), view.frame.size))
    one = with_look(one, "global", voter=together)
    placing = one.stages[1].look.placing
    found = with_look(one, "local", voter=content(placing.layout)).locate(box_sample(30).open())
    assert np.linalg.norm(found.points - box(30)[1], axis=1).mean() > 30
    assert found.expected_error.min() > 30
    any_size = replace(placing, cell=0.0)  # as if every size were usual
    believed = with_look(one, "local", voter=content(placing.layout), placing=any_size).locate(box_sample(30).open())
    np.testing.assert_array_equal(believed.points, found.points)
    assert believed.expected_error.max() < 3
