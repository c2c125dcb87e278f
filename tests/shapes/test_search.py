import numpy as np
import pytest

from landvote.frames import Frame
from landvote.shapes import ShapeModel, ShapeSettings, plausible
from landvote.votes import VoteMap

T = np.linspace(0, 2 * np.pi, 16, endpoint=False)
CIRCLE = np.column_stack([50 * np.cos(T), 40 * np.sin(T)])
MODE = np.column_stack([np.cos(3 * T), np.sin(3 * T)])


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    shapes = CIRCLE + rng.normal(0, 4, (60, 1, 1)) * MODE + rng.normal(0, 0.3, (60, 16, 2))
    return ShapeModel.fit(shapes)


def truth(b=5.0, angle=0.2, scale=0.9):
    return Frame.similarity(scale, angle, (0, 0), (64, 60), (128, 128)).to_grid(CIRCLE + b * MODE)


def votes_at(points, strength=1.0, size=128, seed=0):
    rng = np.random.default_rng(seed)
    votes = np.zeros((len(points), size, size), np.float32)
    for p, (x, y) in enumerate(points):
        near = np.rint(rng.normal((x, y), 1.5, (200, 2))).astype(int).clip(0, size - 1)
        np.add.at(votes[p], (near[:, 1], near[:, 0]), strength)
    return votes


def test_good_votes_are_left_alone(model):
    points = truth()
    votes = VoteMap(votes_at(points), 1, 1.5)
    found = plausible(votes, model, ShapeSettings())
    np.testing.assert_allclose(found.points, votes.peaks()[0], atol=0.01)


def test_landmarks_flung_across_the_film_are_brought_back(model):
    points = truth()
    votes = votes_at(points)
    for p, far in ((3, (10, 10)), (11, (120, 15))):
        stray = votes_at(np.array([far], float))[0]
        votes[p] = 0.4 * votes[p] + stray
    votes = VoteMap(votes, 1, 1.5)
    assert np.linalg.norm(votes.peaks()[0] - points, axis=1).max() > 40
    found = plausible(votes, model, ShapeSettings())
    assert np.linalg.norm(found.points - points, axis=1).max() < 1.5
    assert found.dispersion[3] > 3 * np.median(found.dispersion)  # and it is said that most votes were elsewhere


def test_a_landmark_without_votes_gets_the_place_the_others_leave_it(model):
    points = truth()
    votes = votes_at(points)
    votes[5] = 0
    found = plausible(VoteMap(votes, 1, 1.5), model, ShapeSettings())
    assert np.linalg.norm(found.points[5] - points[5]) < 3
    assert np.isfinite(found.dispersion).all()
    assert found.dispersion[5] == found.dispersion.max()


def test_the_answer_does_not_depend_on_the_cells(model):
    points = truth()
    fine = plausible(VoteMap(votes_at(points), 1, 1.5), model, ShapeSettings())
    pairs = votes_at(points).reshape(16, 64, 2, 64, 2).sum(axis=(2, 4))
    coarse = plausible(VoteMap(pairs, 2, 1.5), model, ShapeSettings())
    np.testing.assert_allclose(coarse.points, fine.points, atol=0.7)


def test_no_votes_at_all_are_no_shape(model):
    assert plausible(VoteMap(np.zeros((16, 64, 64), np.float32), 1, 1.5), model, ShapeSettings()) is None


def test_an_implausible_row_of_peaks_stays_within_the_limits(model):
    rng = np.random.default_rng(2)
    found = plausible(VoteMap(votes_at(rng.uniform(5, 120, (16, 2))), 1, 1.5), model, ShapeSettings())
    assert model.distance(found.parameters) <= model.limit * 1.001


def test_a_shape_is_not_looked_for_far_from_where_the_landmarks_were_seen_before(model):
    """Most votes are for the same shape elsewhere, as they may be for the next of two teeth."""
    points = truth()
    votes = votes_at(points) + 2 * votes_at(points - (30, 0))
    astray = plausible(VoteMap(votes, 1, 1.5), model, ShapeSettings())
    known = np.where(np.arange(16)[:, None] % 5 == 0, points + 2, np.nan)
    found = plausible(VoteMap(votes, 1, 1.5), model, ShapeSettings(), known)
    assert np.linalg.norm(astray.points - points, axis=1).mean() > 25
    assert np.linalg.norm(found.points - points, axis=1).mean() < 2
    one = plausible(
        VoteMap(votes, 1, 1.5), model, ShapeSettings(), np.where(np.arange(16)[:, None] == 5, points, np.nan)
    )
    np.testing.assert_array_equal(one.points, astray.points)  # one point places nothing


def test_noisy_peaks_are_drawn_towards_the_shape(model):
    rng = np.random.default_rng(4)
    raw, drawn = [], []
    for seed in range(10):
        points = truth(b=rng.normal(0, 4))
        votes = VoteMap(votes_at(points + rng.normal(0, 2.0, points.shape), seed=seed), 1, 1.5)
        raw.append(np.linalg.norm(votes.peaks()[0] - points, axis=1).mean())
        drawn.append(np.linalg.norm(plausible(votes, model, ShapeSettings()).points - points, axis=1).mean())
    assert np.mean(drawn) < 0.75 * np.mean(raw)


def test_noise_along_the_contour_is_taken_out_and_what_votes_know_across_it_is_kept():
    """The outline of a film has a bump no mode knows; its landmarks slid along the outline while they were marked."""
    rng = np.random.default_rng(5)
    across = CIRCLE / np.linalg.norm(CIRCLE, axis=1, keepdims=True)
    along = across[:, ::-1] * [-1, 1]

    def moved(points, sd_across, sd_along):
        return points + rng.normal(0, sd_across, (16, 1)) * across + rng.normal(0, sd_along, (16, 1)) * along

    model = ShapeModel.fit(np.stack([moved(CIRCLE, 1.0, 0.4) for _ in range(60)]), share=0.05)
    place = Frame.similarity(1, 0, (0, 0), (64, 60), (128, 128))
    kept, taken = [], []
    for seed in range(12):
        truth = moved(CIRCLE, 1.0, 0.4)
        seen = VoteMap(votes_at(place.to_grid(moved(truth, 0.0, 3.0)), seed=seed), 1, 1.5)
        found = plausible(seen, model, ShapeSettings())
        errors = [place.to_image(points) - truth for points in (seen.peaks()[0], found.points)]
        kept.append([np.abs((e * across).sum(axis=1)).mean() for e in errors])
        taken.append([np.abs((e * along).sum(axis=1)).mean() for e in errors])
    (peak_across, own_across), (peak_along, own_along) = np.mean(kept, axis=0), np.mean(taken, axis=0)
    assert own_along < 0.6 * peak_along
    assert peak_across < own_across < 0.5  # the mean distance of the outline from the shape is 0.8
