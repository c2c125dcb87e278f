"""Sweep k, sigma, stride, weighting side and smoothing of the local searcher, one setting at a time.

    python benchmarks/sweep.py DATA OUT.csv [--films 200] [--test 60] [--steps 600] [--size 128]

DATA is a folder with a scheme, such as ``landvote simulate`` makes. The patch is placed by the true reference points,
so that only the local searcher is measured. One row per trained setting and way of voting; rows that are there already
are kept and not run again. Errors are of films the network never saw, in % of the scheme's normalising pair.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from hips import outlined
from landvote.datasets.folder import read_folder
from landvote.frames import Augmentation, Reading, Views
from landvote.frames.placings import ReferenceSettings, TrainingShapes
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.voter import NetworkVoter
from landvote.votes import Lesson

BASE = {
    "method": "whdv",
    "k": 32.0,
    "sigma": 5.0,
    "stride": 4,
    "head_width": 64,
    "gain": 1.0,
    "widen": 1.0,
    "dense": 0.0,
    "batch": 10,
    "rate": 0.001,
}
TRAINED = (
    [BASE]
    + [BASE | {"sigma": s} for s in (10.0, 3.0, 2.0)]
    + [BASE | {"sigma": 3.0} | change for change in ({"gain": 30.0}, {"widen": 4.0}, {"dense": 0.03})]
    + [BASE | {"sigma": 2.0, "widen": 4.0}, BASE | {"method": "hdv"}, BASE | {"method": "ho"}]
    + [BASE | {"k": k} for k in (8.0, 64.0)]
    + [BASE | {"method": "hdv", "k": k} for k in (16.0, 128.0)]
    + [BASE | {"stride": s} for s in (2, 8)]
    + [BASE | {"head_width": w} for w in (16, 128)]
    + [BASE | {"k": 16.0, "batch": b, "rate": r} for b, r in ((10, 0.001), (4, 0.002))]
    + [BASE | {"stride": 1}]
)
OF_TRAINING = ("batch", "rate")
VOTED = [(side, sd) for side, sd in product(("source", "target"), (0.5, 1.0, 2.0, 4.0, 6.0))]


def main() -> None:
    """Run every setting that has no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    for name, value in (("--films", 200), ("--test", 60), ("--steps", 600), ("--size", 128)):
        parser.add_argument(name, type=int, default=value)
    a = parser.parse_args()
    samples = read_folder(a.data, require_points=True)[: a.films + a.test]
    training, test = samples[: a.films], samples[a.films :]
    scheme = training[0].scheme
    shapes = TrainingShapes(scheme, scheme.reference, *outlined(training))
    placing = ReferenceSettings(size=(a.size, a.size), border=0.12, fit_aspect=False).fit(shapes)
    look = Augmentation(rotation=(-10, 10), scale=0.12, shift=0.05)
    (views,), (held_out,) = (Reading(some, [(placing, look, None)]).views() for some in (training, test))
    done = list(csv.DictReader(a.out.open())) if a.out.exists() else []
    for setting in TRAINED:
        if any(all(row[k] == str(v) for k, v in setting.items()) for row in done):
            continue
        start = time.monotonic()
        settings = NetworkSettings(**{k: v for k, v in setting.items() if k not in OF_TRAINING}, smoothing=1, cell=1)
        teaching = TrainingSettings(  # the same number of views, however they are batched
            steps=a.steps * BASE["batch"] // setting["batch"],
            batch=setting["batch"],
            rate=setting["rate"],
            judge_every=10_000,
        )
        settings.prepare_process()
        with tempfile.TemporaryDirectory() as folder:
            voter = NetworkVoter.fit(settings, teaching, Lesson("local", len(scheme), views, held_out, Path(folder)))
        seconds = time.monotonic() - start
        rows = [setting | {"side": side, "smoothing": sd, **_errors(voter, held_out, scheme.normaliser, side, sd),
                           "seconds": round(seconds)} for side, sd in VOTED]  # fmt: skip
        new = not a.out.exists()
        with a.out.open("a", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerows(rows)
        best = min(rows, key=lambda r: r["median"])
        print(f"{setting} {seconds:.0f} s: {best}", file=sys.stderr, flush=True)


def _errors(
    voter: NetworkVoter, views: Views, normaliser: tuple[int, int] | None, side: str, smoothing: float
) -> dict[str, float]:
    """Return median, 90th and 99th percentile over films of the mean point-to-point error, in %."""
    voter = replace(voter, settings=voter.settings.model_copy(update={"side": side, "smoothing": smoothing}))
    means = []
    for i in range(len(views.working)):
        view = views.plain(i)
        points, _ = voter.vote(view).peaks()
        unit = np.linalg.norm(np.subtract(*view.points[list(normaliser)])) / 100 if normaliser else 1.0
        means.append(np.nanmean(np.linalg.norm(points - view.points, axis=1)) / unit)
    return {n: round(float(np.percentile(means, q)), 3) for n, q in (("median", 50), ("p90", 90), ("p99", 99))}


if __name__ == "__main__":
    main()
