"""A data folder of simulated films, in the layout every reader of landvote knows."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2

from landvote.data.points import Points
from landvote.data.scheme import shipped
from landvote.errors import DataError, SettingError
from landvote.formats.kinds.wide_csv import WideCsv
from landvote.formats.points import PointTable
from landvote.phantom.film import DEFAULTS, simulate_film
from landvote.phantom.settings import PhantomSettings
from landvote.runtime.files import StrPath, atomic_write, expect_folder, refuse_existing, write_text


def simulate_folder(
    out: StrPath, films: int, seed: int = 0, settings: PhantomSettings = DEFAULTS,
    progress: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Write ``films`` simulated films as a data folder; ``out`` may exist only if empty.

    The folder holds ``images/hip_00000.png`` and so on, ``landmarks.csv`` (image, annotator, x0, y0, ...; two rows a
    film), ``truth.csv`` (image, x0, y0, ...: the outline the film was drawn from), ``films.csv`` (image, subject, age,
    sex, disease, ...) and ``scheme.toml``. It is made beside ``out`` under a hidden name and takes its place in one
    step, so there is either a whole folder or none. Film i of one ``seed`` is the same in every folder. ``progress`` is
    called after each film, with the number of films done.

    Raises:
        DataError: ``out`` is not empty, or cannot be written (no space, no permission).
        SettingError: ``films`` or ``seed`` is out of range.
    """
    if films < 1 or seed < 0:
        raise SettingError(f"films = {films}, seed = {seed}; expected films of 1 or more and a seed of 0 or more")
    expect_folder(Path(out))
    refuse_existing(Path(out))
    out = Path(out).resolve()  # "." has no name to write beside
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
            made = Path(temporary) / out.name
            _write(made, films, seed, settings, progress)
            if out.is_dir():
                out.rmdir()
            made.replace(out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error


def _write(
    folder: Path, films: int, seed: int, settings: PhantomSettings, progress: Callable[[int], None] | None
) -> None:
    landmarks: list[tuple[str, str, Points]] = []
    truth: list[tuple[str, str, Points]] = []
    table: list[list[str]] = []
    for index in range(films):
        name = f"hip_{index:05d}.png"
        film = simulate_film(index, seed, settings)
        with atomic_write(folder / "images" / name) as temporary:
            temporary.write_bytes(cv2.imencode(".png", film.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
        landmarks += [(name, annotator, points) for annotator, points in film.annotations.items()]
        truth.append((name, "", film.points))
        if not table:
            table.append(["image", "subject", *film.attributes])
        table.append([name, f"child {seed}-{index:05d}", *map(str, film.attributes.values())])
        if progress is not None:
            progress(index + 1)
    WideCsv().write(folder / "landmarks.csv", PointTable.numbered(landmarks))
    WideCsv().write(folder / "truth.csv", PointTable.numbered(truth))
    write_text(folder / "films.csv", "".join(",".join(row) + "\n" for row in table))  # nothing in it holds a comma
    write_text(folder / "scheme.toml", shipped()["femur"].read_text("utf-8"))
