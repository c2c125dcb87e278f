"""Export: every format that is written, of chosen annotators and films, with what is lost."""

from __future__ import annotations

import io
import json
import threading
import zipfile

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.family import FORMATS, written_kinds
from landvote.formats.reading import read_points
from landvote.review.reports.exporting import export, export_formats
from reviewing import MISSING, THREE, at

ALL = {"tip": at(1, 1), "base": at(2, 2), "näsion": at(3, 3)}


@pytest.fixture
def approved(client, review):
    """Return a review: film 0 by two annotators, film 1 by one with a hidden point, film 2 in work."""
    for number, who, points in ((0, "Ana", ALL), (0, "Bo", {**ALL, "tip": at(3, 1)}),
                                (1, "Ana", {**ALL, "base": at(2, 2, "occluded")})):  # fmt: skip
        client.edit(number, 0, who=who, **points)
        assert client.edit(number, 1, "approve", who=who)[0] == 200
    client.edit(2, 0, tip=at(7, 7))
    return review


def out(review, kind, annotators="all", who="Ana", *, approved=True):
    return export(review.store, review.files, kind, annotators, who, approved=approved)


@pytest.mark.parametrize("kind", written_kinds())
def test_every_format_that_is_written_is_exported_and_read_again(approved, tmp_path, kind):
    made = out(approved, kind, "mean")
    assert made.told[0] == f"2 films as {kind}"
    file = tmp_path / made.name
    file.write_bytes(made.content)
    if FORMATS[kind].per_film:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(tmp_path)
        file = tmp_path / "points"
    table = read_points(file, kind, scheme=THREE, films=approved.files)
    rows = {row.image.removesuffix(".png"): row.points for row in table.rows}
    found = next(points for name, points in rows.items() if name.startswith("film-0"))
    np.testing.assert_allclose(found, [[2, 1], [2, 2], [3, 3]], atol=0.01)


def test_annotators_and_films_are_chosen(approved):
    def rows(*args, **kwargs):
        return [
            line.split(",") for line in out(approved, "long-csv", *args, **kwargs).content.decode().splitlines()[1:]
        ]

    assert {(row[0], row[4]) for row in rows()} == {("film-0.png", "Ana"), ("film-0.png", "Bo"), ("film-1.png", "Ana")}
    assert {(row[0], row[4]) for row in rows("me", "Bo")} == {("film-0.png", "Bo")}
    assert [row[2] for row in rows("mean") if row[:2] == ["film-0.png", "tip"]] == ["2.000"]
    assert {row[0] for row in rows(approved=False)} == {"film-0.png", "film-1.png", "film-2.png"}


def test_what_is_lost_and_left_out_is_told_with_counts(approved, client):
    client.edit(3, 0, tip=MISSING, base=at(1, 1), näsion=at(1, 1))
    client.edit(3, 1, "approve")
    told = out(approved, "tps").told
    assert any("the annotators of 3 films" in line for line in told)
    assert any("which 1 points are occluded" in line for line in told)
    made = out(approved, "vxl-pts")
    assert "left out, for want of points: 1 (film-3.png by Ana)" in made.told
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert "points/Ana/film-1.pts" in archive.namelist()


def test_nothing_to_export_is_told_without_a_path(review):
    with pytest.raises(PointsError, match="no points to export"):
        out(review, "long-csv")


def test_the_server_answers_with_the_file_and_what_is_lost(approved, client):
    status, headers, content = client.ask("GET", "/api/export?format=tps&who=Ana&annotators=mean")
    assert status == 200
    told = json.loads(headers["x-export"])
    assert (told["name"], told["told"][0]) == ("points.tps", "2 films as tps")
    assert content.decode().count("LM=3") == 2
    kinds = {each["kind"] for each in client.get("/api/formats")["formats"]}
    assert kinds == set(written_kinds()) == {each["kind"] for each in export_formats()}
    for bad in ("format=tpsx", "", "format=tps&annotators=us", "format=tps&films=none", "format=../tps"):
        assert client.ask("GET", f"/api/export?who=Ana&{bad}")[0] == 422
    status, _, content = client.ask("GET", "/api/export?who=Zoe&annotators=me&format=tps")
    assert (status, b"no points to export" in content) == (422, True)


def test_an_edit_is_answered_while_an_export_runs(approved, client, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        begun.set()
        assert go_on.wait(20)
        return export(*args, **kwargs)

    monkeypatch.setattr("landvote.review.routes.export.export", slow)
    answers = []
    one = threading.Thread(target=lambda: answers.append(client.ask("GET", "/api/export?format=tps&who=Ana")))
    one.start()
    assert begun.wait(20)
    assert client.edit(2, 1, base=at(5, 5))[0] == 200
    go_on.set()
    one.join(20)
    assert answers[0][0] == 200
