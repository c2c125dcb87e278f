"""Rows of parts, such as spines: how well a stage that reads levels tells which part is which.

    python benchmarks/levels.py DATA MODEL [--scheme NAME] [--steps N] [--seed N]

Trains the stage ``levels`` of the recipe ``whdv`` on the films of DATA that its split marks as ``train``, writes it
into MODEL, and judges it on those marked as ``test``, from their true rows: each film is looked at from its row and
from that shifted by one part either way. Prints how many rows are taken for another by how rows lie on films, by the
levels, and by both, and how many would be if each were as probable as it is told to be; on films as they are, and
cropped at random at both ends (up to two and a half parts beyond, or one part within, the row). The row begun from has
no prior.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.frames import Reading, Views
from landvote.frames.placings import RowSettings, TrainingShapes
from landvote.localiser import Stage
from landvote.localiser.look import Candidate, Row
from landvote.localiser.row import FRAMING, REACH, likeliest
from landvote.recipes import recipe
from landvote.runtime.events import StepTaken
from landvote.votes import Lesson

CROPPED = (-1.0, 2.5)  # parts beyond the ends of the row


def shifted(points: Points, scheme: Scheme, by: int) -> Points:
    """Return a row shifted by some parts, which go on beyond the ends as the last two are apart."""
    out, parts = points.copy(), np.array(scheme.repeats)
    rows = points[parts]
    before = [rows[0] + (rows[0] - rows[1]) * k for k in range(REACH, 0, -1)]
    after = [rows[-1] + (rows[-1] - rows[-2]) * k for k in range(1, REACH + 1)]
    out[parts] = np.stack([*before, *rows, *after])[REACH + by : REACH + by + len(parts)]
    return out


def cropped(film: Radiograph, points: Points, scheme: Scheme, rng: np.random.Generator) -> tuple[Radiograph, Points]:
    """Return a film cropped at both ends of a row that runs down it, and its points there."""
    first, last = (points[list(scheme.repeats[i])].mean(axis=0)[1] for i in (0, -1))
    part = (last - first) / (len(scheme.repeats) - 1)
    top = max(0, int(first - part * (0.5 + rng.uniform(*CROPPED))))
    bottom = min(len(film.pixels), int(last + part * (0.5 + rng.uniform(*CROPPED))))
    return replace(film, pixels=film.pixels[top:bottom]), points - [0, top]


def trained(samples: list[Sample], scheme: Scheme, folder: Path, changes: list[str]) -> Stage:
    """Return the stage, trained."""
    settings = next(s for s in recipe("whdv", changes, scheme).stages if s.name == "levels")
    shapes = TrainingShapes(scheme, (), [s.points for s in samples], [(1, 1)] * len(samples), 1)
    placing = settings.placing.fit(shapes)
    (views,) = Reading(samples, [(placing, settings.augmentation, None)]).views()

    def tell(event: object) -> None:
        if isinstance(event, StepTaken) and event.step % 100 == 0:
            print(f"step {event.step}, loss {event.loss:.3f}", flush=True)

    (folder / "levels").mkdir(parents=True, exist_ok=True)
    lesson = Lesson(
        "levels", len(scheme.repeats), views, Views([], settings.augmentation), folder / "levels", listener=tell
    )
    voter = settings.voter.fit(settings.training, lesson)
    choice = settings.choice.fit([s.points for s in samples])
    stage = Stage.of(settings, placing, voter, choice, scheme, None)
    stage.save(folder / "levels")
    return stage


def judged(
    stage: Stage, lie: RowSettings, training: list[Sample], samples: list[Sample], scheme: Scheme
) -> Iterator[str]:
    """Yield the rows of the table."""
    sizes = [s.open().size for s in training]
    placing = lie.fit(TrainingShapes(scheme, (), [s.points for s in training], sizes, 1))
    for crop in (False, True):
        rng, told = np.random.default_rng(2026), {"framing": [], "levels": [], "both": []}
        for sample in samples:
            film, points = sample.open(), sample.points
            film, points = cropped(film, points, scheme, rng) if crop else (film, points)
            for start in (-1, 0, 1):
                rows = [
                    Row(s - start, FRAMING * placing.log_likelihood(film.size, row), Candidate.at(row, 1.0))
                    for s in range(-REACH, REACH + 1)
                    for row in [shifted(points, scheme, s)]
                ]
                by_framing = likeliest(rows, scheme.repeats, "framing")
                flat = likeliest([replace(row, likely=0.0) for row in rows], scheme.repeats, "none")
                known = {
                    "levels": replace(flat, points=shifted(points, scheme, start)),
                    "both": replace(by_framing, points=shifted(points, scheme, start)),
                }
                found = {"framing": by_framing} | {name: stage.search(film, [one])[0] for name, one in known.items()}
                for name, one in found.items():
                    note = one.looks[-1]
                    told[name].append((note["shifted"] + start != 0, note["probable"]))
        for name, those in told.items():
            wrong, probable = np.array(those, float).T
            yield (
                f"| {'cropped' if crop else 'as they are'} | {name} | {100 * wrong.mean():.1f} | "
                f"{100 * (1 - probable).mean():.1f} |"
            )


def main() -> None:
    """Train and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--scheme")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    named = Scheme.named(given.scheme) if given.scheme else None
    samples = read_folder(given.data, named, require_points=True)
    scheme = samples[0].scheme
    training, test = ([s for s in samples if s.split == part] for part in ("train", "test"))
    print(f"{len(training)} films to learn from, {len(test)} to judge by")
    changes = [f"levels.training.seed={given.seed}"]
    stage = trained(
        training, scheme, given.model, changes + ([f"levels.training.steps={given.steps}"] if given.steps else [])
    )
    lie = next(s for s in recipe("whdv", [], scheme).stages_for(scheme) if s.name == "parts").placing
    print("| films | told by | another row taken, % | of 100, as told |", "|---|---|---|---|", sep="\n")
    for line in judged(stage, lie, training, test, scheme):
        print(line, flush=True)


if __name__ == "__main__":
    main()
