"""Provenance: which versions and which processors a result was computed with, recorded in one way everywhere."""

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from landvote.runtime.processors import processors

_DECIDING = (
    "landvote", "numpy", "scipy", "opencv-python-headless", "numba", "torch", "scikit-learn", "pydicom", "python-gdcm",
    "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of all packages that decide a result, and of Python; of those that are installed."""
    found = {"python": platform.python_version()}
    for name in _DECIDING:
        with suppress(PackageNotFoundError):  # an extra that this installation goes without
            found[name] = version(name)
    return found


def machine() -> str:
    """Return which processors are ours: a compiler's name for their kind, as znver4, and how many."""
    from llvmlite.binding import get_host_cpu_name  # noqa: PLC0415 - takes a while; only a record of it waits

    return f"{get_host_cpu_name()} ({platform.machine()}), {processors()} processors"
