"""Dividing films so that one subject, patient or picture never stands on both sides."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from landvote.data.sample import Sample, spelt
from landvote.datasets.folder import read_films
from landvote.datasets.leaks import copies
from landvote.datasets.place import Place
from landvote.datasets.survey import Facts, Survey
from landvote.errors import SettingError, SplitError
from landvote.runtime.files import StrPath, refuse_existing, write_text


def split_folder(
    data: StrPath, *, films: StrPath | None = None, test: float = 0.2, val: float = 0.15, seed: int = 0,
    force: bool = False, survey: Survey | None = None, progress: Callable[[int, int], None] = lambda *_: None,
) -> dict[str, tuple[int, int]]:  # fmt: skip
    """Write ``split.csv`` into DATA, or beside it if it is a file: whether a film is for train, val or test.

    ``films`` is the folder of the films where they lie elsewhere. ``test`` and ``val`` are shares of the films, 0 or
    more; whole groups of :func:`group_films` are drawn. The same films, shares and seed give the same split.
    ``progress`` is told after each film that is surveyed how many are done, and of how many.

    Returns:
        Split -> how many films and how many groups it has; train, val and test in turn.

    Raises:
        DataError: the folder has no films, or a film cannot be read.
        ExistsError: there is a ``split.csv``, and no ``force``, which replaces it.
        SettingError: a share is out of its range.
        SplitError: too few groups; or another table of the folder gives a split as well.
    """
    if not (test >= 0 and val >= 0 and 0 < test + val < 1):
        raise SettingError(f"test = {test}, val = {val}; expected 0 or more each, and between 0 and 1 together")
    place = Place.of(data, films)
    folder, file = place.folder, place.folder / "split.csv"
    if not force:
        refuse_existing(file)
    samples = read_films(place, ("subjects.csv", "films.csv"))
    if given := next((s.identifier for s in samples if s.split), None):
        raise SplitError(f"{folder}: another table gives a split of {given!r} as well, expected one in split.csv alone")
    facts = (survey or Survey()).all(samples, lambda done: progress(done, len(samples)))
    groups = group_films(samples, facts)
    sides: dict[str, list[Sample]] = {"train": list(samples), "val": [], "test": []}
    for name, share in (("test", test), ("val", val / (1 - test))):
        if share > 0:
            sides["train"], sides[name] = split_by_subject(sides["train"], share, seed, groups)
    use = {s.identifier: name for name, chosen in sides.items() for s in chosen}
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("image", "split"), *sorted(use.items())])
    write_text(file, table.getvalue())
    return {name: (len(chosen), len({groups[s.identifier] for s in chosen})) for name, chosen in sides.items()}


def group_films(samples: Sequence[Sample], facts: Sequence[Facts | None]) -> dict[str, str]:
    """Return the group of each film by its identifier: the films that have to stay on one side.

    Films stay together that have a subject in common, as the data names it, else a patient, as their files name it;
    and those that look the same; and all that are so joined by others. ``facts`` are what is known of the samples, in
    their order, or None. A group is named after its first subject, and does not depend on the order.
    """
    above = list(range(len(samples)))  # a film of the same group that comes no later; the first is its own

    def first(row: int) -> int:
        while above[row] != row:
            above[row] = row = above[above[row]]
        return row

    def join(row: int, to: int) -> None:
        one, other = sorted((first(row), first(to)))
        above[other] = one

    seen: dict[tuple[str, str], int] = {}
    for row, (sample, known) in enumerate(zip(samples, facts, strict=True)):
        patient = known.film.source.patient if known and not sample.named_subject else ""
        pixels = known.film.pixels_sha256 if known else ""
        for key in (("subject", spelt(sample.named_subject)), ("patient", patient), ("pixels", pixels)):
            if key[1]:
                join(row, seen.setdefault(key, row))
    own = [row for (kind, _), row in seen.items() if kind == "pixels"]
    for a, b in copies([samples[row] for row in own], [known for row in own if (known := facts[row])]):
        join(own[a], own[b])
    names: dict[int, str] = {}
    for row, sample in enumerate(samples):
        names[first(row)] = min(names.get(first(row), sample.subject), sample.subject)
    return {sample.identifier: names[first(row)] for row, sample in enumerate(samples)}


def split_by_subject(
    samples: Sequence[Sample], share: float, seed: int, groups: Mapping[str, str] | None = None
) -> tuple[list[Sample], list[Sample]]:
    """Hold out whole groups of films, at random, until they make up ``share`` of the films.

    ``groups`` are those of :func:`group_films`, or None for films of one subject. The same seed and groups give the
    same division whatever the order of the samples. Returns the films kept and those held out, each in the order given;
    neither is empty.

    Raises:
        SettingError: ``share`` is out of its range.
        SplitError: fewer than two groups.
    """
    if not 0 < share < 1:
        raise SettingError(f"share = {share}, expected between 0 and 1")
    groups = groups or {sample.identifier: sample.subject for sample in samples}
    films, order = _drawn(samples, seed, groups)
    held: set[str] = set()
    count = 0
    for group in order[:-1]:  # the last one always stays
        if held and count + films[group] / 2 > share * len(samples):
            break
        held.add(group)
        count += films[group]
    kept = [s for s in samples if groups[s.identifier] not in held]
    return kept, [s for s in samples if groups[s.identifier] in held]


def parts_by_subject(
    samples: Sequence[Sample], parts: int, seed: int, groups: Mapping[str, str] | None = None
) -> list[frozenset[str]]:
    """Divide films into so many parts, or one for each group where there are fewer; return their identifiers.

    Parts are of whole groups, drawn at random, and of nearly as many films each; otherwise as
    :func:`split_by_subject`.

    Raises:
        SettingError: fewer than two parts are asked for.
        SplitError: fewer than two groups.
    """
    if parts < 2:
        raise SettingError(f"parts = {parts}, expected 2 or more")
    groups = groups or {sample.identifier: sample.subject for sample in samples}
    films, order = _drawn(samples, seed, groups)
    made = [set[str]() for _ in range(min(parts, len(films)))]
    sizes = [0] * len(made)
    for group in sorted(order, key=lambda group: -films[group]):  # the largest first: the others even them out
        least = sizes.index(min(sizes))
        made[least].add(group)
        sizes[least] += films[group]
    return [frozenset(s.identifier for s in samples if groups[s.identifier] in part) for part in made]


def _drawn(samples: Sequence[Sample], seed: int, groups: Mapping[str, str]) -> tuple[Counter[str], list[str]]:
    """Return how many films each group has, and the groups in an order that the seed and their names decide."""
    films = Counter(groups[sample.identifier] for sample in samples)
    if len(films) < 2:
        found = f"{len(samples)} films of {len(films)} subject(s), by the data's subjects, patients and pixels"
        raise SplitError(f"{found}; expected two or more to divide, told apart by a column 'subject'")
    return films, sorted(
        films, key=lambda group: hashlib.sha256(f"{seed} {group}".encode(errors="surrogatepass")).digest()
    )
