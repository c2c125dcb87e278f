"""Dividing samples so that one subject never stands on both sides."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from landvote.data.sample import Sample
from landvote.errors import SettingError, SplitError


def split_by_subject(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Hold out whole subjects, at random, until they make up ``share`` of the films.

    The same seed and subjects give the same division whatever the order of the samples. Returns the films kept and
    those held out, each in the order given; neither is empty.

    Raises:
        SettingError: ``share`` is out of its range.
        SplitError: fewer than two subjects.
    """
    if not 0 < share < 1:
        raise SettingError(f"share = {share}, expected between 0 and 1")
    films = Counter(sample.subject for sample in samples)
    if len(films) < 2:
        raise SplitError(f"{len(samples)} films of {len(films)} subject(s), expected two subjects or more to divide")
    order = sorted(films, key=lambda subject: hashlib.sha256(f"{seed} {subject}".encode()).digest())
    held: set[str] = set()
    count = 0
    for subject in order[:-1]:  # the last one always stays
        if held and count + films[subject] / 2 > share * len(samples):
            break
        held.add(subject)
        count += films[subject]
    return [s for s in samples if s.subject not in held], [s for s in samples if s.subject in held]
