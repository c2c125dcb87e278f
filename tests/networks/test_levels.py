"""Levels: the loss written out as loops, the network, and a ladder whose rungs are told apart by what they show."""

import numpy as np
import pytest
import torch

from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks.levels import REACH, Levels, RowNet
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.votes import Lesson

SETTINGS = NetworkSettings(
    method="levels", width=4, depth=2, stride=4, cell=4, head_width=8, smoothing=0.0, sharpness=0.5, gain=0.3,
    precision="fp32",
)  # fmt: skip
N, ROWS, COLUMNS = 4, 16, 3
POINTS = torch.tensor([[[5.0, y] for y in (17.0, 26.3, 35.0, 44.0)], [[6.0, y] for y in (12.0, 21.0, 31.0, 40.5)]])


def planes(seed=0):
    """Return planes that are alike across the grid, as the network makes them."""
    made = torch.randn(2, N + 2 * REACH, ROWS, 1, generator=torch.Generator().manual_seed(seed))
    return made.expand(-1, -1, -1, COLUMNS)


def literal(film, points):
    """Return the loss of one film from its (levels, rows) planes: each place, each shift, each half."""
    logs = film - np.log(np.exp(film).sum(axis=0))
    y = [float(p) for p in points[:, 1]]
    y = [y[0] - 2 * (y[1] - y[0]), y[0] - (y[1] - y[0]), *y, y[-1] + (y[-1] - y[-2]), y[-1] + 2 * (y[-1] - y[-2])]
    at = [np.clip((place + 0.5) / 4 - 0.5, 0, ROWS - 1) for place in y]

    def log(level, place):
        over = min(int(at[place]), ROWS - 2)
        return (1 - at[place] + over) * logs[level, over] + (at[place] - over) * logs[level, over + 1]

    of_rows = []
    for half in ((0, 2), (1, 3), (0, 1), (2, 3)):
        likely = [2 * 0.5 * sum(log(g + REACH, g + shift) for g in half) for shift in range(2 * REACH + 1)]
        of_rows.append(np.log(np.exp(likely).sum()) - likely[REACH])
    of_levels = [-log(g + REACH, g + REACH) for g in range(N)]
    return np.mean(of_rows) + 0.3 * np.mean(of_levels)


def test_the_loss_is_that_of_rows_in_halves_and_of_levels():
    codec, made = Levels(N, SETTINGS), planes()
    expected = np.mean([literal(film.numpy()[..., 0], points) for film, points in zip(made, POINTS, strict=True)])
    assert float(codec.loss(made, codec.encode(POINTS, ROWS, COLUMNS), 0.0)) == pytest.approx(expected, rel=1e-5)


def test_planes_that_are_sure_of_the_levels_cost_nothing_and_of_those_beside_much():
    codec = Levels(N, SETTINGS)
    sure = torch.full((1, N + 2 * REACH, ROWS, 1), -30.0)
    points = torch.tensor([[[5.0, 4 * 2 * (g + 2) + 1.5] for g in range(N)]])  # a landmark every second row of the grid
    for level in range(N + 2 * REACH):
        sure[:, level, 2 * level : 2 * level + 2] = 30.0
    of = lambda shown: float(codec.loss(shown, codec.encode(points, ROWS, 1), 0.0))  # noqa: E731
    assert of(sure) < 1e-3
    assert of(sure.roll(1, dims=1)) > 10


def test_missing_landmarks_cost_and_teach_nothing():
    codec, points = Levels(N, SETTINGS), POINTS.clone()
    points[0] = torch.nan
    points[1, 3, 0] = torch.nan  # the last one: nothing is known of places beyond it either
    points[1, 3, 1] = torch.nan
    made = planes().clone().requires_grad_()
    loss = codec.loss(made, codec.encode(points, ROWS, COLUMNS), 0.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(made.grad).all()
    assert not made.grad[0].any()
    assert made.grad[1].any()
    nothing = codec.loss(planes(), codec.encode(torch.full_like(POINTS, torch.nan), ROWS, COLUMNS), 0.0)
    assert float(nothing) == 0


def test_votes_are_probabilities_among_all_levels():
    dx, dy, weight = Levels(N, SETTINGS).decode(planes())
    assert not dx.any()
    assert not dy.any()
    assert weight.shape == (2, N, ROWS, COLUMNS)
    assert (weight.sum(dim=1) < 1).all()
    torch.testing.assert_close(weight, torch.softmax(planes(), dim=1)[:, REACH:-REACH])


def test_only_the_height_of_a_place_is_an_error():
    away = Levels(2, SETTINGS).away(np.array([[3.0, 5], [90, 2]]), np.array([[50.0, 8], [90, np.nan]]))
    np.testing.assert_array_equal(away, [3, np.nan])


@pytest.mark.parametrize("size", [(64, 32), (48, 20)])
def test_the_planes_of_the_network_are_alike_across_the_grid(size):
    network = RowNet(9, SETTINGS).eval()
    seen = network(torch.randn(2, 1, *size))
    assert seen.shape == (2, 9, size[0] // 4, size[1] // 4)
    assert (seen == seen[..., :1]).all()


def ladder(i):
    """Return a film with a row of rungs, of which each is as bright as the next but as wide as its number says."""
    rng = np.random.default_rng(i)
    y = np.array([30 + 14 * g for g in range(-REACH, N + REACH)]) + rng.integers(-6, 7)
    pixels = rng.normal(0, 5, (120, 48))
    for g, at in enumerate(y):
        pixels[at - 3 : at + 4, 24 - 2 * (g + 2) : 24 + 2 * (g + 2)] += 80
    return pixels, np.column_stack([np.full(N, 24.0), y[REACH:-REACH]])


def views_of(films):
    made = []
    for i in films:
        pixels, points = ladder(i)
        made.append(CachedFilm.of(pixels, Frame.similarity(1.0, 0.0, (0, 0), (0, 0), (48, 120)), points, str(i)))
    return Views(made, Augmentation(rotation=(0, 0), scale=0.02, shift=0.1, mirror=False, erase=0))


@pytest.mark.slow
def test_rungs_that_differ_in_width_are_told_apart(tmp_path):
    training = TrainingSettings(steps=250, batch=4, rate=0.01, judge_every=250, average=0.9)
    voter = SETTINGS.fit(training, Lesson("levels", N, views_of(range(16)), views_of(range(20, 24)), tmp_path, "cpu"))
    right = []
    for i in range(40, 48):
        view = views_of([i]).plain(0)
        votes = voter.vote(view)
        x, y = votes.to_cells(view.points).round().astype(int).T
        right += [int(votes.votes[:, b, a].argmax()) == g for g, (a, b) in enumerate(zip(x, y, strict=True))]
    assert np.mean(right) > 0.9
