"""Simulated radiographs of children's hips: the data landvote brings with it."""

from landvote.phantom.film import SimulatedFilm, simulate_film
from landvote.phantom.folder import simulate_folder
from landvote.phantom.settings import PhantomSettings

__all__ = ["PhantomSettings", "SimulatedFilm", "simulate_film", "simulate_folder"]
