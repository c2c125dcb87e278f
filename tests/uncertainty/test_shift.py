"""The shift: rows that are off by whole parts, and how probably a row is, by its cues."""

import numpy as np
import pytest

from landvote.uncertainty import ROW_CUES, shifted_by
from landvote.uncertainty.shift import fit_shift, shift_probability

PARTS = tuple((2 * g, 2 * g + 1) for g in range(8))


def row(first=0):
    """Return the points of a row of parts 40 px apart that begins with part ``first``."""
    return np.array([(x, 100 + 40.0 * g) for g in range(first, first + 8) for x in (50, 90)])


@pytest.mark.parametrize("by", [-3, -2, -1, 0, 1, 2, 3])
def test_a_row_is_shifted_by_as_many_parts_as_bring_it_onto_the_true_one(by):
    noise = np.random.default_rng(by + 5).normal(0, 6, (16, 2))
    assert shifted_by(row(by) + noise, row(), PARTS) == by


def test_missing_parts_are_passed_over_and_too_few_tell_nothing():
    truth, found = row(), row(1)
    truth[:4] = np.nan
    found[12:] = np.nan
    assert shifted_by(found, truth, PARTS) == 1
    truth[:14] = np.nan
    assert shifted_by(found, truth, PARTS) is None


def films(count, share, seed=0):
    """Return cues, of which the first and the third tell of a shift, whether rows are shifted, and a fold each."""
    rng = np.random.default_rng(seed)
    shifted = (rng.uniform(size=count) < share).astype(float)
    cues = rng.normal(size=(count, len(ROW_CUES)))
    cues[:, 0] -= 2 * shifted
    cues[:, 2] += shifted
    return cues, shifted, np.arange(count) % 10


def probabilities(model, cues):
    return np.array([shift_probability(model, one) for one in cues])


def test_probabilities_are_true_and_tell_shifted_rows_from_others():
    model = fit_shift(*films(200, 0.2))
    cues, shifted, _ = films(2000, 0.2, seed=1)
    told = probabilities(model, cues)
    order = np.argsort(told)
    for some in np.array_split(order, 4):
        assert told[some].mean() == pytest.approx(shifted[some].mean(), abs=0.06)
    assert told[shifted == 1].mean() > told[shifted == 0].mean() + 0.3


@pytest.mark.parametrize("shifted", [0, 40])
def test_where_all_films_are_alike_the_probability_is_their_share(shifted):
    cues, _, fold = films(40, 0.5)
    model = fit_shift(cues, np.full(40, float(shifted > 0)), fold)
    np.testing.assert_allclose(probabilities(model, cues), (shifted + 0.5) / 41)


def test_cues_that_tell_nothing_leave_the_share():
    rng = np.random.default_rng(3)
    cues, shifted = rng.normal(size=(60, len(ROW_CUES))), (np.arange(60) % 6 == 0).astype(float)
    told = probabilities(fit_shift(cues, shifted, np.arange(60) % 10), rng.normal(size=(500, len(ROW_CUES))))
    assert np.abs(told - 1 / 6).max() < 0.15


def test_what_is_not_known_counts_as_usual_and_films_without_a_row_tell_nothing():
    cues, shifted, fold = films(100, 0.3)
    cues[:, 4] = np.nan
    shifted[::7] = np.nan
    model = fit_shift(cues, shifted, fold)
    usual = model[1, 1:].copy()
    unknown = np.full(len(ROW_CUES), np.nan)
    assert shift_probability(model, unknown) == pytest.approx(shift_probability(model, usual))
    none = fit_shift(cues, np.full(100, np.nan), fold)
    assert np.isnan(shift_probability(none, cues[0]))
