"""Pushed code that misbehaves: each case ends with one clear error, and nobody else notices.

After each case the same deployment is asked again. How long others wait meanwhile is measured by
``benchmarks/javascript_neighbours.py``.
"""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from livefile import App, Livefile, LivefileError
from livefile.vocabulary.errors import JavaScriptError
from tests.app_folder import write_app
from tests.engine.pushed_project import push, pushed

pytestmark = pytest.mark.node

PYTHON = """
    from livefile import *

    @query
    def answer(ctx: QueryCtx) -> int:
        return 42
"""
LIBRARY = """
const call = (op, args) => Convex.asyncSyscall(op, JSON.stringify(args));
const registered = (kind, run) => ({
  [kind]: true, isPublic: true,
  exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
  invokeQuery: run, invokeMutation: run,
});
const withText = (run) => async (args) => JSON.stringify((await run(JSON.parse(args)[0])) ?? null);
const query = (run) => registered("isQuery", withText(run));
const mutation = (run) => registered("isMutation", withText(run));
const raw = (run) => registered("isQuery", run);
const digest = () => crypto.subtle.digest("SHA-256", new Uint8Array(1e6));
"""
TIME_LIMIT = "timed out"
NO_JSON = "no JSON"
# A heap that fills slowly, on a busy machine, ends by the time limit.
TOO_MUCH = f"out of memory|allocation failed|Unable to grow|Invalid array length|{TIME_LIMIT}"

# What runs, and what the error says.
FAILING = {
    "endlessLoop": ("query(() => { for (;;); })", TIME_LIMIT),
    "endlessPromise": ("query(() => new Promise(() => {}))", "will never resolve"),
    "endlessStream": (
        "query(() => new ReadableStream({}).getReader().read())",
        "will never resolve",
    ),
    "endlessCalls": (
        "query(async () => { for (;;) try { await call('1.0/get', {}); } catch {} })",
        TIME_LIMIT,
    ),
    "endlessLeftover": ("query(() => { (async () => { for (;;) await null; })(); })", TIME_LIMIT),
    "slowExpression": ("query(() => /^(a+)+$/.test('a'.repeat(40) + 'b'))", TIME_LIMIT),
    "growingArray": (
        "query(() => { const all = []; for (;;) all.push(new Array(1000).fill(0.5)); })",
        TOO_MUCH,
    ),
    "largeArray": ("query(() => new Array(2 ** 32).length)", TOO_MUCH),
    "largeBuffer": ("query(() => new Uint8Array(2 ** 31).length)", TOO_MUCH),
    "manyBuffers": (
        "query(() => { const all = []; for (;;) all.push(new Uint8Array(2 ** 25).fill(1)); })",
        TOO_MUCH,
    ),
    "webAssembly": (
        "query(() => new WebAssembly.Memory({ initial: 1 }).grow(32000))",
        TOO_MUCH,
    ),
    "recursion": ("query(() => { const f = () => f() + 1; return f(); })", "call stack"),
    "recursionThatAsks": (
        "query(() => { let n = 0; const f = () => { try { return process.env[`A${n++}`] ?? f(); }"
        " catch { return f(); } }; return f(); })",
        "ended|call stack|timed out",
    ),
    "throwsNull": ("query(() => { throw null; })", "Uncaught null"),
    "throwsSymbol": ("query(() => { throw Symbol('odd'); })", r"Uncaught Symbol\(odd\)"),
    "throwsProxy": (
        "query(() => { throw new Proxy(new Error(), { getPrototypeOf() { throw 1; } }); })",
        "cannot be read",
    ),
    "throwsWithText": ("query(() => { throw { toString() { throw 1; } }; })", "toString"),
    "throwsWithStack": (
        "query(() => { throw Object.defineProperty(new Error(), 'stack',"
        " { get() { throw 1; } }); })",
        "cannot be read",
    ),
    "unhandled": ("query(() => { Promise.reject(new Error('nobody hears')); })", "nobody hears"),
    "throwingThenable": ("raw(() => ({ get then() { throw new Error('no then'); } }))", "no then"),
    "symbolResult": ("raw(() => Symbol('odd'))", "JSON"),
    "textResult": ("raw(() => '{no json')", "JSON"),
    "noResult": ("raw(() => undefined)", "JSON"),
    "hugeResult": ("raw(() => JSON.stringify('x'.repeat(2 ** 25)))", f"too large|{TIME_LIMIT}"),
    "noJson": ("query(() => Convex.asyncSyscall('1.0/get', '{no json'))", NO_JSON),
    "noJsonAtOnce": ("query(() => Convex.syscall('1.0/db/normalizeId', '{no json'))", NO_JSON),
    "twoCalls": (
        "query(() => Convex.asyncSyscall('1.0/get', '{}],[7,\"x\",{}'))",
        "ended|does not take",
    ),
    "otherFrame": (
        "query(() => Convex.asyncSyscall('1.0/get', '{}]],[[\"LOG\",\"x\"]],[[0,0,0'))",
        NO_JSON,
    ),
    "noArguments": ("query(() => call('1.0/get', []))", r"1.0/get does not take \[\]"),
    "noArgumentsAtOnce": (
        "query(() => Convex.syscall('1.0/db/normalizeId', '[]'))",
        r"1.0/db/normalizeId does not take \[\]",
    ),
    "unknownOperation": ("query(() => call('1.0/no', {}))", "Unknown async operation 1.0/no"),
}

