"""Any sequence of messages, outcomes and delays leaves a session's promises kept.

The machine plays the client, legal or not, and an engine that keeps its own promises: updates
come in order, each change is answered by one, and a mutation's outcome comes before the update
that shows it. It reads every frame as a strict client would.
"""

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from livefile import (
    Failure,
    Identity,
    LivefileError,
    Outcome,
    QuerySetChange,
    Success,
    Update,
    errors,
)
from livefile_server.auth.signed_in import SignedIn
from livefile_server.sync.effects import (
    ChangeQuerySet,
    CheckToken,
    Close,
    Effect,
    Require,
    RunAction,
    RunMutation,
    SendFrame,
)
from livefile_server.sync.phase import Phase
from livefile_server.sync.timestamp import decode_timestamp
from tests.server.sync_client import (
    KEY,
    LATEST_TS,
    NOW_NS,
    NPM,
    action,
    add,
    connect,
    message,
    modify,
    mutation,
    new_session,
    remove,
    version,
)

OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [Success(json=b"1.0"), Success(json=b"[]", log_lines=("[LOG] a",)), Failure(message="no")]
)
PATHS = st.sampled_from(["messages:list", "messages", "no path:at all", ""])
ARGS: st.SearchStrategy[object] = st.sampled_from(
    [[{}], [{"n": 1}], [], {}, None, [{"$integer": "x"}], [1]]
)
GARBAGE = st.sampled_from(
    [
        b"{",
        b"[]",
        b'{"type":"Mutation"}',
        b"\xff",
        message("Authenticate", baseVersion=0, tokenType="User", value="a.b.c"),
        message("Authenticate", baseVersion=0, tokenType="Admin", value="wrong"),
        message("Event", eventType="x"),
        modify(77, 78),
        modify(0, 0, remove(99)),
        connect(),
    ]
)


