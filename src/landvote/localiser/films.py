"""Films as a localiser learns and judges by them: facing one way, in one polarity, decoded once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from landvote.data.polarity import Polarity
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.localiser.conditions import Conditions


def facing(samples: Sequence[Sample], under: Conditions) -> list[Sample]:
    """Return samples of which the other side's are mirror images; only these are surveyed, for their width."""
    others = [s for s in samples if s.side.mirrored]
    sizes = (known.film.size or (0, 0) for known in under.surveyed(others))
    mirrored = {s.identifier: s.facing(width) for s, (width, _) in zip(others, sizes, strict=True)}
    return [mirrored.get(s.identifier, s) for s in samples]


def in_polarity(samples: Sequence[Sample], polarity: Polarity) -> list[Sample]:
    """Return samples whose films are opened in the polarity of most."""
    return [replace(s, open=partial(_normalised, s.open, polarity)) for s in samples]


def _normalised(opened: Callable[[], Radiograph], polarity: Polarity) -> Radiograph:
    return polarity.normalise(opened())[0]


def decoded_once(samples: Sequence[Sample], folder: Path) -> list[Sample]:
    """Return samples whose pixels lie in ``folder``, as they are in memory, once they have been opened."""
    return [_decoded_once(sample, folder / f"{i}.npy") for i, sample in enumerate(samples)]


def _decoded_once(sample: Sample, file: Path) -> Sample:
    rest: list[Radiograph] = []

    def opened() -> Radiograph:
        if rest:
            return replace(rest[0], pixels=np.load(file))
        radiograph = sample.open()
        np.save(file, radiograph.pixels)
        rest.append(replace(radiograph, pixels=radiograph.pixels[:1, :1]))
        return radiograph

    return replace(sample, open=opened)
