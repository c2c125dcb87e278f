"""landvote: anatomical landmarks in radiographs, found by voting.

The names here are what scripts and notebooks need, in the order in which films flow; ``docs/python.md`` shows each in
use. Everything else is imported from its own module.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from landvote.errors import LandvoteError

if _TYPE_CHECKING:
    from landvote.data.film import Spacing
    from landvote.data.prediction import Prediction
    from landvote.data.radiograph import Radiograph
    from landvote.data.sample import Sample
    from landvote.data.scheme import Scheme
    from landvote.datasets.check import check_folder
    from landvote.datasets.convert import convert_points
    from landvote.datasets.folder import read_folder
    from landvote.datasets.split import split_by_subject, split_folder
    from landvote.evaluation import evaluate
    from landvote.films.image import radiograph_of, read_image
    from landvote.formats.predictions import read_predictions
    from landvote.formats.saving import save_predictions
    from landvote.localiser import Conditions, Localiser
    from landvote.localiser.families import VOTERS
    from landvote.models import calibrate_model, divide, load_model, recipe_of, train_model
    from landvote.models.any_film import locate
    from landvote.models.describe import describe_model
    from landvote.models.view_dataset import view_datasets
    from landvote.phantom import simulate_folder
    from landvote.recipes import auto_recipe, recipe
    from landvote.reports.evaluation import write_report
    from landvote.runtime.stop import StopToken
    from landvote.votes import VoteMap, Voter, VoterSettings

__version__ = _version("landvote")
__all__ = [  # noqa: RUF022 - in flow order, as docs/python.md lists them
    "simulate_folder", "read_folder", "check_folder", "convert_points", "Sample", "Scheme",
    "read_image", "radiograph_of", "Radiograph", "Spacing",
    "split_folder", "split_by_subject", "auto_recipe", "recipe", "divide", "train_model", "calibrate_model",
    "Conditions", "StopToken", "view_datasets", "describe_model", "recipe_of", "load_model", "Localiser", "locate",
    "Prediction", "save_predictions", "read_predictions",
    "evaluate", "write_report",
    "VOTERS", "VoterSettings", "Voter", "VoteMap",
    "LandvoteError", "__version__",
]  # fmt: skip

_HOMES = {
    "simulate_folder": "phantom", "read_folder": "datasets.folder", "check_folder": "datasets.check",
    "convert_points": "datasets.convert",
    "Sample": "data.sample", "Scheme": "data.scheme",
    "read_image": "films.image", "radiograph_of": "films.image", "Radiograph": "data.radiograph",
    "Spacing": "data.film",
    "split_folder": "datasets.split", "split_by_subject": "datasets.split",
    "auto_recipe": "recipes", "recipe": "recipes", "divide": "models", "train_model": "models",
    "calibrate_model": "models",
    "Conditions": "localiser", "StopToken": "runtime.stop", "view_datasets": "models.view_dataset",
    "describe_model": "models.describe",
    "recipe_of": "models", "load_model": "models", "Localiser": "localiser", "locate": "models.any_film",
    "Prediction": "data.prediction",
    "save_predictions": "formats.saving", "read_predictions": "formats.predictions",
    "evaluate": "evaluation", "write_report": "reports.evaluation",
    "VOTERS": "localiser.families", "VoterSettings": "votes", "Voter": "votes", "VoteMap": "votes",
}  # fmt: skip


def __getattr__(name: str) -> _Any:  # noqa: ANN401 - whatever the name stands for
    """Import on first use, so that ``import landvote`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'landvote' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"landvote.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the names that a notebook completes."""
    return __all__
