"""The pose search: each angle and scale is looked at, and of several candidates the next stage chooses."""

import numpy as np

from landvote.frames import Frame
from landvote.localiser import StageSettings
from landvote.votes import VoteMap
from toys import GLOBAL, LOCAL, Eyes, box, box_sample, fitted, voter_of, votes_at, with_look

FILM = 20


def searched(stage, **search):
    """Return the stage with another pose search."""
    return StageSettings.model_validate(
        stage.model_dump() | {"voter": stage.voter, "search": {"kind": "poses"} | search}
    )


def angle(view):
    """Return by how many degrees a view is turned."""
    c, s = view.frame.matrix[:, 0]
    return np.degrees(np.arctan2(s, c))


def weaker(votes, share, roll=0):
    return VoteMap(np.roll(votes.votes, roll, axis=2) * np.float32(share), 1, 1.5)


def truth(view, targets):
    return votes_at(view.frame.to_grid(box(FILM)[1])[list(targets)], view.frame.size)


def test_every_angle_and_scale_is_looked_at_and_the_one_with_most_votes_wins(tmp_path):
    """The voter sees the landmarks only in a view turned by 20 degrees; elsewhere it is sure of something else."""

    def turned(view):
        return truth(view, (0, 2)) if abs(angle(view) - 20) < 5 else weaker(truth(view, (0, 2)), 0.6, roll=12)

    one = fitted(tmp_path, searched(GLOBAL, angles=(-20.0, 0.0, 20.0), scales=(0.9, 1.0)), LOCAL)
    one = with_look(one, "global", voter=Eyes(turned))
    prediction = one.locate(box_sample(FILM).open())
    assert len(voter_of(one, "global").looked) == 6
    assert {(round(angle(v)), round(v.frame.scale, 3)) for v in voter_of(one, "global").looked} == {
        (a, round(s * one.stages[0].look.placing.frame(0, box(FILM)[0], box(FILM)[1]).scale, 3))
        for a in (-20, 0, 20)
        for s in (0.9, 1.0)
    }
    np.testing.assert_allclose(prediction.points, box(FILM)[1], atol=0.3)


def test_of_several_candidates_the_one_the_next_stage_votes_for_wins(tmp_path):
    """The global voter is sure of the wrong pose; only with a second candidate can the local one put it right."""

    def wrong(view):
        return weaker(truth(view, (0, 2)), 0.5) if abs(angle(view) - 20) < 5 else weaker(truth(view, (0, 2)), 0.6, 12)

    def local(view):
        middle = view.frame.to_grid(box(FILM)[1]).mean(axis=0)
        off = np.linalg.norm(middle - (np.array(view.frame.size) - 1) / 2)
        return weaker(truth(view, range(5)), 1.0 if off < 8 else 0.1)

    def error(keep):
        (tmp_path / str(keep)).mkdir()
        posed = searched(GLOBAL, angles=(0.0, 20.0), keep=keep)
        one = fitted(tmp_path / str(keep), posed, searched(LOCAL, rounds=1), validation=())
        one = with_look(with_look(one, "global", voter=Eyes(wrong)), "local", voter=Eyes(local))
        used = one.locate(box_sample(FILM).open()).details["looks"][-1]
        on_patch = Frame(np.array(used["matrix"]), tuple(used["size"])).to_grid(box(FILM)[1])
        return np.linalg.norm(on_patch.mean(axis=0) - (np.array(used["size"]) - 1) / 2)

    assert error(1) > 8
    assert error(2) < 3
