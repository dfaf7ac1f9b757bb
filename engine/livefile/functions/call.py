"""One call of a function, and its outcome, in the form that crosses threads and layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from livefile.model.identity import ANONYMOUS, Identity
from livefile.model.value import Value


class FunctionKind(Enum):
    """What a function may do. The value is the protocol's word for it."""

    QUERY = "Query"
    MUTATION = "Mutation"
    ACTION = "Action"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a mutation exactly-once: the client's session and its number in it."""

    session_id: str
    request_number: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request that a call is made for, as far as its connection tells.

    ``auth_token`` is the token as it came, None of administrators and of nobody.
    """

    address: str | None = None
    user_agent: str | None = None
    auth_token: str | None = field(default=None, repr=False)


# These two are not frozen, because making one would take twice the time, and every call makes
# some; nobody changes one.
@dataclass(slots=True, unsafe_hash=True)
class Call:
    """A request to run one function.

    ``path`` is canonical (``folder/module:name``); ``args`` is one object, already decoded.
    ``request_id`` is 16 hexadecimal digits and appears in error texts and logs. ``is_internal``
    lets internal functions be called; only functions and admins set it. ``journal`` is that of the
    outcome before, for a query that is run again. ``job`` is the id of the scheduled job that a
    mutation is: it runs only if that is due, and completes it in its own transaction.
    ``parent_job`` is the one on whose behalf anything is called. ``caller`` is None where nobody's
    request is behind the call.
    """

    path: str
    args: Mapping[str, Value]
    identity: Identity = ANONYMOUS
    request_id: str = ""
    request_key: RequestKey | None = None
    is_internal: bool = False
    journal: str | None = None
    job: str | None = None
    parent_job: str | None = None
    caller: Caller | None = None


@dataclass(slots=True, unsafe_hash=True)
class Success:
    """A function returned.

    ``json`` is the result in the protocol's JSON encoding. ``ts`` is the commit timestamp of a
    mutation, the snapshot timestamp of a query, 0 for an action. ``journal`` is the end of the
    page that a query read, None if it read none.
    """

    json: bytes
    log_lines: tuple[str, ...] = ()
    ts: int = field(default=0, compare=False)
    journal: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """A function raised.

    ``message`` is the whole text for the client (``[Request ID: ...] Server Error`` and so on).
    ``data_json`` is the encoded data of a ``ConvexError``, None for every other error. ``journal``
    is the one that the call was given, so that the next run has it, unless it was wrong.
    """

    message: str
    data_json: bytes | None = None
    log_lines: tuple[str, ...] = ()
    ts: int = field(default=0, compare=False)
    journal: str | None = field(default=None, compare=False)
    error: Exception | None = field(default=None, compare=False)
    """What was raised, for callers in this process."""


Outcome = Success | Failure
