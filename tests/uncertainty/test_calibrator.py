"""The calibrator: errors that cues foretell, others that they do not, and films unlike any it was fitted on."""

from dataclasses import replace

import numpy as np
import pytest

from landvote.data.prediction import ELLIPSE, LEVELS
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ModelError
from landvote.uncertainty import CUES, FILM_CUES, ROW_CUES, Calibrator, Cues, Judged, contour_axes

N = 12
STRETCH = np.array([3.0, 1.0])  # along contours and across
MEANS = np.linspace(1, 4, N)


def film(i, rng, cell=2.0, tells=0.6):
    """Return a film whose first cue tells, by its logarithm, how large an error is."""
    cues = rng.normal(size=(N, len(CUES)))
    angle = rng.uniform(0, np.pi, N)
    axes = np.moveaxis(np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), 2, 0)
    own = rng.normal(size=(N, 2)) * STRETCH * (MEANS * np.exp(tells * cues[:, 0]))[:, None] * cell
    whole = rng.normal(0, 0.2, len(FILM_CUES))
    made = Cues(cues, whole, np.tile(np.eye(2), (N, 1, 1)), cell)
    return Judged(made, axes, np.einsum("nij,nj->ni", axes, own), f"subject {i}")


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    return Calibrator.fit([film(i, rng) for i in range(300)])


@pytest.fixture(scope="module")
def others():
    rng = np.random.default_rng(1)
    return [film(i, rng, cell=5.0) for i in range(300)]


def test_films_of_other_pixels_have_the_errors_to_expect(fitted, others):
    expected = np.array([fitted.expect(f.cues, f.axes).error for f in others])
    true = np.array([f.distance for f in others])
    for some in np.array_split(np.argsort(expected.ravel()), 5):
        assert true.ravel()[some].mean() == pytest.approx(expected.ravel()[some].mean(), rel=0.15)
    assert expected.std() > 0.4 * expected.mean()  # the cue is heard


