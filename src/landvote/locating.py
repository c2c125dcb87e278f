"""Many films, one after the other: predictions as they come, pictures beside them, broken films by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from landvote.errors import ImageError
from landvote.localiser import Localiser
from landvote.prediction import Prediction, read_predictions
from landvote.readers import find_images, read_image, write_pts, write_wide_csv
from landvote.readers.pts import check_origin


def locate_files(
    localiser: Localiser, images: Sequence[Path], overlays: Path | None, failures: list[str]
) -> Iterator[Prediction]:
    """Yield a prediction per film.

    Args:
        localiser: a fitted one.
        images: films, or folders that are searched for films. In a DATA folder only ``images/`` is searched.
        overlays: folder for one PNG per film, or None.
        failures: is given the message of each film that cannot be read; the others go on.

    Raises:
        ImageError: there is no film at all.
    """
    for path, identifier in _films(images):
        try:
            radiograph = read_image(path)
        except ImageError as error:
            failures.append(str(error))
            continue
        prediction = localiser.locate(radiograph)
        if overlays is not None:
            from landvote.evaluation.overlays import write_overlay  # noqa: PLC0415 - matplotlib, only if asked for

            picture = overlays / f"{identifier.replace('/', '_')}.png"
            write_overlay(picture, radiograph.pixels, prediction.points, localiser.scheme)
        yield Prediction(
            identifier, prediction.points, prediction.expected_error, prediction.landmarks, prediction.details
        )


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


def _films(images: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each film once, with the identifier it has in its folder, or its whole path where that one is taken."""
    seen: set[Path] = set()
    taken: set[str] = set()
    for given in images:
        root = given / "images" if (given / "images").is_dir() else given
        for path in find_images(root):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                name = path.relative_to(root).as_posix() if root.is_dir() else path.name
                identifier = path.as_posix() if name in taken else name
                taken.add(identifier)
                yield path, identifier
    if not seen:
        raise ImageError(f"{', '.join(map(str, images))}: no films, expected PNG, JPEG, TIFF, BMP or DICOM files")
