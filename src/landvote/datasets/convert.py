"""Points from one format into another: the work of ``landvote convert``."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.datasets.place import Place
from landvote.datasets.plausible import annotators_apart, resized
from landvote.errors import DataError, ImageError, PointsError, SettingError
from landvote.formats.family import FORMATS, format_to_write, written_kinds
from landvote.formats.films import Films
from landvote.formats.format import Format, check_centre
from landvote.formats.points import PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import Written, write_points
from landvote.runtime.files import StrPath


@dataclass(frozen=True)
class Conversion:
    """Points that were converted.

    Attributes:
        read: the table that was read.
        written: the outcome of writing it.
        left_out: a line for each kind of file in a folder that is neither film nor points.
    """

    read: PointTable
    written: Written
    left_out: tuple[str, ...]


def convert_points(
    source: StrPath, out: StrPath, form: Format | str, *, kind: str | None = None, centre: float | None = None,
    scheme: Scheme | None = None, images: Path | None = None, force: bool = False,
) -> Conversion:  # fmt: skip
    """Read the points of ``source`` and write them to ``out`` in the format ``form``.

    ``source`` is a DATA folder, or a file or folder of points; ``kind`` is its format, by default what it looks like,
    and ``centre`` what it calls the centre of the first pixel, by default what its format does. ``scheme`` gives the
    landmarks their order and names, by default that of the folder. ``images`` is a folder with the films, where films
    are to be called by their whole names, or a format needs their sizes; that of a DATA folder by default.

    Raises:
        DataError: points that cannot be read, contradict the films or the scheme, or cannot be written.
        SettingError: an unknown ``form``, ``kind`` or ``centre``.
    """
    check_centre(centre)
    source, out, form = Path(source), Path(out), format_to_write(form) if isinstance(form, str) else form
    problems: list[DataError] = []
    left_out: list[str] = []
    if source.is_dir() or images is not None:
        place = Place.of(source, images, kind, centre)
        films = place.films_if_any()
        table = place.read_points(films, problems, left_out, scheme or place.scheme())
        left_out += films.left_out if films and images is None else ()
    else:
        films, table = None, read_points(source, kind, centre=centre, scheme=scheme)
    if problems or table is None or not table.rows:
        raise problems[0] if problems else PointsError(f"{source}: no points, expected those of a film at least")
    if films and (other := resized({row.image: row.size for row in table.rows}, _sizes(table, films))):
        raise PointsError(f"{source}: {other[0]}")
    annotations: dict[str, dict[str, Points]] = {}
    for row in table.rows:
        annotations.setdefault(row.image, {})[row.annotator] = row.points
    if apart := annotators_apart(annotations):
        raise apart[0]
    return Conversion(table, write_points(out, table, form, films, force=force), tuple(left_out))


def _sizes(table: PointTable, films: Films) -> dict[str, tuple[int, int]]:
    """Return the sizes of films, by their headers, of which the table gives sizes; not of films that cannot be read."""
    sizes: dict[str, tuple[int, int]] = {}
    for row in table.rows:
        if row.size and row.image not in sizes:
            with suppress(ImageError):  # points can be converted without the film
                sizes[row.image] = films.size(row.image)
    return sizes


def format_for(out: Path) -> str:
    """Return the format whose suffix ``out`` has; SettingError if none or several have it."""
    suffixes = {kind: FORMATS[kind].suffixes for kind in written_kinds() if not FORMATS[kind].per_film}
    fitting = [kind for kind, known in suffixes.items() if out.name.lower().endswith(known)]
    if len(fitting) != 1:
        found = f"several formats end so ({', '.join(fitting)})" if fitting else "no format ends so"
        raise SettingError(f"{out}: {found}, expected the name of one of {', '.join(written_kinds())}")
    return fitting[0]
