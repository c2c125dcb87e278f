"""Many films, one after the other: predictions as they come, pictures beside them, broken films by name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from landvote.errors import ImageError, StoppedError
from landvote.localiser import Localiser
from landvote.prediction import Prediction, read_predictions
from landvote.readers import read_image, walk_images, write_pts, write_wide_csv
from landvote.readers.pts import check_origin
from landvote.runtime.events import FilmFailed, FilmLocated, Listener, ignore
from landvote.runtime.stop import StopToken


def locate_files(
    localiser: Localiser,
    images: Sequence[Path],
    overlays: Path | None,
    listener: Listener = ignore,
    stop: StopToken | None = None,
) -> Iterator[Prediction]:
    """Yield a prediction per film.

    Args:
        localiser: a fitted one.
        images: films, or folders that are searched for films. In a DATA folder only ``images/`` is searched.
        overlays: folder for one PNG per film, or None.
        listener: is told of each film that is located, and of each that cannot be read; the others go on.
        stop: is asked before each film.

    Raises:
        ImageError: there is no film at all.
        StoppedError: the stop token asked for it.
    """
    stop, done = stop or StopToken(), 0
    for path, identifier in list_films(images):
        if stop.stopped:
            raise StoppedError(f"stopped after {done} films as asked; only a call in shards is gone on with")
        try:
            prediction = locate_file(localiser, path, identifier, overlays)
        except ImageError as error:
            listener(FilmFailed(identifier, str(error)))
            continue
        done += 1
        listener(FilmLocated(done, 0))
        yield prediction


def locate_file(localiser: Localiser, path: Path, identifier: str, overlays: Path | None = None) -> Prediction:
    """Return the prediction of one film, and draw it if there is a folder for that.

    Raises:
        ImageError: the film cannot be read.
    """
    radiograph = read_image(path)
    prediction = localiser.locate(radiograph)
    if overlays is not None:
        from landvote.evaluation.overlays import write_overlay  # noqa: PLC0415 - matplotlib, only if asked for

        picture = overlays / f"{identifier.replace('/', '_')}.png"
        write_overlay(picture, radiograph.pixels, prediction.points, localiser.scheme)
    return replace(prediction, identifier=identifier)


def export_points(predictions: Path, csv: Path | None, pts: Path | None, origin: int) -> None:
    """Write the points of a prediction file in the forms that annotation tools and DATA folders take.

    Args:
        predictions: as :func:`landvote.prediction.write_predictions` writes them.
        csv: a wide CSV, or None.
        pts: a folder for one ``.pts`` file per film, or None.
        origin: what the ``.pts`` files and the CSV shall call the first pixel, 0 or 1.
    """
    check_origin(origin)
    located = read_predictions(predictions)
    if csv is not None and located:
        write_wide_csv(csv, [(p.identifier, None, p.points + origin) for p in located])
    if pts is not None:
        for p in located:
            write_pts(pts / Path(p.identifier).with_suffix(".pts"), p.points, origin)


def list_films(images: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each film once, with the identifier it has in its folder, or its whole path where that one is taken.

    Films come in the order of ``images``, those of a folder sorted by folders and names. Lists are kept on disk: there
    may be millions of films.

    Args:
        images: films, or folders that are searched for films. In a DATA folder only ``images/`` is searched.

    Raises:
        ImageError: there is no film at all.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as disk:  # a file of its own, gone when it is closed
        disk.execute("CREATE TABLE found (parts BLOB, path BLOB)")
        disk.execute("CREATE TABLE films (place BLOB PRIMARY KEY, identifier BLOB UNIQUE) WITHOUT ROWID")
        for given in images:
            root = given / "images" if (given / "images").is_dir() else given
            rows = ((os.fsencode(p).replace(b"/", b"\0"), os.fsencode(p)) for p in walk_images(root))
            disk.execute("DELETE FROM found")
            disk.executemany("INSERT INTO found VALUES (?, ?)", rows)
            for (name,) in disk.execute("SELECT path FROM found ORDER BY parts"):
                path = Path(os.fsdecode(name))
                place = os.fsencode(path.resolve())
                if disk.execute("SELECT 1 FROM films WHERE place = ?", (place,)).fetchone():
                    continue
                identifier = path.relative_to(root).as_posix() if root.is_dir() else path.name
                if disk.execute("SELECT 1 FROM films WHERE identifier = ?", (os.fsencode(identifier),)).fetchone():
                    identifier = path.as_posix()
                disk.execute("INSERT INTO films VALUES (?, ?)", (place, os.fsencode(identifier)))
                yield path, identifier
        if not disk.execute("SELECT 1 FROM films").fetchone():
            raise ImageError(f"{', '.join(map(str, images))}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files")
