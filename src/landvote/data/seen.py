"""Which films a model has seen: those that it learned from or was judged by, and other films of their patients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from landvote.data.film import Film

Seen: TypeAlias = Literal["train", "val", "patient", "no", ""]
"""Whether a model has seen a film: it learned from it (``train``), was judged by it (``val``), has seen another film of
its patient (``patient``), or none of these (``no``); empty where that is not known. The most flattering comes first."""

SEEN: tuple[Seen, ...] = get_args(Seen)
FLATTERING: tuple[Seen, ...] = ("train", "val", "patient")
"""Films so marked say nothing of films that the model will meet."""


def worse(one: Seen, other: Seen) -> Seen:
    """Return which of two marks of one film flatters more."""
    return min(one, other, key=SEEN.index)


@dataclass(frozen=True)
class SeenFilms:
    """The films that a model has seen.

    Attributes:
        pixels: hash of a film's pixels -> ``train`` or ``val``.
        patients: keyed hashes of the patients' numbers, as in :class:`landvote.data.film.Source`.
        subjects: keyed hashes of the subjects that the data named.
    """

    pixels: Mapping[str, Seen]
    patients: frozenset[str]
    subjects: frozenset[str]

    def __or__(self, other: "SeenFilms") -> "SeenFilms":
        """Return the films that either has seen; of two marks of one film the one that flatters more counts."""
        pixels = dict(other.pixels)
        pixels |= {one: worse(mark, pixels.get(one, "")) for one, mark in self.pixels.items()}
        return SeenFilms(pixels, self.patients | other.patients, self.subjects | other.subjects)

    def told(self, film: Film, subject: str = "") -> Seen:
        """Return whether a film is among them; ``subject`` is the keyed hash of its subject, or empty.

        The same pixels are the same film. A film with other pixels is told by its patient and its subject.
        """
        if film.pixels_sha256 in self.pixels:
            return self.pixels[film.pixels_sha256]
        if film.source.patient in self.patients or subject in self.subjects:
            return "patient"
        return "no" if film.pixels_sha256 else ""
