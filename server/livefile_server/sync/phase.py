"""The phases of a socket, and which messages its client may send in each."""

from enum import Enum

from livefile import errors
from livefile_server.sync.messages import (
    ActionRequest,
    Authenticate,
    ClientMessage,
    Connect,
    Event,
    ModifyQuerySet,
    MutationRequest,
)


class Phase(Enum):
    """How far a socket is."""

    FRESH = "fresh"
    CONNECTED = "connected"
    CLOSED = "closed"


# Requests before ``Connect`` are tolerated, but they are not exactly-once, because only
# ``Connect`` names the client's session.
_REQUESTS = (Authenticate, ModifyQuerySet, MutationRequest, ActionRequest, Event)
_LEGAL: dict[Phase, tuple[type[ClientMessage], ...]] = {
    Phase.FRESH: (Connect, *_REQUESTS),
    Phase.CONNECTED: _REQUESTS,
    Phase.CLOSED: (),
}


def check_legal(phase: Phase, message: ClientMessage) -> None:
    """Refuse a message that has no place in ``phase``.

    Raises:
        BadRequestError: the client has a bug.
    """
    if not isinstance(message, _LEGAL[phase]):
        raise errors.BadRequestError(
            "UnexpectedMessage",
            f"{type(message).__name__} was sent to a socket that is {phase.value}",
        )
