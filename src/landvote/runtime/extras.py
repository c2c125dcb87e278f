"""Extras: packages that landvote does without until something is asked for that needs them."""

from importlib import import_module
from importlib.util import find_spec

from landvote.errors import MissingExtraError

PACKAGES = {
    "networks": ("torch", "safetensors"),
    "tensorboard": ("tensorboard",),
    "cluster": ("ray",),
    "review": ("starlette", "uvicorn"),
}
"""The packages of each extra as Python imports them; pyproject.toml has the same extras, with their versions."""


def installed(extra: str) -> bool:
    """Say whether the packages of an extra are installed; nothing is imported, so one may yet be broken."""
    return all(find_spec(package) is not None for package in PACKAGES[extra])


def require(extra: str, purpose: str) -> None:
    """Import the packages of an extra; ``purpose`` is what needs them, in the words of a message.

    Raises:
        MissingExtraError: a package is not installed, or broken; names the command that installs it.
    """
    for package in PACKAGES[extra]:
        try:
            import_module(package)
        except (ImportError, OSError) as error:  # a broken package on Windows is the latter
            expected = f"expected it by: pip install 'landvote[{extra}]'"
            raise MissingExtraError(f"{purpose} needs {package}, found none ({error}); {expected}") from error
