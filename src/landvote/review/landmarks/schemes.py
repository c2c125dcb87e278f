"""Schemes as the page gets, chooses and changes them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from landvote.data.points import MAX_LANDMARKS
from landvote.data.scheme import Definition, Outline, Scheme, shipped
from landvote.errors import EditError
from landvote.review.edits.history import revision_of
from landvote.review.store import Store
from landvote.runtime.settings import Settings

_PLAIN = "review"  # the name of a scheme that was made on the page


class LandmarkRequest(Settings):
    """A landmark as it is to be; ``was`` is its name as the page has shown it, empty for a new one."""

    name: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
    was: Annotated[str, StringConstraints(strict=True, max_length=200)] = ""
    definition: Definition = ""


class OutlineRequest(Settings):
    """An outline as it is to be: a name, landmarks by their places from 0, and whether it ends where it begins."""

    name: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
    points: Annotated[tuple[Annotated[int, Field(strict=True)], ...], Field(min_length=2, max_length=MAX_LANDMARKS)]
    closed: Annotated[bool, Field(strict=True)] = False


Place = Annotated[int, Field(strict=True, ge=0)]
Pair = tuple[Place, Place]


class WantedScheme(Settings):
    """A whole scheme as the page sends it; landmarks are named by their places in it, from 0."""

    landmarks: Annotated[tuple[LandmarkRequest, ...], Field(min_length=1, max_length=MAX_LANDMARKS)]
    outlines: Annotated[tuple[OutlineRequest, ...], Field(max_length=MAX_LANDMARKS)] = ()
    mirrored: Annotated[tuple[Pair, ...], Field(max_length=MAX_LANDMARKS)] = ()
    reference: Annotated[tuple[Place, ...], Field(max_length=MAX_LANDMARKS)] = ()
    normaliser: Pair | None = None


def scheme_record(scheme: Scheme | None) -> dict[str, Any] | None:
    """Return what the page draws and edits by; None without a scheme. ``revision`` tells one scheme from another."""
    if scheme is None:
        return None
    outlines = [
        {"name": o.name, "points": o.ring(), "landmarks": o.points, "closed": o.closed} for o in scheme.outlines
    ]  # fmt: skip
    return {
        "name": scheme.name, "landmarks": scheme.landmarks, "outlines": outlines, "revision": revision_of(scheme),
        "definitions": scheme.definitions or [""] * len(scheme), "mirrored": scheme.mirrored,
        "reference": scheme.reference, "normaliser": scheme.normaliser,
    }  # fmt: skip


def shipped_schemes() -> list[dict[str, Any]]:
    """Return the schemes that come with landvote: name, number of landmarks and the first of them."""
    schemes = (Scheme.read(file) for file in shipped().values())
    return [{"name": s.name, "count": len(s), "landmarks": s.landmarks[:4]} for s in schemes]


def choose_scheme(store: Store, who: str, name: str) -> None:
    """Take a shipped scheme for a store that has none; EditError if it has one, or the name is unknown."""
    if name not in shipped():
        raise EditError(f"scheme {name!r} is unknown, expected one of {', '.join(shipped())}")

    def chosen(old: Scheme | None) -> tuple[Scheme, dict[str, str]]:
        if old is not None:
            raise EditError(f"the scheme is {old.name!r} already, expected none")
        return Scheme.named(name), {}

    store.change_scheme(who, chosen)


def add_landmarks(store: Store, who: str, names: Sequence[str], outline: str = "", *, closed: bool = False) -> None:
    """Put landmarks at the end of the scheme, as an outline if that has a name.

    Raises:
        EditError: a name is none, or there already.
    """

    def grown(old: Scheme | None) -> tuple[Scheme, dict[str, str]]:
        _expect_no_parts(old)
        new = (old or _empty()).extended(names)
        if not outline:
            return new, {}
        made = Outline(name=outline, points=tuple(range(len(new) - len(names), len(new))), closed=closed)
        return new.model_copy(update={"outlines": _distinct((*new.outlines, made))}), {}

    store.change_scheme(who, grown)


def rewrite_scheme(store: Store, who: str, wanted: WantedScheme, seen: str) -> None:
    """Change the scheme into another one; landmarks keep what a file of points calls them.

    Raises:
        ConflictError: ``seen`` is not its revision any more.
        EditError: the new scheme contradicts itself, loses landmarks with marks, or changes their order.
    """

    def rewritten(old: Scheme | None) -> tuple[Scheme, dict[str, str]]:
        old = old or _empty()
        was = [landmark.was for landmark in wanted.landmarks if landmark.was]
        if unknown := [name for name in was if name not in old.landmarks]:
            raise EditError(f"landmark {unknown[0]!r} is unknown, expected one of the {len(old)} of the scheme")
        if len(set(was)) < len(was):
            raise EditError("a landmark is there twice, expected each once")
        if len(was) < len(wanted.landmarks):
            _expect_no_parts(old)
        if len(was) < len(old) and (old.repeats or old.columns != tuple(range(old.file_points))):
            raise EditError("this scheme counts the points of files, expected no landmark to be taken out of it")
        names = tuple(landmark.name for landmark in wanted.landmarks)
        places = {name: old.columns[i] for i, name in enumerate(old.landmarks)}
        plain = len(was) < len(old)
        added = iter(range(old.file_points, old.file_points + len(names)))
        columns = [places[one.was] if one.was else next(added) for one in wanted.landmarks]
        texts = tuple(landmark.definition.strip() for landmark in wanted.landmarks)
        update = {
            "landmarks": names, "file_points": len(names) if plain else old.file_points + len(names) - len(was),
            "columns": tuple(range(len(names)) if plain else columns), "reference": wanted.reference,
            "outlines": _distinct([Outline(name=o.name, points=o.points, closed=o.closed) for o in wanted.outlines]),
            "mirrored": wanted.mirrored, "normaliser": wanted.normaliser, "definitions": texts if any(texts) else (),
        }  # fmt: skip
        _check_places(wanted)
        renamed = {one.was: one.name for one in wanted.landmarks if one.was and one.was != one.name}
        return old.model_copy(update=update), renamed

    store.change_scheme(who, rewritten, seen=seen)


def _expect_no_parts(old: Scheme | None) -> None:
    if old and old.repeats:
        raise EditError(f"scheme {old.name!r} consists of equal parts, expected no landmark besides these")


def _check_places(wanted: WantedScheme) -> None:
    """Raise EditError if the scheme names a landmark that is not there, or one twice."""
    count, pairs = len(wanted.landmarks), [i for pair in wanted.mirrored for i in pair]
    named = {f"outline {o.name!r}": o.points for o in wanted.outlines}
    named |= {"the mirrored pairs": tuple(pairs), "the reference points": wanted.reference}
    named["the pair that is 100 %"] = wanted.normaliser or ()
    for noun, places in named.items():
        if outside := [i for i in places if not 0 <= i < count]:
            raise EditError(f"{noun}: landmark {outside[0] + 1}, expected 1 to {count}")
        if len(set(places)) < len(places):
            raise EditError(f"{noun}: a landmark is named twice, expected once")
    if len(wanted.reference) == 1:
        raise EditError("the reference points: one, expected two or more, or none")


def _distinct(outlines: Sequence[Outline]) -> tuple[Outline, ...]:
    names = [outline.name for outline in outlines]
    for i, name in enumerate(names):
        if name != name.strip() or not name.isprintable() or name in names[:i]:
            raise EditError(f"outline {name!r}, expected a name of its own, in one line")
    return tuple(outlines)


def _empty() -> Scheme:
    return Scheme.numbered(0).model_copy(update={"name": _PLAIN})
