"""Expected errors against true ones, from points of films left out of training: makes results/errors.md.

    python benchmarks/errors.py FOLDER SCHEME > results/errors.md

FOLDER has an npz for each rival: ``points``, ``truth`` (films, n, 2), pixels; ``fold`` (films,) of which localiser each
comes; and ``landmarks``, ``film``, ``covariance`` and ``cell``, the cues of :func:`landvote.uncertainty.cues_of`.
Optional: ``perturbed`` (films, frames, n, 2), points through perturbed frames; ``rival`` (films, n), distance from the
other rival's points, NaN where not known; ``other_*``, the cues of pictures of other kinds, with ``other_name``
(``kind-number``) and ``other_fold``; ``short_*``, points and cues of shorter trainings. SCHEME is a scheme's file.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr

from landvote.data.prediction import ELLIPSE, LEVELS
from landvote.data.scheme import Scheme
from landvote.uncertainty import CUES, FILM_CUES, Calibrator, Cues, Expected, Judged, contour_axes

Array = npt.NDArray[Any]
Stored = Mapping[str, Array]
Figures = dict[str, float]

DRAWS = 300  # of films, for intervals
SEED = 2026  # of the folds that the figures come from; others were looked at while it was made
LARGE = 10 / 0.35  # pixels: 10 mm


def judged(
    stored: Stored, scheme: Scheme, kept: Collection[str] | None = None, more: Sequence[Array] = ()
) -> list[Judged]:
    """Return the films; of all cues only ``kept`` are told, and ``more`` (films, n) take the place of others."""
    films = []
    for i, (points, truth) in enumerate(zip(stored["points"], stored["truth"], strict=True)):
        landmarks, film = stored["landmarks"][i].copy(), stored["film"][i].copy()
        if kept is not None:
            landmarks[:, [name not in kept for name in CUES]] = 0
            film[[name.removeprefix("mean_") not in kept for name in FILM_CUES]] = 0
        for place, values in enumerate(more):  # in the place of a cue that is not told
            free = [j for j, name in enumerate(CUES) if kept is not None and name not in kept][place]
            landmarks[:, free], film[2 + free] = values[i], values[i].mean()
        cues = Cues(landmarks, film, stored["covariance"][i], float(stored["cell"][i]))
        films.append(Judged(cues, contour_axes(scheme, points), points - truth, str(i)))
    return films


def divisions(count: int, learn: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield indices to calibrate on and to judge by: tenths, or ``learn`` films at a time in ten draws."""
    whole = rng.permutation(count)
    for k in range(10):
        order = rng.permutation(count) if learn else whole
        yield (order[:learn], order[learn:]) if learn else (np.setdiff1d(order, order[k::10]), order[k::10])


def auc(score: Array, positive: Array, ranks: Array | None = None) -> float:
    """Return the area under the ROC curve, NaN if all are alike; ``ranks`` are those of the score, if known."""
    ranks, count = rankdata(score) if ranks is None else ranks, positive.sum()
    if not 0 < count < len(score):
        return float("nan")
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(score) - count)))


@dataclass(frozen=True)
class Part:
    """Films that one or several calibrators told the errors of, and what is true of them; ``film`` numbers them."""

    film: Array
    true: Array
    expected: Array
    radii: Array
    inside: Array
    area: Array
    mean: Array
    failed: Array
    said: Array
    known: Array

    @classmethod
    def of(cls, numbers: Sequence[int], pairs: Sequence[tuple[Judged, Expected]]) -> Part:
        """Return what some films tell."""
        true = np.array([film.distance for film, _ in pairs])
        radii = np.array([told.radii for _, told in pairs])
        full = np.array([told.covariance for _, told in pairs])[..., [0, 1, 1, 2]].reshape(*true.shape, 2, 2)
        errors = np.array([film.errors for film, _ in pairs])
        squared = np.einsum("fni,fni->fn", errors, np.linalg.solve(full, errors[..., None])[..., 0])
        limit = 1.5 * np.median(true.mean(axis=1))
        return cls(
            np.array(numbers), true, np.array([told.error for _, told in pairs]), radii, squared <= ELLIPSE,
            ELLIPSE * np.sqrt(np.linalg.det(full)) / radii[..., 2] ** 2,
            np.array([told.film_error for _, told in pairs]),
            true.mean(axis=1) > limit, np.array([told.probability_of_failure(limit) for _, told in pairs]),
            np.array([told.known for _, told in pairs], float),
        )  # fmt: skip

    def rows(self, rows: Array) -> Part:
        """Return some of the films, each as often as it is named."""
        return Part(*(getattr(self, field.name)[rows] for field in fields(self)))

    def figures(self) -> Figures:
        """Return the figures that have intervals."""
        true, expected = self.true.ravel(), self.expected.ravel()
        tenths = [true[s].mean() / expected[s].mean() for s in np.array_split(np.argsort(expected), 10)]
        ranks = rankdata(expected)
        return {
            "points": float(np.corrcoef(ranks, rankdata(true))[0, 1]),
            "films": float(spearmanr(self.mean, self.true.mean(axis=1))[0]),
            "least": min(tenths), "most": max(tenths), "90%": float((self.true <= self.radii[..., 2]).mean()),
            "area": float(self.area.mean()), "large": auc(expected, true > LARGE, ranks),
            "known": float(self.known.mean()),
        }  # fmt: skip

    def others(self) -> Figures:
        """Return the figures that have none."""
        return {
            **{f"{level:.0%}": float((self.true <= self.radii[..., j]).mean()) for j, level in enumerate(LEVELS)},
            "ellipse": float(self.inside.mean()), "failed": float(self.failed.mean()),
            "said": float(self.said.mean()), "failure": auc(self.said, self.failed),
        }  # fmt: skip


