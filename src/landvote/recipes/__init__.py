"""Recipes: named, complete sets of settings, as TOML files; how they are read, and how a user changes them."""

from landvote.recipes.auto import auto_recipe, pick, situation_of
from landvote.recipes.recipe import CLAIMED, Recipe, changed, find, recipe, shipped

__all__ = ["CLAIMED", "Recipe", "auto_recipe", "changed", "find", "pick", "recipe", "shipped", "situation_of"]
