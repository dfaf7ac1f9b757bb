"""The reminders: what is scheduled runs in a real server, once, also after it was killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from convex import ConvexClient

from tests.acceptance.server_process import ROOT, ServerProcess

REMINDERS = ROOT / "fixtures" / "reminders"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(REMINDERS, tmp_path, ["--out", str(tmp_path / "generated")]) as running:
        yield running


def first_where(subscription: Any, is_wanted: Any) -> Any:
    """Return the first result of a subscription that is wanted; a limit of pytest's ends it."""
    return next(result for result in subscription if is_wanted(result))


def test_a_client_sees_a_reminder_being_sent(server: ServerProcess) -> None:
    client = ConvexClient(server.url)
    client.mutation("reminders:add", {"text": "tea", "seconds": 0.1})

    (sent,) = first_where(client.subscribe("reminders:list"), lambda all: all and all[0]["is_sent"])
    assert (sent["text"], sent["sent_count"]) == ("tea", 1)


def test_what_was_due_while_the_server_was_dead_runs_once_after_it(server: ServerProcess) -> None:
    client = ConvexClient(server.url)
    client.mutation("reminders:add", {"text": "milk", "seconds": 0.0})
    taken_back = client.mutation("reminders:add", {"text": "never", "seconds": 0.5})
    client.mutation("reminders:take_back", {"id": taken_back})
    server.kill()
    server.start()
    again = ConvexClient(server.url)
    client.mutation("reminders:add", {"text": "last", "seconds": 0.0})

    reminders = first_where(
        again.subscribe("reminders:list"), lambda all: all and all[-1]["is_sent"]
    )
    assert [(it["text"], it["sent_count"]) for it in reminders] == [("milk", 1), ("last", 1)]
