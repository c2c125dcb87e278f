"""Limits of a film's mean error, in three units."""

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.limit import Limit
from landvote.data.scheme import Scheme
from landvote.errors import SettingError

PLAIN = Scheme.numbered(3)
MEASURED = PLAIN.model_copy(update={"normaliser": (0, 2)})
POINTS = np.array([[0.0, 0], [5, 5], [30, 40]])


@pytest.mark.parametrize(
    ("text", "value", "unit"), [("12px", 12, "px"), ("2.5mm", 2.5, "mm"), (".5 %", 0.5, "%"), ("7", 7, "px")]
)
def test_a_limit_is_a_number_and_a_unit(text, value, unit):
    assert Limit.parse(text) == Limit(value, unit)


@pytest.mark.parametrize("text", ["", "mm", "0px", "-3mm", "3cm", "nan", "1e3", "3 mm mm"])
def test_anything_else_is_refused(text):
    with pytest.raises(SettingError, match="expected a number above 0 and px, mm or %"):
        Limit.parse(text)


def test_it_is_brought_to_pixels_where_the_film_tells():
    spacing = Spacing(0.2, 0.3, "test")
    assert Limit(8, "px").pixels(None, POINTS, PLAIN) == 8
    assert Limit(2, "mm").pixels(spacing, POINTS, PLAIN) == pytest.approx(8)
    assert Limit(10, "%").pixels(None, POINTS, MEASURED) == pytest.approx(5)
    assert np.isnan(Limit(2, "mm").pixels(None, POINTS, PLAIN))
    assert np.isnan(Limit(10, "%").pixels(None, POINTS * [[1], [1], [np.nan]], MEASURED))


def test_per_cent_takes_a_normaliser():
    Limit(1, "%").check(MEASURED)
    with pytest.raises(SettingError, match="scheme 'numbered' names no normaliser"):
        Limit(1, "%").check(PLAIN)
