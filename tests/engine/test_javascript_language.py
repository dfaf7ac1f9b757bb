"""Pushed code that changes the language's own objects, as polyfills do while they are loaded.

It is found by the push, and finds them changed in each execution; nothing of that is left for the
next one.

Not here: code that does so only while it runs, and is refused (``test_javascript_hostile.py``).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from livefile import App, Livefile, LivefileError
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
const registered = (kind, run) => ({
  [kind]: true, isPublic: true,
  exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
  invokeQuery: run, invokeAction: (id, args) => run(args),
});
const withText = (run) => async (args) => JSON.stringify((await run(JSON.parse(args)[0])) ?? null);
const query = (run) => registered("isQuery", withText(run));
const action = (run) => registered("isAction", withText(run));
const ask = async (name) => JSON.parse(await Convex.asyncSyscall("1.0/runUdf", JSON.stringify(
  { udfType: "query", name, args: {}, version: "1.48.0" })));
"""
POLYFILLS = """
Object.defineProperty(Array.prototype, "lastOne", {
  value() { return this[this.length - 1]; }, configurable: true, writable: true,
});
String.prototype.shout = function () { return this.toUpperCase() + "!"; };
BigInt.prototype.toJSON = function () { return this.toString(); };
Reflect.decorate = () => "decorated";
const shown = Function.prototype.toString;
Function.prototype.toString = function () { return "shown: " + shown.call(this).slice(0, 5); };
Object.defineProperty(Map.prototype, "size", { get: () => 7, configurable: true });
Array.prototype[Symbol.for("own")] = "symbol";
Error.stackTraceLimit = 1;
globalThis.Buffer = { from: () => "from a polyfill" };
"""
USED = {
    "added": ("[1, 2].lastOne()", 2),
    "assigned": ("'a'.shout()", "A!"),
    "json": ("JSON.stringify(1n)", '"1"'),
    "namespace": ("Reflect.decorate()", "decorated"),
    "replaced": ("String(() => 1)", "shown: () =>"),
    "getter": ("new Map().size", 7),
    "symbol": ("[][Symbol.for('own')]", "symbol"),
    "stacks": ("Error.stackTraceLimit", 1),
    "Buffer": ("Buffer.from()", "from a polyfill"),
}

# What one execution does while it runs, and what the next one finds.
CHANGES = {
    "added": ("Object.defineProperty(Object.prototype, 'odd', {value: 1, configurable: true})",
              "({}).odd ?? null", None),
    "walked": ("Array.prototype.every = () => true; Array.prototype.map = () => [];"
               " Array.prototype[Symbol.iterator] = function* () {}",
               "[...[1].map((each) => each + 1)]", [2]),
    "indexed": ("Object.defineProperty(Array.prototype, 0, {set() {}, configurable: true})",
                "(() => { const list = []; list[0] = 1; return list.length; })()", 1),
    "described": ("Object.prototype.get = () => 1; Object.prototype.value = 1",
                  "[typeof ({}).get, typeof ({}).value]", ["undefined", "undefined"]),
    "asked": ("Map.prototype.get = () => null; Map.prototype.has = () => true",
              "new Map([[1, 2]]).get(1)", 2),
    "promised": ("Promise.prototype.then = null", "Promise.resolve(1).then(() => 2)", 2),
    "written": ("JSON.stringify = () => '1'", "JSON.stringify([1])", "[1]"),
    "getter": ("Object.defineProperty(String.prototype, 'trim', {get: () => () => 'odd'})",
               "' a '.trim()", "a"),
    "gone": ("delete String.prototype.trim", "' a '.trim()", "a"),
    "fixed": ("Object.defineProperty(Array.prototype, 'fixed', {value: 1})",
              "[].fixed ?? null", None),
    "frozen": ("Object.freeze(Array.prototype)", "Object.isFrozen(Array.prototype)", False),
    "stacks": ("Error.prepareStackTrace = () => 'odd'",
               "new Error('as ever').stack.split('\\n')[0]", "Error: as ever"),
    "method": ("Array.prototype.map.odd = 1", "[].map.odd ?? null", None),
    "errors": ("Error.odd = 1; TypeError.odd = 2", "[Error.odd ?? 0, TypeError.odd ?? 0]", [0, 0]),
}  # fmt: skip

# What Node's own code and packages assign to objects of theirs.
OVERRIDES = {
    "toString": "(() => { const own = {}; own.toString = () => 'own'; return String(own); })()",
    "name": "(() => { const own = new Error('x'); own.name = 'own'; return own.name; })()",
    "bind": "(() => { const own = () => 1; own.bind = 'own'; return own.bind; })()",
    "headers": "(() => { const it = new Headers(); it.get = () => 'own'; return it.get('a'); })()",
    "then": "(() => { const own = {then: null}; own.constructor = 'own';"
    " return own.constructor; })()",
}

# What can be changed of all that can be reached from the language's literals and constructors.
OPEN = """
const starts = () => [
  {}, [], "", 1, true, 1n, Symbol(), /./, () => 1, function* () {}, async () => {},
  async function* () {}, new Map().entries(), new Set().values(), [].keys(), "".matchAll(/./g),
  ""[Symbol.iterator](), [].values().map(String), Iterator.from({ next() {} }), new Map(),
  new Set(), new WeakMap(), new WeakSet(), Promise.resolve(), new Uint8Array(), new DataView(
  new ArrayBuffer()), Reflect, JSON, Atomics, Intl, WebAssembly, new Proxy({}, {}), new TypeError(),
  new Intl.Segmenter().segment("a"), new Intl.NumberFormat(),
];
const open = () => {
  const kept = new Set([globalThis, Date, Date.prototype, Math, console, Error]);
  const found = new Set(starts().map(Object.getPrototypeOf));
  const names = [];
  for (const object of found) {
    if (kept.has(object)) continue;
    if (!Object.isFrozen(object)) names.push(String(object[Symbol.toStringTag] ?? object.name));
    const parts = [Object.getPrototypeOf(object)];
    for (const key of Reflect.ownKeys(object)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(object, key);
      parts.push(value, get, set);
    }
    for (const part of parts) if (part !== null && Object(part) === part) found.add(part);
  }
  return [names, found.size > 500];
};
"""


