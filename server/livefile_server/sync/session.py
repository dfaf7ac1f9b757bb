"""One client's end of the sync protocol, without sockets, threads or clocks.

Messages of the client, outcomes and updates of the engine and the passing of time go in;
effects come out, to be performed in order (``effects.py``). Everything that a client can see of
the protocol's order is decided here: answers before the transition that shows them, one chain
of transitions, nothing after a close.

Not here: parsing and encoding (``messages.py``, ``wire.py``), performing the effects
(``web/websocket.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from livefile import (
    Caller,
    Failure,
    Identity,
    LivefileError,
    Outcome,
    QuerySetChange,
    Update,
    WatchQuery,
    errors,
    limits,
)
from livefile_server.auth.signed_in import SignedIn
from livefile_server.sync import wire
from livefile_server.sync.client_version import ClientVersion
from livefile_server.sync.effects import (
    CLOSE_NORMAL,
    ChangeQuerySet,
    CheckToken,
    Close,
    Effect,
    Require,
    RunAction,
    RunMutation,
    SendFrame,
    close_for,
)
from livefile_server.sync.in_flight import InFlight
from livefile_server.sync.keep_alive import NS_PER_MS, KeepAlive
from livefile_server.sync.messages import (
    ActionRequest,
    Authenticate,
    ClientMessage,
    Connect,
    Event,
    ModifyQuerySet,
    MutationRequest,
    UserToken,
    parse_client_message,
)
from livefile_server.sync.outbox import Outbox
from livefile_server.sync.phase import Phase, check_legal
from livefile_server.sync.redaction import Redaction
from livefile_server.sync.refused_queries import RefusedQueries
from livefile_server.sync.requests import make_call, make_watch_query
from livefile_server.sync.shared_transitions import SharedTransitions
from livefile_server.sync.sign_in import EXPIRED_TEXT, NOBODY_KNOWN, SignIn
from livefile_server.sync.state import ClientState


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What all sessions of one server share.

    ``latest_ts`` returns the newest published timestamp. ``check_admin_key`` returns the
    identity that a key stands for, or raises ``UnauthenticatedError``. ``wall_ns`` returns the time
    by which tokens expire.
    """

    latest_ts: Callable[[], int]
    check_admin_key: Callable[[str], Identity]
    wall_ns: Callable[[], int]
    transitions: SharedTransitions
    redaction: Redaction = field(default_factory=Redaction)


