"""A host of actions: a Node process that runs many at one time, beside everything else.

Its frames come and go on the event loop of the actions. Whatever ends it, out of memory or held up
by an action that never waits, ends all actions that run in it, and nothing else; the next action
gets a new one.

Not here: one action in it (``action_run.py``); which host an action gets (``action_hosts.py``).
"""

import asyncio
import logging
import os
import signal
import struct
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from livefile.javascript.life_line import life_line, work_s
from livefile.javascript.node_program import host_command
from livefile.vocabulary.errors import HostError
from livefile.vocabulary.limits import (
    ACTION_HOST_HEAP_MIB_MAX,
    ACTION_HOST_MEMORY_BYTES_MAX,
    ACTION_HOST_SILENCE_MS_MAX,
    HOST_FRAME_BYTES_MAX,
    MIB,
)

Frame = list[Any]  # JSON.
Mode = Literal["actions", "node"]

_log = logging.getLogger("livefile")

_HEAD = struct.Struct("<I")
_READ_BYTES = 1 << 20
_PING_S = 1.0
_ERROR_LINES_MAX = 100  # That one process writes into the server's log.
_OWN_LINE = "uncaught"  # What is not Node's own talk (host/actions.js).
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "LANG", "TZ")
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_ABORTED = (-signal.SIGABRT, 128 + signal.SIGABRT)


class HostRun:
    """One action in a host, as a queue of the frames that concern it.

    A frame that is an error is the last one.
    """

    def __init__(self, host: "ActionHost", number: int) -> None:
        self._host = host
        self._number = number
        self.frames: asyncio.Queue[Frame | Exception] = asyncio.Queue()

    async def reply(self, call_id: int, is_ok: bool, text: str) -> None:
        """Answer one call."""
        await self._host.send(["reply", self._number, [[call_id, is_ok, text]]])

    def close(self) -> None:
        """Let the host forget the action, which is stopped if it is not over."""
        self._host.end_run(self._number)


