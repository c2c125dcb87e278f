"""One picture or one patient on two sides of a split."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from landvote.data.film import Film, Source
from landvote.data.polarity import thumbnail
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.leaks import copies, split_leaks
from landvote.datasets.survey import Facts
from toys import ell

PIXELS = [cv2.GaussianBlur(ell(i)[0], (5, 5), 0) for i in range(12)]


def seen(pixels):
    return thumbnail(Radiograph(pixels, "film"))


def found(*films):
    """Return the copies among films, each the pixels."""
    samples = [Sample(f"{i}", lambda p=p: Radiograph(p, "film"), Scheme.numbered(1)) for i, p in enumerate(films)]
    return copies(samples, [Facts.of(sample.open()) for sample in samples])


def jpeg(pixels):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize(
    "copy",
    [lambda p: p.astype(np.uint16) * 257, lambda p: p.astype(np.float32) / 255, jpeg,
     lambda p: cv2.resize(p, (192, 192)), lambda p: np.rint(p * 0.7 + 20).astype(np.uint8)],
)  # fmt: skip
def test_a_film_in_another_form_looks_the_same_and_other_films_do_not(copy):
    assert found(*PIXELS, copy(PIXELS[7])) == [(7, 12)]


def test_standardised_films_that_differ_in_fine_structure_alone_are_no_copies():
    noise = np.random.default_rng(0).integers(0, 12, (2, 96, 96), dtype=np.uint8)
    one, other = PIXELS[0] // 2 + noise
    assert seen(one) @ seen(other) > 0.998
    assert found(one, other) == []
    assert found(one, one.astype(np.uint16) * 257) == [(0, 1)]


def test_films_of_one_grey_are_no_copies():
    flat = np.full((9, 9), 7, np.uint8)
    assert found(flat, flat) == found(flat) == found() == []


def leaks(*films):
    """Return errors and notes of films, each a split, a patient, a named subject and pixels."""
    samples, facts = [], []
    for i, (split, patient, subject, pixels) in enumerate(films):
        samples.append(Sample(f"{i}", lambda: None, Scheme.numbered(1), subject=subject, split=split))
        film = Film(pixels_sha256=str(pixels), source=Source(patient=patient))
        facts.append(Facts(film, "uint8", "", np.eye(20)[pixels], is_flat=False))
    problems, notes = split_leaks(samples, facts)
    return [str(p).partition(", ")[0] for p in problems], notes


def test_a_patient_and_a_picture_on_two_sides_are_named_once_each():
    others = [("train", f"other {i}", "", i + 9) for i in range(4)]
    films = [("train", "x", "", 0), (None, "x", "", 1), ("val", "x", "", 2), ("test", "x", "", 0), *others]
    problems, notes = leaks(*films)
    assert problems == [
        "0 in train and 3 in test are the same picture", "0 in train and 2 in val are of one patient by their files",
        "0 in train and 3 in test are of one patient by their files",
    ]  # fmt: skip
    assert notes == []


def test_a_number_that_most_films_share_is_none():
    films = [("train", "x", "", 0), ("val", "x", "", 1), ("val", "x", "", 2), ("val", "y", "", 3), ("val", "", "", 4)]
    assert leaks(*films) == (
        [],
        ["3 of 5 films have one patient's number, which tells no patients apart; name subjects"],
    )
    assert leaks(*films, ("val", "", "", 5)) == (["0 in train and 1 in val are of one patient by their files"], [])


def test_a_subject_that_a_table_names_counts_more_than_the_file():
    films = [("train", "x", "p", 0), ("val", "x", "q", 1), ("val", "y", "r", 2), ("val", "z", "s", 3)]
    assert leaks(*films) == ([], [])


def test_films_that_look_the_same_on_one_side_are_no_leak():
    known = [
        Facts(Film(pixels_sha256=str(i)), "uint8", "", seen(p), is_flat=False)
        for i, p in enumerate([PIXELS[0], jpeg(PIXELS[0])])
    ]
    films = {"a": PIXELS[0], "b": jpeg(PIXELS[0])}
    opened = {name: lambda p=p: Radiograph(p, "film") for name, p in films.items()}
    samples = [Sample(name, opened[name], Scheme.numbered(1), split="val") for name in "ab"]
    assert split_leaks(samples, known) == ([], [])
    (problem,), _ = split_leaks([samples[0], replace(samples[1], split="test")], known)
    assert str(problem) == "a in val and b in test look like one picture, expected in one split"
