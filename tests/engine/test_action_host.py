"""The process of actions: what ends it, what that does to others, and what comes after."""

import os
import threading
from contextlib import suppress

import pytest

from livefile import CallRecord, ClosedError, Livefile, LivefileError
from livefile.javascript import action_run
from livefile.vocabulary.errors import FunctionTimeoutError, HostError
from tests.engine.action_project import push_of
from tests.engine.pushed_project import WAIT_S, pushed

SOURCE = """
const next = action(async (ctx, { n }) => n + 1);
const begin = mutation(async () => null);
const never = action(async (ctx) => {
  await ctx.runMutation("a:begin");
  await new Promise(() => {});
});
const spin = action(async () => { for (;;) {} });
const hoard = action(async () => {
  const all = [];
  for (;;) {
    all.push(new Array(1000000).fill(all.length + 0.5));
    await null;
  }
});
export { next, begin, never, spin, hoard };
"""


class Endless(threading.Thread):
    """An action that never ends, and what ended it. It runs once this is made."""

    def __init__(self, livefile: Livefile) -> None:
        super().__init__()
        self._livefile = livefile
        self.error: LivefileError | None = None
        has_begun = threading.Event()

        def hear(record: CallRecord) -> None:
            if record.path == "a:begin":
                has_begun.set()

        livefile.observe_calls(hear)
        self.start()
        assert has_begun.wait(WAIT_S)

    def run(self) -> None:
        try:
            self._livefile.action("a:never")
        except LivefileError as error:
            self.error = error


def test_an_action_that_takes_too_long_is_stopped_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Livefile.open(":memory:") as livefile:
        pushed(livefile, push_of({"a.js": SOURCE}))
        monkeypatch.setattr(action_run, "ACTION_DURATION_MS_MAX", 20)
        with pytest.raises(FunctionTimeoutError, match="Action execution timed out"):
            livefile.action("a:never")
        monkeypatch.undo()

        assert livefile.action("a:next", n=1) == 2
        (host,) = livefile._javascript.actions._hosts.values()
        assert host.runs_count == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [("spin", "computed for more than 1 s without awaiting"), ("hoard", "512 MiB of JavaScript")],
)
def test_an_action_that_takes_all_ends_its_process_and_no_more(name: str, text: str) -> None:
    with Livefile.open(":memory:") as livefile:
        livefile._javascript.actions._silence_ms_max = 1_000
        pushed(livefile, push_of({"a.js": SOURCE}))
        beside = Endless(livefile)

        with pytest.raises(HostError, match=text):
            livefile.action(f"a:{name}")
        beside.join(WAIT_S)
        assert isinstance(beside.error, HostError)
        assert livefile.action("a:next", n=1) == 2


def test_closing_ends_actions_and_their_process() -> None:
    with Livefile.open(":memory:") as livefile:
        pushed(livefile, push_of({"a.js": SOURCE}))
        beside = Endless(livefile)
        (pid,) = livefile._javascript.actions.pids
    beside.join(WAIT_S)

    assert isinstance(beside.error, ClosedError)
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        pytest.fail("the process is still there")


def test_another_push_is_run_in_the_same_process() -> None:
    with Livefile.open(":memory:") as other:
        pushed(other, push_of({"a.js": SOURCE}))
        assert other.action("a:next", n=1) == 2
        (pid,) = other._javascript.actions.pids
        pushed(other, push_of({"a.js": SOURCE.replace("n + 1", "n + 2")}))

        assert other.action("a:next", n=1) == 3
        assert other._javascript.actions.pids == [pid]
