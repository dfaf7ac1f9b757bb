"""Lines of actions are told while they run, once each, and come again with the record."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from livefile import CallProgress, CallRecord, Livefile
from tests.app_folder import write_app

TALK = """
    import asyncio
    import threading
    from livefile import *

    heard = threading.Event()

    @action
    async def work(ctx: ActionCtx) -> None:
        print("one")
        print("two")
        await asyncio.to_thread(heard.wait)
        print("three")

    @action
    async def work_aside(ctx: ActionCtx) -> None:
        def talk() -> None:
            print("on a thread")
            heard.wait()

        await asyncio.to_thread(talk)

    @action
    async def glance(ctx: ActionCtx) -> None:
        print("short")
"""


class Listener:
    """Lets the action go on once something of it was told."""

    def __init__(self, heard: threading.Event) -> None:
        self._heard = heard
        self.progress: list[CallProgress] = []
        self.records: list[CallRecord] = []

    def hear(self, progress: CallProgress) -> None:
        self.progress.append(progress)
        self._heard.set()

    @property
    def told(self) -> Sequence[str]:
        return [line for progress in self.progress for line in progress.log_lines]


@pytest.fixture
def livefile(tmp_path: Path) -> Iterator[Livefile]:
    with Livefile.open(":memory:", write_app(tmp_path, {"talk": TALK})) as opened:
        yield opened


@pytest.fixture
def listener(livefile: Livefile) -> Listener:
    heard = livefile.app.functions["talk:work"].body.__globals__["heard"]
    listener = Listener(heard)
    livefile.observe_calls(listener.records.append, listener.hear)
    return listener


def test_what_an_action_prints_is_told_before_it_ends(
    livefile: Livefile, listener: Listener
) -> None:
    livefile.action("talk:work")  # Which ends after something was told.
    (record,) = listener.records

    assert listener.told[:2] == ["[LOG] one", "[LOG] two"]
    assert record.log_lines == ("[LOG] one", "[LOG] two", "[LOG] three")
    assert list(record.log_lines[: record.lines_told]) == listener.told
    assert {each.path for each in listener.progress} == {"talk:work"}
    assert {each.request_id for each in listener.progress} == {record.request_id}


def test_lines_of_another_thread_are_told_too(livefile: Livefile, listener: Listener) -> None:
    livefile.action("talk:work_aside")

    assert listener.told == ["[LOG] on a thread"]


def test_every_line_is_told_once_by_the_two_together(
    livefile: Livefile, listener: Listener
) -> None:
    livefile.action("talk:glance")
    (record,) = listener.records

    assert [*listener.told, *record.log_lines[record.lines_told :]] == ["[LOG] short"]


def test_who_does_not_ask_for_progress_gets_all_lines_at_the_end(livefile: Livefile) -> None:
    records: list[CallRecord] = []
    livefile.observe_calls(records.append)

    livefile.action("talk:glance")

    assert (records[0].log_lines, records[0].lines_told) == (("[LOG] short",), 0)


def test_who_is_dismissed_hears_no_progress(livefile: Livefile, listener: Listener) -> None:
    other = Listener(threading.Event())
    livefile.observe_calls(other.records.append, other.hear)()

    livefile.action("talk:work")

    assert (other.records, other.progress) == ([], [])
