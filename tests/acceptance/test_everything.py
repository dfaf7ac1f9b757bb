"""One app that uses every part at once, through the npm client: live, private, and after a crash.

Not here: each part by itself; those have tests of their own.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from livefile_server.cli.main import main
from tests.acceptance.conftest import connected_client, copy_app
from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.node

PICTURE = b"\x89PNG and so on"
QUERIES = {
    "entries:mine": {},
    "entries:totals": {},
    "entries:search": {"text": "te"},
    "entries:pictures": {},
}

Token = Callable[[str], str]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return copy_app("everything", tmp_path)


@pytest.fixture
def token(app: Path) -> Token:
    """Let the app trust a new issuer, and return what signs users in there."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = {**ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True), "kid": "1"}
    public_key["key_ops"] = ["verify"]
    document = base64.b64encode(json.dumps({"keys": [public_key]}).encode()).decode()
    keys = app / "everything" / "keys.py"
    keys.write_text(f'JWKS = "data:application/json;base64,{document}"\n')

    def sign(subject: str) -> str:
        now = int(time.time())
        claims = {"iss": "https://everything.example", "aud": "everything", "sub": subject}
        return jwt.encode(
            {**claims, "iat": now, "exp": now + 3600},
            private_key,
            algorithm="ES256",
            headers={"kid": "1"},
        )

    return sign


@pytest.fixture
def server(app: Path, token: Token, tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(app, tmp_path) as process:
        yield process


@contextmanager
def signed_in(server: ServerProcess, token: str) -> Iterator[NodeClient]:
    """Run a client that watches every query as a user."""
    with connected_client(server.url) as client:
        client.call("setAuth", token=token)
        for path, args in QUERIES.items():
            client.call("subscribe", name=path, path=path, args=args)
        client.call("subscribe", name="ticks:ticks", path="ticks:ticks")
        yield client


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Return the status and the body of an HTTP request."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def write(client: NodeClient, text: str, price: float, picture: str | None = None) -> None:
    args = {"text": text, "price": price, "picture": picture}
    client.call("mutation", path="entries:write", args=args)


def livefile(*words: str | Path) -> str:
    """Run a command that must succeed, and return what it printed."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_every_part_is_live_and_each_user_sees_their_own(
    server: ServerProcess, token: Token
) -> None:
    with signed_in(server, token("ada")) as ada, signed_in(server, token("bob")) as bob:
        upload_url = ada.call("mutation", path="entries:upload_url")
        status, answer = ask(upload_url, PICTURE, **{"Content-Type": "image/png"})
        assert status == 200
        write(ada, "green tea", 2.5, json.loads(answer)["storageId"])
        write(bob, "milk tea", 1.0)

        ada.wait_for_update("entries:mine", ["Hello: green tea (read)"])
        ada.wait_for_update("entries:totals", [1, 2.5])
        ada.wait_for_update("entries:search", ["green tea"])
        bob.wait_for_update("entries:search", ["milk tea"])
        bob.wait_for_update("entries:totals", [1, 1])
        shown = ada.wait_for(lambda it: it.get("name") == "entries:pictures" and it["value"] != [])
        assert ask(shown["value"][0]) == (200, PICTURE)
        nearest = {"path": "entries:nearest", "args": {"vector": [0, 1]}}
        assert ada.call("action", **nearest) == ["green tea"]
        assert bob.call("action", **nearest) == ["milk tea"]
        ada.wait_for(lambda it: it.get("name") == "ticks:ticks" and it["value"] >= 2)
        livefile("env", "set", "GREETING", "Ahoy", "--db", server.database)
        ada.wait_for_update("entries:mine", ["Ahoy: green tea (read)"])

        lines = ask(f"{server.url}/http/mine", Authorization=f"Bearer {token('ada')}")
        assert lines == (200, b"Ahoy: green tea (read)\n")
        assert ask(f"{server.url}/http/mine") == (401, b"not signed in")
        for operation in ("query", "mutation", "action", "httpQuery", "httpMutation"):
            for path in ("entries:mark_read", "entries:texts", "ticks:tick"):
                with pytest.raises(NodeFunctionError, match="Could not find public function"):
                    ada.call(operation, path=path)


def test_everything_goes_on_after_a_crash_and_in_copies(
    server: ServerProcess, token: Token, app: Path, tmp_path: Path
) -> None:
    with signed_in(server, token("ada")) as ada:
        upload_url = ada.call("mutation", path="entries:upload_url")
        _, answer = ask(upload_url, PICTURE, **{"Content-Type": "image/png"})
        write(ada, "green tea", 2.5, json.loads(answer)["storageId"])
        before = len(ada.events)
        server.restart()
        ada.wait_for_connection(True, after=before)
        write(ada, "more tea", 3.0)
        both = ["Hello: green tea (read)", "Hello: more tea (read)"]
        ada.wait_for_update("entries:mine", both, after=before)
        ada.wait_for_update("entries:totals", [2, 5.5], after=before)
    livefile("export", server.database, tmp_path / "out.zip", "--include-file-storage")
    livefile("backup", server.database, tmp_path / "backup.db")
    server.stop()
    livefile("import", tmp_path / "imported.db", tmp_path / "out.zip", "--app", app)
    livefile("restore", tmp_path / "backup.db", tmp_path / "restored.db")

    for name in ("imported.db", "restored.db"):
        server.database = tmp_path / name
        server.start()
        with signed_in(server, token("ada")) as ada:
            ada.wait_for_update("entries:mine", both)
            ada.wait_for_update("entries:search", ["more tea", "green tea"])
            write(ada, "last tea", 1.0)
            ada.wait_for_update("entries:mine", [*both, "Hello: last tea (read)"])
            ada.wait_for_update("entries:totals", [3, 6.5])
            (url,) = ada.call("query", path="entries:pictures")
            assert ask(url) == (200, PICTURE)
        server.stop()
        assert "nothing is wrong" in livefile("check", server.database)
