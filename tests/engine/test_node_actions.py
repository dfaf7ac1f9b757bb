"""Actions with "use node": Node's own modules, packages of npm, and what they may not disturb.

The packages come from a registry of the tests' own, on this machine.
"""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from livefile import FunctionKind, Livefile
from livefile.javascript.node_packages import NodePackages
from livefile.vocabulary.errors import JavaScriptError, PushError
from tests.engine.action_project import push_of
from tests.engine.pushed_project import Tree, pushed, table

WEB = """
const add = mutation(async (ctx, { text }) =>
  (await ctx.call("insert", { table: "items", value: { text } }))._id);
export { add };
"""
NODE = """
import fs, { readFileSync } from "node:fs";
import * as path from "path";
import { createHash } from "node:crypto";
const color = process.env.COLOR ?? null;
let count = 0;
const builtin = action(async () => [
  typeof fs.promises.readFile, typeof readFileSync, path.posix.join("a", "b"),
  createHash("sha256").update("abc").digest("hex").slice(0, 4), Buffer.from("a").toString("hex"),
]);
const colors = action(async () => [color, process.env.COLOR, process.env.LIVEFILE_SECRET ?? null]);
const write = action(async (ctx, { text }) => {
  console.log("one");
  process.stdout.write("two\\n");
  return typeof await ctx.runMutation("web:add", { text });
});
const later = action(async () => {
  const { deflateSync } = await import("node:zlib");
  const { five } = await import("./other.js");
  return [typeof deflateSync, five];
});
const counted = action(async () => ++count);
const leave = action(async () => { process.exit(0); });
const fail = action(async () => { throw new RangeError("too far"); });
const lose = action(async () => {
  Promise.reject(new Error("lost"));
  await new Promise(() => {});
});
const file = action(async (ctx) => {
  const id = await ctx.storage.store(new Blob(["abc"]));
  return await (await ctx.storage.get(id)).text();
});
export { builtin, colors, write, later, counted, leave, fail, lose, file };
"""
OTHER = "const five = 5;\nexport { five };\n"
WITH_PACKAGES = """
import shout, { version } from "shout";
import { whisper } from "@quiet/whisper";
const talk = action(async () => [shout("hello"), version, whisper("HELLO")]);
export { talk };
"""
PACKAGES = {
    ("shout", "1.2.3"): (
        {},
        "module.exports = (text) => text.toUpperCase();\nmodule.exports.version = '1.2.3';\n",
    ),
    ("@quiet/whisper", "0.1.0"): (
        {"type": "module"},
        "export const whisper = (text) => text.toLowerCase();\n",
    ),
}


