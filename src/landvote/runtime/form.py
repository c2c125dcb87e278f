"""The form of a file: each kind of file carries a number, which grows whenever its keys change their meaning."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landvote.errors import LandvoteError

Record = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """One kind of file.

    Attributes:
        noun: how messages call such a file, such as ``"predictions"``.
        number: of the form that is written today, under the key ``format``.
        error: raised for a record of another form.
        migrations: number -> function that turns a record of that form into one of the next.
    """

    noun: str
    number: int
    error: type[LandvoteError]
    migrations: Mapping[int, Callable[[Record], Record]] = field(default_factory=dict)

    def stamp(self, record: Record) -> Record:
        """Return the record with the number of its form in front."""
        return {"format": self.number, **record}

    def read(self, record: Record, where: str) -> Record:
        """Return the record in today's form, without its number; one without a number is of form 1.

        Raises:
            LandvoteError: (the kind in ``error``) the form is newer than this version of landvote, or too old for it.
        """
        number = record.get("format", 1)
        record = {key: value for key, value in record.items() if key != "format"}
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self.error(f"{where}: {self.noun} of format {number!r}, expected a number from 1 to {self.number}")
        if number > self.number:
            newer = f"{self.noun} of format {number}, written by a newer landvote"
            raise self.error(f"{where}: {newer}; expected {self.number} or less: update landvote to read it")
        for old in range(number, self.number):
            if old not in self.migrations:
                raise self.error(f"{where}: {self.noun} of format {number}, expected {self.number}; make it anew")
            record = self.migrations[old](record)
        return record

    def load(self, file: Path, *keys: str) -> Record:
        """Read a JSON file in today's form, without its number; it has the ``keys``.

        Raises:
            LandvoteError: (the kind in ``error``) it cannot be read, is no JSON object, lacks a key, or has
                another form.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise self.error(f"{file}: cannot be read ({error}), expected {self.noun}") from error
        if not isinstance(content, dict):
            raise self.error(f"{file}: holds a {type(content).__name__}, expected {self.noun}")
        record = self.read(content, str(file))
        if missing := [key for key in keys if key not in record]:
            raise self.error(f"{file}: has no {missing[0]!r}, expected {self.noun} with it")
        return record
