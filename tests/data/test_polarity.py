"""Films and their negatives are told apart by what most films look like; in doubt a film stays as it is."""

import numpy as np
import pytest

from landvote.data.polarity import Polarity, thumbnail
from landvote.data.radiograph import Radiograph

HIGH, WIDE = 90, 70


def film(i, dtype=np.uint8, top=255):
    """Return film ``i``: two bright bones somewhere on a dimmer body, air on both sides."""
    rng = np.random.default_rng(i)
    y, x = np.mgrid[:HIGH, :WIDE]
    at = rng.uniform(-6, 6, 2)
    grey = 0.4 * np.exp(-(((x - 35 - at[0]) / 20) ** 4)) + rng.normal(0, 0.03, (HIGH, WIDE))
    for side in (-12, 12):
        grey += 0.5 * np.exp(-((x - 35 - side - at[0]) ** 2) / 25 - (((y - 50 - at[1]) / 25) ** 4))
    return Radiograph((np.clip(grey, 0, 1) * top).astype(dtype), f"{i}.png")


def negative(radiograph):
    pixels = radiograph.pixels
    return Radiograph(pixels.max() - (pixels - pixels.min()), radiograph.identifier)


def learned(films, stored_inverted=()):
    return Polarity.learn([thumbnail(negative(film(i)) if i in stored_inverted else film(i)) for i in films])


@pytest.mark.parametrize("films", [1, 4, 30])
def test_a_negative_is_known(films):
    polarity = learned(range(films))
    assert not any(polarity.inverted(thumbnail(film(i))) for i in range(100, 150))
    assert all(polarity.inverted(thumbnail(negative(film(i)))) for i in range(100, 150))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.45, 0.7, 1.0])
def test_most_films_decide(share):
    stored_inverted = set(range(round(40 * share)))
    polarity = learned(range(40), stored_inverted)
    minority = [not (share > 0.5)] * len(stored_inverted) + [share > 0.5] * (40 - len(stored_inverted))
    seen = [thumbnail(negative(film(i)) if i in stored_inverted else film(i)) for i in range(40)]
    assert [polarity.inverted(one) for one in seen] == minority


def test_where_half_are_negatives_the_first_film_decides():
    polarity = learned(range(10), {0, 1, 4, 7, 9})
    assert polarity.inverted(thumbnail(film(50)))
    assert not polarity.inverted(thumbnail(negative(film(50))))


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 4095), (np.uint16, 65535), (np.float32, 3.5)])
def test_a_negative_becomes_the_film_again_and_a_film_is_not_touched(dtype, top):
    polarity = learned(range(10))
    plain = film(60, dtype, top)
    assert polarity.normalise(plain) == (plain, False)
    righted, inverted = polarity.normalise(negative(plain))
    assert inverted
    assert righted.pixels.dtype == dtype
    np.testing.assert_allclose(righted.pixels, plain.pixels, atol=1e-6 * top)
    assert righted.identifier == plain.identifier


@pytest.mark.parametrize("grey", [np.zeros((30, 300), np.uint8), np.full((9, 5), 7, np.uint16), np.ones((1, 1), "f4")])
def test_a_film_without_a_picture_is_left_alone(grey):
    flat = Radiograph(grey, "flat.png")
    assert not learned(range(4)).inverted(thumbnail(flat))
    assert not Polarity.learn([thumbnail(flat)] * 3).inverted(thumbnail(film(0)))


def test_noise_is_not_taken_for_a_negative():
    rng = np.random.default_rng(0)
    noise = [thumbnail(Radiograph(rng.integers(0, 255, (40, 60), dtype=np.uint8), "noise.png")) for _ in range(40)]
    assert not any(learned(range(20)).inverted(one) for one in noise)
    polarity = Polarity.learn(noise[:12])
    assert not any(polarity.inverted(one) for one in noise)
