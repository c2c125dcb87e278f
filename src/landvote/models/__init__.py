"""The model folder: train, load; locate films one after the other, or very many in shards."""

from landvote.models.division import Split, divide
from landvote.models.train import load_model, model_hash, read_manifest, recipe_of, remove_checkpoints, train_model

__all__ = [
    "Split", "divide", "load_model", "model_hash", "read_manifest", "recipe_of", "remove_checkpoints", "train_model",
]  # fmt: skip
