"""The sample: one radiograph and the facts about it; every reader yields samples."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.film import Spacing
from landvote.data.points import Points, mean_points
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.data.side import Side, in_mirror
from landvote.errors import PointsError


@dataclass(frozen=True)
class Sample:
    """One film, its annotations and its subject. The pixels are decoded when asked for, not before.

    Attributes:
        identifier: the name of the film, as in :class:`Radiograph`.
        open: decodes the film anew at each call; nothing is cached, so any number of films fits in memory.
        scheme: what the points mean.
        annotations: annotator -> (n, 2) points in image coordinates; empty for a film without points.
        side: which of two shapes on the film this is; a plain one where there is one shape.
        occluded: annotator -> (n,) whether a landmark is hidden, and marked where it must be; such points count as any
            others do. Only of annotators whose file says so.
        subject: patient; films of one subject never stand on both sides of a split.
        split: ``"train"``, ``"val"``, ``"test"``, or None where the folder does not say.
        attributes: further columns the folder gives (age, side, disease, ...), as text.
        file: the film's, or None for a film in memory.
        spacing: given beside the film, for where its file has none; ``open`` has set it already.
        stated_size: width and height of the film in pixels as the file of its points has them; None where that does not
            say.
        sorted: the scheme's groups were given in another order than they follow each other in, and have been sorted.
    """

    identifier: str
    open: Callable[[], Radiograph]
    scheme: Scheme
    annotations: Mapping[str, Points] = field(default_factory=dict)
    subject: str = ""
    split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    spacing: Spacing | None = None
    sorted: bool = False
    occluded: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    side: Side = Side()  # noqa: RUF009 - frozen
    stated_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for annotator, points in self.annotations.items():
            if points.shape != (len(self.scheme), 2):
                found = f"points of {annotator or 'the annotator'} have shape {points.shape}"
                expected = f"{(len(self.scheme), 2)} for scheme {self.scheme.name!r}"
                raise PointsError(f"{self.identifier}: {found}, expected {expected}")
        for annotator, hidden in self.occluded.items():
            points = self.annotations.get(annotator, np.full((0, 2), np.nan))
            if hidden.shape != points.shape[:1] or not np.isfinite(points[hidden]).all():
                raise PointsError(f"{self.identifier}: occluded landmarks of {annotator!r}, expected those with points")
        if not self.subject:
            object.__setattr__(self, "subject", self.film)

    @property
    def film(self) -> str:
        """The name of the film: the identifier without the side."""
        return self.identifier.removesuffix(self.side.ending)

    @property
    def named_subject(self) -> str:
        """The subject, or empty where the data names none and the film stands for itself."""
        return "" if self.subject == self.film else self.subject

    @property
    def points(self) -> Points:
        """The truth: per landmark the mean over the annotators that gave it, (n, 2); NaN where none did."""
        return mean_points(list(self.annotations.values()), len(self.scheme))

    @property
    def hidden(self) -> npt.NDArray[np.bool_]:
        """Whether each landmark is occluded, (n,): one annotator says so at least."""
        found: npt.NDArray[np.bool_] = np.any([np.zeros(len(self.scheme), bool), *self.occluded.values()], axis=0)
        return found

    def facing(self, width: int) -> "Sample":
        """Return it as a model knows it: a mirrored side as the mirror image of its film, ``width`` pixels wide."""
        if not self.side.mirrored:
            return self
        turned = {annotator: in_mirror(points, width) for annotator, points in self.annotations.items()}
        opened = self.open
        return replace(self, open=lambda: opened().mirrored(), annotations=turned, side=Side(name=self.side.name))

    @property
    def collapsed(self) -> bool:
        """Whether all points, all reference points or all of a part lie in one place: nothing can be laid on them."""
        points = self.points
        groups = (range(len(points)), self.scheme.reference, *self.scheme.repeats)
        given = (found[np.isfinite(found).all(axis=1)] for found in (points[list(group)] for group in groups))
        return any(len(found) > 1 and bool((found == found[0]).all()) for found in given)


def spelt(subject: str) -> str:
    """Return a subject without what people and spreadsheets change: case, blanks, marks and leading zeros."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", subject).casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain) or subject


def numbered(subjects: Sequence[str]) -> list[int]:
    """Return a number from 1 on in place of each subject's name, in the order in which they come first."""
    numbers = {subject: number for number, subject in enumerate(dict.fromkeys(subjects), 1)}
    return [numbers[subject] for subject in subjects]
