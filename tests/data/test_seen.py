"""Films that a model has seen: by pixels first, then by patient and subject."""

import pytest

from landvote.data.film import Film, Source
from landvote.data.seen import SEEN, Seen, SeenFilms, worse

KNOWN = SeenFilms({"aa": "train", "bb": "val"}, frozenset({"x"}), frozenset({"s"}))


@pytest.mark.parametrize(
    ("pixels", "patient", "subject", "told"),
    [
        ("aa", "x", "s", "train"),
        ("bb", "", "", "val"),
        ("cc", "x", "", "patient"),
        ("cc", "y", "s", "patient"),
        ("cc", "y", "t", "no"),
        ("cc", "", "", "no"),
        ("", "x", "", "patient"),
        ("", "", "", ""),  # nothing is known of the film
    ],
)
def test_a_film_is_told_by_its_pixels_then_by_whose_it_is(pixels: str, patient: str, subject: str, told: Seen) -> None:
    assert KNOWN.told(Film(pixels_sha256=pixels, source=Source(patient=patient)), subject) == told


def test_of_two_marks_the_one_that_flatters_more_holds() -> None:
    assert SEEN == ("train", "val", "patient", "no", "")
    assert worse("no", "patient") == worse("patient", "no") == "patient"
    assert worse("", "no") == "no"
