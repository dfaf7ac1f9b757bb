import base64
import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from livefile import Livefile, ManualClock, limits
from livefile_server.web.serve import ServerSettings
from tests.server.running_server import WAIT_S, Answer, RunningServer, run_in_background
from tests.server.test_file_headers import DOWNLOADED, SHOWN
from tests.storage_app import blob_states, chunks_count, open_storage

CHUNK_SIZE = limits.FILE_CHUNK_SIZE_BYTES
HELLO_DIGEST = "sha-256=" + base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
UNKNOWN = "/api/storage/33d6c09d-ad2f-41f7-8337-51694decb2c4"
CREATED_NS = 1_700_000_000_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def livefile(tmp_path: Path, clock: ManualClock) -> Iterator[Livefile]:
    with open_storage(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture
def server(livefile: Livefile) -> Iterator[RunningServer]:
    with run_in_background(livefile) as running:
        yield running


def call(server: RunningServer, kind: str, name: str, **args: object) -> object:
    answer = server.post(f"/api/{kind}", {"path": f"files:{name}", "args": args, "format": "json"})
    assert answer.json["status"] == "success", answer.json
    return answer.json.get("value")


def path_of(url: object) -> str:
    parts = urlsplit(str(url))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def upload_path(server: RunningServer) -> str:
    return path_of(call(server, "mutation", "upload_url"))


def upload(
    server: RunningServer, body: bytes, content_type: str | None = None, **headers: str
) -> Answer:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    if content_type is not None:
        given["Content-Type"] = content_type
    return server.request("POST", upload_path(server), body, given)


def stored(server: RunningServer, body: bytes, content_type: str | None = None) -> str:
    """Upload a file and return the path of its address."""
    answer = upload(server, body, content_type)
    assert answer.status == 200, answer.body
    return path_of(call(server, "query", "url", id=answer.json["storageId"]))


def test_a_file_goes_in_and_out(server: RunningServer) -> None:
    url = str(call(server, "mutation", "upload_url"))
    assert url.startswith(f"{server.address}/api/storage/upload?token=")

    answer = upload(server, b"hello", "image/png")
    address = str(call(server, "query", "url", id=answer.json["storageId"]))
    assert address.startswith(f"{server.address}/api/storage/")
    found = server.request("GET", urlsplit(address).path)

    assert list(answer.json) == ["storageId"]
    assert (found.status, found.body) == (200, b"hello")
    assert found.headers["Content-Type"] == "image/png"
    assert found.headers["Content-Length"] == "5"
    assert found.headers["Digest"] == HELLO_DIGEST
    assert found.headers["Cache-Control"] == "private, max-age=2592000"
    assert found.headers["Accept-Ranges"] == "bytes"


def test_addresses_begin_with_the_public_one(livefile: Livefile) -> None:
    settings = ServerSettings(port=0, public_url="https://api.example")

    with run_in_background(livefile, settings=settings) as server:
        url = call(server, "mutation", "upload_url")

        assert str(url).startswith("https://api.example/api/storage/upload?token=")
        assert livefile.origins.site == "https://api.example/http"
        assert server.request("POST", path_of(url), b"x").status == 200


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE, 5 * CHUNK_SIZE + 17])
def test_files_of_any_size_come_back_as_they_were(server: RunningServer, size: int) -> None:
    body = (b"0123456789abcdefghijklm" * (size // 23 + 1))[:size]

    path = stored(server, body)

    assert server.request("GET", path).body == body
    head = server.request("HEAD", path)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(size))
    part = server.request("GET", path, headers={"Range": f"bytes={size // 3}-{size // 2}"})
    assert part.body == (body[size // 3 : size // 2 + 1] if size else b"")
    assert part.status == (206 if size else 200)


def test_a_part_says_which_it_is(server: RunningServer) -> None:
    path = stored(server, b"0123456789", "video/mp4")

    part = server.request("GET", path, headers={"Range": "bytes=2-4"})
    several = server.request("GET", path, headers={"Range": "bytes=0-1,3-4"})
    beyond = server.request("GET", path, headers={"Range": "bytes=10-"})

    assert (part.status, part.body) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert part.headers["Content-Length"] == "3"
    assert "Digest" not in part.headers
    for refused in (several, beyond):
        assert (refused.status, refused.body) == (416, b"")
        assert refused.headers["Content-Range"] == "bytes */10"


def test_a_body_of_unknown_length_is_stored(server: RunningServer) -> None:
    pieces = iter([b"hel", b"lo", bytes(CHUNK_SIZE)])
    answer = server.request("POST", upload_path(server), pieces)

    found = call(server, "query", "documents")
    assert answer.status == 200
    assert isinstance(found, list)
    assert [row["size"] for row in found] == [5 + CHUNK_SIZE]
    assert found[0]["contentType"] is None


def test_one_token_is_good_for_many_uploads(server: RunningServer) -> None:
    path = upload_path(server)

    assert {server.request("POST", path, b"x").status for _ in range(3)} == {200}


def test_a_token_ends_after_an_hour(server: RunningServer, clock: ManualClock) -> None:
    path = upload_path(server)
    clock.advance_ms(limits.UPLOAD_TOKEN_AGE_MS_MAX - 1)
    assert server.request("POST", path, b"x").status == 200
    clock.advance_ms(1)

    answer = server.request("POST", path, b"x")

    assert (answer.status, answer.json["code"]) == (401, "StorageTokenExpired")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "StorageTokenInvalid"),
        ("?token=", "StorageTokenInvalid"),
        ("?token=x", "StorageTokenInvalid"),
        ("?token=" + "A" * 54, "InvalidStorageToken"),
        ("?token=" + "A" * 6000, "StorageTokenInvalid"),
        ("?token=%00%ff", "StorageTokenInvalid"),
    ],
)
def test_nothing_is_stored_without_a_token(server: RunningServer, query: str, code: str) -> None:
    answer = server.request("POST", f"/api/storage/upload{query}", b"x")

    assert (answer.status, answer.json["code"]) == (401, code)
    assert call(server, "query", "documents") == []


