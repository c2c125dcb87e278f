"""Rows of equal parts, such as the vertebrae of a spine, told by the points alone where no scheme says what they mean.

A row that is known as one is found much better: ten spine films gave 21 px with it and 35 px without
(results/points.md). And films on which a part of a row was probably marked twice, or left out.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.data.scheme import Order, Scheme

_FILMS, _SEEN = 3, 50  # with all their points, at least and at most, that tell
_FAR = 1e7  # pixels: no film is so large
_PARTS, _OF = 8, 3  # fewer parts are not taken for each other; fewer points have no form
_MOST = 0.9  # of parts, that have to be so
_FILMS_SO = 2 / 3  # of films, at least: some annotators begin with the last part, or mark one twice
_ALIKE, _NOT_ALIKE = 0.2, 0.35  # RMS distance from the mean part, in RMS radii: of the median part, and of most
_FLAT = 0.3  # width over length of the mean part: pieces of a smooth contour are alike, and flat
_EVEN = 6.0  # times as far apart as the nearest two parts are the farthest two
_WIDE = 1.2  # times as large (RMS radius) as it is far from the next is a part
_TURNED = np.deg2rad(60)
_FEWEST, _SHORTEST = 10, 5  # films, and parts of a row, that tell how evenly a row goes on
_UNEVEN, _LEAST_UNEVEN = 8.0, 1.5  # robust standard deviations, and times, that parts are nearer or farther apart

Row = tuple[tuple[tuple[int, ...], ...], Order]


def find_row(shapes: Sequence[Points]) -> Row | None:
    """Return the parts of a row, each the indices of its points, and their order; None where there is none.

    ``shapes`` are (n, 2) image coordinates; those with missing (NaN) points do not count. Parts are points that follow
    each other, as many for each; they are alike but for place, size and a turn, and go on down or to the right at
    distances that are alike too.
    """
    whole = [s for s in shapes if len(s) and np.isfinite(s).all() and np.abs(s).max() < _FAR][:_SEEN]
    if len(whole) < _FILMS or len({len(s) for s in whole}) > 1:
        return None
    points = np.stack(whole) @ np.array([1, 1j])  # complex numbers turn and scale by products
    n = points.shape[1]
    for size in range(_OF, n // _PARTS + 1):
        if n % size == 0 and (order := _order(points.reshape(len(points), -1, size))):
            return tuple(tuple(range(i, i + size)) for i in range(0, n, size)), order
    return None


def row_in_words(scheme: Scheme) -> str:
    """Return in words the row that the points of a made scheme look like."""
    way = {"down": "from top to bottom", "right": "from left to right"}[scheme.order]
    parts = f"{len(scheme.repeats)} equal parts of {len(scheme.repeats[0])} points"
    return f"they look like {parts} in a row {way}, and are taken for that unless a scheme says otherwise"


def uneven_rows(samples: Sequence[Sample]) -> list[str]:
    """Return which films have parts of a row much nearer together, or farther apart, than the parts beside.

    The worst comes first, each with the two parts and by how many times they are nearer or farther apart. Where one
    part was marked twice, or left out, all beyond it have the names of others. The distance of two parts counts as a
    share of those of the parts beside, and against the median film.
    """
    whole = [s for s in samples if s.annotations and s.scheme.row and np.isfinite(s.points).all() and not s.collapsed]
    if len(whole) < _FEWEST or len(parts := whole[0].scheme.repeats) < _SHORTEST:
        return []
    centres = np.stack([s.points[np.array(parts)].mean(axis=1) for s in whole])
    away = np.log(np.maximum(np.linalg.norm(np.diff(centres, axis=1), axis=2), 1e-9))
    count = len(parts) - 1
    beside = [[j for j in range(max(0, i - 2), min(count, i + 3)) if j != i] for i in range(count)]
    uneven = away - np.stack([np.median(away[:, of], axis=1) for of in beside], axis=1)
    uneven -= np.median(uneven, axis=0)
    limit = max(_UNEVEN * 1.4826 * float(np.median(np.abs(uneven))), float(np.log(_LEAST_UNEVEN)))
    worst = np.abs(uneven).max(axis=1)
    named = []
    for i in np.argsort(-worst)[: int((worst > limit).sum())]:
        at = int(np.abs(uneven[i]).argmax())
        one, other = (whole[i].scheme.landmarks[part[0]] for part in parts[at : at + 2])
        named.append(f"{whole[i].identifier} ({one} and {other}, {np.exp(uneven[i, at]):.2g} times)")
    return named


def _order(parts: npt.NDArray[np.complex128]) -> Order:
    """Return where the parts (films, parts, points) go on to; nothing if they are no row."""
    centres = parts.mean(axis=2)
    forms = parts - centres[..., None]
    radius = np.sqrt((np.abs(forms) ** 2).mean(axis=2))
    steps = np.diff(centres, axis=1)
    lengths = np.maximum(np.abs(steps), 1e-9)
    if not (radius > 0).all():
        return ""
    down = np.ptp(centres.imag, axis=1) > np.ptp(centres.real, axis=1)
    order: Order = "down" if down.mean() > 1 / 2 else "right"
    onwards = ((steps.imag if order == "down" else steps.real) > 0).all(axis=1)
    even = np.quantile(lengths.max(axis=1) / lengths.min(axis=1), _FILMS_SO) <= _EVEN
    apart = np.median(radius[:, :-1] / lengths) <= _WIDE
    return order if onwards.mean() >= _FILMS_SO and even and apart and _alike(forms / radius[..., None]) else ""


def _alike(forms: npt.NDArray[np.complex128]) -> bool:
    """Say whether parts of mean 0 and radius 1 are alike, but for a turn that is not large, and not flat."""
    mean = forms.reshape(-1, forms.shape[2]).mean(axis=0)
    length = float(np.sqrt((np.abs(mean) ** 2).mean()))
    if length < 1 / 2:  # they point anywhere
        return False
    mean /= length
    fit = (forms.conj() * mean).mean(axis=2)
    off = np.sqrt(np.maximum(1 - np.abs(fit) ** 2, 0))
    long, wide = np.linalg.svd(np.column_stack([mean.real, mean.imag]), compute_uv=False)
    straight = np.quantile(np.abs(np.angle(fit)), _MOST) <= _TURNED
    alike = np.median(off) <= _ALIKE and np.quantile(off, _MOST) <= _NOT_ALIKE
    return bool(alike and straight and wide >= _FLAT * long)