# What one execution tries to change, and what the next one finds.
CHANGES = {
    "object": ("Object.prototype.odd = 1", "({}).odd", None),
    "array": ("Array.prototype.map = null", "[1].map((each) => each + 1)", [2]),
    "promise": ("Promise.prototype.then = null", "Promise.resolve(1).then(() => 2)", 2),
    "json": ("JSON.stringify = () => '1'", "JSON.stringify([1])", "[1]"),
    "date": ("Date.parse = () => 7", "Date.parse('1970')", 0),
    "math": ("Math.max = () => 7", "Math.max(1, 2)", 2),
    "console": ("console.odd = 1", "console.odd ?? null", None),
    "method": ("console.log.odd = 1; URL.parse.odd = 1", "console.log.odd ?? URL.parse.odd", None),
    "prototypeOfGlobals": ("Object.getPrototypeOf(globalThis).odd = 1", "typeof odd", "undefined"),
    "stacks": (
        "Error.prepareStackTrace = () => 'odd'",
        "new Error('as ever').stack.split('\\n')[0]",
        "Error: as ever",
    ),
    "headers": (
        "Object.getPrototypeOf(new Headers().entries()).next = () => ({ done: true })",
        "[...new Headers([['a', '1']])]",
        [["a", "1"]],
    ),
    "search": (
        "Object.getPrototypeOf(new URLSearchParams().entries()).next = () => ({ done: true })",
        "[...new URLSearchParams('a=1')]",
        [["a", "1"]],
    ),
    "digest": ("crypto.subtle.digest = null", "typeof crypto.subtle.digest", "function"),
    "library": ("globalThis.Convex = null", "typeof Convex.syscall", "function"),
    "global": ("globalThis.odd = 1", "typeof odd", "undefined"),
    "fixedGlobal": (
        "Object.defineProperty(globalThis, 'odd', { value: 1, configurable: false })",
        "typeof odd",
        "undefined",
    ),
    "frozenGlobals": ("Object.freeze(globalThis)", "(globalThis.odd = 1)", 1),
}

# Ways out of the module, and what they lead to.
ESCAPES = {
    "process": "[Object.keys(process), typeof process.binding, typeof process.abort]",
    "constructed": "new Function('return [Object.keys(process), typeof require, typeof global]')()",
    "names": "[typeof require, typeof module, typeof Buffer, typeof Worker, typeof WebSocket]",
    "imported": "import('node:fs').catch(() => 'refused')",
    "evaluated": "(0, eval)(\"import('node:fs')\").catch(() => 'refused')",
    "wrapped": "(function () { return typeof this; })()",
    "network": "Object.getOwnPropertySymbols(globalThis)"
    ".map((key) => typeof globalThis[key]?.dispatch).includes('function')",
}
FOUND = {
    "process": [["env"], "undefined", "undefined"],
    "constructed": [["env"], "undefined", "undefined"],
    "names": ["undefined"] * 5,
    "imported": "refused",
    "evaluated": "refused",
    "wrapped": "undefined",
    "network": False,
}

