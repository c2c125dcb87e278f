"""All errors of landvote, as one tree of exceptions.

::

    LandvoteError            catch this one to catch them all
    ├── DataError            a file of the user's is not what it should be
    │   ├── ExistsError      a file or folder that would be overwritten
    │   ├── ImageError       pixels that cannot be read
    │   ├── PointsError      landmarks that cannot be read or do not fit
    │   ├── SchemeError      a landmark scheme that contradicts itself or its data
    │   ├── ShapeError       shapes that no model can be learned from, or points it cannot be brought to
    │   └── SplitError       films or subjects divided in a way that would flatter the result
    ├── EditError            an edit that does not fit its film, scheme or store
    │   └── ConflictError    an edit of points that another window has changed meanwhile
    ├── SettingError         an unknown setting, or a value out of its range
    ├── MissingExtraError    what is asked for needs packages that are not installed
    ├── ModelError           a model folder that is incomplete, altered or made for something else
    ├── TrainingError        training that cannot go on
    ├── WorkerError          work that is lost with its process or machine again and again
    └── StoppedError         work that was stopped as asked, and goes on when called again

Every message names the file (or setting), the value found and the value expected.
"""

import difflib
from collections.abc import Iterable


class LandvoteError(Exception):
    """Base of every error landvote raises on purpose."""


class DataError(LandvoteError):
    """A file of the user's is not what it should be."""


class ExistsError(DataError):
    """A file or folder of the user's that would be overwritten."""


class ImageError(DataError):
    """Pixels that cannot be read."""


class PointsError(DataError):
    """Landmarks that cannot be read, or do not fit their film or scheme."""


class SchemeError(DataError):
    """A landmark scheme that contradicts itself or the data it is used with."""


class ShapeError(DataError):
    """Shapes that no shape model can be learned from, or points that it cannot be brought to."""


class SplitError(DataError):
    """Films or subjects divided in a way that would flatter the result."""


class EditError(LandvoteError):
    """An edit of the review page that does not fit its film, scheme or store."""


class ConflictError(EditError):
    """An edit of points that another window has changed meanwhile."""


class SettingError(LandvoteError):
    """An unknown setting, or a value out of its range."""


class MissingExtraError(LandvoteError):
    """The call needs packages of an extra that is not installed."""


class ModelError(LandvoteError):
    """A model folder that is incomplete, altered or made for something else."""


class TrainingError(LandvoteError):
    """Training that cannot go on."""


class WorkerError(LandvoteError):
    """Work that is lost with its process or machine again and again."""


class StoppedError(LandvoteError):
    """Work that was stopped as asked; the same call goes on where it came to."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word closest to ``word``, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_of(known: Iterable[str], word: str) -> str:
    """Return the words that were expected in place of ``word``, and the nearest of them."""
    known = list(known)
    return f"one of {', '.join(known)}{nearest(word, known)}"
