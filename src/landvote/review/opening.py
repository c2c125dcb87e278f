"""DATA -> a review: the store, the films, and once the points that the data came with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.data.side import Side
from landvote.datasets.folder import read_films, survey_folder
from landvote.datasets.place import Place
from landvote.errors import DataError
from landvote.films.walking import REVIEW_FOLDER
from landvote.formats.films import Films
from landvote.formats.kinds.jsonl import prediction_of
from landvote.formats.reading import read_points
from landvote.localiser import Localiser
from landvote.review.edits.states import person_name
from landvote.review.films import ReviewFilms
from landvote.review.proposals.blind import FEWEST, USUAL
from landvote.review.reports.comparing import Compared, name_files
from landvote.review.store import Store
from landvote.runtime.files import StrPath


@dataclass(frozen=True)
class Review:
    """All that a server shows: the films, and the store of what people did with them.

    Attributes:
        store: of the edits.
        films: by their numbers.
        user: the person to suggest.
        files: the films' files by their names.
        compared: points that are only compared.
    """

    store: Store
    films: ReviewFilms
    user: str
    data: Path
    files: Films
    compared: Compared = field(default_factory=dict)


def open_review(
    data: StrPath, user: str, *, store: StrPath | None = None, scheme: Scheme | None = None,
    predictions: StrPath | None = None, localiser: Localiser | None = None, read_only: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Review:  # fmt: skip
    """Open DATA for review; close the store in the end.

    The points of DATA are imported the first time, and are never read again. ``user`` is the person of points without
    an annotator. The scheme is the one given, else that of the store, of DATA, or of its points; there may be none.
    ``predictions`` is a file of points in any format, which are proposals. ``localiser`` is one that will propose: it
    says which sides films without points have. ``say`` is told what was done.

    Raises:
        DataError: no films, points or predictions that cannot be read, or a store that another server has open.
        EditError: ``user`` is no name of a person.
    """
    place, user = Place.of(data), person_name(user)
    found = place.find_films()
    kept = Store(Path(store) if store is not None else place.folder / REVIEW_FOLDER, read_only=read_only)
    try:
        for note in kept.notes:
            say(note)
        if kept.scheme is None or (scheme and not kept.history.left(scheme)):
            first = scheme or place.scheme() or (localiser.scheme if localiser else None)
            if first is not None:
                kept.set_scheme(first)
        if not kept.imported and not read_only:
            _import(data, kept, user, say)
        if predictions is not None:
            proposals = read_proposals(Path(predictions), kept, found)
            kept.propose(proposals)
            say(f"{len(proposals)} films have proposals from {predictions}")
        sides = [side.name for side in localiser.sides] if localiser else [""]
        samples = _sided(read_films(place, ("films.csv",)), kept, found, sides)
        if len(samples) >= FEWEST and not kept.proposals.blind.kept and not read_only:
            kept.set_blind(USUAL)
        shown = ReviewFilms(samples, None if read_only else kept.folder / "thumbnails")
        return Review(kept, shown, user, Path(data), found)
    except BaseException:
        kept.close()
        raise


def compare_with(review: Review, files: Sequence[StrPath]) -> Review:
    """Return a review in which points of files are compared with those of people, each under the name of its file.

    Raises:
        EditError: two files have one name.
        PointsError: points that cannot be read, of films that are not there, or of landmarks not in the scheme.
    """
    read = partial(read_proposals, store=review.store, films=review.files)
    return replace(review, compared=name_files([Path(file) for file in files], read))


def _import(data: StrPath, store: Store, user: str, say: Callable[[str], None]) -> None:
    found = survey_folder(data, store.scheme)
    samples = found.read(data)
    pointed = [sample for sample in samples if sample.annotations]
    if pointed and store.scheme is None:
        store.set_scheme(pointed[0].scheme)
    count = store.import_samples(pointed, user)
    if count:
        say(f"the points of {count} films were imported, read as {found.points}")


def read_proposals(file: Path, store: Store, films: Films) -> list[Prediction]:
    """Read a file of points as proposals; their landmarks are the scheme of a store without one.

    Raises:
        PointsError: points that cannot be read, of films that are not there, or of landmarks not in the scheme.
    """
    problems: list[DataError] = []
    table = films.match(read_points(file, scheme=store.scheme, films=films), problems)
    if problems:
        raise problems[0]
    if store.scheme is None:
        own = {"name": "review", "landmarks": table.landmarks, "outlines": table.outlines}
        store.set_scheme(Scheme.numbered(len(table.landmarks)).model_copy(update=own))
    return [prediction_of(row, table.landmarks) for row in table.rows]


def _sided(samples: Sequence[Sample], store: Store, films: Films, usual: Sequence[str]) -> list[Sample]:
    """Return a sample for each side that the store knows of a film, or for each of the usual ones."""
    sides: dict[str, set[str]] = {}
    for image in store.images():
        told = films.sided(image)
        if told is not None and told[1]:
            sides.setdefault(told[0], set()).add(told[1])
    made = []
    for sample in samples:
        for name in sorted(sides.get(sample.identifier, usual)):
            side = Side(name=name)
            made.append(replace(sample, identifier=sample.identifier + side.ending, side=side))
    return made