def test_a_promised_digest_is_checked(server: RunningServer) -> None:
    right = upload(server, b"hello", Digest=HELLO_DIGEST)
    wrong = upload(server, b"hellO", Digest=HELLO_DIGEST)
    none = upload(server, b"hello", Digest="md5=abc")

    assert right.status == 200
    assert (wrong.status, wrong.json["code"]) == (400, "Sha256Mismatch")
    assert wrong.json["message"].startswith("Sha256 mismatch. Expected: LPJNul")
    assert (none.status, none.json["code"]) == (400, "BadHeader")
    rows = call(server, "query", "documents")
    assert isinstance(rows, list)
    assert len(rows) == 1


@pytest.mark.parametrize("content_type", ["image", "text/html, x/y", "a/" + "b" * 300, "image/p g"])
def test_an_upload_of_no_type_is_refused(server: RunningServer, content_type: str) -> None:
    answer = upload(server, b"x", content_type)

    assert (answer.status, answer.json["code"]) == (400, "BadHeader")
    assert call(server, "query", "documents") == []


def test_what_is_packed_is_refused(server: RunningServer) -> None:
    answer = upload(server, b"x", Content_Encoding="gzip")

    assert (answer.status, answer.json["code"]) == (400, "BadHeader")


def test_a_file_that_says_it_is_too_large_is_refused_at_once(server: RunningServer) -> None:
    headers = {"Content-Length": str(limits.FILE_SIZE_BYTES_MAX + 1)}

    answer = server.request("POST", upload_path(server), iter([b"x"]), headers)

    assert (answer.status, answer.json["code"]) == (400, "FileTooLarge")


@pytest.mark.parametrize("content_type", [*SHOWN, *DOWNLOADED])
def test_a_stored_file_cannot_run_as_a_page(
    server: RunningServer, content_type: str | None
) -> None:
    """Types that no header can carry or that are refused are not stored at all."""
    is_sendable = content_type is None or (content_type.isascii() and content_type.isprintable())
    if not is_sendable:
        return
    answer = upload(server, b"<script>alert(1)</script>", content_type)
    if answer.status == 400:
        assert content_type not in SHOWN
        assert answer.json["code"] == "BadHeader"
        return

    url = call(server, "query", "url", id=answer.json["storageId"])
    found = server.request("GET", path_of(url))

    is_shown = content_type in SHOWN
    assert found.headers["Content-Disposition"] == ("inline" if is_shown else "attachment")
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert found.headers["Content-Type"] == (content_type or "application/octet-stream")


