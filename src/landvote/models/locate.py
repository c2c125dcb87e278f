"""Many films, one after the other: predictions as they come, pictures beside them, broken films by name."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.errors import ImageError, StoppedError
from landvote.formats.image import read_image, walk_images
from landvote.formats.points import write_wide_csv
from landvote.formats.pts import check_origin, write_pts
from landvote.localiser import Localiser
from landvote.runtime.events import FilmFailed, FilmLocated, Listener, ignore
from landvote.runtime.names import output_paths
from landvote.runtime.stop import StopToken


def locate_files(
    localiser: Localiser, images: Sequence[Path], overlays: Path | None, listener: Listener = ignore,
    stop: StopToken | None = None,
) -> Iterator[Prediction]:  # fmt: skip
    """Yield a prediction per film of :func:`list_films`.

    ``overlays`` is a folder for one PNG per film, or None; :func:`landvote.runtime.names.output_paths` names them. The
    listener is told of each film that is located, and of each that cannot be read; the others go on.

    Raises:
        ImageError: there is no film at all.
        StoppedError: the stop token asked for it.
    """
    films: Iterable[tuple[Path, str]] = list_films(images)
    pictures: dict[str, Path] = {}
    if overlays is not None:
        films = list(films)  # the name of a picture depends on the names of all films
        pictures = output_paths(overlays, (identifier for _, identifier in films), ".png", keep_suffix=True)
    stop, done = stop or StopToken(), 0
    for path, identifier in films:
        if stop.stopped:
            raise StoppedError(f"stopped after {done} films as asked; only a call in shards is gone on with")
        try:
            prediction = locate_file(localiser, path, identifier, pictures.get(identifier))
        except ImageError as error:
            listener(FilmFailed(identifier, str(error)))
            continue
        done += 1
        listener(FilmLocated(done, 0))
        yield prediction


def locate_file(localiser: Localiser, path: Path, identifier: str, overlay: Path | None = None) -> Prediction:
    """Return the prediction of one film, and draw it into the PNG ``overlay``; ImageError if it cannot be read."""
    radiograph = read_image(path)
    prediction = localiser.locate(radiograph)
    if overlay is not None:
        from landvote.reports.overlays import write_overlay  # noqa: PLC0415 - matplotlib, only if asked for

        write_overlay(overlay, radiograph.pixels, prediction.points, localiser.scheme)
    return replace(prediction, identifier=identifier)


def export_points(predictions: Sequence[Prediction], csv: Path | None, pts: Path | None, origin: int) -> None:
    """Write the points of predictions, one per film, in the forms that annotation tools and DATA folders take.

    They are a wide CSV, and a folder for one ``.pts`` file per film, named by
    :func:`landvote.runtime.names.output_paths`; both call the first pixel ``origin``, 0 or 1.
    """
    check_origin(origin)
    if csv is not None and predictions:
        write_wide_csv(csv, [(p.identifier, None, p.points + origin) for p in predictions])
    if pts is not None:
        files = output_paths(pts, (p.identifier for p in predictions), ".pts")
        for p in predictions:
            write_pts(files[p.identifier], p.points, origin)


def list_films(images: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each film once, with the identifier it has in its folder, or its whole path where that one is taken.

    ``images`` are films, or folders that are searched for films; in a DATA folder only ``images/`` is. Films come in
    this order, those of a folder sorted by folders and names. Lists are kept on disk: there may be millions of films.

    Raises:
        ImageError: there is no film at all.
    """
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
                for identifier in (own, path.as_posix(), str(place)):
                    row = (os.fsencode(place), os.fsencode(identifier))  # ignored where one of both is known
                    if disk.execute("INSERT OR IGNORE INTO films VALUES (?, ?)", row).rowcount:
                        yield path, identifier
                        break
        if not disk.execute("SELECT 1 FROM films").fetchone():
            raise ImageError(f"{', '.join(map(str, images))}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files")
