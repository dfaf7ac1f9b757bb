"""What an ordinary Convex project does beside its page: ``fixtures/convex-chat``, by the CLI.

Not here: the page (``test_browser_chat.py``).
"""

import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.acceptance.conftest import connected_client
from tests.acceptance.convex_project import CHAT_PROJECT, ConvexProject
from tests.acceptance.node_client import NodeClient
from tests.acceptance.server_process import REQUEST_SECONDS_MAX, ServerProcess

pytestmark = pytest.mark.node


class Encyclopedia(BaseHTTPRequestHandler):
    """Knows a single topic."""

    def do_GET(self) -> None:
        asked = urllib.parse.urlsplit(self.path)
        (topic,) = urllib.parse.parse_qs(asked.query)["topic"]
        is_known = (asked.path, topic) == ("/summary", "Konrad Zuse")
        self.send_response(200 if is_known else 404)
        self.end_headers()
        if is_known:
            self.wfile.write(json.dumps({"summary": "He built computers."}).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def encyclopedia() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Encyclopedia) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ConvexProject:
    return ConvexProject(CHAT_PROJECT, tmp_path_factory.mktemp("chat") / "project")


@pytest.fixture(scope="module")
def chat(
    project: ConvexProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    with ServerProcess(None, tmp_path_factory.mktemp("chat_deployment")) as server:
        project.push(server)
        yield server


@pytest.fixture
def client(chat: ServerProcess) -> Iterator[NodeClient]:
    with connected_client(chat.url) as node:
        yield node


def send(client: NodeClient, body: str, channel: str, **more: object) -> str:
    """Send as Ada and return the message's id."""
    ada = client.call("mutation", path="users:create", args={"name": "Ada", "token": "ada"})
    args = {"body": body, "user": ada, "channel": channel, **more}
    sent: str = client.call("mutation", path="messages:send", args=args)
    return sent


def run(project: ConvexProject, server: ServerProcess, *words: str) -> str:
    """Run the CLI, which must succeed, and return what it printed."""
    done = project.convex(server, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_message_may_ask_another_server(
    project: ConvexProject, chat: ServerProcess, client: NodeClient, encyclopedia: str
) -> None:
    run(project, chat, "env", "set", "WIKI_URL", encyclopedia)
    client.call("subscribe", name="shown", path="messages:list", args={"channel": "wiki"})

    def wait_for_answer(question: str, answer: str) -> None:
        send(client, question, "wiki")
        client.wait_for(
            lambda event: (
                event["event"] == "update"
                and event["name"] == "shown"
                and ("Wiki", answer)
                in [(message["author"], message["body"]) for message in event["value"]]
            )
        )

    wait_for_answer("/wiki Konrad Zuse", "He built computers.")
    wait_for_answer("/wiki nobody", 'Nothing is known about "nobody" (404).')


def test_an_action_summarizes(client: NodeClient) -> None:
    message = send(client, "one two three four five six seven", "summary")

    client.call("action", path="messages:summarize", args={"messageId": message})

    (shown,) = client.call("query", path="messages:list", args={"channel": "summary"})
    assert shown["summary"] == "one two three four five six … (7 words)"
    assert shown["author"] == "Ada"
    assert "embedding" not in shown


def test_messages_are_found_by_words_and_by_likeness(client: NodeClient) -> None:
    for body in ("green tea", "black coffee", "a tree in a garden"):
        send(client, body, "search")
    send(client, "green tea elsewhere", "other")

    args = {"text": "tea", "channel": "search"}
    found = client.call("query", path="messages:search", args=args)
    assert [message["body"] for message in found] == ["green tea"]
    args = {"text": "coffee, black", "channel": "search"}
    assert client.call("action", path="messages:similar", args=args)[0] == "black coffee"


def test_a_message_carries_a_file(client: NodeClient) -> None:
    address = client.call("mutation", path="files:generateUploadUrl")
    request = urllib.request.Request(address, b"a picture", {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX) as response:
        file = json.load(response)["storageId"]

    send(client, "look", "files", file=file)

    (shown,) = client.call("query", path="messages:list", args={"channel": "files"})
    with urllib.request.urlopen(shown["fileUrl"], timeout=REQUEST_SECONDS_MAX) as response:
        assert response.read() == b"a picture"
    described = client.call("query", path="files:describe", args={"file": file})
    assert (described["size"], described["contentType"]) == (9, "image/png")


def test_other_programs_use_addresses(chat: ServerProcess) -> None:
    body = json.dumps({"name": "robot", "body": "beep", "channel": "http"}).encode()
    post = urllib.request.Request(f"{chat.url}/http/messages", body)
    with urllib.request.urlopen(post, timeout=REQUEST_SECONDS_MAX) as response:
        assert response.status == 201

    address = f"{chat.url}/http/messages?channel=http"
    with urllib.request.urlopen(address, timeout=REQUEST_SECONDS_MAX) as response:
        assert json.load(response) == [{"author": "robot", "body": "beep"}]


def test_tasks_are_imported(
    project: ConvexProject, chat: ServerProcess, client: NodeClient
) -> None:
    run(project, chat, "import", "--table", "tasks", "sampleData.jsonl")

    tasks = client.call("query", path="tasks:list")
    assert [task["isCompleted"] for task in tasks] == [True, True, False]
    last = tasks[-1]["_id"]
    client.call("mutation", path="tasks:complete", args={"taskId": last})
    task = client.call("query", path="tasks:getTask", args={"taskId": last})
    assert (task["text"], task["isCompleted"]) == ("Write to Grace", True)


def test_the_daily_function_runs_when_it_is_asked(
    project: ConvexProject, chat: ServerProcess, client: NodeClient
) -> None:
    assert client.call("query", path="digests:latest") is None
    send(client, "counted", "digest")

    run(project, chat, "run", "digests:count")

    assert client.call("query", path="digests:latest")["messages"] > 0


def test_the_types_in_the_project_are_those_that_a_push_writes(
    project: ConvexProject, chat: ServerProcess
) -> None:
    # The fixture ``chat`` has pushed. The CLI writes these files, from the server's analysis.
    committed = CHAT_PROJECT / "convex" / "_generated"
    written = project.functions / "_generated"

    def contents(folder: Path) -> dict[str, str]:
        return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}

    assert contents(written) == contents(committed)
