"""Leaks: one patient, or one picture, on two sides of a split, which would flatter the result."""

from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np
from scipy.spatial import cKDTree

from landvote.data.polarity import Picture
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.datasets.survey import Facts
from landvote.errors import SplitError

_ALIKE = 0.998  # product of thumbnails: above 0.9988 of JPEG and half-size copies, up to 0.992 of other films
_DIRECTIONS = 16  # in which thumbnails are compared first
_SAME = 0.9  # correlation of fine structure: above 0.93 of such copies, up to 0.87 of other films
_SIDE, _COARSE = 128, 2.0  # pixels of a picture of fine structure, and the SD of what is taken off


def copies(samples: Sequence[Sample], facts: Sequence[Facts]) -> list[tuple[int, int]]:
    """Return the pairs of films that are one picture: in two formats, depths, compressions or sizes.

    Thumbnails tell which films may be, and these are decoded and compared by their fine structure. A film that has none
    is like no other.

    Raises:
        ImageError: a film cannot be read.
    """
    detail: dict[int, Picture] = {}
    found = []
    for pair in _alike([known.thumbnail for known in facts]):
        for number in pair:
            if number not in detail:
                detail[number] = _fine_structure(samples[number].open())
        if detail[pair[0]] @ detail[pair[1]] >= _SAME:
            found.append(pair)
    return found


def _alike(thumbnails: Sequence[Picture]) -> list[tuple[int, int]]:
    """Return the pairs of thumbnails that look the same."""
    seen = [number for number, picture in enumerate(thumbnails) if picture.any()]
    if len(seen) < 2:
        return []
    stack = np.stack([thumbnails[number] for number in seen])
    directions = np.linalg.svd(stack[:: max(1, len(stack) // 1000)], full_matrices=False)[2][:_DIRECTIONS]
    near = cKDTree(stack @ directions.T).query_pairs(float(np.sqrt(2 - 2 * _ALIKE)), output_type="ndarray")
    near = near[np.einsum("ij,ij->i", stack[near[:, 0]], stack[near[:, 1]]) >= _ALIKE]
    return sorted((seen[a], seen[b]) for a, b in near.tolist())


def _fine_structure(radiograph: Radiograph) -> Picture:
    """Return a film without what is coarse in it, flat and of length 1; zeros if nothing is left."""
    small = cv2.resize(radiograph.pixels.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    fine = (small - cv2.GaussianBlur(small, (0, 0), _COARSE)).ravel().astype(np.float64)
    length = float(np.linalg.norm(fine))
    return np.asarray(fine / length if length > 1e-3 * float(np.linalg.norm(small)) else np.zeros_like(fine))


def split_leaks(samples: Sequence[Sample], facts: Sequence[Facts]) -> tuple[list[SplitError], list[str]]:
    """Return an error for each picture and each patient on two sides of a split, and notes on what was no evidence.

    A film whose split is None is in train. Patients are those of DICOM files; where a table names the subject of a
    film, this counts instead. A number that more than half of the films share was written by an anonymiser.
    """
    sides = [sample.split or "train" for sample in samples]
    found: list[SplitError] = []

    def leak(a: int, b: int, words: str, way_out: str = "") -> None:
        both = f"{samples[a].identifier} in {sides[a]} and {samples[b].identifier} in {sides[b]}"
        found.append(SplitError(f"{both} {words}, expected in one split{way_out}"))

    first: dict[str, int] = {}  # by pixels
    for number, known in enumerate(facts):
        same = first.setdefault(known.film.pixels_sha256, number)
        if sides[same] != sides[number]:
            leak(same, number, "are the same picture")
    own = list(first.values())
    for a, b in copies([samples[number] for number in own], [facts[number] for number in own]):
        if sides[own[a]] != sides[own[b]]:
            leak(own[a], own[b], "look like one picture")
    told = [(number, known.film.source.patient) for number, known in enumerate(facts)]
    told = [(number, patient) for number, patient in told if patient and not samples[number].named_subject]
    common = {patient for patient, count in Counter(p for _, p in told).items() if count > len(samples) / 2}
    patients: dict[tuple[str, str], int] = {}
    for number, patient in told:
        if patient not in common:
            patients.setdefault((patient, sides[number]), number)
    for (patient, _), number in patients.items():
        before = next(other for (same, _), other in patients.items() if same == patient)
        if before != number:
            leak(before, number, "are of one patient by their files", ", or a subject for each in subjects.csv")
    alike = sum(patient in common for _, patient in told)
    note = f"{alike} of {len(samples)} films have one patient's number, which tells no patients apart; name subjects"
    return found, [note] if alike and len(set(sides)) > 1 else []
