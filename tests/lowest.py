"""Print the lowest versions that pyproject.toml allows, as constraints for pip: what `make lowest` installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(project: dict) -> dict[str, str]:
    """Return the lowest version of every package that is required, by its name; an exact one is its own lowest."""
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *(line for lines in extras for line in lines)]
    bounds = (re.match(r"([\w-]+)[>=]=([\d.]+)", line) for line in required)
    return {bound[1]: bound[2] for bound in bounds if bound}


if __name__ == "__main__":
    for name, version in lowest(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]).items():
        print(f"{name}=={version}")
