"""Rows of parts, such as spines: how well the probability of a shift tells shifted rows from others.

    python benchmarks/rows.py PREDICTIONS DATA [SCHEME]

PREDICTIONS are those of ``landvote locate`` on films of DATA that no voter has learned from. Prints how many rows are
shifted and by how much, the area under the ROC curve with a 95 % interval by subject, and the reliability: the mean
probability told and the share of shifted rows, by probability.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.formats.predictions import read_predictions
from landvote.uncertainty import shifted_by

EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
DRAWS = 2000

Array = npt.NDArray[np.float64]


def auc(score: Array, positive: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve; NaN where all films are alike."""
    ranks, count = rankdata(score), positive.sum()
    if count in (0, len(score)):
        return float("nan")
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(score) - count)))


def interval(score: Array, positive: npt.NDArray[np.bool_], subjects: list[str]) -> tuple[float, float]:
    """Return the 95 % interval of the area, subjects drawn anew."""
    rng, rows = np.random.default_rng(2026), {}
    for row, subject in enumerate(subjects):
        rows.setdefault(subject, []).append(row)
    groups = [np.array(own) for own in rows.values()]
    drawn = [
        np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))]) for _ in range(DRAWS)
    ]  # fmt: skip
    low, high = np.nanpercentile([auc(score[some], positive[some]) for some in drawn], [2.5, 97.5])
    return float(low), float(high)


def main(predictions: str, data: str, scheme: str | None = None) -> None:
    """Print the figures."""
    samples = {
        s.identifier: s for s in read_folder(Path(data), Scheme.named(scheme) if scheme else None, require_points=True)
    }
    found = [
        (p.probability_of_shift, by, samples[p.identifier].subject)
        for p in read_predictions(predictions)
        if p.identifier in samples and np.isfinite(p.probability_of_shift)
        if (by := shifted_by(p.points, samples[p.identifier].points, samples[p.identifier].scheme.repeats)) is not None
    ]
    if not found:
        raise SystemExit(f"{predictions}: no film of {data} has a probability of shift and known points")
    score = np.array([told for told, _, _ in found])
    shifted = np.array([by != 0 for _, by, _ in found])
    by_parts = ", ".join(f"{by:+d}: {count}" for by, count in sorted(Counter(by for _, by, _ in found if by).items()))
    print(f"{len(found)} films, {shifted.sum()} shifted ({by_parts or 'none'})")
    print(f"told on average {score.mean():.3f}, true {shifted.mean():.3f}")
    if 0 < shifted.sum() < len(shifted):
        low, high = interval(score, shifted, [subject for _, _, subject in found])
        print(f"area under the ROC curve {auc(score, shifted):.3f} [{low:.3f}, {high:.3f}]")
    print("\n| probability | films | told | shifted |\n| --- | --- | --- | --- |")
    for low, high in pairwise(EDGES):
        some = (score >= low) & ((score < high) | (high == 1))
        if some.any():
            print(f"| {low:g} to {high:g} | {some.sum()} | {score[some].mean():.3f} | {shifted[some].mean():.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
