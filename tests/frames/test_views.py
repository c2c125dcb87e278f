"""Views: what a stage sees of a film, plain and varied; pixels and points stay together in all of them."""

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.frames import Augmentation, Frame, Reading, View, Views, standardise
from landvote.frames.placings import FilmPlacing, SpanSettings, TrainingShapes
from landvote.frames.views import CachedFilm
from landvote.recipes import recipe

STILL = Augmentation(rotation=(0, 0), scale=0, shift=0, gamma=0, contrast=0, blur=0, noise=0, erase=0)
MOVING = STILL.model_copy(update={"rotation": (-20, 20), "scale": 0.3, "shift": 0.1})
DOTS = np.array([[131.3, 92.6], [70.4, 150.2]])


def film(points=DOTS, size=(200, 220), dtype=np.uint8, heights=(1.0, 0.6)):
    """Return a dark film with a bright dot at each point, the second one fainter."""
    x, y = np.arange(size[0]), np.arange(size[1])[:, None]
    grey = sum(
        h * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 4.0**2)) for (px, py), h in zip(points, heights, strict=True)
    )
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    return (grey * top * 0.9).astype(dtype)


def sample(pixels, points, name="film.png"):
    return Sample(name, lambda: Radiograph(pixels, name), Scheme.numbered(len(points)), {"": points})


def views(augmentation, mirror=None, films=1):
    placing = FilmPlacing((96, 104), 0.05, (0, 1))
    samples = [sample(film(), DOTS, f"{i}.png") for i in range(films)]
    return Reading(samples, [(placing, augmentation, mirror)]).views()[0]


def dot_near(pixels, at, reach=6):
    """Return the bright mass's centre within ``reach`` cells of ``at``, and its height."""
    x0, y0 = np.round(at).astype(int)
    part = pixels[y0 - reach : y0 + reach + 1, x0 - reach : x0 + reach + 1]
    mass = part - part.min()
    y, x = np.indices(part.shape)
    centre = x0 - reach + (mass * x).sum() / mass.sum(), y0 - reach + (mass * y).sum() / mass.sum()
    return centre, mass.max()


def assert_together(view):
    for point in view.points:
        at, height = dot_near(view.pixels, point)
        np.testing.assert_allclose(at, point, atol=0.15)
        assert height > 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_view_moves_pixels_and_points_together(dtype):
    frame = Frame.whole((200, 220), (96, 104), 0.05)
    view = View.through(frame, film(dtype=dtype), DOTS, "film.png")
    assert_together(view)
    np.testing.assert_allclose(frame.to_image(view.points), DOTS)
    assert (view.pixels.dtype, view.pixels.shape, view.identifier) == (np.float32, (104, 96), "film.png")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_working_copy_shows_what_the_film_shows(dtype):
    frame = Frame.similarity(0.45, 0.1, (100, 110), (47.5, 51.5), (96, 104))
    pixels = film(dtype=dtype)
    working, direct = CachedFilm.of(pixels, frame, DOTS, "f").view(frame), View.through(frame, pixels, DOTS)
    assert_together(working)
    np.testing.assert_allclose(working.points, direct.points)
    assert np.abs(working.pixels - direct.pixels)[3:-3, 3:-3].mean() < 0.03


def test_the_working_copy_keeps_sixteen_bits_of_a_narrow_window():
    faint = (60_000 + 40 * film(dtype=np.float32)).astype(np.uint16)  # 40 of 65,536 grey levels
    frame = Frame.whole((200, 220), (96, 104), 0.05)
    assert_together(CachedFilm.of(faint, frame, DOTS, "f").view(frame))


def test_plain_views_are_the_unvaried_ones():
    plain = views(MOVING).plain(0)
    assert_together(plain)
    np.testing.assert_allclose(plain.points, Frame.whole((200, 220), (96, 104), 0.05).to_grid(DOTS))


@pytest.mark.parametrize("seed", range(6))
def test_varied_views_keep_dot_and_point_together(seed):
    varied = views(MOVING).varied(0, np.random.default_rng(seed))
    assert_together(varied)
    np.testing.assert_allclose(varied.frame.to_image(varied.points), DOTS)
    assert np.abs(varied.points - views(MOVING).plain(0).points).max() > 0.5


