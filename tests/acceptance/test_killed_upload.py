"""A server that is killed while files come in: whole files stay, halves of files go."""

import json
import socket
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import apsw

from tests.acceptance.server_process import ServerProcess
from tests.app_folder import write_app
from tests.integrity import check_connection
from tests.storage_app import FUNCTIONS

WAIT_S = 60
PIECE = bytes(1_000_000)
CHUNKS_MIN = 10


def upload_url(server: ServerProcess) -> str:
    url: str = server.mutation("files:upload_url", {})
    return url


def stored(server: ServerProcess, body: bytes) -> str:
    with urllib.request.urlopen(upload_url(server), body, timeout=WAIT_S) as answer:
        storage_id: str = json.load(answer)["storageId"]
    return storage_id


def begin_upload(server: ServerProcess) -> socket.socket:
    """Begin a large file."""
    address = urlsplit(upload_url(server))
    raw = socket.create_connection((address.hostname, address.port), timeout=WAIT_S)
    head = f"POST {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
    raw.sendall(f"{head}Content-Length: {1000 * len(PIECE)}\r\n\r\n".encode())
    return raw


def counts(database: Path) -> tuple[int, int]:
    """Return how many chunks and how many files there are in the database."""
    with closing(apsw.Connection(str(database))) as connection:
        connection.execute("BEGIN")
        chunks: int = connection.execute("SELECT count(*) FROM blob_chunks").get
        files: int = connection.execute(
            "SELECT count(*) FROM documents JOIN tables ON number = table_number "
            "WHERE name = '_storage'"
        ).get
        return chunks, files


def test_half_a_file_is_gone_after_the_next_start(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"files": FUNCTIONS})
    with ServerProcess(app, tmp_path) as server:
        whole = stored(server, b"whole")
        uploads = [begin_upload(server) for _ in range(3)]
        while counts(server.database)[0] < CHUNKS_MIN:
            for raw in uploads:
                raw.sendall(PIECE)
        server.kill()
        for raw in uploads:
            raw.close()
        assert counts(server.database)[1] == 1

        server.start()
        url = server.query("files:url", {"id": whole})
        with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
            assert answer.read() == b"whole"
        while counts(server.database) != (1, 1):
            upload_url(server)
        server.stop()
        with closing(apsw.Connection(str(server.database))) as connection:
            check_connection(connection)
