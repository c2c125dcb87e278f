"""What codestreams say of their size before they are decoded."""

import io

import numpy as np
import pytest
from PIL import Image

from landvote.films.codestream import Codestream


def encoded(kind, **settings):
    file = io.BytesIO()
    Image.fromarray(np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)).save(file, kind, **settings)
    return file.getvalue()


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"comment": b"\xff\xc0" * 9}])
def test_jpeg(settings):
    assert Codestream.of(encoded("JPEG", **settings)) == ("JPEG", 8, 20, 12)


@pytest.mark.parametrize("no_jp2", [True, False])
def test_jpeg_2000_with_and_without_boxes(no_jp2):
    assert Codestream.of(encoded("JPEG2000", no_jp2=no_jp2)) == ("JPEG 2000", 8, 20, 12)


def test_bytes_that_fill_up_before_a_marker_are_passed_over():
    content = encoded("JPEG")
    start = content.find(b"\xff\xdb")
    assert Codestream.of(content[:start] + b"\xff\xff" + content[start:]) == ("JPEG", 8, 20, 12)


def test_others_and_what_is_cut_short_say_nothing():
    assert Codestream.of(encoded("PNG")) is None
    assert Codestream.of(b"") is None
    for kind in ("JPEG", "JPEG2000"):
        whole = encoded(kind)
        assert {Codestream.of(whole[:n]) for n in range(len(whole))} == {None, Codestream.of(whole)}
