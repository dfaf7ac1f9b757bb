"""A proxy on this machine that can swallow what the server says.

It makes the one moment that matters for exactly-once last as long as a test needs: the server
has committed a mutation, and its client does not know.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65536


class MutingProxy:
    """Passes every connection on to ``target_url``; ``url`` is where it listens.

    While ``is_muted``, bytes from the server are dropped; bytes to the server go through.
    """

    def __init__(self, target_url: str) -> None:
        address = urlsplit(target_url)
        self.is_muted = False
        self._target = (address.hostname or "", address.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        end(self._listener)
        self._threads[0].join()  # From here on no connection and no thread is added.
        for connection in self._connections:
            end(connection)
        for thread in self._threads:
            thread.join()
        for connection in [self._listener, *self._connections]:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # The listener was ended.
            self._connections.append(client)
            try:
                server = socket.create_connection(self._target)
            except OSError:
                end(client)  # The server is down, and the client shall see that.
                continue
            self._connections.append(server)
            self._start(partial(self._pump, client, server, is_up=True))
            self._start(partial(self._pump, server, client, is_up=False))

    def _pump(self, source: socket.socket, sink: socket.socket, *, is_up: bool) -> None:
        with suppress(OSError):  # One side is gone; below, the other one hears of it.
            while data := source.recv(CHUNK_BYTES):
                if is_up or not self.is_muted:
                    sink.sendall(data)
        end(source)
        end(sink)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


def end(connection: socket.socket) -> None:
    """End a connection in both directions, which wakes every thread that waits on it."""
    with suppress(OSError):  # It may have ended already.
        connection.shutdown(socket.SHUT_RDWR)
