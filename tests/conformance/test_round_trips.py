"""Random films, schemes and points survive every format that writes, as far as it says that it holds them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from landvote.data.scheme import Outline
from landvote.formats.family import FORMATS
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

pytestmark = pytest.mark.slow

CASES = 100
NAMES = [
    "hip",
    "Femoral head, centre",
    "ö ñ",
    "a-1",
    "x/y",
    'say "so"',
    "3rd",
    "中",
    "tip (left)",
    "m&m <s>",
    "10",
    "L",
]
FILMS = ["a.png", "b c.png", "ü.png", "sub/a 1.png", "sub/deep/z.tif", "1.2.840.png", "x&y.png"]
WRITERS = [kind for kind in FORMATS if FORMATS[kind].writes]


def random_table(rng, folder):
    """Draw films into a folder, and return them with random points of theirs: some missing, some occluded."""
    chosen = sorted(rng.choice(FILMS, rng.integers(1, 5), replace=False))
    landmarks = tuple(map(str, rng.choice(NAMES, rng.integers(1, 9), replace=False)))
    annotators = [["", ""][:1], ["anna"], ["anna", "ben"]][rng.integers(3)]
    rows = []
    for name in chosen:
        width, height = rng.integers(8, 60, 2)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (height, width), dtype=np.uint8)).save(folder / name)
        for annotator in annotators:
            points = rng.uniform((0, 0), (width - 1, height - 1), (len(landmarks), 2)).round(3)
            points[1:][rng.random(len(points) - 1) < 0.2] = np.nan  # one is there at least
            hidden = np.isfinite(points[:, 0]) & (rng.random(len(points)) < 0.2)
            error = np.where(np.isfinite(points[:, 0]), rng.uniform(0, 9, len(points)).round(3), np.nan)
            rows.append(PointRow(str(name), annotator, points, occluded=hidden, expected_error=error,
                                 size=(int(width), int(height))))  # fmt: skip
    order = tuple(map(int, rng.permutation(len(landmarks))))
    outlines = (Outline(name="rim", points=order[:5], closed=bool(rng.integers(2))),) if len(landmarks) > 2 else ()
    return PointTable(tuple(rows), landmarks, outlines)


def merged(table):
    """Return film -> the mean point of its annotators, where a file holds one."""
    films = {row.image: [r for r in table.rows if r.image == row.image] for row in table.rows}
    out = {}
    for film, rows in films.items():
        points = np.stack([row.points for row in rows])
        given = np.isfinite(points).all(axis=2)
        mean = np.where(given[..., None], points, 0).sum(axis=0) / np.maximum(given.sum(axis=0), 1)[:, None]
        mean[~given.any(axis=0)] = np.nan
        out[film, ""] = (mean, np.any([row.occluded for row in rows], axis=0))
    return out


@pytest.mark.parametrize("kind", WRITERS)
def test_points_come_back(kind, tmp_path):
    form = FORMATS[kind]()
    for case in range(CASES):
        rng = np.random.default_rng(case)
        place = tmp_path / str(case)
        table = random_table(rng, place / "images")
        films = Films.below(place / "images")
        out = place / f"points{'' if form.per_film else form.suffixes[0]}"
        written = write_points(out, table, form, films)
        several = form.per_film or "annotators" in form.holds
        truth = merged(table)
        if several:
            truth = {(row.image, row.annotator): (row.points, row.occluded) for row in table.rows}
        left_out = {key for key, (points, _) in truth.items() if "missing" not in form.holds and np.isnan(points).any()}
        assert len(written.left_out) == len(left_out)
        if len(left_out) == len(truth):
            continue
        read = films.match(read_points(out, kind, films=films), problems := [])
        assert not problems, (case, problems)
        found = {(row.image, row.annotator): row for row in read.rows}
        assert found.keys() == truth.keys() - left_out, case
        names = table.landmarks if "names" in form.holds else tuple(map(str, range(len(table.landmarks))))
        assert set(read.landmarks) <= set(names), case
        place_of = {name: i for i, name in enumerate(read.landmarks)}
        for key, row in found.items():
            points, hidden = truth[key]
            for i, name in enumerate(names):
                column = place_of.get(name)
                got = row.points[column] if column is not None else (np.nan, np.nan)
                np.testing.assert_allclose(got, points[i], atol=6e-4, err_msg=f"{kind}, case {case}, {key}, {name}")
                if "occluded" in form.holds and hidden[i]:
                    assert row.occluded[column], (case, key, name)
        if "outlines" in form.holds and table.outlines and set(read.landmarks) == set(names):
            (outline,) = read.outlines
            ring = [read.landmarks[i] for i in outline.points]
            wanted = [names[i] for i in table.outlines[0].points]
            assert ring in _turned(wanted, table.outlines[0].closed), case
            assert outline.closed == table.outlines[0].closed


def _turned(names, closed):
    """Return the ways in which a curve may be told: from either end, a closed one from anywhere."""
    starts = range(len(names)) if closed else (0,)
    ways = [names[i:] + names[:i] for i in starts]
    return ways + [way[::-1] for way in ways]
