"""`npx convex mcp start` of the npm package: its tools, on a deployment in Python.

The program speaks JSON-RPC over its standard streams. It asks Convex's cloud for an account before
each tool, in place of which it is shown the deployment (docs/how-to/use-the-convex-cli.md).
"""

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.acceptance.conftest import copy_app
from tests.acceptance.convex_project import ConvexProject
from tests.acceptance.node_runtime import require_node
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node

ONE_OFF = """import { query, internalQuery } from "convex:/_system/repl/wrappers.js";

export default query({
  handler: async (ctx) => {
    console.log("looking");
    return (await ctx.db.query("users").collect()).map((user) => user.name);
  },
});
"""


class Mcp:
    """A running server of the protocol, and a client of it. Any: what a tool returns."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._ids = count(1)

    def request(self, method: str, **params: object) -> Any:
        id = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == id:
                return answer["result"]
        raise AssertionError("the server has ended")

    def begin(self) -> None:
        client = {"name": "test", "version": "1"}
        self.request("initialize", protocolVersion="2024-11-05", capabilities={}, clientInfo=client)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def tool(self, name: str, /, **arguments: object) -> Any:
        answer = self.request("tools/call", name=name, arguments=arguments)
        assert "isError" not in answer, answer
        return json.loads(answer["content"][0]["text"])

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(message)}\n")
        self._process.stdin.flush()


@pytest.fixture
def mcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mcp, ConvexProject]]:
    folder = tmp_path_factory.mktemp("mcp")
    empty = folder / "empty"
    (empty / "convex").mkdir(parents=True)
    (empty / "package.json").write_text('{"dependencies": {"convex": "*"}}', encoding="utf-8")
    project = ConvexProject(empty, folder / "project")
    with ServerProcess(copy_app("chat", folder), folder) as server:
        server.mutation("users:create", {"name": "Ada", "token_identifier": "ada"})
        (project.folder / ".env.local").write_text(
            f"CONVEX_SELF_HOSTED_URL={server.url}\n"
            f"CONVEX_SELF_HOSTED_ADMIN_KEY={server.admin_key}\n",
            encoding="utf-8",
        )
        inherited = {name: it for name, it in os.environ.items() if not name.startswith("CONVEX_")}
        program = project.folder / "node_modules" / "convex" / "bin" / "main.js"
        with subprocess.Popen(
            [require_node(), str(program), "mcp", "start"],
            cwd=project.folder,
            env={
                **inherited,
                "CONVEX_PROVISION_HOST": server.url,
                "CONVEX_OVERRIDE_ACCESS_TOKEN": server.admin_key,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                client = Mcp(process)
                client.begin()
                yield client, project
            finally:
                process.kill()


def test_the_tools_work_on_a_deployment(mcp: tuple[Mcp, ConvexProject]) -> None:
    client, project = mcp
    found = client.tool("status", projectDir=str(project.folder))
    (deployment,) = found["availableDeployments"]
    at = {"deploymentSelector": deployment["deploymentSelector"]}

    tables = client.tool("tables", **at)["tables"]
    functions = client.tool("functionSpec", **at)
    page = client.tool("data", **at, tableName="users", order="asc")["page"]
    user = {"name": "Bo", "token_identifier": "bo"}
    client.tool("run", **at, functionName="users:create", args=json.dumps(user))
    one_off = client.tool("runOneoffQuery", **at, query=ONE_OFF)
    client.tool("envSet", **at, name="COLOR", value="red")
    color = client.tool("envGet", **at, name="COLOR")
    client.tool("envRemove", **at, name="COLOR")
    names = client.tool("envList", **at)
    log = client.tool("logs", **at, jsonl=True)["entries"]

    assert {"users", "messages"} <= set(tables)
    assert "users.js:create" in {each["identifier"] for each in functions}
    assert [each["name"] for each in page] == ["Ada"]
    assert one_off == {"result": ["Ada", "Bo"], "logLines": ["[LOG] 'looking'"]}
    assert (color, names) == ({"value": "red"}, {"variables": []})
    assert "users:create" in {json.loads(line)["identifier"] for line in log.splitlines()}