class Session:
    """The server's side of one socket. Every method returns what is to be done now.

    ``now_ns`` is the time since 1970 on a clock that never jumps.
    """

    def __init__(
        self,
        settings: SessionSettings,
        client: ClientVersion,
        now_ns: int,
        caller: Caller = NOBODY_KNOWN,
    ) -> None:
        self._settings = settings
        self._redact = settings.redaction.outcome
        self._client = client
        self._phase = Phase.FRESH
        self._session_id: str | None = None
        self._clock_skew_ms: int | None = None
        self._sign_in = SignIn(settings.check_admin_key, settings.wall_ns, caller)
        self._state = ClientState()
        self._refused = RefusedQueries()
        self._outbox = Outbox()
        self._is_writable = True
        self._in_flight = InFlight()
        self._message_size_bytes = 0
        self._keep_alive = KeepAlive(now_ns)

    @property
    def phase(self) -> Phase:
        """How far the socket is."""
        return self._phase

    # --- From the client ------------------------------------------------------------------

    def receive_text(self, text: str | bytes, now_ns: int) -> list[Effect]:
        """Take one text message."""
        self._keep_alive.heard_ns = now_ns
        if self._phase is Phase.CLOSED:
            return []
        assert not self._sign_in.is_checking
        try:
            self._message_size_bytes = len(text)
            message = parse_client_message(text)
            check_legal(self._phase, message)
            if self._sign_in.has_expired and not isinstance(message, Authenticate | Event):
                return self._end()
            return self._receive(message, now_ns)
        except errors.BadRequestError as error:
            return self._fail_fatally(str(error))
        except LivefileError as error:
            return self._fail(error)

    def receive_binary(self, now_ns: int) -> list[Effect]:
        """Take one binary message, which the protocol does not know."""
        self._keep_alive.heard_ns = now_ns
        if self._phase is Phase.CLOSED:
            return []
        return self._fail_fatally("Unexpected message type: binary")

    def receive_pong(self, now_ns: int) -> None:
        """Take a ping or a pong of the websocket: the client is there."""
        self._keep_alive.heard_ns = now_ns

    def _receive(self, message: ClientMessage, now_ns: int) -> list[Effect]:
        match message:
            case MutationRequest():
                return self._request_mutation(message)
            case ActionRequest():
                return self._request_action(message)
            case ModifyQuerySet():
                return self._modify_query_set(message)
            case Authenticate():
                return self._authenticate(message)
            case Connect():
                return self._connect(message, now_ns)
            case Event():
                return []
            case _:
                assert_never(message)

    def _connect(self, message: Connect, now_ns: int) -> list[Effect]:
        latest_ts = self._settings.latest_ts()
        if message.max_observed_ts is not None and message.max_observed_ts > latest_ts:
            # The file was replaced by an older one. What the client shows cannot be continued.
            raise LivefileError(
                f"The client saw timestamp {message.max_observed_ts}, the newest is {latest_ts}"
            )
        self._phase = Phase.CONNECTED
        self._session_id = message.session_id
        if message.client_time_ms is not None:
            self._clock_skew_ms = message.client_time_ms - now_ns // NS_PER_MS
        return []

    def _authenticate(self, message: Authenticate) -> list[Effect]:
        self._state.check_authenticate(message)
        if isinstance(message.token, UserToken):
            return [CheckToken(token=self._sign_in.begin_check(message.token.token))]
        try:
            return self._become(self._sign_in.check(message.token))
        except (errors.UnauthenticatedError, errors.BadRequestError) as error:
            return self._refuse_identity(str(error))

    def token_checked(self, answer: SignedIn | LivefileError, now_ns: int) -> list[Effect]:
        """Take what became of the token that ``CheckToken`` named."""
        self._sign_in.is_checking = False
        if self._phase is Phase.CLOSED:
            return []
        if isinstance(answer, SignedIn):
            return self._become(answer)
        if isinstance(answer, errors.UnauthenticatedError):
            return self._refuse_identity(str(answer))
        return self._fail(answer)

    def _become(self, signed_in: SignedIn) -> list[Effect]:
        self._sign_in.become(signed_in)
        self._state.identity_version += 1
        return [self._change_query_set((), ())]

    def _modify_query_set(self, message: ModifyQuerySet) -> list[Effect]:
        modifications = self._state.modify(message, self._message_size_bytes)
        version = message.new_version
        for query_id in modifications.dropped:
            self._refused.drop(version, query_id)
        removed = tuple(
            query_id
            for query_id in modifications.removed
            if not self._refused.remove(version, query_id)
        )
        added = []
        for query in modifications.added:
            watch_query = make_watch_query(query, self._session_id)
            if isinstance(watch_query, Failure):
                self._refused.refuse(version, query.query_id, watch_query)
            else:
                added.append(watch_query)
        return [self._change_query_set(tuple(added), removed)]

    def _change_query_set(
        self, added: tuple[WatchQuery, ...], removed: tuple[int, ...]
    ) -> ChangeQuerySet:
        return ChangeQuerySet(
            QuerySetChange(
                query_set_version=self._state.query_set_version,
                identity_version=self._state.identity_version,
                identity=self._sign_in.identity,
                added=added,
                removed=removed,
            )
        )

    def _request_mutation(self, message: MutationRequest) -> list[Effect]:
        number = message.request_number
        call = make_call(message, self._session_id, self._sign_in)
        if isinstance(call, Failure):
            refusal = wire.encode_mutation_response(number, self._redact(call))
            return self._answer(refusal, is_required=True)
        self._in_flight.begin_mutation(number, self._message_size_bytes)
        return [RunMutation(request_number=number, call=call)]

    def _request_action(self, message: ActionRequest) -> list[Effect]:
        number = message.request_number
        call = make_call(message, self._session_id, self._sign_in)
        if isinstance(call, Failure):
            refusal = wire.encode_action_response(number, self._redact(call))
            return self._answer(refusal, is_required=True)
        self._in_flight.begin_action(number, self._message_size_bytes)
        return [RunAction(request_number=number, call=call)]

    # --- From the engine ------------------------------------------------------------------

    def mutation_done(
        self, request_number: int, outcome: Outcome | LivefileError, now_ns: int
    ) -> list[Effect]:
        """Take the outcome of a mutation; the engine sends the update after it by itself."""
        self._in_flight.end_mutation(request_number)
        if self._is_over:
            return self._end()
        if isinstance(outcome, LivefileError):
            return self._fail(outcome)
        payload = wire.encode_mutation_response(request_number, self._redact(outcome))
        if self._is_too_large(payload):
            failure = wire.fit_outcome(outcome, "The mutation was committed, but its result")
            payload = wire.encode_mutation_response(request_number, failure)
        self._keep_alive.sent_ns = now_ns
        return self._answer(payload)

    def action_done(
        self, request_number: int, outcome: Outcome | LivefileError, now_ns: int
    ) -> list[Effect]:
        """Take the outcome of an action, and ask for an update to follow it."""
        self._in_flight.end_action(request_number)
        if self._is_over:
            return self._end()
        if isinstance(outcome, LivefileError):
            return self._fail(outcome)
        payload = wire.encode_action_response(request_number, self._redact(outcome))
        if self._is_too_large(payload):
            failure = wire.fit_outcome(outcome, "The action has run, but its result")
            payload = wire.encode_action_response(request_number, failure)
        self._keep_alive.sent_ns = now_ns
        return self._answer(payload, is_required=True)

    def updated(self, update: Update, now_ns: int) -> list[Effect]:
        """Take a new state of the query set."""
        if self._is_over:
            return self._end()
        update = self._refused.join(update)
        is_current = update.identity_version == self._state.identity_version
        if self._is_writable and is_current and not self._outbox.has_update:
            return self._transition(update, now_ns)
        self._outbox.hold_update(update)
        return self._send_backlog(now_ns) if self._is_writable else []

    # An update of the identity before waits to be merged into the one of the identity in force:
    # what is left of it there is what the new one may see as well.
    def _send_backlog(self, now_ns: int) -> list[Effect]:
        backlog = self._outbox.release()
        effects: list[Effect] = [SendFrame(payload) for payload in backlog.answers]
        update = backlog.update
        if update is not None and update.identity_version == self._state.identity_version:
            effects += self._transition(update, now_ns)
        elif update is not None:
            self._outbox.hold_update(update)
        if effects:
            self._keep_alive.sent_ns = now_ns
        return effects

    def _transition(self, update: Update, now_ns: int) -> list[Effect]:
        self._keep_alive.sent_ns = now_ns
        start = self._state.sent
        end = self._state.advance(update)
        if start.query_set == end.query_set and start.identity == end.identity:
            payload = self._settings.transitions.encode(start, end, update.outcomes, now_ns)
        else:
            shown = self._settings.redaction.outcomes(update.outcomes)
            payload = wire.encode_transition(start, end, shown, now_ns, self._clock_skew_ms)
        if len(payload) > limits.TRANSITION_CHUNK_SIZE_BYTES and self._client.takes_chunks:
            return [SendFrame(chunk) for chunk in wire.cut_transition(payload)]
        if self._is_too_large(payload):
            outcomes = wire.fit_outcomes(self._settings.redaction.outcomes(update.outcomes))
            payload = wire.encode_transition(start, end, outcomes, now_ns, self._clock_skew_ms)
        return [SendFrame(payload)]

    # --- From the socket and the clock ----------------------------------------------------

    def writable_changed(self, is_writable: bool, now_ns: int) -> list[Effect]:
        """Take the news that the client reads slowly, or that it caught up."""
        self._is_writable = is_writable
        if not is_writable:
            return []
        return self._end() if self._is_over else self._send_backlog(now_ns)

    def tick(self, now_ns: int) -> list[Effect]:
        """Keep the socket alive, or give a silent client up. To be called every second or so."""
        if self._is_over:
            return self._end()
        if self._keep_alive.is_silent(now_ns):
            return self._close(Close(code=CLOSE_NORMAL, reason="ClientSilent"))
        return self._keep_alive.pings(now_ns, is_writable=self._is_writable)

    def fail(self, error: LivefileError) -> list[Effect]:
        """Take an error of the infrastructure that no outcome reports."""
        return [] if self._phase is Phase.CLOSED else self._fail(error)

    def end(self) -> None:
        """Take the news that the socket is gone: nothing more is to be done for it."""
        self._phase = Phase.CLOSED

    # --- Ways out -------------------------------------------------------------------------

    # ``is_required``: the client waits for an update after this answer, and the engine does not
    # know of it.
    def _answer(self, payload: bytes, is_required: bool = False) -> list[Effect]:
        effects: list[Effect] = []
        if self._is_writable:
            effects.append(SendFrame(payload))
        else:
            try:
                self._outbox.hold_answer(payload)
            except errors.OverloadedError as error:
                return self._fail(error)
        if is_required:
            effects.append(Require(ts=self._settings.latest_ts()))
        return effects

    @property
    def _is_over(self) -> bool:
        return self._phase is Phase.CLOSED or self._sign_in.has_expired

    # If the socket is not closed yet, its token has expired.
    def _end(self) -> list[Effect]:
        if self._phase is Phase.CLOSED:
            return []
        return self._refuse_identity(EXPIRED_TEXT, is_update=False)

    def _is_too_large(self, payload: bytes) -> bool:
        return len(payload) > limits.MESSAGE_SIZE_BYTES_MAX and not self._client.is_npm

    def _refuse_identity(self, text: str, is_update: bool = True) -> list[Effect]:
        # The socket closes after an AuthError: npm's client counts on it to begin again.
        error = wire.encode_auth_error(text, self._state.sent.identity, is_update=is_update)
        return [SendFrame(error), *self._close(Close(code=CLOSE_NORMAL))]

    def _fail_fatally(self, text: str) -> list[Effect]:
        return [
            SendFrame(wire.encode_fatal_error(text)),
            *self._close(Close(code=CLOSE_NORMAL)),
        ]

    def _fail(self, error: LivefileError) -> list[Effect]:
        return self._close(close_for(error))

    def _close(self, close: Close) -> list[Effect]:
        self._phase = Phase.CLOSED
        return [close]
