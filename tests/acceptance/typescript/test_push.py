"""A Convex project pushed by the official command line to a deployment with a Python app in it.

Both parts serve; what changes is sent and nothing else; what cannot be used changes nothing.

Not here: what pushed functions can do (``test_conformance_...``).
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.convex_project import ConvexProject
from tests.acceptance.node_runtime import NODE_FOLDER
from tests.acceptance.serve_process import ServeProcess
from tests.acceptance.server_process import ServerProcess
from tests.app_folder import write_app

pytestmark = [pytest.mark.node, pytest.mark.slow]

PYTHON = """
    from livefile import *

    class Note(Table, name="notes"):
        text: str

    @mutation
    def add(ctx: MutationCtx, text: str) -> Id[Note]:
        return ctx.db.insert(Note(text=text))

    @query
    def texts(ctx: QueryCtx) -> list[str]:
        return [note.text for note in ctx.db.query(Note)]
"""
SCHEMA = """
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  items: defineTable({ name: v.string(), size: v.optional(v.number()) }).index("by_name", ["name"]),
});
"""
ITEMS = """
import { mutation, query, internalQuery } from "./_generated/server";
import { v } from "convex/values";
import { shown } from "./lib/shown";

export const add = mutation({
  args: { name: v.string(), size: v.optional(v.number()) },
  handler: async (ctx, args) => await ctx.db.insert("items", args),
});
export const names = query({
  args: {},
  handler: async (ctx) => {
    const items = await ctx.db.query("items").withIndex("by_name").collect();
    return items.map((item) => shown(item.name));
  },
});
export const hidden = internalQuery({ args: {}, handler: async () => "hidden" });
"""
SHOWN = "export const shown = (name: string) => `item ${name}`;\n"
EXTRA = """
import { query } from "./_generated/server";
export const version = query({ args: {}, handler: async () => 1 });
"""
FILES = {"schema.ts": SCHEMA, "items.ts": ITEMS, "lib/shown.ts": SHOWN, "extra.ts": EXTRA}


def write(project: ConvexProject, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = project.functions / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def push(project: ConvexProject, server: ServerProcess, *, is_refused: bool = False) -> str:
    words = ("dev", "--once", "--typecheck", "disable", "--tail-logs", "disable")
    done = project.convex(server, *words)
    said = done.stdout + done.stderr
    assert done.returncode == (1 if is_refused else 0), f"{said}\n{server.read_output()}"
    return said


def new_project(folder: Path) -> ConvexProject:
    source = folder / "empty"
    (source / "convex").mkdir(parents=True)
    (source / "package.json").write_text('{"dependencies": {"convex": "*"}}', encoding="utf-8")
    project = ConvexProject(source, folder / "project", packages=NODE_FOLDER)
    write(project, FILES)
    return project


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("push_server")
    with ServerProcess(write_app(folder, {"notes": PYTHON}), folder) as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: ServerProcess) -> ConvexProject:
    """A project that was pushed once. Every test leaves it as it was, here and there."""
    pushed = new_project(tmp_path_factory.mktemp("push_project"))
    said = push(pushed, server)
    assert "[+] items.by_name   name" in said
    assert server.mutation("items:add", {"name": "one"})
    return pushed


def test_both_parts_of_a_deployment_serve(project: ConvexProject, server: ServerProcess) -> None:
    server.mutation("notes:add", {"text": "hello"})

    assert server.query("notes:texts", {}) == ["hello"]
    assert server.query("items:names", {}) == ["item one"]
    status, answer = server.post("/api/query", {"path": "items:hidden", "args": {}})
    assert (status, answer["status"]) == (200, "error")


def test_a_push_sends_what_changed_and_removes_what_is_gone(
    project: ConvexProject, server: ServerProcess
) -> None:
    push(project, server)  # Once more: what the command line generates differs the first time.
    write(project, {"lib/shown.ts": SHOWN.replace("item", "thing")})
    done = project.convex(server, "deploy", "--write-push-request", "request")
    assert done.returncode == 0, done.stdout + done.stderr
    app = json.loads((project.folder / "request.json").read_text("utf-8"))["appDefinition"]
    sent = {module["path"] for module in app["changedModules"]}
    (project.functions / "extra.ts").unlink()
    push(project, server)

    assert {path for path in sent if not path.startswith("_deps/")} == {"items.js", "lib/shown.js"}
    assert "extra.js" in {module["path"] for module in app["unchangedModuleHashes"]}
    assert server.query("items:names", {}) == ["thing one"]
    _, answer = server.post("/api/query", {"path": "extra:version", "args": {}})
    assert "Could not find public function for 'extra:version'" in answer["errorMessage"]
    write(project, FILES)
    push(project, server)
    assert server.query("extra:version", {}) == 1


def test_a_schema_that_stored_documents_do_not_match_is_refused(
    project: ConvexProject, server: ServerProcess
) -> None:
    write(project, {"schema.ts": SCHEMA.replace("v.optional(v.number())", "v.number()")})
    said = push(project, server, is_refused=True)
    write(project, FILES)

    assert "Schema validation failed" in said
    assert 'of table "items" does not match the schema' in said
    assert server.query("items:names", {}) == ["item one"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("export const x = 1;\nthrow new Error('no start');\n", "Uncaught Error: no start"),
        ("export const x = ;\n", 'Unexpected ";"'),
    ],
    ids=["at_its_top", "in_its_syntax"],
)
def test_code_that_cannot_be_loaded_is_refused(
    project: ConvexProject, server: ServerProcess, text: str, message: str
) -> None:
    write(project, {"broken.ts": text})
    said = push(project, server, is_refused=True)
    (project.functions / "broken.ts").unlink()

    assert message in said
    assert "broken.ts" in said
    assert server.query("items:names", {}) == ["item one"]


def test_codegen_and_dry_runs_change_nothing(project: ConvexProject, server: ServerProcess) -> None:
    write(project, {"items.ts": ITEMS.replace("shown(item.name)", "item.name")})
    generated = project.functions / "_generated" / "api.d.ts"
    generated.unlink()
    codegen = project.convex(server, "codegen", "--typecheck", "disable")
    dry_run = project.convex(server, "deploy", "--dry-run", "--typecheck", "disable")
    write(project, FILES)

    assert codegen.returncode == 0, codegen.stderr
    assert "typeof items" in generated.read_text("utf-8")
    assert dry_run.returncode == 0, dry_run.stderr
    assert "Would have deployed" in dry_run.stderr
    assert server.query("items:names", {}) == ["item one"]


def test_a_variable_that_the_providers_need_must_be_set(
    project: ConvexProject, server: ServerProcess
) -> None:
    provider = "{ domain: process.env.ISSUER!, applicationID: 'app' }"
    write(project, {"auth.config.ts": f"export default {{ providers: [{provider}] }};\n"})
    said = push(project, server, is_refused=True)
    (project.functions / "auth.config.ts").unlink()

    assert "Environment variable ISSUER is used in auth config file" in said


def test_what_was_pushed_is_served_from_the_file_alone(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"notes": PYTHON})
    with ServerProcess(app, tmp_path) as server:
        project = new_project(tmp_path)
        done = project.convex(server, "deploy", "--typecheck", "disable")
        assert done.returncode == 0, done.stderr
        server.mutation("items:add", {"name": "kept"})
        server.stop()
    shutil.rmtree(project.folder)

    with ServeProcess(app, server.database) as served:
        assert served.call("query", "items:names", {}) == ["item kept"]
