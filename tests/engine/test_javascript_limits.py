"""Values and texts at the edges of what can be: each is taken or refused, and no process ends.

Frames between the engine and its hosts are JSON, and one that cannot be read ends a host with
everybody in it. Not here: the limits of values themselves (``test_value.py``).
"""

from collections.abc import Iterator

import pytest

from livefile import Livefile
from livefile.vocabulary.errors import InvalidValueError, LivefileError
from tests.engine.action_project import push_of
from tests.engine.pushed_project import pushed, table
from tests.pushed import wait_for_host

FUNCTIONS = r"""
const nested = (depth) => {
  let value = [];
  for (let level = 1; level < depth; level++) {
    value = [value];
  }
  return value;
};
const insert = (ctx, value) => ctx.call("insert", { table: "loose", value });
const log = () => {
  console.log("\ud800", "x".repeat(2000) + "\ud800");
  console.log("x".repeat(39998) + "\u{1f600}".repeat(9)); // Is cut in the middle of one.
};
const fail = () => { throw new Error("odd \ud800"); };

const insertHalf = mutation((ctx) => insert(ctx, { text: "\ud800" }));
const insertHalfName = mutation((ctx) => insert(ctx, { "\udfff": 1 }));
const insertDeep = mutation((ctx, { depth }) => insert(ctx, { at: nested(depth) }));
const insertText = mutation(async (ctx, { text }) => {
  const { _id: id } = await insert(ctx, { text });
  return (await ctx.call("get", { id, isSystem: false })).text;
});
const readHalf = query(() => process.env["\ud800"]);
const logHalf = query(log);
const throwHalf = query(fail);
const returnHalf = query(() => "\ud800");
const returnDeep = query(() => nested(2000));
const callUndefined = query(() => Convex.asyncSyscall(undefined, "{}"));
const callHalf = query(() => Convex.asyncSyscall("\ud800", "{}"));
const echo = query((ctx, value) => value);

const actionPassesHalf = action((ctx) => ctx.runQuery("odd:echo", { text: "\ud800" }));
const actionPassesDeep = action((ctx) => ctx.runQuery("odd:echo", { at: nested(1500) }));
const actionReturnsDeep = action(() => nested(2000));
const actionCallsUndefined = action(() => Convex.asyncSyscall(undefined, "{}"));
const actionCallsHalf = action(() => Convex.asyncSyscall("\ud800", "{}"));
const actionLogsHalf = action(log);
const actionThrowsHalf = action(fail);

const catchPatches = mutation(async (ctx) => {
  const { _id: id } = await ctx.call("insert", { table: "notes", value: { text: "as it was" } });
  const patch = (value) => ctx.call("shallowMerge", { id, value }).then(() => 0, () => 1);
  let refused = await patch({ text: 5 });
  refused += await patch({ other: 1 });
  refused += await patch({ text: { $undefined: null } });
  refused += await patch({ text: "x".repeat(2 ** 20) });
  return [refused, (await ctx.call("get", { id, isSystem: false })).text];
});
const unsetSystemFields = mutation(async (ctx) => {
  const { _id: id } = await insert(ctx, { text: "a" });
  const unset = { $undefined: null };
  await ctx.call("shallowMerge", { id, value: { _id: unset, _creationTime: unset, text: unset } });
  const found = await ctx.call("get", { id, isSystem: false });
  return [found._id === id, typeof found._creationTime, Object.keys(found).length];
});
"""
NAMES = [line.split()[1] for line in FUNCTIONS.splitlines() if line.startswith("const ")]
HELPERS = {"nested", "insert", "log", "fail"}
NO_UNICODE = "not valid Unicode"
TOO_NESTED = "Value is too nested"


@pytest.fixture(scope="module")
def livefile() -> Iterator[Livefile]:
    exported = ", ".join(name for name in NAMES if name not in HELPERS)
    source = f"{FUNCTIONS}\nexport {{ {exported} }};\n"
    with Livefile.open(":memory:") as opened:
        pushed(opened, push_of({"odd.js": source}, table("notes", text="string")))
        wait_for_host(opened)
        yield opened


@pytest.fixture(autouse=True)
def no_action_is_harmed(livefile: Livefile) -> Iterator[None]:
    assert livefile.action("odd:actionLogsHalf") is None  # There is a process from now on.
    pids = livefile._javascript.actions.pids
    yield
    assert livefile._javascript.actions.pids == pids


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("insertHalf", NO_UNICODE),
        ("insertHalfName", NO_UNICODE),
        ("readHalf", NO_UNICODE),
        ("throwHalf", "Uncaught Error: odd \ufffd"),
        ("returnHalf", "Invalid JSON"),
        ("returnDeep", "Invalid JSON: depth limit"),
        ("callUndefined", "Unknown async operation undefined"),
        ("callHalf", "Unknown async operation \ufffd"),
        ("actionPassesHalf", NO_UNICODE),
        ("actionPassesDeep", TOO_NESTED),
        ("actionReturnsDeep", "Invalid JSON: depth limit"),
        ("actionCallsUndefined", "Unknown async operation undefined"),
        ("actionCallsHalf", "Unknown async operation \ufffd"),
        ("actionThrowsHalf", "Uncaught Error: odd \ufffd"),
    ],
)
def test_what_is_no_value_is_refused_by_name(livefile: Livefile, name: str, message: str) -> None:
    call = {"a": livefile.action, "i": livefile.mutation}.get(name[0], livefile.query)

    with pytest.raises((LivefileError, InvalidValueError), match=message):
        call(f"odd:{name}")


@pytest.mark.parametrize("depth", [65, 900, 1100, 4000])
def test_a_value_that_is_nested_too_deep_is_refused(livefile: Livefile, depth: int) -> None:
    with pytest.raises(LivefileError, match=TOO_NESTED):
        livefile.mutation("odd:insertDeep", depth=float(depth))


@pytest.mark.parametrize("text", [r"\ud800", "\\\\ud800", "😀", "\\", '"[{' * 2000, "\ud7ff\ue000"])
def test_every_other_text_arrives(livefile: Livefile, text: str) -> None:
    assert livefile.mutation("odd:insertText", text=text) == text


def test_any_line_of_a_query_can_be_logged(livefile: Livefile) -> None:
    assert livefile.query("odd:logHalf") is None


def test_a_patch_that_was_refused_has_changed_nothing(livefile: Livefile) -> None:
    assert livefile.mutation("odd:catchPatches") == [4, "as it was"]


def test_a_patch_leaves_the_fields_of_the_system(livefile: Livefile) -> None:
    assert livefile.mutation("odd:unsetSystemFields") == [True, "number", 2]
