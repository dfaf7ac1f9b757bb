"""A host for queries and mutations: a Node process that this one talks to, frame by frame.

It is driven by the thread that runs the function, which blocks while JavaScript runs, and the host
blocks while that thread answers it.

Not here: what is said (``transaction_run.py``); which host runs what (``host_pool.py``).
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from livefile.javascript.life_line import life_line
from livefile.javascript.life_line import work_s as process_work_s
from livefile.javascript.node_program import host_command, limit_memory
from livefile.vocabulary.errors import HostError
from livefile.vocabulary.limits import HOST_FRAME_BYTES_MAX

Frame = list[Any]  # JSON.

_HEAD = struct.Struct("<I")
_RECEIVE_BYTES = 1 << 18
_AT_ONCE = 0  # The number of a call whose answer is all that the host waits for.
_TICK_S = 0.01
_START_S_MAX = 30.0
# A machine that has other things to do, or a function that waits, may take this many times as long.
_WAITING_FACTOR_MAX = 4
# What Node ends with when its heap is full: an abort.
_OUT_OF_MEMORY = (-signal.SIGABRT, 128 + signal.SIGABRT)


class HostProcess:
    """One host. One thread at a time.

    ``loaded`` are the ids of the code that it has.
    """

    def __init__(
        self, mode: str = "transactions", folder: Path | None = None, *, is_open: bool = False
    ) -> None:
        """Start the process; ``wait_until_ready`` says when it listens.

        With the mode ``node`` it only analyses, in a ``folder`` with installed packages. Where
        ``is_open``, code may change the language's own objects.

        Raises:
            PushError: there is no Node.
        """
        if sys.platform == "win32":
            raise HostError("TypeScript is not run on Windows yet")
        self.loaded: set[str] = set()
        self.is_open = is_open
        self.is_waiting = True
        """Whether it waits for any frame; else it computes, or waits for one answer."""
        self.is_spoilt = False
        """Whether a function has changed what it cannot put back."""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                host_command(mode, is_open=is_open),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", "")},
                start_new_session=True,  # Ctrl-C is for us, and we end it.
            )
        life_line.add(self.pid)
        timeout = struct.pack("ll", 0, round(_TICK_S * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self._received = bytearray()
        self._tells_of_loads = mode == "transactions"
        self._worked_s = 0.0

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until it has started.

        Raises:
            HostError: it has ended instead.
        """
        self._receive(_START_S_MAX)
        limit_memory(self._process.pid)

    def load(self, code_id: str, sources: Mapping[str, tuple[str, str | None]]) -> None:
        """Let it have the modules of some code: text and source map by path.

        Raises:
            HostError: the process has ended.
        """
        if code_id in self.loaded:
            return
        self.send(["load", code_id, sources])
        self.loaded.add(code_id)
        if self._tells_of_loads:
            try:
                self._receive(_START_S_MAX)
            except TimeoutError:
                raise HostError("JavaScript takes too long to compile") from None

    def send(self, frame: Frame) -> None:
        """Send a frame.

        Raises:
            HostError: the process has ended.
        """
        content = orjson.dumps(frame)
        try:
            self._socket.sendall(_HEAD.pack(len(content)) + content)
        except OSError:
            raise self._ended() from None

    def ask(
        self, frame: Frame, work_s_max: float, *, is_measured: bool = False
    ) -> tuple[Frame, float, float]:
        """Send a frame and return the next one from there.

        What comes before the first tick counts as work for all of its time, unless it
        ``is_measured``: on a busy machine that is a few times as long.

        Returns:
            The frame, the seconds that the host worked on it, and those that have passed.

        Raises:
            TimeoutError: it worked longer than ``work_s_max``, or some times as long has passed.
            HostError: the process has ended.
        """
        self.is_waiting = False
        started = time.perf_counter()
        work_before_s = process_work_s(self.pid) if is_measured else None
        self.send(frame)
        answer = self._receive(work_s_max, work_before_s)
        self.is_waiting = answer[0] != "calls" or answer[2][0][0] != _AT_ONCE
        passed_s = time.perf_counter() - started
        if work_before_s is not None and work_before_s >= 0:
            self._worked_s = process_work_s(self.pid) - work_before_s
        return answer, min(passed_s, self._worked_s or passed_s), passed_s

    def close(self) -> None:
        """End the process."""
        life_line.remove(self.pid)
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _receive(self, work_s_max: float, work_before_s: float | None = None) -> Frame:
        received = self._received
        ticks_count = 0
        self._worked_s = 0.0
        while True:
            if len(received) >= _HEAD.size:
                size = _HEAD.size + _HEAD.unpack_from(received)[0]
                if size > HOST_FRAME_BYTES_MAX:
                    raise HostError(
                        f"JavaScript sent {size} bytes at once, the limit is {HOST_FRAME_BYTES_MAX}"
                    )
                if len(received) >= size:
                    frame = _frame(received[_HEAD.size : size])
                    del received[:size]
                    return frame
            try:
                piece = self._socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:  # A tick is over.
                # Only what takes long is measured: most answers come before the first tick.
                ticks_count += 1
                passed_s = ticks_count * _TICK_S
                work_s = process_work_s(self.pid)
                if work_before_s is None:
                    work_before_s = work_s - _TICK_S
                self._worked_s = passed_s if work_s < 0 else work_s - work_before_s
                if self._worked_s >= work_s_max or passed_s >= work_s_max * _WAITING_FACTOR_MAX:
                    raise TimeoutError from None
                continue
            except OSError:
                raise self._ended() from None
            if not piece:
                raise self._ended()
            received += piece

    def _ended(self) -> HostError:
        code = self._process.wait()
        if code in _OUT_OF_MEMORY:
            return HostError("JavaScript execution ran out of memory (maximum memory usage: 64 MB)")
        return HostError(f"the JavaScript process has ended with code {code}")


def _frame(content: bytearray) -> Frame:
    try:
        frame: Frame = orjson.loads(content)
        _, _, _, _, *observed = frame if frame[0] != "ready" else [*frame, None, None, None]
    except ValueError:
        raise HostError("JavaScript asked for something with arguments that are no JSON") from None
    if len(observed) != (frame[0] == "done") * 2:
        raise HostError("JavaScript asked for something with arguments that are no JSON")
    return frame
