"""What a session wants done: the only way in which it acts on the world.

Whoever owns the socket performs the effects in order. Not here: the socket
(``web/websocket.py``).
"""

from dataclasses import dataclass, field

from livefile import Call, LivefileError, QuerySetChange, errors

CLOSE_NORMAL = 1000
CLOSE_INTERNAL_ERROR = 1011
CLOSE_TRY_AGAIN = 1013
CLOSE_REASON_LENGTH_MAX = 123  # The websocket's own bound on the text of a close frame.


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send one text message; ``payload`` may be shared with other sockets."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SendPing:
    """Send a ping of the websocket itself, which the client's side answers unseen."""


@dataclass(frozen=True, slots=True)
class RunMutation:
    """Submit a mutation; then call ``Session.mutation_done``."""

    request_number: int
    call: Call


@dataclass(frozen=True, slots=True)
class RunAction:
    """Submit an action; then call ``Session.action_done``."""

    request_number: int
    call: Call


@dataclass(frozen=True, slots=True)
class ChangeQuerySet:
    """Change what the client watches; answered by one ``Session.updated``."""

    change: QuerySetChange


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Check a JWT; then call ``Session.token_checked``, before any further message is taken."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Require:
    """Ask for an update at ``ts`` or later, even if it is empty."""

    ts: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket; nothing follows."""

    code: int
    reason: str = ""


Effect = (
    SendFrame | SendPing | RunMutation | RunAction | ChangeQuerySet | CheckToken | Require | Close
)


def close_for(error: LivefileError) -> Close:
    """Return how the protocol closes a socket over ``error``.

    The reason is the error's code: clients choose their first back-off by it.
    """
    reason = error.code[:CLOSE_REASON_LENGTH_MAX]
    match error:
        case (
            errors.ConflictError()
            | errors.LogTrimmedError()
            | errors.OverloadedError()
            | errors.DiskFullError()
        ):
            return Close(code=CLOSE_TRY_AGAIN, reason=reason)
        case errors.ClosedError() | errors.BadRequestError():
            return Close(code=CLOSE_NORMAL, reason=reason)
        case _:
            return Close(code=CLOSE_INTERNAL_ERROR, reason="InternalServerError")
