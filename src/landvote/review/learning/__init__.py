"""The loop: models learn in the background from the films that people approve, and the best one proposes."""

from landvote.review.learning.loop import Learning

__all__ = ["Learning"]
