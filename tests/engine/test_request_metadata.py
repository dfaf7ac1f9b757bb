"""Whose request a pushed mutation is run for: what it is told, and what the commit log keeps."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from livefile import Call, Caller, FunctionKind, Livefile, Success
from livefile.sqlite.commit_log import commits_between
from tests.engine.pushed_project import push, pushed

SOURCE = """
const mutation = (run) => ({
  isMutation: true, isPublic: true,
  exportArgs: () => '{"type":"any"}', exportReturns: () => "null", invokeMutation: run,
});
const ask = (op, args) => Convex.asyncSyscall(op, JSON.stringify(args)).then(JSON.parse);
const keep = (value) => ask("1.0/insert", { table: "visits", value });
const asking = mutation(async () => {
  const { ip, userAgent, authToken } = await ask("1.0/getRequestMetadata", {});
  await keep({ ip, userAgent });
  return JSON.stringify({ ip, userAgent, authToken });
});
const plain = mutation(async () => {
  await keep({});
  return "null";
});
export { asking, plain };
"""
ADA = Caller(address="203.0.113.7", user_agent="Browser/1", auth_token="secret")


@pytest.fixture(scope="module")
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:") as livefile:
        pushed(livefile, push({"lib.js": SOURCE}))
        yield livefile


def run(livefile: Livefile, path: str, caller: Caller | None) -> tuple[bytes, Mapping[str, Any]]:
    """Run a mutation; return its result and how the commit log has it."""
    answer: Future[Any] = Future()
    before = livefile.latest_ts
    call = Call(path=path, args={}, request_id="1", caller=caller)
    livefile.submit(call, FunctionKind.MUTATION, answer.set_result)
    outcome = answer.result()
    assert isinstance(outcome, Success), outcome
    with livefile._database._connections.read() as connection:
        (record,) = commits_between(connection, before, livefile.latest_ts)
    return outcome.json, record.call


def test_who_asks_is_kept_without_the_token_so_that_it_can_be_run_again(
    livefile: Livefile,
) -> None:
    told, record = run(livefile, "lib:asking", ADA)

    assert told == b'{"ip":"203.0.113.7","userAgent":"Browser/1","authToken":"secret"}'
    assert record["caller"] == ["203.0.113.7", "Browser/1"]
    assert "secret" not in repr(record)


def test_nobody_is_nobody(livefile: Livefile) -> None:
    told, record = run(livefile, "lib:asking", None)

    assert told == b'{"ip":null,"userAgent":null,"authToken":null}'
    assert record["caller"] == [None, None]


def test_what_was_not_asked_is_not_kept(livefile: Livefile) -> None:
    _, record = run(livefile, "lib:plain", ADA)

    assert "caller" not in record
