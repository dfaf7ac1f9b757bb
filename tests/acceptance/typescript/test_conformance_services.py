"""TypeScript functions with files, users and HTTP, and those that run in Node.js.

The pages of Convex's documentation are "File Storage", "Auth in Functions", "HTTP Actions",
"Runtimes".
"""

import hashlib
import json
import re
import time
import urllib.error
import urllib.request
from typing import Any

import jwt
import pytest

from tests.acceptance.node_client import NodeClient, NodeFunctionError
from tests.acceptance.server_process import REQUEST_SECONDS_MAX, ServerProcess
from tests.token_issuer import TokenIssuer

pytestmark = pytest.mark.node

PICTURE = b"\x89PNG\r\n\x1a\n and \x00 so on"


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


def ask(
    url: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Return the status, the body and the headers of an answer; names are in lower case."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS_MAX) as response:
            answered = {name.lower(): text for name, text in response.headers.items()}
            return response.status, response.read(), answered
    except urllib.error.HTTPError as error:
        with error:
            answered = {name.lower(): text for name, text in error.headers.items()}
            return error.code, error.read(), answered


# --- Files ----------------------------------------------------------------------------------------


def upload(client: NodeClient, operation: str = "mutation", name: str = "uploadUrl") -> str:
    """Store the picture as a page does, and return its id."""
    address = client.call(operation, path=f"files:{name}")
    headers = {"Content-Type": "image/png"}
    status, body, _ = ask(address, "POST", PICTURE, **headers)
    assert status == 200
    stored: str = json.loads(body)["storageId"]
    return stored


@pytest.mark.parametrize(
    ("operation", "name"), [("mutation", "uploadUrl"), ("action", "uploadUrlFromAction")]
)
def test_an_uploaded_file_is_read_at_its_address(
    shared_client: NodeClient, operation: str, name: str
) -> None:
    file = upload(shared_client, operation, name)

    address = shared_client.call("query", path="files:url", args={"id": file})
    status, body, headers = ask(address)
    assert (status, body) == (200, PICTURE)
    assert headers["content-type"] == "image/png"


def test_metadata_say_what_was_stored(shared_client: NodeClient) -> None:
    file = upload(shared_client)

    digest = hashlib.sha256(PICTURE)
    assert shared_client.call("query", path="files:metadata", args={"id": file}) == {
        "storageId": file,
        "sha256": digest.hexdigest(),
        "size": len(PICTURE),
        "contentType": "image/png",
    }
    document = shared_client.call("query", path="files:document", args={"id": file})
    assert document["_id"] == file
    assert document["size"] == len(PICTURE)
    assert document["contentType"] == "image/png"


def test_a_deleted_file_is_gone(shared_client: NodeClient) -> None:
    file = upload(shared_client)
    address = shared_client.call("query", path="files:url", args={"id": file})
    failure(shared_client, "mutation", "files:removeAndThrow", id=file)
    assert ask(address)[0] == 200

    shared_client.call("mutation", path="files:remove", args={"id": file})

    for name in ("url", "metadata", "document"):
        assert shared_client.call("query", path=f"files:{name}", args={"id": file}) is None
    assert shared_client.call("action", path="files:read", args={"id": file}) is None
    assert ask(address)[0] == 404


def test_a_mutation_stores_and_reads_blobs(shared_client: NodeClient) -> None:
    # Changelog of 1.48: files of a mutation are stored with it, and count toward its limits.
    args = {"text": "häöü", "throws": False}

    stored = shared_client.call("mutation", path="files:storeInMutation", args=args)
    failed = failure(shared_client, "mutation", "files:storeInMutation", text="häöü", throws=True)

    assert (stored["type"], stored["used"]) == ("text/plain", [1, 7])
    read = shared_client.call("action", path="files:read", args={"id": stored["id"]})
    assert read == {"type": "text/plain", "text": "häöü"}
    (lost,) = re.findall("Error: (\\w+) häöü", str(failed))
    assert shared_client.call("query", path="files:url", args={"id": lost}) is None


def test_an_action_stores_and_reads_blobs(shared_client: NodeClient) -> None:
    file = shared_client.call("action", path="files:storeText", args={"text": "häöü"})

    read = shared_client.call("action", path="files:read", args={"id": file})
    assert read == {"type": "text/plain", "text": "häöü"}
    address = shared_client.call("query", path="files:url", args={"id": file})
    assert ask(address)[1].decode() == "häöü"


def test_a_large_blob_survives_bytes_and_all(shared_client: NodeClient) -> None:
    args = {"size": 3_000_001}

    assert shared_client.call("action", path="files:storeAndCompare", args=args)


# --- Users ----------------------------------------------------------------------------------------


def test_nobody_is_signed_in_at_first(shared_client: NodeClient) -> None:
    for operation, name in (
        ("query", "ofQuery"),
        ("mutation", "ofMutation"),
        ("action", "ofAction"),
        ("action", "ofCalled"),
    ):
        assert shared_client.call(operation, path=f"identity:{name}") is None


def token(issuer: TokenIssuer, **changes: object) -> str:
    now = int(time.time())
    return issuer.token(iat=now, exp=now + 3600, **changes)


def test_a_signed_in_user_is_known_everywhere(own_client: NodeClient, issuer: TokenIssuer) -> None:
    claims = {"name": "Ada", "email": "ada@example.com", "email_verified": True}
    signed_in = token(issuer, sub="ada", **claims)
    own_client.call("setAuth", token=signed_in)

    for operation, name in (
        ("query", "ofQuery"),
        ("mutation", "ofMutation"),
        ("action", "ofAction"),
    ):
        identity = own_client.call(operation, path=f"identity:{name}")
        # "Custom JWT Provider": claims keep the names that they have in the token.
        assert identity["tokenIdentifier"] == "https://issuer.example|ada"
        assert identity["subject"] == "ada"
        assert identity["issuer"] == "https://issuer.example"
        assert identity["name"] == "Ada"
        assert identity["email"] == "ada@example.com"
        assert identity["email_verified"] is True
    assert own_client.call("action", path="identity:ofCalled") == "ada"


def test_a_mutation_signs_tokens_that_everybody_can_check(
    conformance: ServerProcess, shared_client: NodeClient
) -> None:
    # "ctx.auth.signJwt": iss, iat and exp are set; the keys are at /.well-known/jwks.json.
    args = {"claims": {"sub": "ada", "role": ["reader"]}, "expiresInSeconds": 60}
    signed = shared_client.call("mutation", path="identity:sign", args=args)
    key = jwt.PyJWKClient(f"{conformance.url}/.well-known/jwks.json").get_signing_key_from_jwt(
        signed
    )

    claims = jwt.decode(signed, key, algorithms=["ES256"], issuer=conformance.url)
    assert jwt.get_unverified_header(signed)["alg"] == "ES256"
    assert (claims["sub"], claims["role"]) == ("ada", ["reader"])
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    ("claims", "seconds", "message"),
    [
        ({"iss": "me"}, 60, "the claim 'iss' is reserved"),
        ({"cvxName": "me"}, 60, "the claim 'cvxName' is reserved"),
        ({"ConvexName": "me"}, 60, "the claim 'ConvexName' is reserved"),
        ({}, 0, "expiresInSeconds is from 1 to 3600, got 0"),
        ({}, 3601, "expiresInSeconds is from 1 to 3600, got 3601"),
    ],
)
def test_a_token_that_cannot_be_is_not_signed(
    shared_client: NodeClient, claims: dict[str, str], seconds: float, message: str
) -> None:
    error = failure(
        shared_client, "mutation", "identity:sign", claims=claims, expiresInSeconds=seconds
    )

    assert message in str(error)


