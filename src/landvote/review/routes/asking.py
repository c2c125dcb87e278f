"""What all requests share: how a body is read, and how errors become answers. No stack trace leaves the server."""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from landvote.errors import ConflictError, DataError, EditError
from landvote.review.edits.states import person_name
from landvote.review.store import Store
from landvote.runtime.settings import Settings, validated

Name: TypeAlias = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
Coordinate: TypeAlias = Annotated[float, Field(allow_inf_nan=False, strict=True)]

_LONGEST = 10**10  # milliseconds that a film is on the screen, some months
Shown: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=_LONGEST)] | None
"""For how long a film had been on the screen; None where the page does not say."""

Asked = TypeVar("Asked", bound=Settings)


async def body_as(request: Request, model: type[Asked]) -> Asked:
    """Return the body of a request; 400, 415 or 422 if it is not as it should be."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "expected application/json")
    try:
        told = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "not JSON") from error
    try:
        return validated(model, told, "request", ValueError)
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, str(error)[:500]) from error


async def edited(act: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the act returns
    """Run what writes in another thread, and turn what it raises into answers; ConflictError is left to the caller."""
    try:
        return await run_in_threadpool(act)
    except ConflictError:
        raise
    except EditError as error:
        raise HTTPException(422, str(error)) from error
    except DataError as error:  # a full disk
        raise HTTPException(507, f"not saved: {error}") from error


def person(name: str) -> str:
    """Return the name of a person in one form of Unicode; 422 if it is none."""
    try:
        return person_name(name)
    except EditError as error:
        raise HTTPException(422, str(error)) from error


def expect_writable(store: Store) -> None:
    """Return if the store may be written; 403 if not."""
    if store.read_only:
        raise HTTPException(403, "this review is opened to be read only")
