"""Predictions that do not say which films their model has seen, or not all: they are told by the model folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.seen import worse
from landvote.datasets.survey import Survey
from landvote.errors import SettingError
from landvote.evaluation.matching import known_names
from landvote.models.films import seen_films
from landvote.models.train import model_hash
from landvote.runtime.privacy import keyed_hash


def mark_seen(
    predictions: Sequence[Prediction], samples: Sequence[Sample], model: Path, survey: Survey | None = None
) -> list[Prediction]:
    """Return predictions marked by what a model folder and the samples, which are their truth, tell of their films.

    Films are compared by their pixels, their patient, and the subject that the samples name: two subjects of one name
    are held to be one. The films of predictions that do not tell their pixels are surveyed. A prediction without a
    sample, or one that is marked as seen already, stays as it is.

    Raises:
        ModelError: there is no finished model.
        SettingError: another model found the points.
        ImageError: a film that has to be surveyed cannot be read.
    """
    digest, seen, survey = model_hash(model), seen_films(model), survey or Survey()
    truth = {sample.identifier: sample for sample in samples}
    known_as = known_names([p.identifier for p in predictions], truth)
    marked = []
    for p in predictions:
        if p.model not in ("", digest):
            found = f"{model}: is model {digest[:12]}..., but {p.identifier} was located by {p.model[:12]}..."
            raise SettingError(f"{found}, expected the model of the predictions")
        if sample := truth.get(known_as[p.identifier]):
            film = p.film if p.film.pixels_sha256 else survey(sample).film
            told = seen.told(film, keyed_hash(sample.named_subject))
            marked.append(replace(p, seen=worse(told, p.seen)))
        else:
            marked.append(p)
    return marked
