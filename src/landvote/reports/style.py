"""How charts look, and how they become files. Nothing global is touched: each chart is drawn within its style."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from landvote.evaluation.measure import ANNOTATORS
from landvote.runtime.files import atomic_write

# Okabe & Ito's palette, told apart by colour-blind readers; grey is kept for what is not the method.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#6b7280"
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1, 1)), (0, (7, 1.2, 1, 1.2, 1, 1.2)))

DPI = 300
"""Dots per inch of a figure for print."""

STYLE: dict[Any, Any] = {  # the names of the settings are typed differently from one matplotlib to the next
    "font.family": "sans-serif", "font.size": 10, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#9ca3af", "axes.labelcolor": "#1f2937",
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e5e7eb", "grid.linewidth": 0.8,
    "xtick.color": "#374151", "ytick.color": "#374151",
    "svg.hashsalt": "landvote",  # the same figures give the same file
}  # fmt: skip

PRINT: dict[Any, Any] = {
    **STYLE, "font.size": 8, "legend.fontsize": 8, "legend.handlelength": 3.2, "axes.titlesize": 8.5,
    "axes.linewidth": 0.7, "grid.linewidth": 0.5, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "lines.linewidth": 1.3, "lines.markersize": 4,
}  # fmt: skip

SOFTWARE = "landvote"
"""The program that PNG files name which landvote has drawn."""

_NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": SOFTWARE}}


@dataclass(frozen=True)
class Line:
    """How a method, or a size, is drawn."""

    colour: str
    dash: Any


def lines(names: Sequence[str]) -> dict[str, Line]:
    """Return how each of some methods is drawn, and the annotators: told apart by colour, and by dash in print."""
    drawn = {n: Line(COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]) for i, n in enumerate(names)}
    return {**drawn, ANNOTATORS: Line(GREY, (0, (2.5, 2.5)))}


def save_figure(figure: Figure, file: Path, dpi: float | None = None, style: dict[Any, Any] = STYLE) -> None:
    """Write a figure as ``.png`` or ``.svg``, whole or not at all; the same figure gives the same file.

    A PNG has the figure's own dots per inch, or ``dpi``. Ticks are made anew when a figure is drawn, so it needs the
    ``style`` it was made with.
    """
    kind = file.suffix.removeprefix(".")
    with mpl.rc_context(style), atomic_write(file) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi or "figure", metadata=_NO_DATE[kind])


def as_data_uri(figure: Figure, kind: str = "svg") -> str:
    """Return a figure as ``data:`` address, so that a page needs no file beside it; ``kind`` is ``svg`` or ``jpeg``."""
    buffer = io.BytesIO()
    fine = {"pil_kwargs": {"quality": 88, "subsampling": 0}} if kind == "jpeg" else {"metadata": _NO_DATE[kind]}
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=kind, **fine)
    return data_uri(buffer.getvalue(), {"svg": "image/svg+xml", "jpeg": "image/jpeg"}[kind])


def data_uri(picture: bytes, mime: str) -> str:
    """Return a picture as ``data:`` address."""
    return f"data:{mime};base64,{base64.b64encode(picture).decode('ascii')}"