class ActionHost:
    """One process. One event loop.

    ``loaded`` are the ids of the code that it has.
    """

    def __init__(self, process: asyncio.subprocess.Process, silence_ms_max: int) -> None:
        """Take a process that was started; use ``start`` instead."""
        self._process = process
        self._silence_ms_max = silence_ms_max
        self.loaded: set[str] = set()
        self._runs: dict[int, HostRun] = {}
        self._numbers = count(1)
        self._is_heard = True
        self._draining = asyncio.Lock()
        self._reason: str | None = None
        """Why it was killed, if we did that."""
        self.is_usable = True
        """Whether it takes actions: not once it has ended, or is to end with those it has."""
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_errors()),
            asyncio.create_task(self._watch()),
        ]

    @classmethod
    async def start(
        cls,
        mode: Mode,
        folder: Path | None,
        silence_ms_max: int = ACTION_HOST_SILENCE_MS_MAX,
        *,
        is_open: bool = False,
    ) -> Self:
        """Start a process, for the web's actions or those with "use node".

        ``folder`` is where the latter are, with the installed packages. Where ``is_open``, the
        former may change the language's own objects.

        Raises:
            PushError: there is no Node.
        """
        process = await asyncio.create_subprocess_exec(
            *host_command(mode, is_open=is_open),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            cwd=folder,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            start_new_session=True,  # Ctrl-C is for us, and we end it.
        )
        # Digests, and libraries with "use node", compute on all of them at one time.
        life_line.add(process.pid, os.cpu_count() or 1)
        return cls(process, silence_ms_max)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def runs_count(self) -> int:
        """How many actions run in it."""
        return len(self._runs)

    async def run(
        self, code_id: str, sources: Mapping[str, tuple[str, str | None]], spec: Mapping[str, Any]
    ) -> HostRun:
        """Begin to run a function of ``sources``, which the host is given if it has them not."""
        run = HostRun(self, next(self._numbers))
        self._runs[run._number] = run
        try:
            if code_id not in self.loaded:
                self.loaded.add(code_id)
                await self.send(["load", code_id, sources])
            await self.send(["run", run._number, spec])
        except BaseException:  # Cancelled, for one.
            run.close()
            raise
        return run

    def end_run(self, number: int) -> None:
        """Forget a run; the process ends with the last one if nothing new is for it."""
        if self._runs.pop(number, None) is not None:
            self._write(["cancel", number])
        if not self.is_usable and not self._runs:
            self.kill(None)

    def retire(self) -> None:
        """Take nothing new; end with the last action that runs."""
        self.is_usable = False
        if not self._runs:
            self.kill(None)

    async def send(self, frame: Frame) -> None:
        """Send a frame; returns once there is room for more. A process that has ended hears none.

        Raises:
            HostError: the frame is too large.
        """
        self._write(frame)
        assert self._process.stdin is not None
        async with self._draining:  # In Python 3.11 only one may wait for room at a time.
            with suppress(ConnectionError):
                await self._process.stdin.drain()

    def kill(self, reason: str | None) -> None:
        """End the process now. ``reason`` is what its actions are told. Any thread."""
        self.is_usable = False
        self._reason = self._reason or reason
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                # Not ``Process.kill``, which may take the exit code from those who wait for it.
                os.kill(self.pid, _KILL)

    def _write(self, frame: Frame) -> None:
        content = orjson.dumps(frame)
        if len(content) > HOST_FRAME_BYTES_MAX:
            raise HostError(
                f"{len(content)} bytes are too much to be sent to JavaScript at once, "
                f"{HOST_FRAME_BYTES_MAX} are the most"
            )
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(_HEAD.pack(len(content)) + content)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        reader = self._process.stdout
        try:
            while True:
                (size,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
                if size > HOST_FRAME_BYTES_MAX:
                    self.kill("something else than Livefile's own program wrote to its output")
                    break
                self._is_heard = True
                self._handle(orjson.loads(await reader.readexactly(size)))
        except orjson.JSONDecodeError:
            self.kill("something else than Livefile's own program wrote to its output")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # It has ended.
        finally:
            await self._end()

    def _handle(self, frame: Frame) -> None:
        match frame:
            case ["pong", int(memory_bytes)]:
                if memory_bytes > ACTION_HOST_MEMORY_BYTES_MAX:
                    self.kill(
                        f"actions that ran at one time took more than "
                        f"{ACTION_HOST_MEMORY_BYTES_MAX // MIB} MiB of memory"
                    )
            case [_, int(number), *_]:
                run = self._runs.get(number)
                if run is not None:
                    if frame[0] == "done":
                        del self._runs[number]
                    run.frames.put_nowait(frame)
            case _:
                pass  # It is ready.

    async def _watch(self) -> None:
        """Kill the process if it computes, or stands still, for too long while actions run.

        What counts is its own time, and turns of this loop: neither a busy machine nor a loop that
        stood still itself are its fault.
        """
        silent_count, worked_s = 0, 0.0
        while True:
            await asyncio.sleep(_PING_S)
            if self._is_heard or not self._runs:
                silent_count, worked_s = 0, self._worked_s()
            else:
                silent_count += 1
            silent_s = silent_count * _PING_S
            computed_s = silent_s if worked_s < 0 else self._worked_s() - worked_s
            silence_s_max = self._silence_ms_max / 1000
            if silent_s and (computed_s > silence_s_max or silent_s > 4 * silence_s_max):
                self.kill(
                    f"an action computed for more than {self._silence_ms_max / 1000:g} s without "
                    "awaiting anything, which holds up all others"
                )
                return
            self._is_heard = False
            self._write(["ping"])

    def _worked_s(self) -> float:
        with suppress(OSError):  # It has ended.
            return work_s(self.pid)
        return -1.0

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        lines_count = 0
        with suppress(ConnectionError):
            while piece := await self._process.stderr.read(_READ_BYTES):
                for line in piece.decode(errors="replace").splitlines():
                    lines_count += 1
                    if lines_count <= _ERROR_LINES_MAX:
                        level = logging.WARNING if line.startswith(_OWN_LINE) else logging.DEBUG
                        _log.log(level, "JavaScript process %d: %.500s", self.pid, line)

    async def _end(self) -> None:
        """Tell the actions that it is over, once the process is. Runs on its own task's end."""
        self.kill(None)
        code = await self._process.wait()
        life_line.remove(self.pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._reason is None and code in _ABORTED:
            self._reason = (
                "actions that ran at one time took more than "
                f"{ACTION_HOST_HEAP_MIB_MAX} MiB of JavaScript memory"
            )
        reason = self._reason or f"it ended with code {code}"
        runs, self._runs = self._runs, {}
        if runs:
            _log.warning("the process of %d running actions was stopped: %s", len(runs), reason)
        for run in runs.values():
            run.frames.put_nowait(HostError(f"The process of the action was stopped: {reason}"))
        for task in self._tasks[1:]:
            task.cancel()
