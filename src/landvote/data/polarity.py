"""Polarity: films stored with bone dark are recognised, because most other films look the other way round.

DICOM says how its grey values are meant, PNG and JPEG do not, and folders of exported films hold some of each kind. A
voter that has learned from the one kind is lost in the other, so films are brought to one polarity before it looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from landvote.data.points import FloatArray
from landvote.data.radiograph import Radiograph

Picture = FloatArray

_SIDE = 24  # cells of a picture, along x and along y
_SAMPLED = 200  # pixels a side, or up to twice as many, are enough to make one from
_CALM = 0.3  # ridge; pictures have length 1
_SURE = 0.4  # films that agree with the others have about 1, inverted ones about -1
_ROUNDS = 20


def thumbnail(radiograph: Radiograph) -> Picture:
    """Return the whole film as (24 x 24,) grey values, without their mean, of length 1; zeros if it is all one grey."""
    step = max(1, min(radiograph.size) // _SAMPLED)
    some = np.ascontiguousarray(radiograph.pixels[::step, ::step], dtype=np.float32)
    small = cv2.resize(some, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    low, high = np.percentile(small, [1, 99])
    small = np.clip((small - low) / max(high - low, 1e-9), -0.25, 1.25)
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-9))


@dataclass(frozen=True)
class Polarity:
    """Tells a film from its negative.

    Attributes:
        weights: (24 x 24,); their product with a picture is about 1 for a film like most, about -1 for its negative.
    """

    weights: Picture

    @classmethod
    def learn(cls, pictures: Sequence[Picture]) -> "Polarity":
        """Learn from pictures of films, one at least, of which most are of one polarity; which, does not matter.

        A ridge regression of 1 on pictures, or of -1 where a picture is a negative, by turns with the choice of which
        are: those that the regression on all others is sure about.
        """
        stack = np.stack(pictures)
        left, length, right = np.linalg.svd(stack, full_matrices=False)
        sign = np.where(left[:, 0] < 0, -1.0, 1.0)
        sign *= np.sign(sign.sum() + 0.5 * sign[0])  # most are as they should be; if half are, those like the first
        kept = length**2 / (length**2 + _CALM)
        own = (left**2) @ kept  # how far a picture's answer rests on its own sign
        for _ in range(_ROUNDS):
            by_others = ((left * kept) @ (left.T @ sign) - own * sign) / (1 - own)
            before, sign = sign, np.where(by_others < -_SURE, -1.0, 1.0)
            if np.array_equal(before, sign):
                break
        return cls(right.T @ (length / (length**2 + _CALM) * (left.T @ sign)))

    def inverted(self, seen: Picture) -> bool:
        """Say whether a picture is the negative of one like most; if in doubt, it is not."""
        return bool(self.weights @ seen < -_SURE)

    def normalise(self, radiograph: Radiograph) -> tuple[Radiograph, bool]:
        """Return the film in the polarity of most, and whether it had to be inverted for that."""
        if not self.inverted(thumbnail(radiograph)):
            return radiograph, False
        pixels = radiograph.pixels
        return replace(radiograph, pixels=pixels.max() - (pixels - pixels.min())), True
