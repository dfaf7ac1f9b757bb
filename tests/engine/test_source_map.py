"""Positions in bundles, against Node's own reader of source maps on random ones."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from livefile import App, Livefile
from livefile.javascript.node_program import HOST_FOLDER, node_path
from tests.app_folder import write_app
from tests.engine.pushed_project import NO_ARGUMENTS, push, pushed
from tests.engine.test_javascript_actions import outcome_of

pytestmark = pytest.mark.node

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
COMPARE = """
const { SourceMap: Other } = require("node:module");
const { SourceMap } = require(process.argv[1] + "/source_map.js");
const text = require("node:fs").readFileSync(0, "utf8");
const [own, other] = [new SourceMap(text), new Other(JSON.parse(text))];
const found = [];
for (let line = 0; line < 30; line++) {
  for (let column = 0; column < 60; column += 3) {
    const { originalSource, originalLine, originalColumn } = other.findEntry(line, column);
    const wanted = originalSource === undefined
      ? null : { source: originalSource, line: originalLine, column: originalColumn };
    found.push([own.find(line, column), wanted]);
  }
}
console.log(JSON.stringify(found));
"""
NONE = ["", "{", "null", "{}", '{"sources": 7, "mappings": ""}', '{"sources": [1], "mappings": 1}']


PYTHON = """
    from livefile import *

    @query
    def answer(ctx: QueryCtx) -> int:
        return 42
"""
# Its lines are the same in the project, from the second one on.
PRINTING = f"""
const inner = () => new Error("printed");
const handler = async () => {{
  await null;
  console.error("see", inner(), {{ cause: inner() }});
  console.trace("here");
  return "null";
}};
const printing = {{
  isAction: true, isPublic: true, invokeAction: handler,
  exportArgs: () => {json.dumps(json.dumps(NO_ARGUMENTS))}, exportReturns: () => "null",
}};
export {{ printing }};
"""
LINE_BY_LINE = {
    "version": 3,
    "sources": ["../convex/chat.ts"],
    "names": [],
    "mappings": ";".join(["AAAA", *["AACA"] * 20]),
}


def number(value: int) -> str:
    """Return a number as source maps have it: digits of five bits, the sign in the first."""
    rest = abs(value) << 1 | (value < 0)
    digits = ""
    while rest >= 32:
        digits += LETTERS[rest & 31 | 32]
        rest >>= 5
    return digits + LETTERS[rest]


def random_map(random: Random) -> str:
    sources = [f"../convex/file{index}.ts" for index in range(4)]
    before = [0, 0, 0, 0]  # Source, line, column, name.
    lines = []
    for _ in range(random.randrange(40)):
        segments = []
        for _ in range(random.randrange(6)):
            step = random.randrange(1, 20)
            now = [random.randrange(4), random.randrange(5000), random.randrange(90), 0]
            fields = [step, *(value - old for value, old in zip(now, before, strict=True))]
            before = now
            if random.random() < 0.7:
                fields.pop()  # Most have no name.
            segments.append("".join(map(number, fields)))
        lines.append(",".join(segments))
    tree = {"version": 3, "sources": sources, "names": ["x"], "mappings": ";".join(lines)}
    return json.dumps(tree)


def found(program: str, text: str) -> list[list[object]]:
    told = subprocess.run(
        [node_path(), "-e", program, str(HOST_FOLDER)],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[list[object]] = json.loads(told.stdout)
    return answers


@pytest.mark.parametrize("seed", range(5))
def test_positions_are_those_that_node_finds(seed: int) -> None:
    answers = found(COMPARE, random_map(Random(seed)))

    assert [own for own, _ in answers] == [other for _, other in answers]
    assert any(own for own, _ in answers)


def test_what_comes_from_no_source_has_no_position() -> None:
    text = json.dumps({"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA,IACA,I"})
    program = """
        const { SourceMap } = require(process.argv[1] + "/source_map.js");
        const map = new SourceMap(require("node:fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify([3, 7, 8].map((column) => [map.find(0, column)?.line ?? null])));
    """

    assert found(program, text) == [[0], [1], [None]]


def test_what_is_no_map_has_no_positions() -> None:
    program = """
        const { SourceMap } = require(process.argv[1] + "/source_map.js");
        const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
        const maps = texts.map((text) => new SourceMap(text));
        console.log(JSON.stringify(maps.map((map) => [map.sources, map.find(0, 0)])));
    """

    assert found(program, json.dumps(NONE)) == [[[], None]] * len(NONE)


def test_a_printed_error_shows_the_files_of_the_project_and_no_others(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"plain": PYTHON}))
    body = push({"chat.js": PRINTING})
    body["appDefinition"]["changedModules"][0]["sourceMap"] = json.dumps(LINE_BY_LINE)
    with Livefile.open(tmp_path / "printed.db", app) as opened:
        pushed(opened, body)
        outcome = outcome_of(opened, "chat:printing")

    error, trace = outcome.log_lines
    assert error.count("    at inner (../convex/chat.ts:2:1)") == 2
    assert error.count("(../convex/chat.ts:5:1)") == 2
    assert trace.startswith("[LOG] 'here'\n    at ")
    assert "(../convex/chat.ts:6:1)" in trace
    assert "node:" not in error + trace
    assert str(HOST_FOLDER) not in error + trace
