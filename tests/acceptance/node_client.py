"""The npm client in a Node.js process, commanded from a test.

A command goes to ``node/driver.mjs`` and comes back as an answer; what the client reports in
between (query results, console lines, connection changes) is kept in order as events.
"""

import json
import subprocess
import threading
from collections.abc import Callable
from itertools import count
from typing import Any, Self

from tests.acceptance.node_runtime import NODE_FOLDER, require_node, require_package

ANSWER_SECONDS_MAX = 60.0

Event = dict[str, Any]  # Any: decoded JSON, whose shape depends on the event.


class NodeFunctionError(Exception):
    """The client rejected. ``data`` is there only if ``is_convex_error``."""

    def __init__(self, error: Event) -> None:
        super().__init__(error["message"])
        self.is_convex_error: bool = error["isConvexError"]
        self.has_data = "data" in error
        self.data = error.get("data")


class PendingCall:
    """A command that was sent and perhaps not answered yet."""

    def __init__(self, client: "NodeClient", call_id: int) -> None:
        self._client = client
        self._call_id = call_id

    @property
    def is_answered(self) -> bool:
        """Whether the answer is there."""
        return self._client.has_answer(self._call_id)

    def result(self) -> Any:
        """Wait for the answer and return its value, or raise its error."""
        return self._client.answer(self._call_id)


class NodeClient:
    """One npm client: a ``ConvexClient`` and a ``ConvexHttpClient`` on one deployment."""

    def __init__(self, url: str) -> None:
        require_package(NODE_FOLDER, "convex")
        self.events: list[Event] = []
        self._answers: dict[int, Event] = {}
        self._changed = threading.Condition()
        self._ids = count(1)
        self._ended = False
        self._process = subprocess.Popen(
            [require_node(), "driver.mjs", url],
            cwd=NODE_FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def send(self, operation: str, **fields: object) -> PendingCall:
        """Send a command and return at once."""
        call_id = next(self._ids)
        assert self._process.stdin is not None
        line = json.dumps({"id": call_id, "operation": operation, **fields})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return PendingCall(self, call_id)

    def call(self, operation: str, **fields: object) -> Any:
        """Send a command and return its value, or raise ``NodeFunctionError``."""
        return self.send(operation, **fields).result()

    def wait_for(self, wanted: Callable[[Event], bool], after: int = 0) -> Event:
        """Return the first event past the first ``after`` ones that is wanted; wait for it."""
        position = after

        def found() -> Event | None:
            nonlocal position
            while position < len(self.events):
                position += 1
                if wanted(self.events[position - 1]):
                    return self.events[position - 1]
            return None

        return self._wait(found)

    def wait_for_update(self, name: str, value: object, after: int = 0) -> None:
        """Wait until the subscription ``name`` shows ``value``."""
        self.wait_for(
            lambda event: (
                event["event"] == "update" and event["name"] == name and event["value"] == value
            ),
            after,
        )

    def wait_for_connection(self, is_connected: bool, after: int = 0) -> None:
        """Wait until the client says that it is connected, or that it is not."""
        self.wait_for(
            lambda event: (
                event["event"] == "connection" and event["isWebSocketConnected"] is is_connected
            ),
            after,
        )

    def updates(self, name: str) -> list[Any]:
        """Return all values that the subscription ``name`` has shown, in order."""
        return [
            event["value"]
            for event in tuple(self.events)
            if event["event"] == "update" and event["name"] == name
        ]

    def console(self) -> list[str]:
        """Return all lines that the client has printed."""
        return [event["text"] for event in tuple(self.events) if event["event"] == "console"]

    def has_answer(self, call_id: int) -> bool:
        """Whether a command has been answered."""
        with self._changed:
            return call_id in self._answers

    def answer(self, call_id: int) -> Any:
        """Wait for the answer of a command; return its value or raise its error."""
        answer = self._wait(lambda: self._answers.get(call_id))
        if "error" in answer:
            raise NodeFunctionError(answer["error"])
        return answer["value"]

    def _wait(self, found: Callable[[], Event | None]) -> Event:
        with self._changed:
            result: Event | None = None

            def is_over() -> bool:
                nonlocal result
                result = found()
                return result is not None or self._ended

            self._changed.wait_for(is_over, timeout=ANSWER_SECONDS_MAX)
            if result is None:
                reason = "node ended" if self._ended else f"nothing in {ANSWER_SECONDS_MAX} s"
                raise TimeoutError(f"{reason}; last events: {self.events[-10:]}")
            return result

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                if "id" in message:
                    self._answers[message["id"]] = message
                else:
                    self.events.append(message)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