def test_a_token_of_somebody_else_is_refused(
    conformance: ServerProcess, issuer: TokenIssuer
) -> None:
    body = {"path": "identity:ofQuery", "args": {}, "format": "json"}

    def asked(**changes: object) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token(issuer, **changes)}"}
        return conformance.post("/api/query", body, headers)

    status, answer = asked()
    assert (status, answer["value"]["subject"]) == (200, "ada")
    assert asked(iss="https://other.example")[0] == 401
    assert asked(aud="another app")[0] == 401


# --- HTTP actions ---------------------------------------------------------------------------------


def described(server: ServerProcess, route: str, method: str = "GET", **given: Any) -> object:
    status, body, headers = ask(f"{server.url}/http{route}", method, **given)
    assert status == 200, body
    assert headers["content-type"].startswith("application/json")
    return json.loads(body)


def test_an_http_action_gets_the_whole_request(conformance: ServerProcess) -> None:
    expected = {
        "method": "POST",
        "path": "/describe",
        "search": "?a=1&b=%C3%A4",
        "header": "yes",
        "body": "höh",
        "user": None,
    }
    found = described(
        conformance,
        "/describe?a=1&b=%C3%A4",
        "POST",
        body="höh".encode(),
        **{"X-Test": "yes", "Content-Type": "text/plain"},
    )
    assert found == expected

    found = described(conformance, "/describe", "PUT", body=b"x")
    assert found == expected | {"method": "PUT", "search": "", "header": None, "body": "x"}


