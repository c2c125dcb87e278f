"""The report of ``landvote check``: the contents of DATA, and its problems."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.film import Source, Spacing
from landvote.data.points import Points
from landvote.data.polarity import Picture, Polarity
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import FoundFolder, survey_folder
from landvote.datasets.leaks import copies, split_leaks
from landvote.datasets.placeholders import Placeholder, placeholders
from landvote.datasets.plausible import misplaced, resized
from landvote.datasets.rows import uneven_rows
from landvote.datasets.survey import Facts, Survey
from landvote.errors import ImageError, PointsError
from landvote.runtime.files import StrPath
from landvote.runtime.privacy import keyed_hash

_BITS = {"uint8": "8 bit", "uint16": "16 bit", "float32": "float"}
_NAMED = 10  # how many culprits a line of the report names
_STRANGE = 8.0  # robust standard deviations from the usual shape


@dataclass(frozen=True)
class FolderReport:
    """Findings about DATA.

    Attributes:
        samples: what was read, unreadable films included.
        facts: lines that describe, each a heading and a text; ``scheme`` says if it was made from the points, and
            ``left out`` which files are neither film nor points.
        warnings: what a user should look at, but can be meant so: points missing, outside or oddly arranged, films that
            their files turn, make transparent or say are of one patient, rows of tables that name no film.
        problems: what is wrong: films that are unreadable, of one grey or there twice, points or splits that contradict
            something.
        films: what is known of each film that can be read, as plain JSON: ``image``, ``subject`` (its keyed hash),
            ``split``, ``size`` (width, height; pixels), ``depth``, ``spacing`` (mm, and its source) or null,
            ``annotators``, ``points`` (how many are known) and ``pixels_sha256``.
    """

    samples: tuple[Sample, ...]
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    films: tuple[dict[str, Any], ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def text(self, hints: Mapping[str, str] = MappingProxyType({})) -> str:
        """Return the report for a terminal; ``hints`` say of some headings what changes the finding."""
        told = {heading: f" ({hint})" for heading, hint in hints.items()}
        lines = [f"{heading:<12}{text}{told.get(heading, '')}" for heading, text in self.facts]
        lines += [f"warning: {text}" for text in self.warnings]
        lines += [f"problem: {text}" for text in self.problems]
        return "\n".join([*lines, "nothing wrong" if self.ok else f"{len(self.problems)} problem(s)"])

    def record(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        lists = {"facts": dict(self.facts), "warnings": self.warnings, "problems": self.problems, "films": self.films}
        return {"ok": self.ok, **lists}


def check_folder(
    data: StrPath, scheme: Scheme | None = None, centre: float | None = None, survey: Survey | None = None,
    seen: Callable[[int, int], None] = lambda *_: None, *, films: StrPath | None = None, kind: str | None = None,
) -> FolderReport:  # fmt: skip
    """Report what is in DATA and what is wrong with it; arguments as those of :func:`read_folder`.

    Every film is decoded that the ``survey`` does not know yet.

    ``seen`` is told before each film how many are done, and how many there are.

    Raises:
        DataError: there is nothing to report on: no films, or a broken scheme.
        SettingError: another centre or format, or a file without ``films``.
    """
    found = survey_folder(data, scheme, centre, films=films, kind=kind)
    samples, survey = found.samples, survey or Survey()
    warnings, problems = list(found.warnings), [str(error) for error in found.problems]
    records: list[dict[str, Any]] = []
    sources: dict[str, Source] = {}
    spacings: dict[str, list[Spacing | None]] = {}
    hashes: dict[str, dict[str, None]] = {}  # of pixels -> films
    known: dict[str, Facts] = {}
    flat, oblong = list[str](), list[str]()
    for done, sample in enumerate(samples):
        seen(done, len(samples))
        try:
            facts = survey(sample)
        except ImageError as error:
            problems.append(f"cannot be read: {error}")
            continue
        records.append(_record(facts, sample))
        sources[sample.identifier] = facts.film.source
        note = f" ({facts.spacing_note})" if facts.spacing_note else ""
        spacing = facts.film.spacing
        spacings.setdefault(f"{spacing.source if spacing else ''}{note}", []).append(spacing)
        hashes.setdefault(facts.film.pixels_sha256, {})[sample.film] = None
        known[sample.identifier] = facts
        flat += [sample.identifier] if facts.is_flat else []
        oblong += [sample.identifier] if spacing and not spacing.is_square else []
        if outside := _outside(facts, sample.points):
            names = _some([sample.scheme.landmarks[i] for i in outside])
            warnings.append(f"{sample.identifier}: {len(outside)} points ({names}) outside the film")
    problems += _named(flat, "films are of one grey, with nothing to see")
    warnings += _named(oblong, "films have pixels that are not square, and are looked at as if they were")
    problems += [f"the same picture twice: {' and '.join(names)}" for names in hashes.values() if len(names) > 1]
    pictures = {name: facts.thumbnail for name, facts in known.items()}
    warnings += _copies({known[s.identifier].film.pixels_sha256: s for s in samples if s.identifier in known}, known)
    if any(s.split for s in samples):
        leaks, notes = split_leaks([s for s in samples if s.identifier in known], list(known.values()))
        problems += map(str, leaks)
        warnings += notes
    collapsed = [s.identifier for s in samples if s.collapsed]
    problems += _named(collapsed, "films have their points, or reference points, in one place and are not learned from")
    moved = _named([s.identifier for s in samples if s.sorted], "films have their parts in another order, sorted here")
    sizes = {name: facts.film.size for name, facts in known.items() if facts.film.size}
    problems += misplaced(samples, sizes) + resized({s.identifier: s.stated_size for s in samples}, sizes)
    coded = placeholders(samples)
    warnings += (
        _turned(sources)
        + _transparent(sources)
        + _patients(samples, sources)
        + _inverted(pictures)
        + _missing(samples, readable=not any(isinstance(error, PointsError) for error in found.problems))
    )
    warnings += [f"{code}; {len(code.films)} films: {_some(code.films)}" for code in coded]
    uneven = "films have parts of the row much nearer or farther apart than those beside, one marked twice or left out"
    warnings += moved + _strange(samples, coded) + _named(uneven_rows(samples), uneven)
    warnings += _alike_unmirrored(samples) + _without_split(samples)
    lines = (*_pixels(records, spacings), *_contents(found))
    return FolderReport(samples, lines, tuple(warnings), tuple(problems), tuple(records))


def _record(facts: Facts, sample: Sample) -> dict[str, Any]:
    film = facts.film
    return {
        "image": sample.identifier, "subject": keyed_hash(sample.subject), "split": sample.split, "size": film.size,
        "depth": _BITS[facts.depth], "spacing": asdict(film.spacing) if film.spacing else None,
        "annotators": list(sample.annotations),
        "points": int(np.isfinite(sample.points).all(axis=1).sum()) if sample.annotations else 0,
        "pixels_sha256": film.pixels_sha256,
    }  # fmt: skip


def _spacings(source: str, found: Sequence[Spacing | None]) -> str:
    """Describe the spacings of films that have them from one source, with one note."""
    pairs = [(spacing.x, spacing.y) for spacing in found if spacing]
    if not pairs:
        return f"unknown{source}"
    (x0, y0), (x1, y1) = np.min(pairs, axis=0), np.max(pairs, axis=0)
    along = [f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in ((x0, x1), (y0, y1))]
    return f"{along[0] if all(x == y for x, y in pairs) else ' x '.join(along)} mm by {source}"


def _pixels(films: Sequence[dict[str, Any]], spacings: dict[str, list[Spacing | None]]) -> list[tuple[str, str]]:
    """Describe sizes, depths and spacings."""
    if not films:
        return []
    sizes, depths = [film["size"] for film in films], Counter(film["depth"] for film in films)
    (w0, h0), (w1, h1) = np.min(sizes, axis=0), np.max(sizes, axis=0)
    size = f"{w0} x {h0}" if (w0, h0) == (w1, h1) else f"{w0} to {w1} wide, {h0} to {h1} high"
    return [
        ("size", f"{size} pixels"),
        ("depth", _counts(depths)),
        ("spacing", _counts(Counter({_spacings(source, found): len(found) for source, found in spacings.items()}))),
    ]


def _turned(sources: Mapping[str, Source]) -> list[str]:
    names = [name for name, source in sources.items() if source.orientation.startswith("EXIF")]
    return _named(names, "films are turned by their EXIF orientation; were their points set on the turned picture?")


def _transparent(sources: Mapping[str, Source]) -> list[str]:
    names = [f"{name} ({source.transparent})" for name, source in sources.items() if source.transparent]
    return _named(names, "films are transparent in part, which is read as black")


def _patients(samples: Sequence[Sample], sources: Mapping[str, Source]) -> list[str]:
    """Return films of patients of whom there are several, by their files alone; never the patients' numbers."""
    patients: dict[str, dict[str, None]] = {}
    for sample in samples:
        source = sources.get(sample.identifier)
        if source and source.patient and not sample.named_subject:
            patients.setdefault(source.patient, {})[sample.film] = None
    several = [names for names in patients.values() if len(names) > 1]
    finding = f"films are of {len(several)} patients by their files, and no table names subjects"
    return _named([name for names in several for name in names], finding)


