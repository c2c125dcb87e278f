"""The tables of experiment.md, section 2, from the error of every film in every run.

python results/hips.py               print them, from hips_films.csv and hips_runs.csv
python results/hips.py RESULTS ...   first take over the finished runs of RESULTS, which `landvote compare` has made
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import DataError
from landvote.evaluation.measure import ANNOTATORS, Errors
from landvote.experiments.compare import lay_out
from landvote.experiments.grid import Grid, read_grid
from landvote.experiments.paired import paired_table
from landvote.experiments.results import Results, Run, gather
from landvote.experiments.statistics import cost_table, error_table, films_by_run
from landvote.experiments.work import Workspace
from landvote.reports.tables import interval, number, probability
from landvote.runtime.files import write_text

HERE = Path(__file__).parent
FILMS, RUNS = HERE / "hips_films.csv", HERE / "hips_runs.csv"
RUN = ["method", "size", "fold"]
ERRORS = ["point_to_point", "point_to_curve"]
PAIRS = [("WHDV", "RFRV-CLM"), ("WHDV", "WHDV + shape"), ("HDV", "WHDV"), ("HO", "HDV")]


def main() -> None:
    """Take over what is named, print what there is."""
    grid = read_grid(HERE.parent / "grids" / "paper.toml").at("laptop")
    for folder in map(Path, sys.argv[1:]):
        take_over(grid, folder)
    films, runs = (pd.read_csv(f, dtype={"size": str, "fold": str}).fillna("") for f in (FILMS, RUNS))
    results = rebuilt(grid, films)
    print(f"{len(results.runs)} runs; {len(results.missing)} are missing: {'; '.join(results.missing)}\n")
    print_errors(error_table(results), runs)
    print_pairs(paired_table(results))
    print(f"{len(runs)} runs took {runs['minutes'].sum() / 60:.1f} hours of one core")


def take_over(grid: Grid, folder: Path) -> None:
    """Put the finished runs of a grid into the files, in the place of those that are there."""
    workspace = Workspace((folder / "data").resolve(), None, folder.resolve())
    samples, every = lay_out(grid, workspace)
    results = gather(grid, every, samples, workspace)
    between = {"method": ANNOTATORS, "size": "", "fold": "", "film": [f.identifier for f in results.films]}
    between |= results.annotators
    films = pd.concat([films_by_run(results), pd.DataFrame(between)])[[*RUN, "film", *ERRORS]]
    order = {(c.method, str(c.size), str(c.fold)): place for place, c in enumerate(every)}
    for file, found in ((FILMS, films), (RUNS, cost_table(results)[[*RUN, "minutes", "computed_on", "machine"]])):
        new = found.astype({"size": str, "fold": str})
        known = pd.read_csv(file, dtype={"size": str, "fold": str}).fillna("") if file.exists() else new[:0]
        old = known[~pd.MultiIndex.from_frame(known[RUN]).isin(pd.MultiIndex.from_frame(new[RUN]))]
        both = pd.concat([old, new], ignore_index=True)
        places = [order.get(run, len(order)) for run in both[RUN].itertuples(index=False, name=None)]
        both = both.iloc[np.argsort(places, kind="stable")]
        write_text(file, both.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def rebuilt(grid: Grid, films: pd.DataFrame) -> Results:
    """Return results that know of each film its mean errors alone."""
    names = sorted(films["film"].unique())
    of = {run: part.set_index("film").loc[names, ERRORS].to_numpy().T for run, part in films.groupby(RUN)}
    nothing = np.full((len(names), 1, 2), np.nan)
    between, unknown = dict(zip(ERRORS, of[ANNOTATORS, "", ""], strict=True)), nothing[..., 0]
    wanted = [(m.name, size, fold) for size in grid.sizes for m in grid.methods for fold in range(grid.folds)]
    runs, missing = [], []
    for method, size, fold in wanted:
        errors = of.get((method, str(size), str(fold)))
        if errors is None:
            missing.append(f"{method}, {size} films, fold {fold}")
            continue
        landmarks = dict(zip(ERRORS, errors[..., None], strict=True))
        runs.append(Run(method, size, fold, 0, int(size), Errors(grid.unit, landmarks, between, unknown), nothing, {}))
    scheme = Scheme.numbered(1)
    samples = tuple(Sample(name, no_film, scheme) for name in names)
    return Results(grid, grid.unit, scheme, samples, nothing[:, 0], tuple(runs), tuple(missing))


def no_film() -> Radiograph:
    """Say where the films are.

    Raises:
        DataError: always.
    """
    raise DataError(f"{FILMS.name} holds errors, not films; `landvote compare grids/paper.toml` simulates them")


def print_errors(table: pd.DataFrame, runs: pd.DataFrame) -> None:
    """Print a row a size and method, with both kinds of error and the median minutes of its runs."""
    minutes = runs.groupby(["method", "size"])["minutes"].median()
    point, curve = (table[table["metric"] == metric].to_dict("records") for metric in ERRORS)
    for p, c in zip(point, curve, strict=True):
        alone = p["method"] == ANNOTATORS
        size = "" if alone else str(int(p["size"]))
        print_row(
            size,
            "annotators against their mean" if alone else p["method"],
            "" if alone else p["folds"],
            with_interval(p, "median"),
            number(p["p95"]),
            number(p["p99"]),
            with_interval(c, "median"),
            number(c["p99"]),
            "" if alone else f"{minutes[p['method'], size]:.1f}",
        )
    print()


def print_pairs(table: pd.DataFrame) -> None:
    """Print a row a pair and size; a ratio above 1 says that the second method is better."""
    for first, second in PAIRS:
        for size in table["size"].unique():
            row = [size, f"{first} : {second}"]
            for metric in ERRORS:
                of = table[(table["metric"] == metric) & (table["size"] == size)].to_dict("records")
                found = next((r for r in of if {r["first"], r["second"]} == {first, second}), None)
                if found is None:
                    break
                if found["first"] == second:
                    found = turned(found)
                won = f"{found['first_better']} : {found['second_better']}"
                row += [with_interval(found, "ratio"), probability(found["p_holm"]), won]
            else:
                print_row(*row)
    print()


def turned(row: dict[str, float]) -> dict[str, float]:
    """Return what a pair amounts to with its methods exchanged."""
    ratio = {"ratio": 1 / row["ratio"], "ratio_low": 1 / row["ratio_high"], "ratio_high": 1 / row["ratio_low"]}
    return {**row, **ratio, "first_better": row["second_better"], "second_better": row["first_better"]}


def with_interval(row: dict[str, float], name: str) -> str:
    """Return a figure with its interval in brackets."""
    cell = interval(row, name)
    return cell if isinstance(cell, str) else f"{cell[0]} ({cell[1]})"


def print_row(*cells: object) -> None:
    """Print a row of a table in Markdown."""
    print(f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |"))


if __name__ == "__main__":
    main()
