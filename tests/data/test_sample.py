"""Radiographs, spacing and samples refuse what they cannot be; the truth is the mean of the annotators."""

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.points import mean_points
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError, PointsError

NAN = float("nan")


def film():
    return Radiograph(np.zeros((20, 30), np.uint8), "f")


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5), (5, 0)])
def test_pixels_of_another_shape_are_refused(shape):
    with pytest.raises(ImageError, match=r"f: pixels have shape .* expected \(height, width\)"):
        Radiograph(np.zeros(shape, np.uint8), "f")


@pytest.mark.parametrize("kind", ["int16", "float64", "bool", ">u2"])
def test_pixels_of_another_type_are_refused(kind):
    with pytest.raises(ImageError, match=r"f: pixels of type .*, expected one of uint8, uint16, float32"):
        Radiograph(np.zeros((2, 3), kind), "f")


def test_a_spacing_given_beside_the_film_counts_where_it_has_none():
    given, own = Spacing(0.2, 0.2, "films.csv"), Spacing(0.1, 0.1, "PixelSpacing")
    unknown = Radiograph(np.zeros((2, 3), np.uint8), "f", spacing_note="the file gives no pixel spacing")
    assert (unknown.spaced(given).spacing, unknown.spaced(given).spacing_note) == (given, "")
    assert unknown.spaced(None) is unknown
    assert Radiograph(np.zeros((2, 3), np.uint8), "f", own).spaced(given).spacing == own


def test_size_is_width_then_height():
    assert film().size == (30, 20)


@pytest.mark.parametrize(("x", "y"), [(0, 1), (0.2, -0.2), (NAN, 0.2), (np.inf, 0.2)])
def test_spacing_is_positive(x, y):
    with pytest.raises(ImageError, match=r"\(user\), expected positive"):
        Spacing(x, y, "user")


def test_points_must_fit_the_scheme():
    with pytest.raises(PointsError, match=r"f: points of ann have shape \(3, 2\), expected \(2, 2\) for scheme"):
        Sample("f", film, Scheme.numbered(2), {"ann": np.zeros((3, 2))})


@pytest.mark.parametrize(
    "occluded", [{"bob": [False, False]}, {"ann": [True]}, {"ann": [False, True]}], ids=["no one", "shape", "missing"]
)
def test_only_points_that_there_are_can_be_occluded(occluded):
    points = {"ann": np.array([[1, 2], [NAN, NAN]])}
    with pytest.raises(PointsError, match=r"f: occluded landmarks of '.*', expected those with points"):
        Sample("f", film, Scheme.numbered(2), points, occluded={a: np.array(h) for a, h in occluded.items()})
    Sample("f", film, Scheme.numbered(2), points, occluded={"ann": np.array([True, False])})


def test_a_film_without_subject_is_its_own():
    assert Sample("f", film, Scheme.numbered(2)).subject == "f"
    assert Sample("f", film, Scheme.numbered(2), subject="p").subject == "p"
    assert Sample("f", film, Scheme.numbered(2)).named_subject == ""
    assert Sample("f", film, Scheme.numbered(2), subject="p").named_subject == "p"


def test_without_annotations_all_points_are_missing():
    assert np.isnan(Sample("f", film, Scheme.numbered(2)).points).all()


def test_the_truth_is_the_mean_over_those_who_gave_a_point():
    a = np.array([[0.0, 0.0], [4.0, 4.0], [NAN, NAN]])
    b = np.array([[2.0, 6.0], [NAN, NAN], [NAN, NAN]])
    sample = Sample("f", film, Scheme.numbered(3), {"a": a, "b": b})
    np.testing.assert_array_equal(sample.points, [[1, 3], [4, 4], [NAN, NAN]])


def test_half_a_point_counts_as_missing():
    a, b = np.array([[NAN, 8.0]]), np.array([[2.0, 4.0]])
    np.testing.assert_array_equal(mean_points([a, b], 1), [[2, 4]])


@pytest.mark.parametrize(
    ("points", "collapsed"),
    [
        ([[0, 0], [0, 0], [0, 0], [0, 0]], True),
        ([[7, 7], [NAN, NAN], [7, 7], [NAN, NAN]], True),
        ([[7, 7], [7, 7], [9, 9], [3, 4]], True),  # the reference points
        ([[7, 7], [8, 8], [3, 3], [3, 3]], True),  # a part
        ([[7, 7], [NAN, NAN], [NAN, NAN], [NAN, NAN]], False),
        ([[1, 2], [3, 4], [1, 2], [3, 4]], False),
    ],
)
def test_points_in_one_place_are_collapsed(points, collapsed):
    scheme = Scheme(
        name="s",
        landmarks=tuple("abcd"),
        file_points=4,
        columns=(0, 1, 2, 3),
        reference=(0, 1),
        repeats=((0, 1), (2, 3)),
    )
    assert Sample("f", film, scheme, {"": np.array(points, float)}).collapsed is collapsed
    assert not Sample("f", film, scheme).collapsed