def test_radii_and_ellipses_hold_the_truth_as_often_as_they_say(fitted, others):
    told = [fitted.expect(f.cues, f.axes) for f in others]
    inside = np.mean([f.distance[:, None] <= t.radii for f, t in zip(others, told, strict=True)], axis=(0, 1))
    np.testing.assert_allclose(inside, LEVELS, atol=0.03)
    squared, areas = [], []
    for f, t in zip(others, told, strict=True):
        full = t.covariance[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
        squared.append(np.einsum("ni,nij,nj->n", f.errors, np.linalg.inv(full), f.errors))
        areas.append(ELLIPSE * np.sqrt(np.linalg.det(full)) / t.radii[:, 2] ** 2)
    assert np.mean(np.array(squared) <= ELLIPSE) == pytest.approx(0.9, abs=0.03)
    assert np.mean(areas) < 0.85  # than circles


def test_the_probability_of_failure_is_that_of_films(fitted, others):
    told = np.array([fitted.expect(f.cues, f.axes).probability_of_failure(40.0) for f in others])
    failed = np.array([f.distance.mean() > 40 for f in others])
    assert 0.2 < failed.mean() < 0.8
    assert told.mean() == pytest.approx(failed.mean(), abs=0.1)
    assert told[failed].mean() > told[~failed].mean() + 0.1


def test_films_unlike_those_it_was_fitted_on_are_not_known(fitted, others):
    assert np.mean([fitted.expect(f.cues, f.axes).known for f in others]) > 0.98
    one = others[0]
    for value in (3.0, np.nan):
        film_cues = one.cues.film.copy()
        film_cues[FILM_CUES.index("film_oddness")] = value
        odd = Cues(one.cues.landmarks, film_cues, one.cues.covariance, one.cues.cell)
        assert fitted.expect(odd, one.axes).known is False


@pytest.mark.parametrize(("count", "levels"), [(2, 1), (5, 2), (10, 3), (20, 4)])
def test_few_subjects_tell_nothing_of_high_levels(count, levels):
    rng = np.random.default_rng(2)
    films = [film(i // 2, rng) for i in range(2 * count)]
    told = Calibrator.fit(films).expect(films[0].cues, films[0].axes)
    assert np.isfinite(told.error).all()
    assert np.isfinite(told.radii).all(axis=0).tolist() == [True] * levels + [False] * (4 - levels)
    assert np.isfinite(told.covariance).all() == (levels > 2)


def test_what_is_missing_is_missing(fitted, others):
    rng = np.random.default_rng(3)
    films = [film(i, rng) for i in range(30)]
    for f in films[::3]:
        f.errors[4] = np.nan
        f.cues.landmarks[4] = np.nan
    made = Calibrator.fit(films)
    told = made.expect(films[0].cues, films[0].axes)
    assert np.isnan(told.error).tolist() == [i == 4 for i in range(N)]
    assert np.isnan(told.radii).any(axis=1).tolist() == [i == 4 for i in range(N)]
    assert np.isfinite(told.film_error)
    nothing = Cues(np.full((N, len(CUES)), np.nan), np.full(len(FILM_CUES), np.nan), others[0].cues.covariance, 1.0)
    told = fitted.expect(nothing, others[0].axes)
    assert np.isnan(told.error).all()
    assert np.isnan(told.probability_of_failure(3.0))
    assert told.known is False


def test_a_row_that_is_probably_shifted_is_told_and_without_rows_nothing_is(fitted, others):
    rng = np.random.default_rng(6)
    films = [film(i, rng) for i in range(80)]
    shifted = np.arange(80) % 4 == 0
    row = rng.normal(size=(80, len(ROW_CUES)))
    row[:, 0] -= 4 * shifted
    rows = [
        replace(f, cues=replace(f.cues, row=one), shifted=float(off))
        for f, one, off in zip(films, row, shifted, strict=True)
    ]
    made = Calibrator.fit(rows)
    told = np.array([made.expect(f.cues, f.axes).probability_of_shift for f in rows])
    assert told[shifted].min() > told[~shifted].mean()
    assert told.mean() == pytest.approx(0.25, abs=0.03)
    assert np.isnan(fitted.expect(rows[0].cues, rows[0].axes).probability_of_shift)


def test_what_was_not_told_of_the_films_learned_from_does_not_count(fitted, others):
    rng = np.random.default_rng(5)
    films = [film(i, rng) for i in range(60)]
    mute = Calibrator.fit([replace(f, cues=f.cues.without_votes()) for f in films])
    loud = replace(others[0].cues, landmarks=others[0].cues.landmarks.copy(), film=others[0].cues.film.copy())
    loud.landmarks[:, CUES.index("peak")] += 50
    loud.film[FILM_CUES.index("mean_spread")] += 50
    told = [one.expect(cues, others[0].axes) for one in (mute, fitted) for cues in (others[0].cues, loud)]
    np.testing.assert_array_equal(told[0].error, told[1].error)
    np.testing.assert_array_equal(told[0].covariance, told[1].covariance)
    assert [one.known for one in told] == [True, True, True, False]
    kept = others[0].cues.without_votes()
    assert np.isfinite(kept.landmarks).all(axis=0).sum() == 3
    assert np.isfinite(kept.film).sum() == 5


def test_errors_of_nothing_are_survived():
    rng = np.random.default_rng(4)
    films = [film(i, rng) for i in range(4)]
    for f in films:
        f.errors[:] = 0
    told = Calibrator.fit(films).expect(films[0].cues, films[0].axes)
    assert (told.error < 0.1).all()
    assert told.probability_of_failure(1.0) < 0.01


def test_it_survives_its_file(fitted, others, tmp_path):
    again = Calibrator.load(fitted.save(tmp_path / "c.npz"), N)
    one, other = (c.expect(others[0].cues, others[0].axes) for c in (fitted, again))
    np.testing.assert_array_equal(one.radii, other.radii)
    with pytest.raises(ModelError, match=r"c\.npz: means of shape \(12,\), expected \(5,\)"):
        Calibrator.load(tmp_path / "c.npz", 5)


def test_axes_lie_along_outlines():
    scheme = Scheme.numbered(6).model_copy(
        update={
            "outlines": (Outline(name="open", points=(0, 1, 2)), Outline(name="ring", points=(2, 3, 4), closed=True))
        }
    )
    points = np.array([[0, 0], [2, 2], [4, 0], [4, 4], [0, 4], [9, 9]], float)
    axes = contour_axes(scheme, points)
    np.testing.assert_allclose(
        axes[[0, 1, 3, 5], :, 0], [[0.5**0.5, 0.5**0.5], [1, 0], [-(0.5**0.5), 0.5**0.5], [1, 0]]
    )
    np.testing.assert_allclose(np.linalg.det(axes), 1)
    points[0] = np.nan
    np.testing.assert_allclose(contour_axes(scheme, points)[[0, 1], :, 0], [[1, 0], [0.5**0.5, -(0.5**0.5)]])
