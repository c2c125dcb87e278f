"""The part of a prediction that the page shows: points, the errors to expect, and a fingerprint of them."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from landvote.data.prediction import Prediction
from landvote.review.edits.log import DIGITS, Proposed


def proposed_points(proposal: Prediction, landmarks: Iterable[str]) -> dict[str, Proposed]:
    """Return landmark -> what is proposed for it, of those of ``landmarks`` that were found."""
    known, n = set(landmarks), len(proposal.landmarks)
    spread = np.full((n, 3), np.nan) if proposal.covariance is None else proposal.covariance
    every = zip(proposal.landmarks, proposal.points, proposal.expected_error, spread, strict=True)
    return {
        name: Proposed(
            round(float(x), DIGITS), round(float(y), DIGITS), _number(error),
            tuple(round(float(v), DIGITS) for v in ellipse) if np.isfinite(ellipse).all() else None,
        )
        for name, (x, y), error, ellipse in every
        if name in known and np.isfinite([x, y]).all()
    }  # fmt: skip


def film_expectation(proposal: Prediction) -> dict[str, Any]:
    """Return what a proposal says of the whole film: expected error in pixels, probability of failure, known or not."""
    error, failure = _number(proposal.expected_film_error), _number(proposal.probability_of_failure)
    return {"error": error, "failure": failure, "known": proposal.known}


def fingerprint(proposed: Mapping[str, Proposed]) -> str:
    """Return what tells one proposal of a film from another; empty without one."""
    return hashlib.sha256(repr(dict(proposed)).encode()).hexdigest()[:16] if proposed else ""


def usual_error(proposals: Iterable[Prediction]) -> float | None:
    """Return the expected error that 90 % of all proposed points are below, pixels; None where none is told."""
    told = [p.expected_error[np.isfinite(p.expected_error)] for p in proposals]
    errors = np.concatenate([np.zeros(0), *told])
    return round(float(np.percentile(errors, 90)), 2) if len(errors) else None


def _number(value: float) -> float | None:
    return round(float(value), DIGITS) if np.isfinite(value) else None
