"""Overlays: points drawn where they are, outlines closed where the scheme says so, odd films all the same."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Spacing
from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.reports.overlays import PREDICTED, TRUTH, Expectation, overlay, overlay_figure, write_overlay
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
    prediction = Prediction("film", truth, np.full(len(truth), np.nan), scheme.landmarks)
    write_overlay(tmp_path / "film.png", np.zeros((200, 200), np.uint8), prediction, scheme)
    red, _, blue = np.asarray(Image.open(tmp_path / "film.png").convert("RGB")).reshape(-1, 3).T.astype(int)
    assert (red - blue > 150).any()  # amber
    assert not (blue - red > 50).any()


def test_points_have_the_colours_of_their_expected_errors_and_ellipses_that_hold_90_per_cent() -> None:
    points = np.array([[50.0, 60.0], [150.0, 60.0], [100.0, 120.0]])
    errors, covariance = np.array([2.0, 8.0, np.nan]), np.array([[9.0, 0, 1], [5.0, 4.0, 5.0], [np.nan] * 3])
    expected = Expectation(errors, covariance, Spacing(0.5, 0.5, "user"))
    figure = overlay_figure(
        np.zeros((200, 200), np.uint8), np.full((3, 2), np.nan), points, Scheme.numbered(3), expected
    )
    ax, bar = figure.axes
    assert bar.get_xlim() == (1, 4)  # mm
    (text,) = figure.texts
    assert text.get_text() == "expected error (mm); ellipses hold the truth in 90 % of cases"
    *_, rings, dots = ax.collections
    ring, turned = (np.asarray(r) for r in rings.get_segments())
    assert len(ring) == len(turned) == 41
    assert np.abs(ring - points[0]).max(axis=0) == pytest.approx(np.sqrt(4.605 * np.array([9, 1])), rel=1e-3)
    longest = (turned - points[1])[np.linalg.norm(turned - points[1], axis=1).argmax()]
    assert longest[0] == pytest.approx(longest[1])  # x and y are wrong together
    sure, doubtful, unknown = dots.get_facecolors()
    assert sure[1] > doubtful[1] + 0.3  # yellow, purple
    np.testing.assert_array_equal(rings.get_edgecolors()[1], doubtful)
    np.testing.assert_array_equal(unknown, [1, 1, 1, 1])


def test_errors_that_are_nearly_equal_look_so_and_are_in_pixels_without_a_spacing() -> None:
    points = np.array([[50.0, 60.0], [150.0, 60.0]])
    for errors, end in (([2.0, 2.2], 3.0), ([2.0, 9.0], 9.0), ([0.0, 0.0], 1e-6), ([2.0, np.inf], 3.0)):
        figure = overlay_figure(
            np.zeros((200, 200), np.uint8),
            points,
            points,
            Scheme.numbered(2),
            Expectation(np.array(errors), np.full((2, 3), np.nan)),
        )
        assert figure.axes[1].get_xlim() == pytest.approx((errors[0], end))
        assert figure.texts[0].get_text() == "expected error (px)"  # and not a word of ellipses


@pytest.mark.parametrize("grey", [0, 255])
def test_a_film_that_is_not_known_has_a_frame_and_words_on_any_film(tmp_path, grey: int) -> None:
    points = np.array([[60.0, 30.0], [70.0, 180.0]])  # a narrow picture, on which the words take several lines
    made = Prediction("film", points, np.array([1.0, 2.0]), ("a", "b"), known=False)
    film = np.full((200, 200), grey, np.uint8)
    film[:2] = 255 - grey
    pictures = {}
    for known in (False, True, None):
        write_overlay(tmp_path / f"{known}.png", film, replace(made, known=known), Scheme.numbered(2))
        pictures[known] = np.asarray(Image.open(tmp_path / f"{known}.png").convert("RGB")).astype(int)
    warned = np.abs(pictures[False] - [0xD5, 0x5E, 0]).sum(axis=2) < 20
    assert pictures[False].shape[0] > pictures[True].shape[0]  # words stand above the film, and hide nothing
    top = pictures[False].shape[0] - pictures[True].shape[0]
    assert warned[:top].mean() > 0.6
    assert (pictures[False][:top].min(axis=2) > 240).any()  # white letters
    assert warned[top : top + 300, :4].all()
    assert warned[top : top + 300, -4:].all()
    for known in (True, None):
        assert not (np.abs(pictures[known] - [0xD5, 0x5E, 0]).sum(axis=2) < 20).any()