def told(films: Sequence[Judged], learn: int = 0) -> list[Part]:
    """Return what one protocol tells: a part for each draw, or one of all films, left out in turn."""
    rng, parts = np.random.default_rng(SEED), []
    for training, out in divisions(len(films), learn, rng):
        calibrator = Calibrator.fit([films[i] for i in training])
        parts.append([(int(i), films[i], calibrator.expect(films[i].cues, films[i].axes)) for i in out])
    if not learn:
        parts = [[triple for part in parts for triple in part]]
    return [Part.of([i for i, _, _ in part], [(film, expected) for _, film, expected in part]) for part in parts]


def mean_of(every: Sequence[Figures]) -> Figures:
    """Return the means of figures."""
    return {key: float(np.mean([one[key] for one in every])) for key in every[0]}


def measure(films: Sequence[Judged], learn: int = 0) -> Figures:
    """Return the figures of one protocol: means over draws, or of all films left out in turn."""
    return mean_of([part.others() | part.figures() for part in told(films, learn)])


def intervals(parts: Sequence[Part], count: int) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of figures, films drawn anew; those of all parts are of the same ``count`` films."""
    rng, drawn = np.random.default_rng(SEED), []
    places = [np.full(count, -1) for _ in parts]
    for place, part in zip(places, parts, strict=True):
        place[part.film] = np.arange(len(part.film))
    for _ in range(DRAWS):
        chosen = rng.integers(count, size=count)
        rows = [own[chosen] for own in places]
        drawn.append(mean_of([part.rows(own[own >= 0]).figures() for part, own in zip(parts, rows, strict=True)]))
    return {key: tuple(np.percentile([one[key] for one in drawn], [2.5, 97.5])) for key in drawn[0]}


def row(
    name: str, found: Figures, keys: Sequence[str], between: Mapping[str, tuple[float, float]] | None = None
) -> str:
    """Return a row of a table; with intervals where there are some."""
    cells = [f"{found[key]:.3f}" for key in keys]
    if between is not None:
        cells = [
            f"{cell} [{between[key][0]:.3f}, {between[key][1]:.3f}]" for cell, key in zip(cells, keys, strict=True)
        ]
    return f"| {name} | " + " | ".join(cells) + " |"


def header(*names: str) -> str:
    """Return the head of a table."""
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def ceiling(stored: Stored) -> float:
    """Return the Spearman correlation over points of one that knows each film's and each landmark's true mean."""
    true = np.linalg.norm(stored["points"] - stored["truth"], axis=2)
    guess = np.outer(true.mean(axis=1), true.mean(axis=0))
    return float(spearmanr(guess.ravel(), true.ravel())[0])


def ablation(stored: Stored, scheme: Scheme) -> Iterator[tuple[str, list[Judged]]]:
    """Yield names and films with some of the cues."""
    votes = {"spread", "dispersion", "elsewhere", "peak", "total", "second", "second_distance", "look_shift"}
    shape, look = {"residual", "residual_distance", "shape"}, {"oddness", "film_oddness"}
    every = votes | shape | look
    kinds: dict[str, set[str]] = {"none (landmarks' means)": set(), "votes": votes, "shape": shape, "look": look,
             "all but votes": shape | look,
             "all but shape": votes | look, "all but look": votes | shape, "all": every}  # fmt: skip
    for name, kept in kinds.items():
        yield name, judged(stored, scheme, kept)
    less = every - {"total", "second_distance"}  # which tell least: the places of others
    extra = {}
    if "perturbed" in stored:
        away = np.linalg.norm(stored["perturbed"] - stored["points"][:, None], axis=3)
        extra["eight perturbed frames"] = np.log(0.5 + np.sqrt(np.nanmean(away**2, axis=1)))
    if "rival" in stored:
        extra["distance of both rivals"] = np.log(3 + stored["rival"])
    for name, values in extra.items():
        told = np.isfinite(values).all(axis=1)
        some = {key: stored[key][told] for key in ("points", "truth", "landmarks", "film", "covariance", "cell")}
        yield f"all, {told.sum()} films", judged(some, scheme, less)
        yield f"and {name}", judged(some, scheme, less, [values[told]])


def strangers(stored: Stored, films: Sequence[Judged]) -> tuple[Counter[str], Counter[str]]:
    """Return by kind how many pictures there are, and how many are taken for known by calibrators of each fold."""
    count, taken = Counter[str](), Counter[str]()
    for fold in np.unique(stored["fold"]):
        calibrator = Calibrator.fit([films[i] for i in np.flatnonzero(stored["fold"] == fold)])
        for i in np.flatnonzero(stored["other_fold"] == fold):
            kind = str(stored["other_name"][i]).rsplit("-", 1)[0]
            landmarks, film, covariance = (stored[f"other_{key}"][i] for key in ("landmarks", "film", "covariance"))
            cues = Cues(landmarks, film, covariance, float(stored["other_cell"][i]))
            axes = np.tile(np.eye(2), (len(cues.landmarks), 1, 1))
            count[kind] += 1
            taken[kind] += bool(calibrator.expect(cues, axes).known)
    return count, taken


def shorter(stored: Stored, films: Sequence[Judged], scheme: Scheme) -> Iterator[tuple[str, Figures]]:
    """Yield names and figures: calibrated on films that shorter trainings left out, judged on films of whole ones."""
    keys = ("points", "truth", "landmarks", "film", "covariance", "cell")
    short = judged({key: stored[key if key == "truth" else f"short_{key}"] for key in keys}, scheme)
    ways = {
        "whole trainings": (films, films), "whole trainings, without votes": (_mute(films), _mute(films)),
        "short trainings": (short, films), "short trainings, without votes": (_mute(short), _mute(films)),
    }  # fmt: skip
    for name, (learned, of) in ways.items():
        for count in (0, 40, 25):
            pairs, rng = [], np.random.default_rng(SEED)
            for training, out in divisions(len(films), count, rng):
                calibrator = Calibrator.fit([learned[i] for i in training])
                pairs += [(int(i), of[i], calibrator.expect(of[i].cues, of[i].axes)) for i in out]
            part = Part.of([i for i, _, _ in pairs], [(film, told) for _, film, told in pairs])
            found = part.others() | part.figures() | {"ratio": float(part.true.mean() / part.expected.mean())}
            yield f"{name}, {count or 'nine tenths of the'} films", found


def _mute(films: Sequence[Judged]) -> list[Judged]:
    return [replace(film, cues=film.cues.without_votes()) for film in films]


def main(folder: str, scheme_file: str) -> None:
    """Print the tables of each file in a folder."""
    scheme = Scheme.read(scheme_file)
    main_figures = ("points", "films", "least", "most", "90%", "area", "large", "known")
    rest = (*(f"{level:.0%}" for level in LEVELS), "ellipse", "failed", "said", "failure")
    for file in sorted(Path(folder).glob("*.npz")):
        stored = dict(np.load(file))
        films = judged(stored, scheme)
        print(f"## {file.stem}, {len(films)} films\n")
        print(header("calibrated on", *main_figures))
        more = []
        for learn in (21, 60, 0):
            parts, name = told(films, learn), f"{learn} films" if learn else "nine tenths in turn"
            found = mean_of([part.others() | part.figures() for part in parts])
            print(row(name, found, main_figures, intervals(parts, len(films))), flush=True)
            more.append(row(name, found, rest))
        print("\n" + "\n".join([header("calibrated on", *rest), *more]))
        print(f"\nOne that knew each film's and each landmark's true mean error: points {ceiling(stored):.3f}.\n")
        print(header("cues", "points", "films", "large"))
        for name, some in ablation(stored, scheme):
            print(row(name, measure(some), ("points", "films", "large")), flush=True)
        if "short_points" in stored:
            keys = ("ratio", "least", "most", *(f"{level:.0%}" for level in LEVELS), "points", "films", "known")
            print("\n" + header("calibrated on", "true / expected", *keys[1:]))
            for name, found in shorter(stored, films, scheme):
                print(row(name, found, keys), flush=True)
        if "other_name" in stored:
            count, taken = strangers(stored, films)
            print("\n" + header("kind", "pictures", "taken for known"))
            for kind in sorted(count):
                print(f"| {kind} | {count[kind]} | {taken[kind]} |")
        print()


if __name__ == "__main__":
    main(*sys.argv[1:])
