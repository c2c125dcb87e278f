"""Methods in pairs, film by film: is one better than the other, and by how much."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.statistics import LEVEL, Figures, draw, figures, ratio
from landvote.experiments.grid import Size
from landvote.experiments.results import Results, Run
from landvote.experiments.statistics import fold_figures, metrics

Pair = tuple[list[Run], list[Run]]

_FAR = 1e9  # stands for an infinite difference, in units of the largest finite one: only its rank matters


def paired_table(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size and pair of methods: test, size of the difference, and films won.

    A subject counts once: its films' errors are averaged over the folds and seeds that both methods have finished,
    then over its films; differences are those of the first method minus the second. ``p`` is that of Wilcoxon's
    signed-rank test (two-sided; differences of 0 left out), ``p_holm`` the same after Holm's correction over all rows.
    ``difference`` is Hodges and Lehmann's estimate with its interval over films, ``rank_biserial`` the difference of
    the shares of ranks, -1 to 1. ``ratio`` is that of the medians, with an interval over films and folds; and
    ``folds_first_better`` says in how many folds the first method has the lower median.
    """
    draws = draw(results.subjects)
    rows = []
    for metric in metrics(results):
        of = {id(r): figures(r.errors.means(metric), draws) for r in results.runs}
        for size, a, b, pair in _pairs(results):
            place = {"metric": metric, "size": size, "first": a, "second": b}
            rows.append({**place, **_compared(results, metric, pair, of)})
    for row, p in zip(rows, holm(np.array([row["p"] for row in rows], dtype=np.float64)), strict=True):
        row["p_holm"] = p
    return pd.DataFrame(rows, columns=None if rows else ["metric", "size", "first", "second", "p", "p_holm"])


def _pairs(results: Results) -> Iterator[tuple[Size, str, str, Pair]]:
    """Yield the pairs of methods at each size, with the runs both have finished."""
    for size in results.grid.sizes:
        for a, b in combinations([m.name for m in results.grid.methods], 2):
            of = [{(r.fold, r.seed): r for r in results.of(name, size)} for name in (a, b)]
            if common := sorted(of[0].keys() & of[1].keys()):
                yield size, a, b, ([of[0][k] for k in common], [of[1][k] for k in common])


def _compared(results: Results, metric: str, pair: Pair, of: Mapping[int, Figures]) -> dict[str, Any]:
    errors = [[r.errors.means(metric) for r in runs] for runs in pair]
    first, second = (_per_subject(results, np.mean(e, axis=0)) for e in errors)
    with np.errstate(invalid="ignore"):
        difference = np.where(np.isinf(first) & np.isinf(second), 0.0, first - second)  # both lost it
    difference = difference[~np.isnan(difference)]
    a, b = (fold_figures(runs, [of[id(r)] for r in runs]) for runs in pair)
    medians = ratio(a, b)
    value, low, high = hodges_lehmann(difference)
    return {
        "p": wilcoxon(difference), "p_holm": np.nan,  # of all rows together
        "difference": value, "difference_low": low, "difference_high": high,
        "rank_biserial": rank_biserial(difference),
        "first_better": int((difference < 0).sum()), "second_better": int((difference > 0).sum()),
        "subjects": len(difference),
        "ratio": medians.value[0], "ratio_low": medians.low[0], "ratio_high": medians.high[0],
        "folds_first_better": sum(bool(x.value[0] < y.value[0]) for x, y in zip(a, b, strict=True)),
        "folds": len(a), "runs": len(pair[0]),
    }  # fmt: skip


def _per_subject(results: Results, errors: FloatArray) -> FloatArray:
    """Return the mean error of each subject, over its films that have one; infinite where one of them was lost."""
    names, film = np.unique(np.asarray(results.subjects, dtype=str), return_inverse=True)
    known = ~np.isnan(errors)
    number = np.bincount(film[known], minlength=len(names))
    total = np.bincount(film[known], weights=errors[known], minlength=len(names))
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def wilcoxon(differences: FloatArray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test of (n,) differences; 1 where none differs from 0."""
    finite = _finite(differences)[0]
    return float(stats.wilcoxon(finite).pvalue) if finite.any() else 1.0


def holm(p: FloatArray) -> FloatArray:
    """Return (m,) p-values corrected for there being m tests (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.asarray(np.minimum(stepped, 1.0)[np.argsort(order)])


def hodges_lehmann(differences: FloatArray) -> tuple[float, float, float]:
    """Return the median of the averages of all pairs of (n,) differences, and the ends of its 95 % interval.

    The interval has the exact level of the signed-rank test (Hollander & Wolfe, Nonparametric Statistical Methods,
    1999, ch. 3); its ends are NaN where fewer than six differences leave none. Differences may be infinite.
    """
    finite, unit = _finite(differences)
    n = len(finite)
    if not n:
        return np.nan, np.nan, np.nan
    i, j = np.triu_indices(n)
    averages = np.sort((finite[i] + finite[j]) / 2)
    averages = np.where(np.abs(averages) > unit, np.copysign(np.inf, averages), averages)
    outside = int(np.searchsorted(_signed_rank(n), (1 - LEVEL) / 2, side="right"))  # rank sums this extreme or less
    ends = (averages[outside - 1], averages[-outside]) if outside else (np.nan, np.nan)
    middle = averages[[(len(averages) - 1) // 2, len(averages) // 2]]
    value = middle[0] if middle[0] == middle[1] else middle.mean()
    return float(value), float(ends[0]), float(ends[1])


@lru_cache(maxsize=8)
def _signed_rank(n: int) -> FloatArray:
    """Return the distribution function of the sum of positive ranks of n differences that are as often up as down."""
    chances = np.zeros(n * (n + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, n + 1):
        chances[rank:] += chances[:-rank].copy()
        chances /= 2
    return np.cumsum(chances)


def rank_biserial(differences: FloatArray) -> float:
    """Return the share of ranks above 0 minus that below (Kerby, Comprehensive Psychology 3, 2014), -1 to 1."""
    some = differences[differences != 0]
    ranks = stats.rankdata(np.abs(some))
    return float((np.sign(some) * ranks).sum() / ranks.sum()) if len(some) else 0.0


def _finite(values: FloatArray) -> tuple[FloatArray, float]:
    """Return differences with a far value for an infinite one, and the value beyond which an average holds one."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    return np.where(np.isinf(values), np.copysign(_FAR * largest, values), values), _FAR / 4 * largest
