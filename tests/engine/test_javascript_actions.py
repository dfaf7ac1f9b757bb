"""Actions of pushed code: what they may do, and what is told of those that fail.

Not here: their process (``test_action_host.py``), HTTP (``test_javascript_http.py``), Node's own
modules (``test_node_actions.py``).
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from livefile import (
    ADMIN,
    ConvexError,
    Failure,
    FunctionKind,
    Livefile,
    LivefileError,
    Outcome,
)
from livefile.functions.call import Call
from livefile.vocabulary.errors import JavaScriptError
from livefile.vocabulary.limits import ACTION_CALLS_RUNNING_MAX
from tests.engine.action_project import push_of
from tests.engine.pushed_project import WAIT_S, Tree, pushed, table

SOURCE = """
const add = mutation(async (ctx, { text }) =>
  (await ctx.call("insert", { table: "items", value: { text } }))._id);
const refuse = mutation(async () => { throw new ConvexError({ code: 7 }); });
const texts = query(async (ctx) => {
  const { page } = await ctx.call("queryPage", {
    query: { source: { type: "FullTableScan", tableName: "items", order: null }, operators: [] },
    cursor: null, endCursor: null, pageSize: 100, maximumRowsRead: null,
  });
  return page.map((each) => each.text);
});

const write = action(async (ctx, { text }) => {
  console.log("writing", { text });
  await ctx.runMutation("a:add", { text });
  return await ctx.runQuery("a:texts");
});
const both = action(async (ctx) => {
  const ids = await Promise.all(["x", "y", "z"].map((text) => ctx.runMutation("a:add", { text })));
  return new Set(ids).size;
});
const inner = action(async (ctx, { n }) => { console.log("inner"); return n + 1; }, "isInternal");
const outer = action(async (ctx) => await ctx.runAction("a:inner", { n: 1 }));
const caught = action(async (ctx) => {
  try {
    await ctx.runMutation("a:refuse");
  } catch (error) {
    return [error.message.split("\\n")[0], error.data];
  }
});
const confused = action(async (ctx) => { await ctx.runQuery("a:add", { text: "x" }); });
const fail = action(async () => { console.warn("soon"); throw new TypeError("no such luck"); });
const failWithData = action(async () => { throw new ConvexError({ why: ["because"] }); });
const lose = action(async () => {
  Promise.reject(new Error("lost"));
  await new Promise(() => {});
});
const late = action(async () => {
  setTimeout(() => { throw new Error("late"); }, 1);
  await new Promise(() => {});
});
const forget = action(async (ctx) => { ctx.runMutation("a:add", { text: "forgotten" }); });
const leave = action(async () => { setInterval(() => console.log("still here"), 1); });
const unknown = action(async (ctx) => { await ctx.call("brewCoffee"); });
const garbage = action(async () => { await Convex.asyncSyscall("1.0/actions/query", "]["); });

const get = action(async (ctx, { address }) => {
  const response = await fetch(address);
  return [response.status, await response.text()];
});
const variables = action(async () =>
  [process.env.COLOR, process.env.SIZE ?? null, process.env.PATH ?? null]);
const globals = action(async () => {
  globalThis.left = 1;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
  return [
    typeof require, typeof Buffer, Object.keys(process), new Uint8Array(digest)[0],
    await new Response("text").text(), Date.now() > 1.6e12,
  ];
});
const left = action(async () => typeof globalThis.left);
const files = action(async (ctx, { size }) => {
  const bytes = new Uint8Array(size).map((_, place) => place % 251);
  const id = await ctx.storage.store(new Blob([bytes], { type: "image/png" }));
  const file = await ctx.storage.get(id);
  const back = new Uint8Array(await file.arrayBuffer());
  const { size: stored } = await ctx.call("storageGetMetadata", { storageId: id });
  return [stored, file.type, back.every((byte, place) => byte === place % 251)];
});
const checkedFile = action(async (ctx, { sha256 }) => {
  await ctx.storage.store(new Blob(["a".repeat(2000000)]), { sha256 });
});
const metadata = action(async (ctx) => [
  await ctx.call("getFunctionMetadata"), await ctx.call("getUserIdentity"),
]);
const near = action(async (ctx, { filter }) => {
  const expressions = JSON.parse(filter);
  const query = { indexName: "points.by_at", vector: [1, 0], limit: 2, expressions };
  const { results } = await ctx.call("actions/vectorSearch", { query });
  return results.map((each) => Math.round(each._score));
});
const place = mutation(async (ctx, { value }) =>
  await ctx.call("insert", { table: "points", value }));
