"""Privacy: files hold a keyed hash of a patient's number, which links the films of one patient and names no patient.

The key lies in the user's own folder and never leaves the machine; the variable ``LANDVOTE_KEY`` may name another file,
which several machines or users share to get the same hashes. Without the key, numbers cannot be tried out one by one.
"""

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

import platformdirs
from filelock import FileLock

from landvote.errors import SettingError

_BYTES = 32
_HEX = 32  # digits of a hash: short enough for a table, long enough that no two patients meet


def keyed_hash(text: str) -> str:
    """Return 32 hexadecimal digits that stand for ``text``, the same on this machine always; empty for empty text.

    Raises:
        SettingError: the key cannot be read or made, naming its file.
    """
    return hmac.new(_key(key_file()), text.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()[:_HEX] * bool(
        text
    )


def key_file() -> Path:
    """Return where the key is, or will be made when it is first needed."""
    own = Path(platformdirs.user_data_dir("landvote", appauthor=False)) / "patients.key"
    return Path(os.environ.get("LANDVOTE_KEY") or own)


@lru_cache(maxsize=1)
def _key(file: Path) -> bytes:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):  # two processes make one key
            if not file.exists():
                handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(handle, "wb") as made:
                    made.write(secrets.token_bytes(_BYTES))
            key = file.read_bytes()
    except OSError as error:
        raise SettingError(
            f"{file}: the key that hides patients' numbers cannot be read or made ({error.strerror}); "
            "expected it there, or in the file that the variable LANDVOTE_KEY names"
        ) from error
    if len(key) != _BYTES:
        raise SettingError(f"{file}: {len(key)} bytes, expected the {_BYTES} of a key that hides patients' numbers")
    return key
