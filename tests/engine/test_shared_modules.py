"""Modules of Convex's library are shared by all executions: none can change them for the next."""

import json
from collections.abc import Iterator

import pytest

from livefile import Livefile
from tests.engine.action_project import LIBRARY, push_of
from tests.engine.pushed_project import pushed
from tests.pushed import wait_for_host

# More of what the library's modules export: a class that others extend, names that are made up as
# they are asked for, lists, and what an object holds.
SHARED = LIBRARY.replace(
    "export { action as a",
    """
class Base extends Error { describe() { return "base"; } }
class Raised extends Base { name = "Raised"; }
const names = new Proxy({}, { get: (target, name) => String(name) });
const held = { list: [1], make: () => ({ free: true }) };
export { Base as base, Raised as raised, names, held, action as a""",
)
SOURCE = """
import * as library from "./_deps/LIBRARY.js";
const { raised: Raised, names, held } = library;
const tries = {
  function: () => { query.odd = 1; },
  class: () => { Raised.odd = 1; },
  prototype: () => { Raised.prototype.odd = 1; },
  base: () => { Object.getPrototypeOf(Raised.prototype).odd = 1; },
  proxy: () => { names.odd = 1; },
  list: () => { held.list.push(2); },
  member: () => { held.make.odd = 1; },
  module: () => { library.odd = 1; },
};
const change = query(() => Object.entries(tries).filter(([, run]) => {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}).map(([name]) => name));
const use = query(() => {
  class Own extends Raised { describe() { return "own"; } }
  const error = new Own("said");
  error.message = "said again";
  error.constructor = null;
  const made = held.make();
  made.free = false;
  return [String(error), error.describe(), new Raised("x").describe(), names.any, made.free];
});
export { change, use };
"""


@pytest.fixture(scope="module")
def livefile() -> Iterator[Livefile]:
    body = push_of({"own.js": SOURCE})
    for module in body["appDefinition"]["changedModules"]:
        if module["path"] == "_deps/LIBRARY.js":
            # By its map it is known as the library.
            sources = ["../../node_modules/convex/src/server/index.ts"]
            module["source"] = SHARED
            module["sourceMap"] = json.dumps(
                {"version": 3, "sources": sources, "names": [], "mappings": "AAAA"}
            )
    with Livefile.open(":memory:") as opened:
        pushed(opened, body)
        wait_for_host(opened)
        yield opened


def test_nothing_that_is_shared_can_be_changed(livefile: Livefile) -> None:
    assert livefile.query("own:change") == []


def test_what_is_made_of_it_is_free(livefile: Livefile) -> None:
    assert livefile.query("own:use") == ["Raised: said again", "own", "base", "any", False]
