"""The messages of the server, as the bytes of one websocket text message each.

Results come from the engine already encoded (``Success.json``) and are put in as they are, so
a message costs a copy of its result and no walk over it. Three rules of the protocol decide the
shapes: ``errorData`` is there only for a ``ConvexError``, ``logLines`` is always a list, and
``serverTs`` and ``clientClockSkew`` are whole numbers.

Not here: frames (``web/frames.py``), and which transition is due (``session.py``).
"""

from collections.abc import Iterable, Mapping

import orjson

from livefile import Failure, Outcome, Success, limits
from livefile_server.sync.state import Version
from livefile_server.sync.timestamp import encode_timestamp

PING = b'{"type":"Ping"}'


def encode_modification(query_id: int, outcome: Outcome | None) -> bytes:
    """Return one entry of a transition; ``outcome`` None says that the query was removed."""
    match outcome:
        case Success():
            return b'{"type":"QueryUpdated","queryId":%d,"value":%b,"logLines":%b,"journal":%b}' % (
                query_id,
                outcome.json,
                _log_lines(outcome),
                _journal(outcome),
            )
        case Failure():
            return (
                b'{"type":"QueryFailed","queryId":%d,"errorMessage":%b,"logLines":%b,'
                b'"journal":%b%b}'
                % (
                    query_id,
                    orjson.dumps(outcome.message),
                    _log_lines(outcome),
                    _journal(outcome),
                    _data(outcome),
                )
            )
        case None:
            return b'{"type":"QueryRemoved","queryId":%d}' % query_id


def encode_transition(
    start: Version,
    end: Version,
    outcomes: Mapping[int, Outcome | None],
    server_ns: int,
    clock_skew_ms: int | None = None,
) -> bytes:
    """Return a transition. A skew of None is left out, which clients take as "not known"."""
    skew = b"" if clock_skew_ms is None else b',"clientClockSkew":%d' % clock_skew_ms
    return (
        b'{"type":"Transition","startVersion":%b,"endVersion":%b,"modifications":[%b],'
        b'"serverTs":%d%b}'
        % (
            _version(start),
            _version(end),
            b",".join(
                [encode_modification(query_id, outcome) for query_id, outcome in outcomes.items()]
            ),
            server_ns,
            skew,
        )
    )


def encode_mutation_response(request_number: int, outcome: Outcome) -> bytes:
    """Return the answer to a mutation; only a success names its commit timestamp."""
    if isinstance(outcome, Success):
        return (
            b'{"type":"MutationResponse","requestId":%d,"success":true,"result":%b,"ts":"%b",'
            b'"logLines":%b}'
            % (
                request_number,
                outcome.json,
                encode_timestamp(outcome.ts).encode(),
                _log_lines(outcome),
            )
        )
    return (
        b'{"type":"MutationResponse","requestId":%d,"success":false,"result":%b,"ts":null,'
        b'"logLines":%b%b}'
        % (request_number, orjson.dumps(outcome.message), _log_lines(outcome), _data(outcome))
    )


def encode_action_response(request_number: int, outcome: Outcome) -> bytes:
    """Return the answer to an action."""
    if isinstance(outcome, Success):
        return (
            b'{"type":"ActionResponse","requestId":%d,"success":true,"result":%b,"logLines":%b}'
            % (
                request_number,
                outcome.json,
                _log_lines(outcome),
            )
        )
    return (
        b'{"type":"ActionResponse","requestId":%d,"success":false,"result":%b,"logLines":%b%b}'
        % (request_number, orjson.dumps(outcome.message), _log_lines(outcome), _data(outcome))
    )


def encode_auth_error(error: str, base_version: int, is_update: bool) -> bytes:
    """Return the refusal of an identity; ``is_update`` if an ``Authenticate`` brought it."""
    return orjson.dumps(
        {
            "type": "AuthError",
            "error": error,
            "baseVersion": base_version,
            "authUpdateAttempted": is_update,
        }
    )


def encode_fatal_error(error: str) -> bytes:
    """Return the message after which npm's client gives up; only for bugs of clients."""
    return orjson.dumps({"type": "FatalError", "error": error})


def cut_transition(transition: bytes) -> list[bytes]:
    """Return ``transition`` as ``TransitionChunk`` messages, cut between characters."""
    pieces = list(_pieces(transition))
    return [
        orjson.dumps(
            {
                "type": "TransitionChunk",
                "chunk": piece.decode(),
                "partNumber": part_number,
                "totalParts": len(pieces),
                "transitionId": str(len(transition)),
            }
        )
        for part_number, piece in enumerate(pieces)
    ]


def fit_outcome(outcome: Outcome, what: str) -> Failure:
    """Return what a client gets in place of an outcome that is too large for it."""
    size_bytes = len(outcome.json) if isinstance(outcome, Success) else len(outcome.message)
    return Failure(
        message=f"{what} is too large for this client (actual: {size_bytes} bytes; "
        f"a message may have {limits.MESSAGE_SIZE_BYTES_MAX} bytes)",
        ts=outcome.ts,
        journal=outcome.journal,
    )


def fit_outcomes(outcomes: Mapping[int, Outcome | None]) -> Mapping[int, Outcome | None]:
    """Replace the largest outcomes with failures until a transition of them can be sent."""
    sizes = {
        query_id: len(encode_modification(query_id, outcome))
        for query_id, outcome in outcomes.items()
    }
    fitting = dict(outcomes)
    size_bytes = sum(sizes.values())
    for query_id in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        # Room for the frame around the modifications and the commas between them.
        if size_bytes + len(sizes) + 1024 <= limits.MESSAGE_SIZE_BYTES_MAX:
            break
        outcome = fitting[query_id]
        assert outcome is not None  # A removal is small.
        failure = fit_outcome(outcome, "The result of this query")
        fitting[query_id] = failure
        size_bytes += len(encode_modification(query_id, failure)) - sizes[query_id]
    return fitting


def _pieces(transition: bytes) -> Iterable[bytes]:
    start = 0
    while start < len(transition):
        end = min(start + limits.TRANSITION_CHUNK_SIZE_BYTES, len(transition))
        # A byte 10xxxxxx continues a character, so the cut moves to where that one begins.
        while end < len(transition) and transition[end] & 0xC0 == 0x80:
            end -= 1
        yield transition[start:end]
        start = end


def _version(version: Version) -> bytes:
    return b'{"querySet":%d,"identity":%d,"ts":"%b"}' % (
        version.query_set,
        version.identity,
        encode_timestamp(version.ts).encode(),
    )


def _log_lines(outcome: Outcome) -> bytes:
    return orjson.dumps(outcome.log_lines) if outcome.log_lines else b"[]"


def _journal(outcome: Outcome) -> bytes:
    return orjson.dumps(outcome.journal)


def _data(failure: Failure) -> bytes:
    return b"" if failure.data_json is None else b',"errorData":%b' % failure.data_json
