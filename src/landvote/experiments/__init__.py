"""Many recipes, training-set sizes and folds on the same films: which method, and from how many films."""

from landvote.experiments.compare import Comparison, compare_grid
from landvote.experiments.engine import choose_engine
from landvote.experiments.grid import Grid, read_grid

__all__ = ["Comparison", "Grid", "choose_engine", "compare_grid", "read_grid"]
