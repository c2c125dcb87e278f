"""Many films, one after the other: predictions as they come, pictures beside them, broken films by name."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path

from landvote.data.limit import Limit
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.side import Side, side_of
from landvote.datasets.folder import read_films
from landvote.datasets.place import Place
from landvote.errors import DataError, ImageError, SettingError, SplitError, StoppedError
from landvote.films.image import read_image, walk_images
from landvote.films.left_out import LeftOut
from landvote.localiser import Localiser
from landvote.runtime.events import FilmFailed, FilmLocated, FilmUnknown, Listener, Note, OverlayFailed, ignore
from landvote.runtime.names import output_paths
from landvote.runtime.stop import StopToken

_NAMED = 10  # how many films a note names

OBLONG = "films have pixels that are not square, and were looked at as if they were"
UNKNOWN = "films are unlike those that the model was made from, and their points are not to be trusted"
PROBABLE = 0.5
"""A row is told to be shifted if that is more probable than this."""

SHIFTED = "films have a row of parts that is probably shifted by a part or more"
SPACELESS = "films have no known spacing, so a failure limit in mm says nothing of them"
UNTOLD = "films have no probability of failure, since the model does not tell what errors to expect"
TRANSPARENT = "films are transparent in part, which was read as black"
_DRAWING = (OSError, ValueError, RuntimeError, MemoryError)  # of matplotlib and the system, besides DataError


def locate_files(
    localiser: Localiser, images: Sequence[Path], overlays: Path | None, listener: Listener = ignore,
    stop: StopToken | None = None, split: str | None = None, failure_limit: Limit | None = None,
) -> Iterator[Prediction]:  # fmt: skip
    """Yield a prediction per film of :func:`list_films`, or one for each side where the model knows two.

    ``overlays`` is a folder for one PNG per film, or None; :func:`landvote.runtime.names.output_paths` names them. The
    listener is told after each film how many of all are done, of each that cannot be read, of each overlay that cannot
    be written, of each that is not of a known kind, at first of files that are no films, and at the end of films of
    which the failure limit says nothing; the others go on.

    Raises:
        DataError: as :func:`list_films`.
        SettingError: the failure limit is in per cent, and the scheme has no normaliser.
        StoppedError: the stop token asked for it.
    """
    if failure_limit is not None:
        failure_limit.check(localiser.scheme)
    left_out = LeftOut()
    # a list, to say how many are left; very many are located in shards
    films = list(list_sides(localiser.sides, images, split, left_out))
    for line in left_out.said():
        listener(Note(f"left out: {line}"))
    pictures: dict[str, Path] = {}
    if overlays is not None:  # the name of a picture depends on the names of all films
        pictures = output_paths(overlays, (identifier for _, identifier in films), ".png", keep_suffix=True)
    locate = partial(locate_file, localiser, listener=listener, failure_limit=failure_limit)
    work = ((name, partial(locate, path, name, pictures.get(name))) for path, name in films)
    noticed: dict[str, list[str]] = {SHIFTED: [], SPACELESS: [], UNTOLD: []}
    for found in one_by_one(work, listener, stop, films=len(films), skip_unreadable=True):
        if failure_limit is not None and not isfinite(found.probability_of_failure):
            noticed[unjudged_by(failure_limit, spaced=found.film.spacing is not None)].append(found.identifier)
        if found.probability_of_shift > PROBABLE:
            noticed[SHIFTED].append(found.identifier)
        yield found
    for finding, names in noticed.items():
        tell_named(finding, names[:_NAMED], len(names), listener)


def unjudged_by(limit: Limit, *, spaced: bool) -> str:
    """Return why a film has no probability of failure, in words: its spacing is not known, or the model tells none."""
    return UNTOLD if spaced or limit.unit != "mm" else SPACELESS


def one_by_one(
    work: Iterable[tuple[str, Callable[[], Prediction]]], listener: Listener, stop: StopToken | None, *,
    films: int, skip_unreadable: bool,
) -> Iterator[Prediction]:  # fmt: skip
    """Yield what the work on each film returns, and tell the listener; ``work`` names the films.

    ``films`` are how many there are, or 0 where that is not known. Notes at the end name the
    films whose pixels are not square, and those that are transparent in part.

    Raises:
        ImageError: a film cannot be read, unless they are to be skipped.
        StoppedError: the stop token asked for it.
    """
    stop, oblong, transparent = stop or StopToken(), list[str](), list[str]()
    for done, (identifier, located) in enumerate(work):
        if stop.stopped:
            raise StoppedError(f"stopped after {done} films as asked; only a call in shards is gone on with")
        try:
            prediction = located()
        except ImageError as error:
            if not skip_unreadable:
                raise
            listener(FilmFailed(identifier, str(error)))
            listener(FilmLocated(done + 1, films))
            continue
        listener(FilmLocated(done + 1, films))
        if (spacing := prediction.film.spacing) and not spacing.is_square:
            oblong.append(identifier)
        if prediction.film.source.transparent:
            transparent.append(identifier)
        if prediction.known is False:
            listener(FilmUnknown(identifier))
        yield prediction
    tell_named(OBLONG, oblong[:_NAMED], len(oblong), listener)
    tell_named(TRANSPARENT, transparent[:_NAMED], len(transparent), listener)


def tell_named(finding: str, names: Sequence[str], count: int, listener: Listener) -> None:
    """Note a finding of so many films, of which some are named."""
    if count:
        named = ", ".join(names) + (", ..." if count > len(names) else "")
        listener(Note(f"{count} {finding}: {named}"))


def locate_file(
    localiser: Localiser, path: Path, identifier: str, overlay: Path | None = None, listener: Listener = ignore,
    failure_limit: Limit | None = None,
) -> Prediction:  # fmt: skip
    """Return the prediction of one film, and draw it into a PNG.

    Where the model knows two sides, the identifier ends in one. The listener is told if the picture cannot be written,
    for whatever reason.

    Raises:
        ImageError: the film cannot be read or is of one grey.
    """
    radiograph = something_to_see(read_image(path))
    prediction = localiser.locate(radiograph, side_of(identifier, localiser.sides), failure_limit)
    if overlay is not None:
        from landvote.reports.overlays import write_overlay  # noqa: PLC0415 - matplotlib, only if asked for

        try:
            write_overlay(overlay, radiograph.pixels, prediction, localiser.scheme)
        except (DataError, *_DRAWING) as error:
            listener(OverlayFailed(identifier, f"{overlay}: {error}" if isinstance(error, _DRAWING) else str(error)))
    return replace(prediction, identifier=identifier)


def something_to_see(radiograph: Radiograph) -> Radiograph:
    """Return a radiograph as it is; ImageError if it is of one grey, in which any model would find points."""
    if radiograph.is_flat:
        grey = radiograph.pixels.flat[0]
        raise ImageError(
            f"{radiograph.source.path or radiograph.identifier}: every pixel is {grey}, expected a picture"
        )
    return radiograph


def list_sides(
    sides: Sequence[Side], images: Sequence[Path], split: str | None = None, left_out: LeftOut | None = None
) -> Iterator[tuple[Path, str]]:  # fmt: skip
    """Yield each film of :func:`list_films` once for each side, with the side at the end of its identifier."""
    for path, identifier in list_films(images, split, left_out):
        yield from ((path, identifier + side.ending) for side in sides)


def list_films(
    images: Sequence[Path], split: str | None = None, left_out: LeftOut | None = None
) -> Iterator[tuple[Path, str]]:  # fmt: skip
    """Yield each film once, with the identifier it has in its folder, or its whole path where that one is taken.

    ``images`` are films, or folders that are searched for films; in a DATA folder only ``images/`` is. Films come in
    this order, those of a folder sorted by folders and names. Lists are kept on disk: there may be millions of films.
    With ``split``, ``images`` are one DATA folder, and its films of that split alone are listed. ``left_out`` is told
    of files that are no films.

    Raises:
        DataError: there is no film at all, or none of the split; tables of the DATA folder contradict each other.
        SettingError: another split than train, val and test, or one of other images than a DATA folder.
    """
    chosen = None if split is None else _films_of_split(images, split)
    with closing(sqlite3.connect("", isolation_level=None)) as disk:  # a file of its own, gone when it is closed
        disk.execute("CREATE TABLE found (parts BLOB, path BLOB)")
        disk.execute("CREATE TABLE films (place BLOB PRIMARY KEY, identifier BLOB UNIQUE) WITHOUT ROWID")
        for given in images:
            root = given / "images" if (given / "images").is_dir() else given
            rows = (
                (os.fsencode(p.as_posix()).replace(b"/", b"\0"), os.fsencode(p)) for p in walk_images(root, left_out)
            )
            disk.execute("DELETE FROM found")
            disk.executemany("INSERT INTO found VALUES (?, ?)", rows)
            for (name,) in disk.execute("SELECT path FROM found ORDER BY parts"):
                path = Path(os.fsdecode(name))
                place, own = path.resolve(), path.relative_to(root).as_posix() if root.is_dir() else path.name
                if chosen is not None and own not in chosen:
                    continue
                for identifier in (own, path.as_posix(), str(place)):
                    row = (os.fsencode(place), os.fsencode(identifier))  # ignored where one of both is known
                    if disk.execute("INSERT OR IGNORE INTO films VALUES (?, ?)", row).rowcount:
                        yield path, identifier
                        break
        if not disk.execute("SELECT 1 FROM films").fetchone():
            raise ImageError(f"{', '.join(map(str, images))}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files")


def _films_of_split(images: Sequence[Path], split: str) -> set[str]:
    if split not in ("train", "val", "test"):
        raise SettingError(f"split = {split!r}, expected train, val or test")
    if len(images) != 1 or not images[0].is_dir():
        raise SettingError(f"split = {split!r} of {', '.join(map(str, images))}: expected one DATA folder")
    if chosen := {s.identifier for s in read_films(Place.of(images[0])) if s.split == split}:
        return chosen
    raise SplitError(f"{images[0]}: no film is for {split}, expected one at least in split.csv")
