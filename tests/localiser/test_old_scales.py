"""The error that old models expect: points that follow the frame, or lie in a tiny patch, are doubted."""

from dataclasses import replace

import numpy as np

from landvote.localiser.old_scales import OldScales
from toys import Eyes, box, box_sample, fitted, votes_at, with_look


def old(tmp_path):
    """Return a localiser as models of form 2 were, of cues that count as they are."""
    return replace(fitted(tmp_path), errors=OldScales(np.ones(2)))


def test_points_that_go_with_the_frame_are_not_believed(tmp_path):
    """Both are right, and equally sure of it; but one of them did not look."""
    seer = old(tmp_path)
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
    one = old(tmp_path)
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
