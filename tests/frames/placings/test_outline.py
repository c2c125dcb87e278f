"""Windows along outlines: each lies on its few landmarks, turned so that the outline runs to the right."""

import numpy as np
import pytest

from landvote.data.scheme import Outline, Scheme
from landvote.errors import PointsError
from landvote.frames.placings import OutlineSettings, TrainingShapes

FILM = (1000, 1000)


def ellipse(count=18, width=300, height=200, turn=0.0):
    """Return points of an ellipse, clockwise on screen, from its right end."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    points = np.column_stack([width * np.cos(angle), height * np.sin(angle)])
    return points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + 500


def ring(count=18, *, closed=True, extra=0):
    outline = Outline(name="ring", points=tuple(range(count)), closed=closed)
    return Scheme.numbered(count + extra).model_copy(update={"outlines": (outline,)})


def fitted(scheme, shapes, **settings):
    settings = {"size": (96, 96), "border": 0.3, "landmarks": 3, **settings}
    return OutlineSettings(**settings).fit(TrainingShapes(scheme, (0, 1), shapes, [FILM] * len(shapes)))


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("count", "windows"), [(18, 6), (17, 6), (16, 6), (3, 1)])
def test_each_landmark_is_in_one_window_or_two(count, windows, closed):
    placing = fitted(ring(count, closed=closed), [ellipse(count)])
    assert len(placing.targets) == windows
    together = [i for target in placing.targets for i in target]
    assert set(together) == set(range(count))
    assert max(together.count(i) for i in range(count)) <= 2
    for target in placing.targets:
        assert set(np.diff(target) % count) == {1}
        assert closed or target[0] < target[-1]


def test_the_outline_runs_through_the_middle_of_a_window_from_left_to_right():
    shapes = [ellipse(turn=turn) for turn in (-0.2, 0.0, 0.3)]
    placing = fitted(ring(), shapes)
    for points in shapes:
        for target, frame in zip(placing.targets, placing.frames(FILM, points), strict=True):
            first, middle, last = frame.to_grid(points[list(target)])
            np.testing.assert_allclose(np.mean([first, middle, last], axis=0), [47.5, 47.5], atol=2)
            assert last[0] - first[0] > 20
            assert abs(last[1] - first[1]) < 0.25 * (last[0] - first[0])
            inside = frame.to_grid(np.array([[500.0, 500.0]]))[0]
            assert inside[1] > middle[1]  # of a ring that is drawn clockwise the inside is always below


def test_windows_are_as_large_whatever_lies_between_their_landmarks():
    placing = fitted(ring(), [ellipse(width=350, height=60)])
    cells = [1 / frame.scale for frame in placing.frames(FILM, ellipse(width=350, height=60))]
    assert max(cells) == pytest.approx(min(cells))
    assert placing.smallest_cell(FILM) == pytest.approx(min(cells))
    finer = fitted(ring(), [ellipse(width=350, height=60)], border=0.15).frames(FILM, ellipse())
    assert 1 / finer[0].scale < min(cells)


def test_a_window_is_laid_on_landmarks_beside_it_too():
    points, placing = ellipse(), fitted(ring(), [ellipse()])
    assert placing.near[1] == (1, 2, 3, 4, 5, 6, 7)
    assert placing.near[0] == (16, 17, 0, 1, 2, 3, 4)
    assert fitted(ring(closed=False), [ellipse()]).near[0] == (0, 1, 2, 3, 4)
    known = np.full_like(points, np.nan)
    known[list(placing.near[1])] = points[list(placing.near[1])]
    frames = placing.frames(FILM, known)
    np.testing.assert_allclose(frames[1].matrix, placing.frames(FILM, points)[1].matrix)
    assert frames[4] is None


def test_the_voter_is_told_where_on_the_body_it_looks():
    points, placing = ellipse(turn=0.4), fitted(ring(), [ellipse()])
    body = placing.body(points)
    np.testing.assert_allclose(body.to_grid(points), placing.shape, atol=1e-6)
    assert np.abs(placing.shape).max() == pytest.approx(1)
    assert placing.body(np.full_like(points, np.nan)) is None


def test_landmarks_on_no_outline_are_left_alone_and_short_outlines_too():
    scheme = ring(extra=2)
    short = Outline(name="short", points=(18, 19))
    scheme = scheme.model_copy(update={"outlines": (*scheme.outlines, short)})
    placing = fitted(scheme, [np.vstack([ellipse(), [[10, 10], [20, 30]]])])
    assert {i for target in placing.targets for i in target} == set(range(18))
    settings = OutlineSettings(size=(96, 96), landmarks=3)
    assert settings.applies(scheme)
    assert not settings.applies(scheme.model_copy(update={"outlines": (short,)}))
    assert not settings.applies(Scheme.numbered(4))


def test_films_with_holes_teach_as_far_as_they_go():
    shapes = [ellipse() for _ in range(3)]
    for lost, points in zip((3, 8, 14), shapes, strict=True):
        points[lost] = np.nan  # no film is whole
    shapes.append(np.full((18, 2), np.nan))
    shapes[-1][4] = (100, 100)  # and this one says nothing
    placing, whole = fitted(ring(), shapes), fitted(ring(), [ellipse()])
    np.testing.assert_allclose(placing.shape, whole.shape, atol=0.05)
    for one, other in zip(placing.frames(FILM, ellipse()), whole.frames(FILM, ellipse()), strict=True):
        np.testing.assert_allclose(one.to_grid(ellipse()), other.to_grid(ellipse()), atol=3)


def test_a_window_with_a_landmark_that_no_film_has_is_left_out():
    points = ellipse()
    points[4] = np.nan
    frames = fitted(ring(), [points, points.copy()]).frames(FILM, ellipse())
    assert [frame is None for frame in frames] == [False, True, False, False, False, False]


def test_without_any_window_the_outlines_cannot_be_learned():
    points = ellipse()
    points[::3] = np.nan
    with pytest.raises(PointsError, match="no training film has 3 landmarks of an outline that follow each other"):
        fitted(ring(), [points])


@pytest.mark.parametrize("closed", [True, False])
def test_windows_placed_together_lie_as_each_does_alone(closed):
    """Whatever is missing, astray, or beside the film."""
    placing = fitted(ring(closed=closed), [ellipse()])
    points = ellipse(turn=0.1)
    points[4] += 80
    points[7] = np.nan
    points[10:16] = np.nan
    points[16:] += 2000
    together = placing.frames(FILM, points)
    alone = [placing.frame(target, FILM, points) for target in range(len(placing.targets))]
    assert [frame is None for frame in together] == [frame is None for frame in alone]
    assert 0 < sum(frame is None for frame in together) < len(together)
    for one, other in zip(together, alone, strict=True):
        if one is not None:
            np.testing.assert_allclose(one.matrix, other.matrix, atol=1e-9)
