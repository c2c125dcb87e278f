"""Films in any form: files and folders, samples, and films in memory, located one after the other."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.side import Side
from landvote.films.image import radiograph_of, read_image
from landvote.localiser import Localiser
from landvote.models.locate import list_films, one_by_one, something_to_see
from landvote.runtime.events import Listener, ignore
from landvote.runtime.files import StrPath
from landvote.runtime.stop import StopToken

AnyFilm: TypeAlias = Radiograph | Sample | Dataset | npt.NDArray[Any] | StrPath

Named = tuple[str, Callable[[], Radiograph], Side | None]  # the side where a sample says it


def locate(
    localiser: Localiser, films: AnyFilm | Iterable[AnyFilm], *, skip_unreadable: bool = False,
    listener: Listener = ignore, stop: StopToken | None = None,
) -> Iterator[Prediction]:  # fmt: skip
    """Yield a prediction per film, in image coordinates and pixels, as :meth:`Localiser.locate` returns it.

    Where the model knows two sides, there is one for each, and its identifier ends in the side.

    Each film is opened when the prediction before it has been taken, so that there may be any number of films; nothing
    happens until the first prediction is asked for. Radiographs and samples keep their identifiers. A file is called by
    its path below the folder that was given, a data set by its SOP Instance UID, and an array by its place among
    ``films``, counted from 0; :func:`radiograph_of` gives an array a name and a spacing.

    Args:
        localiser: that a model folder was loaded into, or that a training returned.
        films: one film or several, in any mixture: paths of files, folders, of which a DATA folder stands for its
            films, arrays and pydicom data sets as :func:`radiograph_of` takes them, radiographs, and samples. A file
            that is given twice in a row of paths is located once.
        skip_unreadable: leave out films that cannot be read, and tell the listener of each.
        listener: is told of each film that is located.
        stop: is asked before each film.

    Raises:
        ImageError: a film cannot be read, is of one grey, or a path has no films.
        StoppedError: the stop token asked for it.
    """
    if isinstance(films, Radiograph | Sample | Dataset | np.ndarray | str | os.PathLike):
        films = (films,)
    work = (
        (name + side.ending, partial(_located, localiser, side, name + side.ending, opened))
        for name, opened, known in _opened(films)
        for side in ([known] if known else localiser.sides)
    )
    return one_by_one(work, listener, stop, films=0, skip_unreadable=skip_unreadable)


def _located(localiser: Localiser, side: Side, identifier: str, opened: Callable[[], Radiograph]) -> Prediction:
    return replace(localiser.locate(something_to_see(opened()), side), identifier=identifier)


def _opened(films: Iterable[Any]) -> Iterator[Named]:
    """Yield each film: identifier, opener, and side if it is of one; paths in a row are listed together."""
    for are_paths, run in groupby(enumerate(films), lambda film: isinstance(film[1], str | os.PathLike)):
        if are_paths:
            yield from ((name, partial(read_image, path), None) for path, name in list_films([Path(p) for _, p in run]))
        else:
            yield from (_in_memory(film, place) for place, film in run)


def _in_memory(film: Any, place: int) -> Named:  # noqa: ANN401 - whatever a caller takes for a film
    if isinstance(film, Sample):
        return film.film, film.open, film.side if film.side.name else None
    if isinstance(film, Radiograph):
        return film.identifier, lambda: film, None
    uid = str(film.get("SOPInstanceUID") or "") if isinstance(film, Dataset) else ""
    return uid or str(place), partial(radiograph_of, film, uid or str(place)), None
