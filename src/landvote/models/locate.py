"""Many films, one after the other: predictions as they come, pictures beside them, broken films by name."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.datasets.folder import read_films
from landvote.errors import ImageError, SettingError, SplitError, StoppedError
from landvote.formats.image import read_image, walk_images
from landvote.localiser import Localiser
from landvote.runtime.events import FilmFailed, FilmLocated, Listener, Note, ignore
from landvote.runtime.names import output_paths
from landvote.runtime.stop import StopToken

_NAMED = 10  # how many films a note names


def locate_files(
    localiser: Localiser, images: Sequence[Path], overlays: Path | None, listener: Listener = ignore,
    stop: StopToken | None = None, split: str | None = None,
) -> Iterator[Prediction]:  # fmt: skip
    """Yield a prediction per film of :func:`list_films`.

    ``overlays`` is a folder for one PNG per film, or None; :func:`landvote.runtime.names.output_paths` names them. The
    listener is told after each film how many of all are done, and of each that cannot be read; the others go on.

    Raises:
        DataError: as :func:`list_films`.
        StoppedError: the stop token asked for it.
    """
    films = list(list_films(images, split))  # to say how many are left; very many are located in shards
    pictures: dict[str, Path] = {}
    if overlays is not None:  # the name of a picture depends on the names of all films
        pictures = output_paths(overlays, (identifier for _, identifier in films), ".png", keep_suffix=True)
    work = ((name, partial(locate_file, localiser, path, name, pictures.get(name))) for path, name in films)
    yield from one_by_one(work, listener, stop, films=len(films), skip_unreadable=True)


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
        yield prediction
    for names, found in (
        (oblong, "films have pixels that are not square, and were looked at as if they were"),
        (transparent, "films are transparent in part, which was read as black"),
    ):
        if names:
            named = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
            listener(Note(f"{len(names)} {found}: {named}"))


def locate_file(localiser: Localiser, path: Path, identifier: str, overlay: Path | None = None) -> Prediction:
    """Return the prediction of one film, and draw it into a PNG; ImageError if it cannot be read or is of one grey."""
    radiograph = something_to_see(read_image(path))
    prediction = localiser.locate(radiograph)
    if overlay is not None:
        from landvote.reports.overlays import write_overlay  # noqa: PLC0415 - matplotlib, only if asked for

        write_overlay(overlay, radiograph.pixels, prediction.points, localiser.scheme)
    return replace(prediction, identifier=identifier)


def something_to_see(radiograph: Radiograph) -> Radiograph:
    """Return a radiograph as it is; ImageError if it is of one grey, in which any model would find points."""
    if radiograph.is_flat:
        grey = radiograph.pixels.flat[0]
        raise ImageError(
            f"{radiograph.source.path or radiograph.identifier}: every pixel is {grey}, expected a picture"
        )
    return radiograph


def list_films(images: Sequence[Path], split: str | None = None) -> Iterator[tuple[Path, str]]:
    """Yield each film once, with the identifier it has in its folder, or its whole path where that one is taken.

    ``images`` are films, or folders that are searched for films; in a DATA folder only ``images/`` is. Films come in
    this order, those of a folder sorted by folders and names. Lists are kept on disk: there may be millions of films.
    With ``split``, ``images`` are one DATA folder, and its films of that split alone are listed.

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
            rows = ((os.fsencode(p.as_posix()).replace(b"/", b"\0"), os.fsencode(p)) for p in walk_images(root))
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
    if len(images) != 1 or not (images[0] / "images").is_dir():
        raise SettingError(f"split = {split!r} of {', '.join(map(str, images))}: expected one folder with images/")
    if chosen := {s.identifier for s in read_films(images[0]) if s.split == split}:
        return chosen
    raise SplitError(f"{images[0]}: no film is for {split}, expected one at least in split.csv")