class SessionMachine(RuleBasedStateMachine):
    """A client, an engine, and the session between them."""

    def __init__(self) -> None:
        super().__init__()
        self.session = new_session(NPM, wall_ns=lambda: self.now_ns)
        self.now_ns = NOW_NS
        self.is_closed = False
        self.is_connected = False
        # The client.
        self.query_set_version = 0
        self.identity_version = 0
        self.next_number = 0
        self.watched: set[int] = set()
        self.added_by: dict[int, int] = {}  # Query ids to versions of the query set.
        self.answered: set[int] = set()
        self.seen = version(0, 0, 0)
        self.seen_queries: set[int] = set()
        self.unread: list[bytes] = []  # Sent while the server checks a token.
        # The server's sign-ins.
        self.is_checking = False
        self.identity_in_force = 0
        self.expires_ns: dict[int, int] = {}  # By identity version.
        # The engine.
        self.ts = LATEST_TS
        self.changes: list[QuerySetChange] = []
        self.engine_versions = (0, 0)
        self.engine_queries: set[int] = set()
        self.is_update_due = False
        self.mutations: list[int] = []
        self.actions: list[int] = []

    # --- The client's side --------------------------------------------------------------

    def send(self, text: bytes) -> None:
        self.unread.append(text)
        while self.unread and not self.is_checking:
            self.take(self.session.receive_text(self.unread.pop(0), self.now_ns))

    @precondition(lambda self: not self.is_connected)
    @rule()
    def connects(self) -> None:
        self.is_connected = True
        self.send(connect(clientTs=5))

    @rule(paths=st.lists(PATHS, max_size=3), args=ARGS, data=st.data(), at_once=st.booleans())
    def modifies(self, paths: list[str], args: object, data: st.DataObject, at_once: bool) -> None:
        modifications = []
        if self.watched:
            leaving = data.draw(st.sets(st.sampled_from(sorted(self.watched)), max_size=2))
            modifications += [remove(query_id) for query_id in sorted(leaving)]
            self.watched -= leaving
        for path in paths:
            modifications.append(add(self.next_number, path, args))
            self.watched.add(self.next_number)
            self.added_by[self.next_number] = self.query_set_version + 1
            if at_once:
                modifications.append(remove(self.next_number))
                self.watched.discard(self.next_number)
            self.next_number += 1
        base = self.query_set_version
        self.query_set_version += 1
        self.send(modify(base, self.query_set_version, *modifications))

    @rule(is_admin=st.booleans())
    def authenticates(self, is_admin: bool) -> None:
        token = {"tokenType": "Admin", "value": KEY} if is_admin else {"tokenType": "None"}
        base = self.identity_version
        self.identity_version += 1
        self.send(message("Authenticate", baseVersion=base, **token))

    @rule()
    def authenticates_by_a_token(self) -> None:
        base = self.identity_version
        self.identity_version += 1
        self.send(message("Authenticate", baseVersion=base, tokenType="User", value="a.b.c"))

    @precondition(lambda self: self.is_checking)
    @rule(is_rare=st.integers(0, 9), seconds=st.integers(1, 100), subject=st.sampled_from("ab"))
    def a_token_was_checked(self, is_rare: int, seconds: int, subject: str) -> None:
        self.is_checking = False
        answer: SignedIn | LivefileError = errors.UnauthenticatedError("Unauthenticated", "x")
        if is_rare < 9:
            expires_ns = self.now_ns + seconds * 1_000_000_000
            answer = SignedIn(Identity(attributes={"subject": subject}), expires_ns)
            self.expires_ns[self.identity_in_force + 1] = expires_ns
        self.take(self.session.token_checked(answer, self.now_ns))
        self.send(message("Event", eventType="x"))  # And what was not read yet.

    @rule(path=PATHS, args=ARGS, is_mutation=st.booleans())
    def requests_a_call(self, path: str, args: object, is_mutation: bool) -> None:
        number = self.next_number
        self.next_number += 1
        self.send((mutation if is_mutation else action)(number, path, args))

    # Most garbage ends the session, so it must be rare for sessions to grow old.
    @rule(text=GARBAGE, is_rare=st.integers(0, 9))
    def sends_garbage(self, text: bytes, is_rare: int) -> None:
        if is_rare == 9:
            self.is_connected = self.is_connected or text == connect()
            self.send(text)

    @rule(is_rare=st.integers(0, 9))
    def sends_binary(self, is_rare: int) -> None:
        if is_rare == 9:
            self.take(self.session.receive_binary(self.now_ns))

    @rule(is_writable=st.booleans())
    def reads_slowly_or_fast(self, is_writable: bool) -> None:
        self.take(self.session.writable_changed(is_writable, self.now_ns))

    # --- The engine's side --------------------------------------------------------------

    @precondition(lambda self: self.changes)
    @rule(outcome=OUTCOMES, is_newer=st.booleans())
    def answers_a_change(self, outcome: Outcome, is_newer: bool) -> None:
        change = self.changes.pop(0)
        self.engine_versions = (change.query_set_version, change.identity_version)
        outcomes: dict[int, Outcome | None] = dict.fromkeys(change.removed)
        for query in change.added:
            outcomes[query.query_id] = outcome
            self.engine_queries.add(query.query_id)
        self.engine_queries -= set(change.removed)
        self.publish(outcomes, is_newer)

    @rule(outcome=OUTCOMES, data=st.data())
    def commits(self, outcome: Outcome, data: st.DataObject) -> None:
        changed: set[int] = set()
        if self.engine_queries:
            changed = data.draw(st.sets(st.sampled_from(sorted(self.engine_queries))))
        if changed or self.is_update_due:
            self.publish(dict.fromkeys(changed, outcome), is_newer=True)

    def publish(self, outcomes: dict[int, Outcome | None], is_newer: bool) -> None:
        self.ts += is_newer
        self.is_update_due = False
        query_set_version, identity_version = self.engine_versions
        update = Update(
            ts=self.ts,
            query_set_version=query_set_version,
            identity_version=identity_version,
            outcomes=outcomes,
        )
        self.take(self.session.updated(update, self.now_ns))

    @precondition(lambda self: self.mutations)
    @rule(outcome=OUTCOMES)
    def finishes_a_mutation(self, outcome: Outcome) -> None:
        self.ts += 1
        if isinstance(outcome, Success):
            outcome = Success(json=outcome.json, ts=self.ts)
        number = self.mutations.pop(0)
        self.take(self.session.mutation_done(number, outcome, self.now_ns))
        self.is_update_due = True

    @precondition(lambda self: self.actions)
    @rule(outcome=OUTCOMES, data=st.data())
    def finishes_an_action(self, outcome: Outcome, data: st.DataObject) -> None:
        number = self.actions.pop(data.draw(st.integers(0, len(self.actions) - 1)))
        self.take(self.session.action_done(number, outcome, self.now_ns))

    @precondition(lambda self: self.mutations)
    @rule(
        error=st.sampled_from([errors.ConflictError("x"), LivefileError("x")]),
        is_rare=st.integers(0, 9),
    )
    def cannot_run_a_mutation(self, error: LivefileError, is_rare: int) -> None:
        if is_rare == 9:
            self.take(self.session.mutation_done(self.mutations.pop(0), error, self.now_ns))

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000
        self.take(self.session.tick(self.now_ns))

    # --- What must hold -----------------------------------------------------------------

    def take(self, effects: list[Effect]) -> None:
        assert not (self.is_closed and effects), "something followed a close"
        for effect in effects:
            assert not self.is_closed, "something followed a close"
            match effect:
                case SendFrame():
                    self.read(effect.payload)
                case CheckToken():
                    self.is_checking = True
                case ChangeQuerySet():
                    self.changes.append(effect.change)
                    self.identity_in_force = effect.change.identity_version
                case RunMutation():
                    self.mutations.append(effect.request_number)
                case RunAction():
                    self.actions.append(effect.request_number)
                case Require():
                    self.is_update_due = True
                case Close():
                    self.is_closed = True

    def read(self, payload: bytes) -> None:
        frame = orjson.loads(payload)
        if frame["type"] == "Transition":
            assert frame["startVersion"] == self.seen
            self.seen = frame["endVersion"]
            assert self.seen["identity"] == self.identity_in_force
            assert self.now_ns < self.expires_ns.get(self.identity_in_force, self.now_ns + 1)
            assert decode_timestamp(self.seen["ts"]) >= decode_timestamp(
                frame["startVersion"]["ts"]
            )
            for modification in frame["modifications"]:
                assert self.added_by[modification["queryId"]] <= frame["endVersion"]["querySet"]
                if modification["type"] == "QueryRemoved":
                    self.seen_queries.discard(modification["queryId"])
                else:
                    self.seen_queries.add(modification["queryId"])
        elif frame["type"] in ("MutationResponse", "ActionResponse"):
            assert frame["requestId"] not in self.answered
            self.answered.add(frame["requestId"])
            if frame.get("ts") is not None:
                assert decode_timestamp(frame["ts"]) > decode_timestamp(self.seen["ts"])

    @invariant()
    def a_client_that_is_up_to_date_sees_what_it_asked_for(self) -> None:
        is_settled = self.seen["querySet"] == self.query_set_version
        if is_settled and not self.is_closed:
            assert self.seen_queries == self.watched

    @invariant()
    def the_session_knows_that_it_is_closed(self) -> None:
        assert (self.session.phase is Phase.CLOSED) == self.is_closed


SessionMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
test_any_sequence_keeps_the_promises = SessionMachine.TestCase
