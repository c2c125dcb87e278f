"""Overlays: points drawn where they are, outlines closed where the scheme says so, odd films all the same."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.reports.overlays import PREDICTED, TRUTH, overlay, overlay_figure, write_overlay
from landvote.reports.style import as_data_uri


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def test_overlay_shows_points_where_they_are() -> None:
    """The picture is cropped and scaled; truth and prediction must still land on the film's bright dots."""
    film = np.zeros((400, 600), dtype=np.uint16)
    truth, predicted = np.array([[200.0, 100.0], [400.0, 300.0]]), np.array([[260.0, 100.0], [400.0, 240.0]])
    figure = overlay_figure(film, truth, predicted, Scheme.numbered(2))
    axes = figure.axes[0]
    image = np.asarray(picture(as_data_uri(figure, "jpeg")).convert("RGB")).astype(int)
    for (x, y), blue in [(truth[0], True), (truth[1], True), (predicted[0], False), (predicted[1], False)]:
        column, up = axes.transData.transform((x, y))
        red, _, b = image[round(image.shape[0] - up), round(column)]
        assert (b > red) == blue


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_overlay_of_odd_films(dtype: type) -> None:
    """Constant films, points far outside, nothing found: a picture all the same."""
    film = np.full((50, 40), 7, dtype=dtype)
    far = np.array([[-5000.0, 20.0], [20.0, 9000.0]])
    nothing = np.full((2, 2), np.nan)
    for truth, predicted in [(np.array([[10.0, 10.0], [30.0, 40.0]]), far), (far, nothing), (nothing, nothing)]:
        width, height = picture(as_data_uri(overlay_figure(film, truth, predicted, Scheme.numbered(2)), "jpeg")).size
        assert max(width, height) <= 800


def test_the_drawing_is_the_points_their_outlines_and_what_lies_between(scheme: Scheme, truth: Points) -> None:
    predicted = truth + 3.0
    predicted[0] = np.nan
    (ax,) = overlay_figure(np.zeros((200, 200), np.uint8), truth, predicted, scheme).axes
    drawn = {}
    for line in ax.get_lines():
        drawn.setdefault(line.get_color(), []).append(np.asarray(line.get_xydata()))
    for points, colour in ((truth, TRUTH), (predicted, PREDICTED)):
        ring, line, dots = drawn[colour]
        np.testing.assert_array_equal(ring, points[[*range(8), 0]])  # closed
        np.testing.assert_array_equal(line, points[[8, 9, 10]])
        np.testing.assert_array_equal(dots, points)
    (between,) = ax.collections
    np.testing.assert_array_equal(between.get_segments(), np.stack([truth, predicted], axis=1)[1:])


def test_a_film_that_cannot_be_decoded_is_named(samples: list[Sample]) -> None:
    def broken() -> Radiograph:
        raise ImageError("film.png: truncated after 12 bytes")

    film = samples[0]
    shown = overlay("Worst", "3 px", film, film.points, film.points)
    assert (shown.heading, shown.identifier, shown.caption, shown.trouble) == ("Worst", film.identifier, "3 px", "")
    assert shown.picture.startswith("data:image/jpeg;base64,")
    shown = overlay("Worst", "3 px", replace(film, open=broken), film.points, film.points)
    assert (shown.picture, shown.trouble) == ("", "film.png: truncated after 12 bytes")


def test_an_overlay_beside_a_prediction_has_no_truth(tmp_path, scheme: Scheme, truth: Points) -> None:
    write_overlay(tmp_path / "film.png", np.zeros((200, 200), np.uint8), truth, scheme)
    red, _, blue = np.asarray(Image.open(tmp_path / "film.png").convert("RGB")).reshape(-1, 3).T.astype(int)
    assert (red - blue > 150).any()  # amber
    assert not (blue - red > 50).any()
