"""Made-up results of a grid: nothing is trained, errors are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme
from landvote.evaluation import Errors
from landvote.experiments.grid import Grid, Size
from landvote.experiments.results import Results, Run
from landvote.experiments.runs import RunPlan
from landvote.experiments.work import Workspace
from landvote.recipes import recipe

MakeResults = Callable[..., Results]

NAMES = ("WHDV", "WHDV + shape", "HDV", "HO", "RFRV-CLM")


def made_up(
    *,
    methods: int = 2,
    sizes: tuple[Size, ...] = (100, 400),
    folds: int = 2,
    seeds: int = 1,
    films: int = 12,
    scheme: Scheme | None = None,
    annotators: int = 2,
    subgroups: tuple[str, ...] = (),
    lost: float = 0.03,
    skip: int = 0,
) -> Results:
    """Return results whose errors grow from method to method and shrink with the size.

    Args:
        methods: how many.
        sizes: of the grid.
        folds: of the grid.
        seeds: how many.
        films: to measure on.
        subgroups: of the grid.
        scheme: by default an arc of 12 points.
        annotators: of each film.
        lost: share of films that a run does not find at all; as large a share lose one landmark.
        skip: so many runs at the end are not finished.
    """
    rng = np.random.default_rng(0)
    scheme = scheme or arc(12)
    n, angle = len(scheme), np.linspace(0, np.pi, len(scheme))
    truth = np.column_stack([60 + 40 * np.cos(angle), 80 - 50 * np.sin(angle)])
    samples = []
    for i in range(films):
        marked = {f"reader {(i + k) % 3}": truth + rng.normal(0, 1, truth.shape) for k in range(annotators)}
        attributes = {"disease": "left" if i % 3 else "none", "age": f"{4 + 0.1 * (i % 60):.1f}"}

        def opened(name: str = f"film {i}") -> Radiograph:
            return Radiograph(np.full((120, 120), 9, dtype=np.uint8), name)

        samples.append(Sample(f"film {i}", opened, scheme, marked or {"": truth}, attributes=attributes))
    hard, along = rng.normal(0, 0.35, (films, 1)), 1 + 0.6 * np.sin(4 * angle)
    grid = Grid.model_validate(
        {
            "title": "A grid <made up>",
            "data": {"simulate": 5000},
            "methods": [{"name": m, "recipe": "whdv", "set": ["seed=1"]} for m in NAMES[:methods]],
            "sizes": sizes, "folds": folds, "seeds": tuple(range(seeds)), "test": films, "subgroups": subgroups,
            "note": "fewer steps",
        }
    )  # fmt: skip
    runs = []
    for fold in range(folds):
        for place, size in enumerate(sizes):
            for seed in range(seeds):
                for m in range(methods):
                    film = np.exp(1.3 + 0.25 * m - 0.35 * place + hard + rng.normal(0, 0.2, (films, 1)) + 0.04 * fold)
                    wild = rng.random((films, 1)) < 0.02
                    error = film * along * rng.lognormal(0, 0.2, (films, n)) * np.where(wild, 15.0, 1.0)
                    error[rng.random(films) < lost] = np.inf
                    error[rng.random(films) < lost, 0] = np.inf
                    runs.append(_run(NAMES[m], size, fold, seed, error, truth, scheme))
    kept = runs[: len(runs) - skip]
    if annotators > 1:
        between = np.exp(rng.normal(0.2, 0.2, films))
        both = {m: share * between for m, share in zip(kept[0].errors.landmarks, (1.0, 0.5), strict=False)}
        kept = [replace(r, errors=replace(r.errors, annotators=both)) for r in kept]
    return Results(
        grid=grid, unit="%", scheme=scheme, films=tuple(samples), scale=np.ones((films, 2)), runs=tuple(kept),
        missing=tuple(f"{r.method}, {r.size} films, fold {r.fold}, seed {r.seed}" for r in runs[len(kept) :]),
    )  # fmt: skip


def _run(method: str, size: Size, fold: int, seed: int, error: np.ndarray, truth: np.ndarray, scheme: Scheme) -> Run:
    found = np.isfinite(error)
    predicted = np.where(found[..., None], truth + np.where(found, error, 0.0)[..., None] * [0.6, 0.8], np.nan)
    on = np.isin(np.arange(len(scheme)), [i for o in scheme.outlines for i in o.points])
    told = {
        "minutes": 3.25,
        "train_minutes": 3.0,
        "machine": "a machine",
        "computed_on": {"global": "cpu", "local": "cpu"},
        "votes_of": None,
    }
    films = 900 if size == "all" else size
    landmarks = {"point_to_point": error}
    if scheme.outlines:
        landmarks["point_to_curve"] = np.where(on, 0.5 * error, np.nan)
    varied = np.exp(0.3 * np.sin(np.arange(len(error))))  # what a method expects is not quite what it gets
    expected = varied[:, None] * np.where(found, error, 0.0).mean(axis=1, keepdims=True)
    errors = Errors("%", landmarks, {}, np.broadcast_to(expected, error.shape))
    return Run(method, size, fold, seed, films, errors, predicted, told)


def arc(n: int, *, outline: bool = True) -> Scheme:
    """Return a scheme of n points, all on one outline, or on none."""
    outlines = (Outline(name="arc", points=tuple(range(n))),) if outline else ()
    return Scheme(
        name="arc",
        landmarks=tuple(f"p{i}" for i in range(n)),
        file_points=n,
        columns=tuple(range(n)),
        outlines=outlines,
    )


@pytest.fixture
def make_results() -> MakeResults:
    return made_up


@pytest.fixture
def plan():
    """Return a function that plans a run on two of ten films, or more."""

    def planned(key: str, votes: str = "v", method: str = "A", films: int = 2) -> RunPlan:
        names = [f"{i:02}.png" for i in range(10)]
        uses = tuple(names[:films]), ("06.png",), tuple(names[7:])
        return RunPlan(method, films, 0, 0, recipe("whdv"), *uses, key, votes)

    return planned


@pytest.fixture
def workspace(tmp_path, draw) -> Workspace:
    """Return one with ten films and no results."""
    return Workspace(draw(tmp_path / "data", [f"{i:02}.png" for i in range(10)]), None, tmp_path / "results")
