"""Arrays in npz files: written whole or not at all, and never pickled; reading a damaged file is a ModelError."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError
from landvote.runtime.files import atomic_write


def save_arrays(file: Path, **arrays: npt.ArrayLike) -> Path:
    """Write arrays as npz and return the file, the same bytes for the same arrays; DataError if that cannot be done."""
    with atomic_write(file) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]  # the stubs take the names for allow_pickle
    return file


def load_arrays(file: Path, *keys: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays named ``keys`` alone; ModelError if the file is missing or damaged, or lacks one."""
    try:
        with file.open("rb") as opened, np.lib.npyio.NpzFile(opened) as stored:
            return {key: stored[key] for key in keys}
    # a damaged file may claim to be encrypted (RuntimeError) or compressed in an unknown way (its NotImplementedError)
    except (OSError, KeyError, ValueError, EOFError, BadZipFile, RuntimeError) as error:
        raise ModelError(f"{file}: cannot be read ({error}), expected an npz with {', '.join(keys)}") from error