HARMLESS = {
    "echo": "query((args) => args.value)",
    "thousandCalls": "query(async () => (await Promise.allSettled(Array.from("
    "{ length: 1000 }, () => call('1.0/get', {})))).length)",
    "manyLines": "query(() => { for (let i = 0; i < 300; i++) console.log('x'.repeat(5e4)); })",
    "oddLines": "query(() => { console.log({ get [Symbol.toStringTag]() { throw 1; } },"
    " new Proxy({}, { get() { throw 1; } }), Object.create(null)); })",
    "sizeOf": "query((args) => args.value.length)",
    "thenable": "raw(() => ({ then: (hear) => hear({ toString: () => '\"odd\"' }) }))",
    "leavesWork": "mutation(() => { digest().then(() =>"
    " call('1.0/insert', { table: 'stolen', value: {} })); })",
    "waits": "mutation(async () => { for (let i = 0; i < 9; i++) await digest(); })",
    "stolen": "query(async () => (await call('livefile/queryRead', { queryId: 0, count: 9, query:"
    " { source: { type: 'FullTableScan', tableName: 'stolen', order: null }, operators: [] } }))"
    ".includes('_id'))",
    "leavesWrites": "mutation(() => { for (let i = 0; i < 1000; i++)"
    " call('1.0/insert', { table: 'loose', value: {} }); })",
}


def source() -> str:
    functions = {
        **HARMLESS,
        **{name: text for name, (text, _) in FAILING.items()},
        **{f"change_{name}": f"query(() => {{ {it[0]}; }})" for name, it in CHANGES.items()},
        **{f"find_{name}": f"query(() => {it[1]})" for name, it in CHANGES.items()},
        **{f"escape_{name}": f"query(() => {text})" for name, text in ESCAPES.items()},
    }
    defined = "\n".join(f"const {name} = {text};" for name, text in functions.items())
    return f"{LIBRARY}\n{defined}\nexport {{ {', '.join(functions)} }};\n"


@pytest.fixture(scope="module")
def livefile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    folder = tmp_path_factory.mktemp("hostile")
    app = App.load(write_app(folder, {"plain": PYTHON}))
    with Livefile.open(folder / "hostile.db", app) as opened:
        pushed(opened, push({"wild.js": source()}))
        yield opened


@pytest.fixture(autouse=True)
def all_is_well(livefile: Livefile) -> Iterator[None]:
    """What every case must leave behind: a deployment that answers, and the right answers."""
    yield
    for number in (1.0, 2.0):
        value = [number, os.urandom(4).hex()]  # No answer from a cache.
        assert livefile.query("wild:echo", value=value) == value
    assert livefile.query("plain:answer") == 42


@pytest.mark.parametrize("name", FAILING)
def test_a_function_that_misbehaves_fails_alone(livefile: Livefile, name: str) -> None:
    with pytest.raises(LivefileError, match=FAILING[name][1]):
        livefile.query(f"wild:{name}")


@pytest.mark.parametrize("name", CHANGES)
def test_what_one_execution_changes_the_next_does_not_see(livefile: Livefile, name: str) -> None:
    with suppress(JavaScriptError):  # What is frozen refuses, with a TypeError.
        livefile.query(f"wild:change_{name}")

    assert livefile.query(f"wild:find_{name}") == CHANGES[name][2]


@pytest.mark.parametrize("name", ESCAPES)
def test_there_is_no_way_out_of_a_module(livefile: Livefile, name: str) -> None:
    assert livefile.query(f"wild:escape_{name}") == FOUND[name]


def test_a_thousand_calls_at_one_time_are_answered(livefile: Livefile) -> None:
    assert livefile.query("wild:thousandCalls") == 1000


@pytest.mark.parametrize("name", ["manyLines", "oddLines"])
def test_any_line_can_be_logged(livefile: Livefile, name: str) -> None:
    assert livefile.query(f"wild:{name}") is None


def test_large_arguments_arrive(livefile: Livefile) -> None:
    assert livefile.query("wild:sizeOf", value="x" * 2**20) == 2**20


def test_a_result_may_be_a_promise_of_any_make(livefile: Livefile) -> None:
    assert livefile.query("wild:thenable") == "odd"


def test_work_left_behind_writes_nothing_into_the_next_mutation(livefile: Livefile) -> None:
    livefile.mutation("wild:leavesWork")
    livefile.mutation("wild:waits")

    assert not livefile.query("wild:stolen")


def test_writes_that_nobody_awaits_harm_nobody(livefile: Livefile) -> None:
    assert livefile.mutation("wild:leavesWrites") is None


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_processes_that_were_ended_are_gone(livefile: Livefile) -> None:
    with pytest.raises(LivefileError):
        livefile.query("wild:endlessLoop")

    for thread in threading.enumerate():
        if thread.name == "livefile-host":  # It ends a process, or starts one.
            thread.join()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    states = [Path(f"/proc/{child}/stat").read_text().split()[2] for child in children]
    assert len(states) <= 7
    assert shutil.which("ps") is None or "Z" not in states
