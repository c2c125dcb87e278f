"""The limit: how large a film's mean error may be, in pixels, millimetres, or per cent of the normalising distance."""

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from landvote.data.film import Spacing
from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.errors import SettingError

Unit = Literal["px", "mm", "%"]

_FORM = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(px|mm|%|)")


@dataclass(frozen=True)
class Limit:
    """A positive length: ``value`` in pixels, millimetres, or per cent of the distance of the scheme's normaliser."""

    value: float
    unit: Unit = "px"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limit that a text such as ``12px``, ``2.5mm``, ``1%`` or ``12`` (pixels) says; or SettingError."""
        told = _FORM.fullmatch(text.strip())
        if told is None or float(told[1]) <= 0:
            raise SettingError(f"failure limit {text!r}, expected a number above 0 and px, mm or %, such as 2.5mm")
        return cls(float(told[1]), next((unit for unit in get_args(Unit) if unit == told[2]), "px"))

    def check(self, scheme: Scheme) -> None:
        """Return if films of a scheme can have such a limit; SettingError if they cannot."""
        if self.unit == "%" and scheme.normaliser is None:
            raise SettingError(
                f"failure limit in %: scheme {scheme.name!r} names no normaliser, expected a limit in px or mm"
            )

    def pixels(self, spacing: Spacing | None, points: Points, scheme: Scheme) -> float:
        """Return it in pixels of a film with (n, 2) points, image coordinates; NaN where the film does not tell."""
        if self.unit == "px":
            return self.value
        if self.unit == "mm":
            return self.value / ((spacing.x + spacing.y) / 2) if spacing else float("nan")
        if scheme.normaliser is None:
            return float("nan")
        one, other = points[list(scheme.normaliser)]
        return self.value / 100 * float(np.linalg.norm(one - other))
