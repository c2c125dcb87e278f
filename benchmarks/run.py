"""Measure, in one run, the ratios that landvote promises to keep: `make bench`.

    OMP_NUM_THREADS=2 python benchmarks/run.py [--out ratios.csv] [--only voting locating] [--repeats 15] [--device cpu]

Every figure is a ratio of two things that took turns on the same machine, median over the turns. Each row has the ratio
of wall-clock seconds, which counts, and that of processor seconds, to be believed where other programs were running
(the load is stated): they interrupt what takes long more often than what is short. Without OMP_NUM_THREADS it is one
thread. --out adds the rows to a CSV. The exit status is 1 if a ratio is over its limit.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numba
import torch

import forests
import help as starting
import locating
import point_files
import training_step
import voting
from landvote.networks.device import choose_device, use_bfloat16
from timing import Row

BENCHMARKS = ("voting", "forests", "locating", "training", "help", "points")


def main() -> None:
    """Measure what was asked for, print it, and write it where it was asked to be written."""
    parser = argparse.ArgumentParser(description="Measure the ratios that landvote promises to keep.")
    parser.add_argument("--out", type=Path, help="CSV that the rows are added to")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS)
    parser.add_argument("--repeats", type=int, default=15, help="pairs of turns")
    parser.add_argument("--device", default="cpu", help="of locating and training: cpu, cuda or mps")
    asked = parser.parse_args()
    machine = surroundings(asked.device, one_number_of_threads())
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    over = False
    for name in asked.only:
        rows = measure(name, asked.repeats, asked.device)
        print("\n".join(map(line, rows)), flush=True)
        over |= any(row.limit is not None and row.ratio > row.limit for row in rows)
        if asked.out:
            append(asked.out, rows, machine)
    sys.exit(over)


def measure(name: str, repeats: int, device: str) -> list[Row]:
    """Run one benchmark."""
    match name:
        case "voting":
            return voting.rows(repeats)
        case "forests":
            return forests.rows(repeats)
        case "locating":
            return locating.rows(repeats, device)
        case "training":
            return training_step.rows(repeats, device)
        case "points":
            return point_files.rows(repeats)
        case _:
            return starting.rows(repeats)


def one_number_of_threads() -> int:
    """Let torch and the compiled kernels use as many threads as OMP_NUM_THREADS says, or one; return how many."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    numba.set_num_threads(threads)  # first: starting its threads changes torch's number
    torch.set_num_threads(threads)
    return threads


def surroundings(device: str, threads: int) -> dict[str, str]:
    """Return what the seconds, though hardly the ratios, depend on."""
    chosen = choose_device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else _processor()
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"),
        "device": f"{chosen.type} ({name})",
        "cores": str(os.cpu_count()),
        "threads": str(threads),
        "precision": "bf16" if use_bfloat16(chosen, "auto") else "fp32",
        "load": f"{os.getloadavg()[0]:.1f}",
        "torch": torch.__version__,
    }


def line(row: Row) -> str:
    """Return a row as one line of the table."""
    verdict = "" if row.limit is None else f"  <= {row.limit:g} {'yes' if row.ratio <= row.limit else 'NO'}"
    return (
        f"{row.benchmark:44s} {row.seconds * 1000:9.2f} ms   {row.against:44s} {row.against_seconds * 1000:9.2f} ms"
        f"   {row.ratio:6.2f}x (cpu {row.cpu_ratio:.2f}x){verdict}"
    )


def append(path: Path, rows: Iterable[Row], machine: dict[str, str]) -> None:
    """Add rows to a CSV, with a header if it is new."""
    records = [_rounded(row) | machine for row in rows]
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(records)


def _rounded(row: Row) -> dict[str, object]:
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(row).items()}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [v for v in info.read_text().splitlines() if v.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor()


if __name__ == "__main__":
    main()