def _without_split(samples: Sequence[Sample]) -> list[str]:
    if not any(s.split for s in samples):
        return []
    return _named([s.identifier for s in samples if not s.split], "films are in no split and count as train")


def _copies(films: Mapping[str, Sample], known: Mapping[str, Facts]) -> list[str]:
    """Return films that look the same and have other pixels; ``films`` are one of each hash of pixels."""
    samples = list(films.values())
    pairs = copies(samples, [known[s.identifier] for s in samples])
    found = [f"{samples[a].film} and {samples[b].film}" for a, b in pairs]
    return _named(found, "pairs of films look like one picture in two formats, depths or sizes")


def _inverted(pictures: dict[str, Picture]) -> list[str]:
    if not pictures:
        return []
    polarity = Polarity.learn(list(pictures.values()))
    names = [name for name, seen in pictures.items() if polarity.inverted(seen)]
    return _named(names, "films look like negatives of the others and will be inverted")


def _contents(found: FoundFolder) -> list[tuple[str, str]]:
    """Describe films, points and their format, annotators, subjects and splits, and what is left out."""
    samples, scheme = found.samples, found.samples[0].scheme
    annotated = [s for s in samples if s.annotations]
    films, subjects, pointed = {s.film for s in samples}, {s.subject for s in samples}, {s.film for s in annotated}
    lines = [
        ("films", f"{len(films)} of {len(subjects)} subjects, {len(pointed)} with points"),
        (
            "scheme",
            _scheme(scheme)
            if found.made_scheme
            else f"{scheme.name}, {len(scheme)} landmarks, {len(scheme.outlines)} outlines",
        ),
    ]
    if sides := Counter(s.side for s in annotated if s.side.name):
        mirror = {False: "", True: " (learned from in the mirror)"}
        lines.append(("sides", _counts(Counter({f"{s.name}{mirror[s.mirrored]}": n for s, n in sides.items()}))))
    if found.points:
        lines.append(("points", found.points))
    if found.left_out:
        lines.append(("left out", "; ".join(found.left_out)))
    if hidden := sum(int(flags.sum()) for s in annotated for flags in s.occluded.values()):
        lines.append(("occluded", f"{hidden} points, which count as any others do"))
    if annotators := Counter(name for s in annotated for name in s.annotations if name):
        lines.append(("annotators", _counts(annotators)))
    apart = [np.linalg.norm(a - b, axis=1) for s in annotated for a, b in combinations(s.annotations.values(), 2)]
    if apart := [np.mean(d[np.isfinite(d)]) for d in apart if np.isfinite(d).any()]:
        lines.append(("apart", f"two annotators of a film differ by {np.mean(apart):.2f} pixels on average"))
    if splits := Counter(s.split for s in samples if s.split):
        lines.append(("split", _counts(splits)))
    return lines


