"""Consent: which notices a user has accepted, folder by folder of data, kept in the user's own folder of settings.

The variable ``LANDVOTE_CONFIG`` may name another folder. Data folders are known by their whole path, and a notice by
its text: a notice that reads otherwise has to be accepted anew.
"""

import os
from pathlib import Path

import platformdirs
from filelock import FileLock

from landvote.errors import SettingError
from landvote.runtime.files import StrPath, write_json
from landvote.runtime.form import Form

_FORM = Form("accepted notices", 1, SettingError)


def consent_file() -> Path:
    """Return where accepted notices are kept, or will be once there is one."""
    own = os.environ.get("LANDVOTE_CONFIG") or platformdirs.user_config_dir("landvote", appauthor=False)
    return Path(own) / "accepted.json"


def has_accepted(data: StrPath, notice: str) -> bool:
    """Say whether the user has accepted a notice for a folder of data; SettingError if the file cannot be read."""
    return notice in _accepted(consent_file()).get(_key(data), [])


def accept(data: StrPath, notice: str) -> None:
    """Remember that the user has accepted a notice for a folder of data.

    Raises:
        SettingError: the file of accepted notices cannot be read.
        DataError: it cannot be written.
    """
    file = consent_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):  # two trainings keep both
            accepted, key = _accepted(file), _key(data)
            notices = dict.fromkeys([*accepted.get(key, []), notice])
            write_json(file, _FORM.stamp({"accepted": accepted | {key: [*notices]}}))
    except OSError as error:
        raise SettingError(f"{file}: cannot be written ({error.strerror}), expected a place to remember by") from error


def _accepted(file: Path) -> dict[str, list[str]]:
    if not file.exists():
        return {}
    accepted = _FORM.load(file, "accepted")["accepted"]
    if not isinstance(accepted, dict) or not all(isinstance(notices, list) for notices in accepted.values()):
        raise SettingError(f"{file}: accepted is {accepted!r}, expected lists of notices by folder")
    return accepted


def _key(data: StrPath) -> str:
    return str(Path(data).resolve())
