"""The survey decodes a film once, and again only when its file has changed."""

import json
import os
import stat
from dataclasses import replace

import cv2
import numpy as np
import pytest

import landvote.datasets.survey
from landvote.data.film import Spacing
from landvote.data.polarity import thumbnail
from landvote.datasets.folder import read_folder
from landvote.datasets.survey import Survey
from landvote.errors import ImageError


@pytest.fixture
def opened(monkeypatch):
    """Return the list of films that have been decoded."""
    films, read = [], landvote.datasets.survey.read_image

    def counted(path):
        films.append(path.name)
        return read(path)

    monkeypatch.setattr(landvote.datasets.survey, "read_image", counted)
    return films


@pytest.fixture
def samples(tmp_path, draw):
    draw(tmp_path / "data", ["a.png", "b.png"])
    return read_folder(tmp_path / "data")


def test_facts_are_those_of_the_film_and_the_same_from_the_cache(tmp_path, samples, opened):
    for _ in range(2):
        facts = Survey(tmp_path / "cache").all(samples)
        for known, sample in zip(facts, samples, strict=True):
            film = sample.open()
            assert known.film == film.film()
            assert (known.depth, known.spacing_note) == (film.pixels.dtype.name, film.spacing_note)
            np.testing.assert_array_equal(known.thumbnail, thumbnail(film))
    assert opened == ["a.png", "b.png"]


def test_a_touched_file_is_not_decoded_again_and_a_changed_one_is(tmp_path, samples, opened):
    survey = Survey(tmp_path / "cache")
    first = survey(samples[0])
    os.utime(samples[0].file, (1, 1))
    assert survey(samples[0]).film == first.film
    assert opened == ["a.png"]
    before = samples[0].file.stat()
    cv2.imwrite(str(samples[0].file), samples[1].open().pixels)
    os.utime(samples[0].file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert survey(samples[0]).film.pixels_sha256 == samples[1].open().pixel_hash()
    assert opened == ["a.png", "a.png"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"landvote": "0.0.1"}'])
def test_a_broken_or_old_record_is_made_anew(tmp_path, samples, opened, content):
    survey = Survey(tmp_path / "cache")
    first = survey(samples[0])
    (kept,) = survey.folder.iterdir()
    kept.write_bytes(content)
    assert survey(samples[0]).film == first.film
    assert opened == ["a.png", "a.png"]
    assert json.loads(kept.read_bytes())["depth"] == first.depth


@pytest.mark.parametrize(
    "key", ["bytes", "mtime_ns", "sha256", "film", "depth", "spacing_note", "thumbnail", "is_flat"]
)
def test_a_record_that_lacks_something_is_made_anew(tmp_path, samples, opened, key):
    survey = Survey(tmp_path / "cache")
    first = survey(samples[0])
    (kept,) = survey.folder.iterdir()
    record = json.loads(kept.read_bytes())
    for broken in (
        {k: v for k, v in record.items() if k != key},
        *([record | {key: 3}] if key in ("film", "thumbnail") else []),
    ):
        kept.write_text(json.dumps(broken))
        assert survey(samples[0]).film == first.film
        assert json.loads(kept.read_bytes()) == record


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_nobody_else_may_look_into_the_cache(tmp_path, samples):
    survey = Survey(tmp_path / "cache")
    survey(samples[0])
    assert stat.S_IMODE(survey.folder.stat().st_mode) == 0o700


def test_spacing_given_beside_the_film_is_not_kept_for_others(tmp_path, samples):
    survey = Survey(tmp_path / "cache")
    assert survey(replace(samples[0], spacing=Spacing(0.5, 0.5, "films.csv"))).film.spacing.x == 0.5
    assert survey(samples[0]).film.spacing is None


def test_a_ruler_goes_before_what_the_film_says(tmp_path, samples, monkeypatch):
    survey, own = Survey(tmp_path / "cache"), samples[0].open()
    monkeypatch.setattr("landvote.datasets.survey.read_image", lambda _: replace(own, spacing=Spacing(1, 1, "own")))
    for source, expected in (("films.csv", 1), ("ruler", 0.5)):
        assert survey(replace(samples[0], spacing=Spacing(0.5, 0.5, source))).film.spacing.x == expected


def test_a_film_in_memory_is_not_kept(tmp_path, samples):
    survey = Survey(tmp_path / "cache")
    assert survey(replace(samples[0], file=None)).film.size == samples[0].open().size
    assert not survey.folder.exists()


def test_a_film_that_is_gone_or_broken_is_named(tmp_path, samples):
    survey = Survey(tmp_path / "cache")
    survey(samples[0])
    samples[0].file.unlink()
    with pytest.raises(ImageError, match=r"a\.png: cannot be read"):
        survey(samples[0])
    samples[1].file.write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"b\.png: not an image"):
        survey(samples[1])
