"""Blind films: a random share of the films has no proposals on the page, to see whether people drift towards them."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from landvote.errors import DataError
from landvote.runtime.files import write_json
from landvote.runtime.form import Form

FORM = Form("settings of a review", 1, DataError)

MOST = 0.5
"""Of the films, at most so many are blind."""

USUAL, FEWEST = 0.05, 20
"""The share that a review of so many films or more begins with; of fewer, none are blind."""


@dataclass(frozen=True)
class BlindFilms:
    """Which films are blind: by a keyed hash of their identifiers, so that nobody knows before, and for good.

    A larger share has the films of a smaller one, and more.

    Attributes:
        share: of all films, 0 to 0.5.
        key: of the hash, 64 hexadecimal digits.
        kept: whether this is what a file says.
    """

    share: float = 0.0
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    kept: bool = False

    @classmethod
    def read(cls, file: Path) -> "BlindFilms":
        """Read the settings of a review; none are blind where there is no such file.

        Raises:
            DataError: it cannot be read, or is none, naming what is wrong.
        """
        if not file.exists():
            return cls()
        told = FORM.load(file, "blind", "key")
        share, key = told["blind"], told["key"]
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= MOST:
            raise DataError(f"{file}: blind is {share!r}, expected a share from 0 to {MOST}")
        if not isinstance(key, str) or not key:
            raise DataError(f"{file}: key is {key!r}, expected that of a hash")
        return cls(float(share), key, kept=True)

    def write(self, file: Path) -> None:
        """Write the settings, whole or not at all; DataError if that is not possible."""
        write_json(file, FORM.stamp({"blind": self.share, "key": self.key}))

    def with_share(self, share: float) -> "BlindFilms":
        """Return it with another share."""
        return replace(self, share=share, kept=True)

    def chosen(self, image: str) -> bool:
        """Say whether a film is blind."""
        digest = hmac.new(self.key.encode(), image.encode(errors="surrogateescape"), hashlib.sha256).digest()
        return int.from_bytes(digest[:7]) < self.share * 2**56