def polyfilled() -> str:
    functions = {
        **{f"use_{name}": f"query(() => {text})" for name, (text, _) in USED.items()},
        **{f"later_{name}": f"action(() => {text})" for name, (text, _) in USED.items()},
        **{f"change_{name}": f"query(() => {{ {it[0]}; }})" for name, it in CHANGES.items()},
        **{f"find_{name}": f"query(() => {it[1]})" for name, it in CHANGES.items()},
        "echo": "query((args) => args.value)",
        "callee": "query(() => ({}).odd ?? 'nothing odd')",
        "caller": "query(async () => { Object.prototype.odd = 1;"
        " return [await ask('poly:callee'), ({}).odd]; })",
    }
    return module(functions, POLYFILLS)


def plain() -> str:
    functions = {
        **{f"own_{name}": f"query(() => {text})" for name, text in OVERRIDES.items()},
        **{f"later_own_{name}": f"action(() => {text})" for name, text in OVERRIDES.items()},
        "limit": "query(() => { const was = Error.stackTraceLimit; Error.stackTraceLimit = 0;"
        " return [was, new Error('no frames').stack]; })",
        "extend": "query(() => { Array.prototype.odd = 1; })",
        "hidden": "query(() => typeof Buffer)",
        "whatIsOpen": "query(open)",
    }
    return module(functions, OPEN)


def module(functions: dict[str, str], before: str = "") -> str:
    defined = "\n".join(f"const {name} = {text};" for name, text in functions.items())
    return f"{LIBRARY}\n{before}\n{defined}\nexport {{ {', '.join(functions)} }};\n"


@pytest.fixture(scope="module")
def livefile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    folder = tmp_path_factory.mktemp("language")
    app = App.load(write_app(folder, {"python": PYTHON}))
    with Livefile.open(folder / "language.db", app) as opened:
        pushed(opened, push({"poly.js": polyfilled()}))
        yield opened


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    folder = tmp_path_factory.mktemp("frozen")
    app = App.load(write_app(folder, {"python": PYTHON}))
    with Livefile.open(folder / "frozen.db", app) as opened:
        pushed(opened, push({"plain.js": plain()}))
        yield opened


@pytest.mark.parametrize("name", USED)
def test_what_a_polyfill_adds_is_there_in_each_execution(livefile: Livefile, name: str) -> None:
    assert livefile.query(f"poly:use_{name}") == USED[name][1]
    assert livefile.action(f"poly:later_{name}") == USED[name][1]


@pytest.mark.parametrize("name", CHANGES)
def test_what_one_execution_changes_the_next_does_not_see(livefile: Livefile, name: str) -> None:
    with suppress(LivefileError):  # What it breaks, it breaks for itself.
        livefile.query(f"poly:change_{name}", value=os.urandom(4).hex())

    assert livefile.query(f"poly:find_{name}") == CHANGES[name][2]
    assert livefile.query("poly:use_added") == 2
    value = os.urandom(4).hex()  # No answer from a cache.
    assert livefile.query("poly:echo", value=value) == value


def test_a_function_that_is_called_does_not_see_the_changes_of_its_caller(
    livefile: Livefile,
) -> None:
    assert livefile.query("poly:caller") == ["nothing odd", 1]


def test_it_is_remembered_with_the_code_in_the_file(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"python": PYTHON}))
    with Livefile.open(tmp_path / "kept.db", app) as first:
        pushed(first, push({"poly.js": polyfilled()}))

    with Livefile.open(tmp_path / "kept.db", app) as opened:
        assert opened.query("poly:use_added") == 2


def test_a_push_without_polyfills_closes_the_language_again(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"python": PYTHON}))
    with Livefile.open(tmp_path / "both.db", app) as opened:
        pushed(opened, push({"poly.js": polyfilled()}))
        assert opened.query("poly:use_added") == 2
        pushed(opened, push({"plain.js": plain()}))

        with pytest.raises(Exception, match="not extensible"):
            opened.query("plain:extend")


@pytest.mark.parametrize("name", OVERRIDES)
def test_an_object_may_have_a_property_of_a_name_that_is_frozen(
    frozen: Livefile, name: str
) -> None:
    assert frozen.query(f"plain:own_{name}") == "own"
    assert frozen.action(f"plain:later_own_{name}") == "own"


def test_nothing_of_the_language_is_open_to_code_without_polyfills(frozen: Livefile) -> None:
    assert frozen.query("plain:whatIsOpen") == [[], True]


def test_the_length_of_stacks_can_be_set_and_is_put_back(frozen: Livefile) -> None:
    limit, stack = frozen.query("plain:limit")

    assert stack == "Error: no frames"
    assert frozen.query("plain:limit")[0] == limit > 0


def test_code_that_brings_no_buffers_sees_none(frozen: Livefile) -> None:
    assert frozen.query("plain:hidden") == "undefined"
