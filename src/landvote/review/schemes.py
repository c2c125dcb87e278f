"""Schemes as the page gets and chooses them."""

from typing import Any

from landvote.data.scheme import Scheme, shipped
from landvote.errors import EditError
from landvote.review.store import Store


def scheme_record(scheme: Scheme | None) -> dict[str, Any] | None:
    """Return what the page draws by: names and outlines; None without a scheme."""
    if scheme is None:
        return None
    outlines = [{"name": o.name, "points": o.ring()} for o in scheme.outlines]
    return {"name": scheme.name, "landmarks": scheme.landmarks, "outlines": outlines}


def shipped_schemes() -> list[dict[str, Any]]:
    """Return the schemes that come with landvote: name, number of landmarks and the first of them."""
    schemes = (Scheme.read(file) for file in shipped().values())
    return [{"name": s.name, "count": len(s), "landmarks": s.landmarks[:4]} for s in schemes]


def choose_scheme(store: Store, name: str) -> None:
    """Take a shipped scheme for a store that has none; EditError if it has one, or the name is unknown."""
    if store.scheme is not None:
        raise EditError(f"the scheme is {store.scheme.name!r} already, expected none")
    if name not in shipped():
        raise EditError(f"scheme {name!r} is unknown, expected one of {', '.join(shipped())}")
    store.set_scheme(Scheme.named(name))
