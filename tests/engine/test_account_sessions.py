"""Sessions and their refresh tokens, by hand and against a model, with a hand-cranked clock."""

import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livefile.accounts import session
from livefile.accounts.session import Grant
from livefile.accounts.user import User, add_user
from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING
from livefile.model.value import Value
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.limits import (
    REFRESH_TOKEN_GRACE_MS_MAX,
    REFRESH_TOKENS_FRESH_MAX,
    SESSION_AGE_MS_MAX,
    SESSION_IDLE_MS_MAX,
    SESSIONS_PER_USER_MAX,
)
from tests.workbench import Workbench

R = TypeVar("R")
Documents = list[dict[str, Value]]


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with Workbench() as opened:
        yield opened


def run(bench: Workbench, body: Callable[[Transaction], R]) -> R:
    transaction = bench.head()
    result = body(transaction)
    bench.commit(transaction)
    bench.settle()
    return result


def sessions(bench: Workbench) -> Documents:
    def read(transaction: Transaction) -> Documents:
        table = transaction.catalog.tables[session.TABLE]
        return list(transaction.take(table, table.indexes[BY_CREATION_TIME], EVERYTHING, 1_000))

    return run(bench, read)


def begin(bench: Workbench, user: User | None = None) -> Grant:
    def body(transaction: Transaction) -> Grant:
        owner = user or add_user(transaction, is_anonymous=True)
        return session.begin(transaction, owner)

    return run(bench, body)


def refresh(bench: Workbench, token: str) -> Grant | None:
    return run(bench, lambda transaction: session.refresh(transaction, token))


def refreshed(bench: Workbench, token: str) -> str:
    grant = refresh(bench, token)
    assert grant is not None
    return grant.refresh_token


def test_a_refresh_gives_the_same_user_and_session_and_another_token(bench: Workbench) -> None:
    first = begin(bench)
    second = refresh(bench, first.refresh_token)

    assert second is not None
    assert (second.user, second.session_id) == (first.user, first.session_id)
    assert second.refresh_token != first.refresh_token


def test_a_used_token_is_good_again_for_a_short_while(bench: Workbench) -> None:
    first = begin(bench).refresh_token
    refreshed(bench, first)
    bench.clock.advance_ms(REFRESH_TOKEN_GRACE_MS_MAX - 1)

    assert refresh(bench, first) is not None


def test_both_tabs_that_used_one_token_go_on(bench: Workbench) -> None:
    first = begin(bench).refresh_token
    left, right = refreshed(bench, first), refreshed(bench, first)

    assert refresh(bench, left) is not None
    assert refresh(bench, right) is not None


def test_a_used_token_that_comes_back_later_ends_the_session(bench: Workbench) -> None:
    first = begin(bench).refresh_token
    second = refreshed(bench, first)
    bench.clock.advance_ms(REFRESH_TOKEN_GRACE_MS_MAX + 1)

    assert refresh(bench, first) is None
    assert refresh(bench, second) is None


def test_a_token_of_long_ago_ends_the_session(bench: Workbench) -> None:
    tokens = [begin(bench).refresh_token]
    for _ in range(5):
        tokens.append(refreshed(bench, tokens[-1]))
        bench.clock.advance_ms(REFRESH_TOKEN_GRACE_MS_MAX + 1)

    assert refresh(bench, tokens[1]) is None
    assert refresh(bench, tokens[-1]) is None


def test_a_clock_that_goes_back_makes_no_old_token_good(bench: Workbench) -> None:
    tokens = [begin(bench).refresh_token]
    for _ in range(2):
        tokens.append(refreshed(bench, tokens[-1]))
        bench.clock.advance_ms(REFRESH_TOKEN_GRACE_MS_MAX + 1)
    tokens.append(refreshed(bench, tokens[-1]))
    bench.clock.advance_ms(-10 * REFRESH_TOKEN_GRACE_MS_MAX)

    assert refresh(bench, tokens[0]) is None


def test_a_session_ends_that_is_not_used(bench: Workbench) -> None:
    token = begin(bench).refresh_token
    bench.clock.advance_ms(SESSION_IDLE_MS_MAX + 1)

    assert refresh(bench, token) is None
    assert sessions(bench) == []


def test_a_session_ends_however_much_it_is_used(bench: Workbench) -> None:
    token = begin(bench).refresh_token
    passed_ms = 0
    step_ms = SESSION_IDLE_MS_MAX - 1
    while passed_ms + step_ms < SESSION_AGE_MS_MAX:
        bench.clock.advance_ms(step_ms)
        passed_ms += step_ms
        token = refreshed(bench, token)
    bench.clock.advance_ms(step_ms)

    assert refresh(bench, token) is None


def test_expired_sessions_are_removed_when_others_begin(bench: Workbench) -> None:
    for _ in range(3):
        begin(bench)
    bench.clock.advance_ms(SESSION_IDLE_MS_MAX + 1)
    last = begin(bench)

    assert [found["_id"] for found in sessions(bench)] == [last.session_id]


def test_of_too_many_sessions_of_a_user_the_oldest_ends(bench: Workbench) -> None:
    first = begin(bench)
    grants = [begin(bench, first.user) for _ in range(SESSIONS_PER_USER_MAX)]

    assert refresh(bench, first.refresh_token) is None
    assert refresh(bench, grants[0].refresh_token) is not None