const later = action(async (ctx) => {
  const ts = Date.now() / 1000;
  return await ctx.call("actions/schedule", { name: "a:add", ts, args: { text: "later" } });
});
const many = (count, run) => Promise.all(Array.from({ length: count }, (_, number) => run(number)));
const manyCalls = action(async (ctx, { count }) => {
  const names = await many(count, () => ctx.call("getFunctionMetadata"));
  return names.every(({ name }) => name === "a:manyCalls") && names.length;
});
const manyFiles = action(async (ctx, { count }) => {
  const stored = await many(count, (number) => ctx.storage.store(new Blob([String(number)])));
  return await (await ctx.storage.get(stored.at(-1))).text();
});
const refusedFiles = action(async (ctx, { count }) => {
  const sha256 = "0".repeat(64);
  await many(count, (number) =>
    ctx.storage.store(new Blob([String(number)]), { sha256 }).catch(() => {}));
  return await (await ctx.storage.get(await ctx.storage.store(new Blob(["well"])))).text();
});
export {
  manyCalls, manyFiles, refusedFiles,
  add, refuse, texts, write, both, inner, outer, caught, confused, fail, failWithData, lose, late,
  forget, leave, unknown, garbage, get, variables, globals, left, files,
  checkedFile, metadata, near, place, later
};
"""
NO_FILE = "not-a-digest"
NUMBERS = {"type": "array", "value": {"type": "number"}}


def tables() -> list[Tree]:
    points = table("points", kind="string", at=NUMBERS)
    points["vectorIndexes"] = [
        {
            "indexDescriptor": "by_at",
            "vectorField": "at",
            "dimensions": 2,
            "filterFields": ["kind"],
        }
    ]
    return [table("items", text="string"), points]


@pytest.fixture(scope="module")
def shared() -> Iterator[Livefile]:
    with Livefile.open(":memory:") as opened:
        pushed(opened, push_of({"a.js": SOURCE}, *tables()))
        yield opened


@pytest.fixture
def livefile(shared: Livefile) -> Livefile:
    return shared


def outcome_of(livefile: Livefile, path: str, **args: Any) -> Outcome:
    """Return how a call from a client ends."""
    heard: list[Outcome | LivefileError] = []
    is_over = threading.Event()

    def done(outcome: Outcome | LivefileError) -> None:
        heard.append(outcome)
        is_over.set()

    call = Call(path=path, args=args, identity=ADMIN, request_id="00")
    livefile.submit(call, FunctionKind.ACTION, done)
    assert is_over.wait(WAIT_S)
    (outcome,) = heard
    if isinstance(outcome, LivefileError):
        raise outcome
    return outcome


def test_an_action_writes_and_reads_in_transactions_of_their_own(livefile: Livefile) -> None:
    assert "first" in livefile.action("a:write", text="first")


def test_calls_beyond_those_that_may_be_under_way_wait(livefile: Livefile) -> None:
    count = 2 * ACTION_CALLS_RUNNING_MAX + 500

    assert livefile.action("a:manyCalls", count=count) == count


def test_any_number_of_files_is_stored_at_one_time(livefile: Livefile) -> None:
    count = ACTION_CALLS_RUNNING_MAX + 1

    assert livefile.action("a:manyFiles", count=count) == str(count - 1)


def test_files_that_are_refused_make_room_for_others(livefile: Livefile) -> None:
    assert livefile.action("a:refusedFiles", count=150) == "well"


def test_an_action_calls_several_functions_at_one_time(livefile: Livefile) -> None:
    assert livefile.action("a:both") == 3


def test_an_action_calls_an_internal_action_whose_lines_are_its_own(livefile: Livefile) -> None:
    outcome = outcome_of(livefile, "a:outer")

    assert livefile.action("a:outer") == 2
    assert outcome.log_lines == ("[LOG] 'inner'",)


def test_data_of_an_error_goes_through_every_call(livefile: Livefile) -> None:
    message, data = livefile.action("a:caught")

    assert message == 'Uncaught ConvexError: {"code":7}'
    assert data == {"code": 7}
    with pytest.raises(ConvexError) as caught:
        livefile.action("a:failWithData")
    assert caught.value.data == {"why": ["because"]}


def test_a_function_of_another_kind_is_not_run(livefile: Livefile) -> None:
    with pytest.raises(JavaScriptError, match="as Query, but it is defined as Mutation"):
        livefile.action("a:confused")


def test_what_an_action_throws_is_told_with_its_place(livefile: Livefile) -> None:
    outcome = outcome_of(livefile, "a:fail")

    assert isinstance(outcome, Failure)
    said = "Server Error\nUncaught TypeError: no such luck\n    at <anonymous> (a.js:"
    assert said in outcome.message
    assert outcome.log_lines == ("[WARN] 'soon'",)


@pytest.mark.parametrize(("name", "text"), [("lose", "Error: lost"), ("late", "Error: late")])
def test_what_nobody_catches_fails_the_action(livefile: Livefile, name: str, text: str) -> None:
    with pytest.raises(JavaScriptError, match=text):
        livefile.action(f"a:{name}")


def test_a_call_that_is_not_awaited_is_warned_of(livefile: Livefile) -> None:
    (line,) = outcome_of(livefile, "a:forget").log_lines

    assert line.startswith("[WARN] 1 call was not awaited: mutation.")


def test_a_timer_ends_with_its_action(livefile: Livefile) -> None:
    livefile.action("a:leave")
    wait = outcome_of(livefile, "a:get", address="data:,later")

    assert wait.log_lines == ()


def test_an_unknown_operation_and_one_without_arguments_are_refused(livefile: Livefile) -> None:
    with pytest.raises(JavaScriptError, match=r"Unknown async operation 1\.0/brewCoffee"):
        livefile.action("a:unknown")
    with pytest.raises(JavaScriptError, match="SyntaxError"):
        livefile.action("a:garbage")
    assert livefile.action("a:outer") == 2


def test_an_action_sees_the_variables_of_the_deployment_only(livefile: Livefile) -> None:
    livefile.change_environment({"COLOR": "green"})
    assert livefile.action("a:variables") == ["green", None, None]
    livefile.change_environment({"COLOR": "red"})

    assert livefile.action("a:variables") == ["red", None, None]


def test_an_action_has_the_web_and_nothing_of_the_process(livefile: Livefile) -> None:
    assert livefile.action("a:globals") == ["undefined", "undefined", ["env"], 0xBA, "text", True]
    assert livefile.action("a:left") == "undefined"


@pytest.mark.parametrize("size", [0, 1, 262_145, 20_000_000])
def test_files_come_back_as_they_were_stored(livefile: Livefile, size: int) -> None:
    assert livefile.action("a:files", size=size) == [size, "image/png", True]


def test_a_file_with_another_digest_is_refused_before_its_end(livefile: Livefile) -> None:
    with pytest.raises(JavaScriptError, match="'not-a-digest' is no SHA-256"):
        livefile.action("a:checkedFile", sha256=NO_FILE)
    with pytest.raises(JavaScriptError, match="Sha256 mismatch"):
        livefile.action("a:checkedFile", sha256="00" * 32)


def test_an_action_knows_what_it_is_and_who_calls(livefile: Livefile) -> None:
    assert livefile.action("a:metadata") == [{"name": "a:metadata", "componentPath": ""}, None]


def test_an_action_searches_by_vectors(livefile: Livefile) -> None:
    for kind, at in (("a", [1.0, 0.0]), ("b", [0.0, 1.0])):
        livefile.mutation("a:place", value={"kind": kind, "at": at})

    assert near(livefile, None) == [1, 0]
    assert near(livefile, equality("b")) == [0]
    assert near(livefile, {"$or": [equality("a"), equality("c")]}) == [1]
    with pytest.raises(JavaScriptError, match="a vector search is filtered by"):
        near(livefile, {"$lt": []})


def near(livefile: Livefile, filter: Tree | None) -> list[int]:
    # As a text, because no field of an argument may begin with a dollar.
    found: list[int] = livefile.action("a:near", filter=json.dumps(filter))
    return found


def equality(kind: str) -> Tree:
    return {"$eq": [{"$field": "kind"}, {"$literal": kind}]}


def test_an_action_schedules_functions(livefile: Livefile) -> None:
    id = livefile.action("a:later")

    assert livefile._system.read(lambda transaction: transaction.get(id)) is not None


def test_ten_actions_wait_for_an_answer_at_one_time(livefile: Livefile) -> None:
    with Meeting(10) as address:
        calls = [
            threading.Thread(target=livefile.action, args=("a:get",), kwargs={"address": address})
            for _ in range(9)
        ]
        for call in calls:
            call.start()

        assert livefile.action("a:get", address=address) == [200, "all are here"]
        for call in calls:
            call.join(WAIT_S)


class Meeting:
    """A server that answers nobody before so many have asked."""

    def __init__(self, count: int) -> None:
        barrier = threading.Barrier(count)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                barrier.wait(WAIT_S)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"all are here")

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = count

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
