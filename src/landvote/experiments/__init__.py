"""Many recipes, training-set sizes and folds on the same films: which method, and from how many films."""

from landvote.experiments.compare import compare_grid
from landvote.experiments.grid import Grid, read_grid

__all__ = ["Grid", "compare_grid", "read_grid"]