def _scheme(scheme: Scheme) -> str:
    """Describe a scheme that was made from the points."""
    if not len(scheme):
        return "none, and no points to make one from"
    names = "" if scheme.landmarks == Scheme.numbered(len(scheme)).landmarks else f" ({_some(scheme.landmarks)})"
    outlines = f" ({_some([outline.name for outline in scheme.outlines])})" if scheme.outlines else ""
    row = f", {len(scheme.repeats)} parts in a row" if scheme.row else ""
    return f"made from the points, {len(scheme)} landmarks{names}{row}, {len(scheme.outlines)} outlines{outlines}"


def _missing(samples: Sequence[Sample], *, readable: bool) -> list[str]:
    without = [s.identifier for s in samples if not s.annotations and (readable or any(t.annotations for t in samples))]
    found = _named(without, "films have no points")
    gaps = {s.identifier: int((~np.isfinite(s.points).all(axis=1)).sum()) for s in samples if s.annotations}
    gaps = {name: n for name, n in gaps.items() if n}
    if gaps:
        named = _some([f"{name} ({n})" for name, n in gaps.items()])
        found.append(f"{sum(gaps.values())} points are missing, in {len(gaps)} films: {named}")
    return found


def _outside(facts: Facts, points: Points) -> list[int]:
    """Return the landmarks beyond the outer edges of the border pixels."""
    width, height = facts.film.size or (0, 0)
    with np.errstate(invalid="ignore"):
        beyond = (points < -0.5) | (points > np.array([width, height]) - 0.5)
    return np.flatnonzero(beyond.any(axis=1)).tolist()


