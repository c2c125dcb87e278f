"""The report of agreement and time: one CSV with every figure, one page to read."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from landvote.reports.page import page
from landvote.reports.tables import Table, number

Record = dict[str, Any]

_FIGURES = ("films", "points", "mean", "median", "p90", "p95", "unmatched", "accepted", "changed", "correction")
_LENGTHS = {"mean", "median", "p90", "p95", "correction"}
_HEADER = ("section", "one", "other", "part", "figure", "value", "unit")


def agreement_csv(record: Record) -> str:
    """Return all figures of an agreement as CSV, one a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows(_rows(record))
    return text.getvalue()


def _rows(record: Record) -> Iterator[tuple[object, ...]]:
    compared = [(f"annotators, {_kind(p)}", p["one"], p["other"], p) for p in record["pairs"]]
    for each in record["machine"]:
        compared += [(f"machine, {kind} films", each["who"], "machine", each[kind]) for kind in ("proposed", "blind")]
    for *who, told in compared:
        for part in (told, *told["landmarks"]):
            for name in _FIGURES:
                if part.get(name) is not None:
                    yield (*who, part.get("landmark", ""), name, part[name], record["unit"] if name in _LENGTHS else "")
    for each in record["time"]:
        for part in (each, *each["tens"]):
            films = f"films {part['from']} to {part['to']}" if "from" in part else ""
            yield ("time", each["who"], "", films, "median per film", part["seconds"], "s")
            yield ("actions", each["who"], "", films, "median per film", part["actions"], "")


def agreement_page(record: Record) -> str:
    """Return the figures as a page of HTML that needs no file beside it."""
    unit = record["unit"]
    lengths = [f"mean ({unit})", "median", "90 %", "95 %"]
    pairs = Table("", ["annotators", "films", "number", "points", *lengths], [
        [f"{p['one']}, {p['other']}", _kind(p), str(p["films"]), str(p["points"]), *_lengths(p)]
        for p in record["pairs"]
    ])  # fmt: skip
    machine = Table("", ["person", "films", "number", "points", *lengths, "as proposed", "changed", f"by ({unit})"], [
        [
            each["who"], {"proposed": "proposals shown", "blind": "blind"}[kind], str(told["films"]),
            str(told["points"]), *_lengths(told), *(_count(told.get(key)) for key in ("accepted", "changed")),
            number(told.get("correction")),
        ]
        for each in record["machine"] for kind, told in ((k, each[k]) for k in ("proposed", "blind"))
    ])  # fmt: skip
    time = Table("", ["person", "films", "seconds a film (median)", "actions a film (median)"], [
        [each["who"], f"{p['from']} to {p['to']}" if "from" in p else f"all {p['films']}", number(p["seconds"]),
         number(p["actions"])]
        for each in record["time"] for p in (each, *each["tens"])
    ])  # fmt: skip
    return page(
        "agreement", title="Agreement and time", unit=unit, pairs=pairs, machine=machine, time=time,
        landmarks=[
            (name, _by_landmark(told["landmarks"], unit))
            for name, told in _compared(record) if told["landmarks"]
        ],
    )  # fmt: skip


def _compared(record: Record) -> Iterator[tuple[str, Record]]:
    for pair in record["pairs"]:
        yield f"{pair['one']} and {pair['other']}, {_kind(pair)}", pair
    for each in record["machine"]:
        yield f"{each['who']} and the machine, proposals shown", each["proposed"]
        yield f"{each['who']} and the machine, blind films", each["blind"]


def _kind(pair: Record) -> str:
    return "proposals shown" if pair["prompted"] else "without proposals"


def _by_landmark(landmarks: Sequence[Record], unit: str) -> Table:
    worst_first = sorted(landmarks, key=lambda each: -each["mean"])
    rows = [[each["landmark"], str(each["points"]), *_lengths(each)] for each in worst_first]
    return Table("", ["landmark", "points", f"mean ({unit})", "median", "90 %", "95 %"], rows, words=1)


def _lengths(told: Record) -> list[str]:
    return [number(told[name]) for name in ("mean", "median", "p90", "p95")]


def _count(value: int | None) -> str:
    return "" if value is None else str(value)
