"""Pushed functions that call each other: what one does to its surroundings is its own affair."""

from collections.abc import Iterator

import pytest

from livefile import Livefile
from tests.engine.pushed_project import push, pushed

LIBRARY = """
const registered = (kind, run) => ({
  [kind]: true, isPublic: true,
  exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
  invokeQuery: run, invokeMutation: run,
});
const text = (run) => async (args) => JSON.stringify((await run(JSON.parse(args)[0])) ?? null);
const query = (run) => registered("isQuery", text(run));
const mutation = (run) => registered("isMutation", text(run));
const call = (name, udfType, args = {}) =>
  Convex.asyncSyscall("1.0/runUdf", JSON.stringify({ name, udfType, args })).then(JSON.parse);
const surroundings = () => ({
  date: typeof Date.now() === "number" && new Date().constructor === Date,
  random: typeof Math.random(),
  variable: process.env.NAME,
  own: typeof mark,
});
"""
SOURCE = (
    LIBRARY
    + """
const inner = query(() => surroundings());
const changed = mutation(async () => {
  globalThis.mark = 1;
  globalThis.process = undefined;
  Date.prototype.constructor = function Other() {};
  Date.now = () => "never";
  Math.random = () => "seven";
  const seen = await call("lib:inner", "query");
  const own = [typeof mark, typeof process, Date.now(), Math.random()];
  own.push(new Date().constructor.name);
  return { seen, own };
});
const dates = query(() => {
  const date = new Date(5000);
  class Later extends Date {}
  const later = new Later(6000);
  return {
    time: [date.getTime(), later.getTime(), structuredClone(date).getTime()],
    isDate: [date, later, structuredClone(date)].map((it) => it instanceof Date),
    isLater: [date, later].map((it) => it instanceof Later),
    shown: Object.prototype.toString.call(date),
    name: Date.name,
    text: typeof Date(),
    now: new Date().getTime() === Date.now() && date.constructor.now() === Date.now(),
    utc: Date.UTC(1970, 0, 1, 0, 0, 1),
  };
});
const add = mutation(async ({ text }) => {
  await Convex.asyncSyscall("1.0/insert", JSON.stringify({ table: "notes", value: { text } }));
});
const count = query(async () =>
  JSON.parse(await Convex.asyncSyscall("1.0/count", JSON.stringify({ table: "notes" }))));
const before = mutation(async () => {
  await call("lib:add", "mutation", { text: "one" });
  return [await call("lib:count", "snapshotQuery"), await call("lib:count", "query")];
});
const stamped = mutation(async () => {
  const table = "stamps";
  const value = { at: { $commitTs: null }, text: '{"$commitTs":null}' };
  const ask = (op, args) => Convex.asyncSyscall(op, JSON.stringify(args)).then(JSON.parse);
  const { _id } = await ask("1.0/insert", { table, value });
  return await ask("1.0/get", { id: _id, isSystem: false });
});
export { add, before, changed, count, dates, inner, stamped };
"""
)


@pytest.fixture(scope="module")
def livefile() -> Iterator[Livefile]:
    with Livefile.open(":memory:") as livefile:
        livefile.change_environment({"NAME": "value"})
        pushed(livefile, push({"lib.js": SOURCE}))
        yield livefile


PRISTINE = {"date": True, "random": "number", "variable": "value", "own": "undefined"}


def test_a_function_that_is_called_sees_no_change_of_its_caller_who_keeps_them(
    livefile: Livefile,
) -> None:
    answer = livefile.mutation("lib:changed")

    assert answer["seen"] == PRISTINE
    assert answer["own"] == ["number", "undefined", "never", "seven", "Other"]


def test_the_next_function_sees_no_change_of_the_one_before(livefile: Livefile) -> None:
    livefile.mutation("lib:changed")

    assert livefile.query("lib:inner") == PRISTINE


def test_dates_are_what_they_are_elsewhere(livefile: Livefile) -> None:
    assert livefile.query("lib:dates") == {
        "time": [5000, 6000, 5000],
        "isDate": [True, True, True],
        "isLater": [False, True],
        "shown": "[object Date]",
        "name": "Date",
        "text": "string",
        "now": True,
        "utc": 1000,
    }


def test_a_stale_query_sees_nothing_of_the_mutation_that_calls_it(livefile: Livefile) -> None:
    assert livefile.mutation("lib:before") == [0, 1]
    assert livefile.mutation("lib:before") == [1, 2]


def test_a_commit_timestamp_is_that_of_the_commit(livefile: Livefile) -> None:
    document = livefile.mutation("lib:stamped")

    assert document["at"] == livefile.latest_ts
    assert document["text"] == '{"$commitTs":null}'
