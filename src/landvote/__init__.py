"""landvote: anatomical landmarks in radiographs, found by voting.

The names here are what scripts need most; everything else is imported from its own module.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from landvote.errors import LandvoteError

if _TYPE_CHECKING:
    from landvote.data.prediction import Prediction
    from landvote.data.radiograph import Radiograph
    from landvote.data.sample import Sample
    from landvote.data.scheme import Scheme
    from landvote.datasets.folder import read_folder
    from landvote.formats.image import read_image
    from landvote.models import load_model

__version__ = _version("landvote")
__all__ = [
    "LandvoteError", "Prediction", "Radiograph", "Sample", "Scheme", "__version__", "load_model", "read_folder",
    "read_image",
]  # fmt: skip

_HOMES = {
    "Prediction": "data.prediction", "Radiograph": "data.radiograph", "Sample": "data.sample", "Scheme": "data.scheme",
    "load_model": "models", "read_folder": "datasets.folder", "read_image": "formats.image",
}  # fmt: skip


def __getattr__(name: str) -> _Any:  # noqa: ANN401 - whatever the name stands for
    """Import on first use, so that ``import landvote`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'landvote' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"landvote.{_HOMES[name]}"), name)