def _strange(samples: Sequence[Sample], coded: Sequence[Placeholder]) -> list[str]:
    """Return films whose points lie unlike those of the others, by robust SDs of the RMS distance to the mean shape.

    Films named before are left out: with a landmark that is ``coded``, or with all points in one place.
    """
    known = {film for code in coded for film in code.films} | {s.identifier for s in samples if s.collapsed}
    whole = [s for s in samples if s.annotations and np.isfinite(s.points).all() and s.identifier not in known]
    if len(whole) < 10 or len(whole[0].scheme) < 3:
        return []
    shapes = _centred(whole)
    mean = shapes.mean(axis=0)
    turn = (shapes.conj() @ mean) / (np.abs(shapes) ** 2).sum(axis=1)
    distance = np.abs(shapes * turn[:, None] - mean)
    rms = np.sqrt((distance**2).mean(axis=1))
    spread = 1.4826 * np.median(np.abs(rms - np.median(rms)))
    odd = np.flatnonzero(rms > np.median(rms) + _STRANGE * max(spread, 1e-3))
    odd = odd[np.argsort(-rms[odd])]
    names = [f"{whole[i].identifier} ({whole[i].scheme.landmarks[int(distance[i].argmax())]} most)" for i in odd]
    return _named(names, "films have points arranged unlike the others, look at them")


def _centred(samples: Sequence[Sample]) -> npt.NDArray[np.complex128]:
    """Return whole shapes as x + iy, of mean 0 and size 1; those of another side in the mirror."""
    shapes = np.stack([s.facing(0).points @ np.array([1, 1j]) for s in samples])
    shapes -= shapes.mean(axis=1, keepdims=True)
    centred: npt.NDArray[np.complex128] = shapes / np.maximum(
        np.sqrt((np.abs(shapes) ** 2).mean(axis=1, keepdims=True)), 1e-12
    )
    return centred


def _alike_unmirrored(samples: Sequence[Sample]) -> list[str]:
    """Return a warning if the two sides look alike as they lie, and not in the mirror.

    Each side's mean shape is laid on the other's by a similarity; the correlation is 1 where they are the same.
    """
    whole = [s for s in samples if s.annotations and np.isfinite(s.points).all() and not s.collapsed]
    other = {s.side.name: [t for t in whole if t.side == s.side] for s in whole if s.side.mirrored}
    one = [s for s in whole if s.side.name and not s.side.mirrored]
    if not one or not other or len(whole[0].scheme) < 3:
        return []
    name, there = next(iter(other.items()))
    mean, mirrored = _centred(one).mean(axis=0), _centred(there).mean(axis=0)
    as_it_lies, turned = np.abs(mean.conj() @ mirrored.conj()), np.abs(mean.conj() @ mirrored)
    if 1 - as_it_lies / len(mean) > (1 - turned / len(mean)) / 2:
        return []
    found = f"points of side {name} are like those of side {one[0].side.name} as they lie, and not in the mirror"
    return [f"{found}; they are learned from in the mirror, are the landmarks in the same order on both sides?"]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name}: {n}" for name, n in counter.most_common())


def _named(names: Sequence[str], finding: str) -> list[str]:
    return [f"{len(names)} {finding}: {_some(names)}"] if names else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
