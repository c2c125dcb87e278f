"""Arrays in npz files: written whole or not at all, read without pickle."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError
from landvote.files import whole


def save_arrays(file: Path, **arrays: npt.ArrayLike) -> Path:
    """Write arrays under their names; return the file.

    Raises:
        DataError: the file cannot be written.
    """
    with whole(file) as temporary, temporary.open("wb") as opened:
        np.savez(opened, **arrays)  # type: ignore[arg-type]  # the stubs take the names for allow_pickle
    return file


def load_arrays(file: Path, *keys: str) -> dict[str, npt.NDArray[np.float64]]:
    """Read the arrays of these names.

    Raises:
        ModelError: the file is missing, broken, or without one of them.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return {key: stored[key] for key in keys}
    except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
        raise ModelError(f"{file}: cannot be read ({error}), expected arrays {', '.join(keys)}") from error
