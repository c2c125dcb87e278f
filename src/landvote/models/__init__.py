"""The model folder: train, load; locate films one after the other, or very many in shards."""

from landvote.models.calibrate import calibrate_model
from landvote.models.division import Split, divide
from landvote.models.train import load_model, model_hash, read_manifest, recipe_of, remove_checkpoints, train_model

__all__ = [
    "Split", "calibrate_model", "divide", "load_model", "model_hash", "read_manifest", "recipe_of",
    "remove_checkpoints", "train_model",
]  # fmt: skip