TRAVERSALS = [
    first + second * count + third
    for first in ("", "/", "upload/", "33d6c09d-ad2f-41f7-8337-51694decb2c4/", "%00", "C:", "~")
    for second in ("../", "..%2f", "%2e%2e/", "%252e%252e%252f", "..\\", "..%5c", ".../", "%c0%ae/")
    for count in (1, 3, 9)
    for third in ("etc/passwd", "bench.db", "")
]


def test_no_path_leads_anywhere_else(server: RunningServer) -> None:
    assert len(TRAVERSALS) >= 500
    for name in TRAVERSALS:
        answer = server.request("GET", "/api/storage/" + quote(name, safe="/%"))

        assert answer.status in (400, 404), name
        assert answer.json["code"] in ("InvalidStoragePath", "NotFound"), name


def test_what_is_not_there_is_not_found(server: RunningServer) -> None:
    unknown = server.request("GET", UNKNOWN)
    malformed = server.request("GET", "/api/storage/nothing")

    assert (unknown.status, unknown.json["code"]) == (404, "FileNotFound")
    assert (malformed.status, malformed.json["code"]) == (400, "InvalidStoragePath")


def test_a_deleted_file_is_not_found(server: RunningServer) -> None:
    storage_id = upload(server, b"hello").json["storageId"]
    path = path_of(call(server, "query", "url", id=storage_id))
    assert server.request("GET", path.upper().replace("/API/STORAGE", "/api/storage")).status == 200
    call(server, "mutation", "delete", id=storage_id)

    assert server.request("GET", path).status == 404


def test_pages_of_other_origins_may_upload_and_read(server: RunningServer) -> None:
    origin = {"Origin": "https://chat.example"}
    answer = upload(server, b"hello", "image/png", Origin="https://chat.example")
    path = path_of(call(server, "query", "url", id=answer.json["storageId"]))

    for found in (
        answer,
        server.request("GET", path, headers=origin),
        server.request("GET", path, headers={"Range": "bytes=1-2", **origin}),
        server.request("GET", path, headers={"Range": "bytes=9-", **origin}),
        server.request("GET", UNKNOWN, headers=origin),
        server.request("OPTIONS", upload_path(server), headers=origin),
    ):
        assert found.headers["Access-Control-Allow-Origin"] == "https://chat.example"
        assert found.headers.get_all("Vary") == ["Origin"]


def test_an_upload_that_is_cut_anywhere_leaves_nothing(
    server: RunningServer, livefile: Livefile
) -> None:
    path, size = upload_path(server), 3 * CHUNK_SIZE
    body = bytes(size)
    for cut in (0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, size - 1):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as raw:
            raw.sendall(head.encode() + body[:cut])
    broken = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as raw:
        raw.sendall(broken.encode())
    assert upload(server, b"whole").status == 200
    server.stop()  # From here on nobody uploads.
    while blob_states(livefile) != ["stored"]:
        livefile.mutation("files:upload_url")

    assert chunks_count(livefile) == 1


def test_a_download_ends_when_its_file_is_deleted(
    server: RunningServer, livefile: Livefile
) -> None:
    size = 60 * CHUNK_SIZE  # More than the sockets between the two take.
    storage_id = upload(server, bytes(size)).json["storageId"]
    path = path_of(call(server, "query", "url", id=storage_id))
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(WAIT_S)
        raw.connect(("127.0.0.1", server.port))
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = len(raw.recv(1000))
        call(server, "mutation", "delete", id=storage_id)
        while chunks_count(livefile):
            call(server, "mutation", "upload_url")
        try:
            while piece := raw.recv(65536):
                received += len(piece)
        except ConnectionResetError:
            pass  # How the end looks if something was still on its way.

    assert received < size


def test_many_clients_at_once_get_what_they_stored(server: RunningServer) -> None:
    bodies = [bytes([number]) * (CHUNK_SIZE * 2 + number) for number in range(8)]
    found: dict[int, bytes] = {}

    def run(number: int) -> None:
        path = stored(server, bodies[number])
        found[number] = server.request("GET", path).body

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [found[number] for number in range(8)] == bodies
