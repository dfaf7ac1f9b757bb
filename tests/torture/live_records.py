"""What a live client knows of its mutations, its queries and what it is shown."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any  # Decoded JSON, whose shape is the function's.


@dataclass(slots=True)
class Request:
    """One mutation. ``number`` is the client's own; times are of ``time.monotonic``."""

    number: int
    path: str
    args: Mapping[str, Json]
    is_writing: bool
    started: float
    done: "asyncio.Future[Request]"
    sent_count: int = 0
    is_success: bool = False
    result: Json = None
    ts: int = 0
    answered: float | None = None


@dataclass(slots=True)
class Query:
    """A query of the query set. ``since`` is when it was asked for on the socket of now."""

    path: str
    args: Mapping[str, Json]
    version: int
    since: float


@dataclass(frozen=True, slots=True)
class Failed:
    """What a query shows that raised."""

    data: Json
    has_data: bool
    message: str = field(compare=False)
    """What people are told; it has the id of a request, so it differs from run to run."""


@dataclass(slots=True)
class Pushed:
    """A transition as the application sees it. ``started`` is -inf if nothing new was asked."""

    ts: int
    heard: float
    started: float = float("-inf")
    changed: list[int] = field(default_factory=list)