def test_an_http_action_knows_the_user(conformance: ServerProcess, issuer: TokenIssuer) -> None:
    bearer = f"Bearer {token(issuer, sub='grace')}"

    found = described(conformance, "/describe", Authorization=bearer)

    assert isinstance(found, dict)
    assert found["user"] == "grace"


def test_the_most_exact_route_is_taken(conformance: ServerProcess) -> None:
    # "HTTP Actions": an exact path goes before a prefix, a longer prefix before a shorter.
    assert ask(f"{conformance.url}/http/tree/exact")[1] == b"exact"
    found = described(conformance, "/tree/a/b")
    assert isinstance(found, dict)
    assert found["path"] == "/tree/a/b"
    for route, method in (("/tree", "GET"), ("/absent", "GET"), ("/notes", "GET")):
        assert ask(f"{conformance.url}/http{route}", method)[0] == 404


def test_bytes_status_and_headers_are_the_functions(conformance: ServerProcess) -> None:
    body = bytes(range(256)) * 40

    status, answer, headers = ask(f"{conformance.url}/http/bytes", "POST", body)

    assert (status, answer) == (201, body[::-1])
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-length"] == str(len(body))


def test_the_body_of_a_request_may_be_a_stream(shared_client: NodeClient) -> None:
    assert shared_client.call("action", path="requests:postStream") == "stressed"


def test_an_answer_may_be_a_stream(conformance: ServerProcess) -> None:
    status, body, headers = ask(f"{conformance.url}/http/stream")

    assert (status, body) == (200, b"one two three")
    assert headers["content-type"] == "text/plain"


def test_head_is_answered_by_get_without_a_body(conformance: ServerProcess) -> None:
    status, body, _ = ask(f"{conformance.url}/http/stream", "HEAD")

    assert (status, body) == (200, b"")


def test_an_http_action_writes_by_a_mutation(
    conformance: ServerProcess, shared_client: NodeClient
) -> None:
    note = {"topic": "from http", "text": "posted"}

    status, body, _ = ask(f"{conformance.url}/http/notes", "POST", json.dumps(note).encode())

    assert (status, body) == (204, b"")
    found = shared_client.call("query", path="notes:list", args={"topic": "from http"})
    assert found == ["posted"]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_takes_any_body(conformance: ServerProcess, status: int) -> None:
    # The web's standard refuses it; published components answer like this all the same.
    found, body, _ = ask(f"{conformance.url}/http/empty/{status}")

    assert (found, body) == (status, b"")


def test_an_http_action_that_throws_is_a_server_error(conformance: ServerProcess) -> None:
    status, body, _ = ask(f"{conformance.url}/http/throw")

    assert status == 500
    assert b"an HTTP action failed" in body


# --- Node.js --------------------------------------------------------------------------------------


def test_an_action_may_use_the_modules_of_node(shared_client: NodeClient) -> None:
    path = "actions_in_node:hash"

    found = shared_client.call("action", path=path, args={"text": "abc"})

    assert found == hashlib.sha256(b"abc").hexdigest()


def test_an_action_in_node_calls_queries_and_mutations(shared_client: NodeClient) -> None:
    args = {"topic": "from node", "text": "added"}

    found = shared_client.call("action", path="actions_in_node:addNote", args=args)

    assert found == ["added"]
