from functools import cache

import cv2
import numpy as np
import pytest

from landvote.data.scheme import Scheme
from landvote.phantom import PhantomSettings, SimulatedFilm, simulate_film
from landvote.phantom.curves import normals

FILMS = 16


@cache
def film(index: int) -> SimulatedFilm:
    return simulate_film(index, seed=5)


def profile(index: int, offsets: np.ndarray) -> np.ndarray:
    """Return grey levels along the normals of the outline, (58, offsets)."""
    f = film(index)
    at = f.points[:, None, :] + normals(f.points)[:, None, :] * offsets[:, None]
    x, y = at.astype(np.float32).transpose(2, 0, 1)
    return cv2.remap(f.pixels.astype(np.float32), x, y, cv2.INTER_LINEAR)


def test_a_film_is_the_same_whatever_else_is_made() -> None:
    simulate_film(3, seed=5)
    again = simulate_film(7, seed=5)
    first = film(7)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.points, again.points)
    assert first.attributes == again.attributes
    for annotator, points in first.annotations.items():
        assert np.array_equal(points, again.annotations[annotator])


def test_other_numbers_and_seeds_give_other_films() -> None:
    ages = {simulate_film(i, seed=s).attributes["age"] for i in (0, 1) for s in (5, 6)}
    assert len(ages) > 2


def test_every_landmark_is_on_its_film() -> None:
    for index in range(FILMS):
        f = film(index)
        height, width = f.pixels.shape
        assert f.points.shape == (len(Scheme.named("femur")), 2)
        assert (f.points > 1).all()
        assert (f.points < (width - 2, height - 2)).all()
        for drawn in f.annotations.values():
            assert (drawn >= 0).all()
            assert (drawn <= (width - 1, height - 1)).all()


def test_the_annotated_femur_is_on_the_right_of_the_picture_with_its_shaft_below() -> None:
    scheme = Scheme.named("femur")
    for index in range(FILMS):
        named = dict(zip(scheme.landmarks, film(index).points, strict=True))
        assert named["lateral shaft bottom"][0] > named["medial shaft bottom"][0]
        assert named["head, top"][1] < named["medial shaft bottom"][1]
        assert named["greater trochanter, tip"][0] > named["head, top"][0]


def test_the_outline_lies_on_the_edge_of_the_bone() -> None:
    """The mean slope across the outline peaks within half a pixel of it."""
    offsets = np.arange(-6.0, 6.01, 0.5)
    shown = [index for index in range(FILMS) if not film(index).attributes["inverted"]]
    slopes = [np.gradient(profile(index, offsets), 0.5, axis=1) for index in shown]
    mean = np.mean(slopes, axis=(0, 1))
    assert abs(offsets[np.argmax(np.abs(mean))]) <= 0.5
    assert np.abs(mean).max() > 4 * np.abs(mean[np.abs(offsets) > 4]).mean()


def test_bone_is_bright_unless_the_film_is_inverted() -> None:
    settings = PhantomSettings(inverted_share=1.0)
    dark, bright = simulate_film(2, 5, settings), simulate_film(2, 5, PhantomSettings(inverted_share=0.0))
    assert dark.attributes["inverted"]
    assert np.array_equal(255 - dark.pixels, bright.pixels)


def test_sixteen_bit_films_hold_twelve_bits() -> None:
    pixels = simulate_film(0, 5, PhantomSettings(sixteen_bit_share=1.0)).pixels
    assert pixels.dtype == np.uint16
    assert 255 < pixels.max() <= 4095


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="less than or equal to 1"):
        PhantomSettings(perthes_share=1.2)
    with pytest.raises(ValueError, match="smaller value first"):
        PhantomSettings(age_range=(9.0, 4.0))


def test_shield_and_marker_stay_off_the_outline() -> None:
    """A shield may cover a landmark or two of the head's medial side, no more."""
    settings = PhantomSettings(shield_share=1.0, marker_share=1.0, inverted_share=0.0, collimated_share=0.0)
    covered = []
    for index in range(6):
        f = simulate_film(index, 5, settings)
        x, y = np.round(f.points).astype(int).T
        covered.append(float(np.mean(f.pixels[y, x] >= 254)))
    assert np.mean(covered) < 0.03
