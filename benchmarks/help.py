"""The start: ``landvote --help`` against 0.3 seconds."""

from __future__ import annotations

import subprocess
import sys

from timing import Row, Turn, compare, take_turns

ALLOWED = 0.3


def rows(repeats: int) -> list[Row]:
    """Measure the command's start, and that of an empty Python beside it."""
    program = "from landvote.cli import main; main()"
    landvote, empty = take_turns([lambda: _run("-c", program, "--help"), lambda: _run("-c", "")], max(repeats, 5))
    allowed = [Turn(ALLOWED, ALLOWED)] * len(landvote)
    return [
        compare("landvote --help", landvote, f"{ALLOWED} s", allowed, 1.0),
        compare("landvote --help", landvote, "python that does nothing", empty),
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
