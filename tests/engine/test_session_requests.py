"""Which requests were answered before: memory and file together against a plain dictionary."""

from pathlib import Path
from random import Random

import pytest

from livefile.sqlite import session_requests
from livefile.sqlite.session_requests import SessionRequests
from livefile.transaction.committer import RequestAnswer
from livefile.vocabulary.clock import ManualClock
from livefile.vocabulary.limits import SESSION_REQUEST_AGE_MS_MAX
from tests.tables import Player
from tests.workbench import Workbench

SEEDS_COUNT = 40

DAY_MS = 24 * 60 * 60 * 1000
SESSIONS = [f"session-{number}" for number in range(4)]

Key = tuple[str, int]


class Requests:
    """Requests to a database, and what was answered, as committed and as durable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clock = ManualClock()
        self._bench = Workbench(Player, path=path, clock=self._clock)
        self._committed: dict[Key, bytes] = {}
        self._durable: dict[Key, bytes] = {}
        self._answers_count = 0

    def ask(self, session_id: str, number: int) -> None:
        """Send a request, which is answered as before or else committed."""
        key = session_id, number
        found = self._bench.database.committer.find_answer(*key)
        assert (None if found is None else found.json) == self._committed.get(key), key
        if found is None:
            self.commit(session_id, number)

    def commit(self, session_id: str, number: int) -> None:
        """Commit the answer of a request that nobody looked for before."""
        self._answers_count += 1
        json = b"%d" % self._answers_count
        transaction = self._bench.head()
        transaction.insert("players", {"name": "Ada"})
        answer = RequestAnswer(
            session_id=session_id, request_number=number, json=json, log_lines=()
        )
        self._bench.database.committer.commit(transaction, b"\xc0", answer)
        self._committed[session_id, number] = json

    def settle(self) -> None:
        self._bench.settle()
        self._durable = dict(self._committed)

    def roll_back(self) -> None:
        self._bench.database.committer.roll_back()
        self._committed = dict(self._durable)

    def reopen(self) -> None:
        self._bench.close()
        self._committed = dict(self._durable)
        self._bench = Workbench(Player, path=self._path, clock=self._clock)

    def trim(self) -> None:
        """Let every durable answer become too old, and the next group remove it."""
        self.settle()
        self._clock.advance_ms(SESSION_REQUEST_AGE_MS_MAX + DAY_MS)
        self.commit("another session", self._answers_count)
        newest = self._committed["another session", self._answers_count - 1]
        self._committed = {("another session", self._answers_count - 1): newest}
        self.settle()

    def close(self) -> None:
        self._bench.close()


def test_every_request_is_answered_once(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = Random(seed)
    monkeypatch.setattr(session_requests, "SESSIONS_KNOWN_MAX", 1 + seed % 5)
    requests = Requests(tmp_path / "live.db")
    newest = dict.fromkeys(SESSIONS, 0)
    for _ in range(150):
        session_id = dice.choice(SESSIONS)
        match dice.choices(["next", "any", "settle", "roll back", "reopen"], [6, 6, 2, 1, 0.3])[0]:
            case "next":
                newest[session_id] += dice.randint(1, 3)
                requests.ask(session_id, newest[session_id])
            case "any":
                requests.ask(session_id, dice.randint(0, newest[session_id] + 1))
            case "settle":
                requests.settle()
            case "roll back":
                requests.roll_back()
            case "reopen":
                requests.reopen()
    requests.close()


def test_an_answer_that_was_trimmed_is_forgotten(tmp_path: Path) -> None:
    requests = Requests(tmp_path / "live.db")
    requests.ask("a", 5)
    requests.trim()

    requests.ask("a", 5)
    requests.ask("a", 6)
    requests.ask("a", 5)
    requests.close()


def test_an_answer_of_a_session_that_is_not_known_hides_no_larger_number(tmp_path: Path) -> None:
    requests = Requests(tmp_path / "live.db")
    requests.ask("a", 9)
    requests.settle()
    requests.reopen()

    requests.commit("a", 5)
    requests.ask("a", 9)
    requests.close()


def test_a_number_above_all_of_a_known_session_needs_no_look(db: Workbench) -> None:
    requests = SessionRequests(db.database.committer._connection)
    assert not requests.is_surely_new("a", 7)
    assert requests.find("a", 7) is None

    assert requests.is_surely_new("a", 7)
    requests.add(db.published_ts, "a", 7, b"null", [])
    assert not requests.is_surely_new("a", 7)
    assert not requests.is_surely_new("a", 6)
    assert requests.is_surely_new("a", 8)
