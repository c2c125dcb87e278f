"""Recipes: named, complete sets of settings, as TOML files; how they are read, and how a user changes them."""

from landvote.recipes.recipe import Recipe, find, recipe, shipped

__all__ = ["Recipe", "find", "recipe", "shipped"]