def test_varied_views_are_new_each_time_and_repeat_with_the_generator():
    gathered = views(Augmentation())
    first, again, other = (gathered.varied(0, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_no_ranges_vary_nothing():
    gathered = views(STILL)
    plain, varied = gathered.plain(0), gathered.varied(0, np.random.default_rng(0))
    np.testing.assert_array_equal(plain.pixels, varied.pixels)
    np.testing.assert_array_equal(plain.points, varied.points)


def test_a_mirror_swaps_the_pixels_and_the_paired_landmarks():
    gathered = views(STILL.model_copy(update={"mirror": True}), np.array([1, 0]))
    plain = gathered.plain(0)
    seen = [gathered.varied(0, np.random.default_rng(s)) for s in range(12)]
    swapped = [v for v in seen if not np.array_equal(v.points, plain.points)]
    assert 0 < len(swapped) < len(seen)
    for view in swapped:
        np.testing.assert_allclose(view.pixels, plain.pixels[:, ::-1], atol=0.02)
        flipped = np.column_stack([95 - plain.points[:, 0], plain.points[:, 1]])
        np.testing.assert_allclose(view.points, flipped[::-1])  # the pair has changed places


def test_no_mirror_without_pairs():
    gathered = views(STILL.model_copy(update={"mirror": True}))
    for seed in range(8):
        np.testing.assert_array_equal(gathered.varied(0, np.random.default_rng(seed)).points, gathered.plain(0).points)


def test_the_papers_copies_are_fixed():
    gathered = views(recipe("paper").stages[0].augmentation, films=2)
    assert len(gathered) == 4
    for i in range(2):  # the films themselves ...
        np.testing.assert_array_equal(gathered.varied(i, np.random.default_rng(0)).pixels, gathered.plain(i).pixels)
    copies = [gathered.varied(i, np.random.default_rng(i)) for i in (2, 3)]  # ... and one turned copy of each
    for i, copy in zip((2, 3), copies, strict=True):
        again = gathered.varied(i, np.random.default_rng(99))
        np.testing.assert_array_equal(copy.pixels, again.pixels)
        np.testing.assert_array_equal(copy.points, again.points)
        assert_together(copy)
    assert not np.allclose(copies[0].points, copies[1].points)


def test_films_are_opened_once_and_reported():
    opened, seen = [], []

    def open_film():
        opened.append(1)
        return Radiograph(film(), "f")

    one = Sample("f", open_film, Scheme.numbered(2), {"": DOTS})
    looks = [(FilmPlacing((96, 104), 0, (1,)), MOVING, None), (FilmPlacing((96, 104), 0, (0, 1)), MOVING, None)]
    reading = Reading([one, one, one], looks, seen=lambda: seen.append(1))
    few, _ = reading.views(most=1)
    assert (len(few), len(opened)) == (1, 1)
    gathered, both = reading.views()
    for seed in range(3):
        gathered.varied(0, np.random.default_rng(seed))
    assert (len(gathered), len(both), len(opened), len(seen)) == (3, 3, 3, 3)
    assert gathered.plain(0).points.shape == (1, 2)  # only the landmarks the placing is for
    assert both.plain(0).points.shape == (2, 2)


def test_a_film_is_unrolled_where_the_placing_says_so_its_points_with_it():
    parts = tuple((g,) for g in range(5))
    scheme = Scheme.numbered(5).model_copy(update={"repeats": parts, "order": "down"})
    bent = np.array([[90.0, 30], [105, 65], [110, 100], [104, 135], [92, 170]])
    pixels = film(bent, heights=(1.0,) * 5)
    row = Sample("row.png", lambda: Radiograph(pixels, "row.png"), scheme, {"": bent})
    placing = SpanSettings(size=(32, 96), border=0.1).fit(TrainingShapes(scheme, (), [bent], [(200, 220)]))
    (unrolled,) = Reading([row], [(placing, MOVING, None)]).views()
    for view in (unrolled.plain(0), *(unrolled.varied(0, np.random.default_rng(seed)) for seed in range(5))):
        for point in view.points:
            found, height = dot_near(view.pixels, point, 4)
            assert np.linalg.norm(found - point) < 1
            assert height > 0.5
    plain = unrolled.plain(0).points
    np.testing.assert_allclose(plain[:, 0], 15.5, atol=0.7)
    np.testing.assert_allclose(np.diff(plain[:, 1]), placing.part, atol=0.7)


def test_missing_points_stay_missing():
    points = np.array([[131.3, 92.6], [np.nan, np.nan]])
    looks = [(FilmPlacing((96, 104), 0.05, (0, 1)), MOVING, None)]
    (gathered,) = Reading([sample(film(), points)], looks).views()
    varied = gathered.varied(0, np.random.default_rng(0))
    assert np.isnan(varied.points[1]).all()
    assert np.isfinite(varied.points[0]).all()


def test_standardise_uses_the_film_and_not_what_lies_outside():
    grid = np.linspace(300, 700, 101 * 101, dtype=np.float32).reshape(101, 101)
    inside = standardise(grid)
    assert np.percentile(inside, [1, 99]) == pytest.approx([-1, 1], abs=0.05)
    framed = np.full((201, 201), np.nan, np.float32)
    framed[50:151, 50:151] = grid
    out = standardise(framed)
    assert np.abs(out[50:151, 50:151] - inside).max() < 0.05
    assert (out[:50] == 0).all()


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_standardise_without_any_contrast_is_finite(value):
    out = standardise(np.full((20, 30), value, np.float32))
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1.5


def test_standardise_is_the_same_for_any_exposure():
    grid = np.random.default_rng(0).uniform(0, 1, (50, 60)).astype(np.float32)
    np.testing.assert_allclose(standardise(grid * 4000 + 100), standardise(grid), atol=1e-3)


def test_layers_tell_where_on_the_body_each_cell_lies():
    pixels = np.zeros((60, 80), np.uint8)
    frame = Frame.similarity(0.5, 0.3, (40, 30), (16, 16), (32, 32))
    body = Frame.similarity(0.02, -0.2, (40, 30), (0, 0), (1, 1))
    plain = View.through(frame, pixels, np.array([[40.0, 30.0]]))
    assert plain.layers().shape == (1, 32, 32)
    layers = View.through(frame, pixels, np.array([[40.0, 30.0]]), body=body).layers()
    assert layers.dtype == np.float32
    for x, y in ((16, 16), (3, 28)):
        np.testing.assert_allclose(
            layers[1:, y, x], body.to_grid(frame.to_image(np.array([[x, y]], float)))[0], atol=1e-5
        )


def test_a_varied_view_takes_the_body_along():
    body = Frame.similarity(0.02, 0.0, (40, 30), (0, 0), (1, 1))
    frame = Frame.similarity(0.5, 0.0, (40, 30), (16, 16), (32, 32))
    film = CachedFilm.of(np.zeros((60, 80), np.uint8), frame, np.array([[40.0, 30.0]]), "film", body)
    varied = Views([film], Augmentation(mirror=False)).varied(0, np.random.default_rng(1))
    x, y = varied.points[0].round().astype(int)
    assert np.abs(varied.layers()[1:, y, x]).max() < 0.03  # where the point went, the body's middle went