class Registry:
    """A registry of npm with the packages above."""

    def __init__(self) -> None:
        archives = {f"/{name}.tgz": _archive(name, at) for name, at in PACKAGES}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.replace("%2f", "/").replace("%2F", "/")
                content = archives.get(path) or registry.document(path[1:], archives)
                self.send_response(200 if content else 404)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def document(self, name: str, archives: dict[str, bytes]) -> bytes:
        """Return what the registry says of a package, nothing if it does not know it."""
        versions: dict[str, Tree] = {}
        for known, at in PACKAGES:
            if known == name:
                digest = hashlib.sha512(archives[f"/{name}.tgz"]).digest()
                dist = {
                    "tarball": f"{self.address}{name}.tgz",
                    "integrity": f"sha512-{base64.b64encode(digest).decode()}",
                }
                versions[at] = {"name": name, "version": at, "dist": dist}
        document = {"name": name, "versions": versions, "dist-tags": {}}
        return json.dumps(document).encode() if versions else b""

    def __enter__(self) -> "Registry":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _archive(name: str, at: str) -> bytes:
    more, source = PACKAGES[name, at]
    files = {
        "package.json": json.dumps({"name": name, "version": at, "main": "index.js", **more}),
        "index.js": source,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def livefile(cache: Path) -> Iterator[Livefile]:
    with Livefile.open(":memory:") as opened:
        use_cache(opened, cache)
        opened.change_environment({"COLOR": "green"})
        pushed(opened, project({"n.js": NODE, "other.js": OTHER}))
        yield opened


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with Registry() as running:
        monkeypatch.setenv("npm_config_registry", running.address)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        yield running


def use_cache(livefile: Livefile, cache: Path) -> None:
    livefile._javascript.packages._cache = cache


def project(node: dict[str, str], **packages: str) -> Tree:
    named = {name.replace("quiet_", "@quiet/"): at for name, at in packages.items()}
    return push_of({"web.js": WEB}, table("items", text="string"), node=node, packages=named)


def test_functions_of_node_modules_are_found(livefile: Livefile) -> None:
    assert livefile.app.functions["n:builtin"].kind is FunctionKind.ACTION
    assert livefile.app.functions["web:add"].kind is FunctionKind.MUTATION


def test_an_action_has_the_modules_of_node(livefile: Livefile) -> None:
    assert livefile.action("n:builtin") == ["function", "function", "a/b", "ba78", "61"]
    assert livefile.action("n:later") == ["function", 5]


def test_an_action_calls_functions_and_logs(livefile: Livefile) -> None:
    assert livefile.action("n:write", text="x") == "string"
    assert livefile.action("n:file") == "abc"


def test_modules_are_kept_while_the_variables_stay(
    livefile: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEFILE_SECRET", "of the server")
    first = livefile.action("n:counted")
    assert livefile.action("n:counted") == first + 1
    livefile.change_environment({"COLOR": "red"})

    assert livefile.action("n:colors") == ["red", "red", None]
    assert livefile.action("n:counted") == 1
    livefile.change_environment({"COLOR": "green"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("leave", r"Can't use process.exit\(\) in an action"),
        ("fail", r"Uncaught RangeError: too far\n    at <anonymous> \(n\.js:"),
        ("lose", "Uncaught Error: lost"),
    ],
)
def test_an_action_fails_by_itself(livefile: Livefile, name: str, text: str) -> None:
    with pytest.raises(JavaScriptError, match=text):
        livefile.action(f"n:{name}")
    assert livefile.action("n:later") == ["function", 5]


def test_packages_are_installed_once_and_found(registry: Registry, tmp_path: Path) -> None:
    body = project({"p.js": WITH_PACKAGES}, shout="1.2.3", quiet_whisper="0.1.0")
    for _ in range(2):
        with Livefile.open(":memory:") as livefile:
            use_cache(livefile, tmp_path / "cache")
            pushed(livefile, body)
            (folder,) = (tmp_path / "cache").iterdir()
            made_ns = folder.stat().st_ctime_ns

            assert livefile.action("p:talk") == ["HELLO", "1.2.3", "hello"]
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.stat().st_ctime_ns == made_ns


def test_a_push_says_what_cannot_be_installed(registry: Registry, tmp_path: Path) -> None:
    with Livefile.open(":memory:") as livefile:
        use_cache(livefile, tmp_path / "cache")
        with pytest.raises(PushError, match="No matching version found for shout@9"):
            livefile.pushes.start(project({"p.js": WITH_PACKAGES}, shout="9.9.9"))
        with pytest.raises(PushError, match=r"p\.js imports shout, which is not installed"):
            livefile.pushes.start(project({"p.js": WITH_PACKAGES}))

        names = [each.name for each in (tmp_path / "cache").iterdir()]
        assert len(names) == 1, "only the set without packages is there"


@pytest.mark.parametrize(
    ("name", "version"),
    [("shout", "git+https://example.test/shout"), ("../shout", "1.2.3"), ("--global", "1.0.0")],
)
def test_only_packages_of_the_registry_are_installed(
    tmp_path: Path, name: str, version: str
) -> None:
    with pytest.raises(PushError, match="is no package of npm") as caught:
        NodePackages(tmp_path / "cache").folder_of({name: version})
    assert caught.value.code == "InvalidExternalModules"