def test_a_token_that_is_used_again_and_again_ends_the_session(bench: Workbench) -> None:
    first = begin(bench).refresh_token
    for _ in range(REFRESH_TOKENS_FRESH_MAX):
        refreshed(bench, first)

    assert refresh(bench, first) is None
    assert sessions(bench) == []


def test_sign_out_ends_one_session_or_all(bench: Workbench) -> None:
    one = begin(bench)
    other = begin(bench, one.user)
    third = begin(bench, one.user)
    foreign = begin(bench)
    run(bench, lambda t: session.end(t, one.refresh_token, is_everywhere=False))

    assert refresh(bench, one.refresh_token) is None
    kept = refreshed(bench, other.refresh_token)
    run(bench, lambda t: session.end(t, kept, is_everywhere=True))
    assert refresh(bench, third.refresh_token) is None
    assert refresh(bench, foreign.refresh_token) is not None


def forgeries(token: str) -> Iterator[str]:
    """Yield texts that are not the token, but for a session that is there."""
    session_id, _, encoded = token.partition(".")
    packed = base64.urlsafe_b64decode(encoded)
    yield from ("", ".", session_id, f"{session_id}.", encoded, f".{encoded}", f"{token}=")
    yield from (f"{token}A", token[:-1], f" {token}", f"{token}\n", token.replace(".", ".."))
    yield f"{session_id}.\ud800"
    yield f"{'0' * len(session_id)}.{encoded}"
    yield f"{session_id}.{encoded}".upper()
    for place in range(16):  # A key that is wrong proves nothing about the session.
        changed = bytearray(packed)
        changed[place] ^= 1
        yield f"{session_id}.{base64.urlsafe_b64encode(bytes(changed)).decode()}"
    yield f"{session_id}.{base64.urlsafe_b64encode(bytes(48)).decode()}"


def test_forged_tokens_are_refused_and_end_nothing(bench: Workbench) -> None:
    grant = begin(bench)
    # A document of another table, and another session's id.
    foreign = begin(bench)
    encoded = grant.refresh_token.partition(".")[2]
    tried = [
        *forgeries(grant.refresh_token),
        f"{grant.user.id}.{encoded}",
        f"{foreign.session_id}.{encoded}",
    ]

    for forged in tried:
        assert refresh(bench, forged) is None, forged
        run(bench, partial(session.end, refresh_token=forged, is_everywhere=True))
    assert refresh(bench, grant.refresh_token) is not None
    assert refresh(bench, foreign.refresh_token) is not None


def test_the_file_holds_hashes_of_tokens_only(bench: Workbench) -> None:
    token = begin(bench).refresh_token
    secret = base64.urlsafe_b64decode(token.partition(".")[2])
    stored = repr(sessions(bench))

    assert repr(secret[:16])[2:-1] not in stored
    assert repr(secret[16:])[2:-1] not in stored


# --- The model ------------------------------------------------------------------------------


class Model:
    """One session as the rules say it, in plain lists: which of its tokens are how good."""

    def __init__(self, now_ms: int) -> None:
        self.fresh = [0]
        self.used_ms: dict[int, int] = {}
        self.is_over = False
        self.begun_ms = self.seen_ms = now_ms

    def refresh(self, number: int, new_number: int, now_ms: int) -> bool:
        if self.is_over:
            return False
        is_expired = (
            now_ms >= self.seen_ms + SESSION_IDLE_MS_MAX
            or now_ms >= self.begun_ms + SESSION_AGE_MS_MAX
        )
        used_ms = self.used_ms.get(number)
        is_fresh = number in self.fresh
        is_in_grace = used_ms is not None and now_ms - used_ms < REFRESH_TOKEN_GRACE_MS_MAX
        is_room = is_fresh or len(self.fresh) < REFRESH_TOKENS_FRESH_MAX
        if is_expired or not (is_fresh or is_in_grace) or not is_room:
            self.is_over = True
            return False
        if is_fresh:
            self.used_ms |= dict.fromkeys(self.fresh, now_ms)
            self.fresh = []
        self.fresh.append(new_number)
        self.seen_ms = now_ms
        return True


# No sum of them is a limit: every commit moves the engine's time on by some nanoseconds.
WAITS_MS = [
    0,
    7_000,
    REFRESH_TOKEN_GRACE_MS_MAX - 500,
    REFRESH_TOKEN_GRACE_MS_MAX + 1_000,
    10**9 + 123,
    SESSION_IDLE_MS_MAX - 1_000,
    SESSION_IDLE_MS_MAX + 1_000,
]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(WAITS_MS),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_random_uses_of_tokens_go_as_in_the_model(
    bench: Workbench, steps: list[tuple[int, int]]
) -> None:
    tokens = [begin(bench).refresh_token]
    model = Model(now_ms=0)
    now_ms = 0
    for back, wait_ms in steps:
        bench.clock.advance_ms(wait_ms)
        now_ms += wait_ms
        number = max(0, len(tokens) - 1 - back)
        grant = refresh(bench, tokens[number])

        assert (grant is not None) == model.refresh(number, len(tokens), now_ms)
        if grant is not None:
            tokens.append(grant.refresh_token)
