"""The hosts of a deployment that run queries and mutations.

A thread that runs a function has a host of its own until the function ends; what the function
calls runs in the same one. Hosts are started ahead, on a thread of their own: starting one takes
longer than the engine's thread may wait.

Not here: one host (``host_process.py``); actions (``action_host.py``).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from livefile.functions.running import current_call
from livefile.functions.watchdog import Guard, Preempted, Unready, guard_here
from livefile.javascript.host_process import HostProcess
from livefile.javascript.pushed_code import Definition
from livefile.vocabulary.errors import HostError, LivefileError

_log = logging.getLogger("livefile")

# The engine's thread and those of the slow lane (limits.SLOW_FUNCTIONS_RUNNING_MAX, for calls and
# for live queries), and an analysis.
_HOSTS_MAX = 6
_WAIT_S_MAX = 30.0
_CODES_MAX = 32


class HostPool:
    """Hosts that are started when they are needed. Thread-safe."""

    def __init__(self) -> None:
        """Start none yet."""
        self._free: list[HostProcess] = []
        self._lock = threading.Condition()
        self._count = 0  # Free, in use, and about to start.
        self._is_closed = False
        self._failure: LivefileError | None = None
        self._code: tuple[Definition, ...] = ()
        self._is_open = False
        self._here = _Here()
        self._reserve_count = 0

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that are free now; for figures."""
        with self._lock:
            return [host.pid for host in self._free]

    def expect(self, code: tuple[Definition, ...], *, is_open: bool = False) -> None:
        """Have a host ready that knows this code. Returns at once.

        Where ``is_open``, the code may change the language's own objects.
        """
        self._code = code
        with self._lock:
            self._is_open = is_open
            if code and not self._count:
                self._start_one()
                return
            free, self._free = self._free, []
        if free:
            _begin(partial(self._load, free))

    @contextmanager
    def lease(self) -> Iterator[HostProcess]:
        """Have a host until the end of the block; inside of one, the same again.

        A host that fails, or that is left while it computes, is ended.

        Raises:
            Unready: there is none, and this thread must not wait for one.
            HostError: none can be started.
        """
        if self._here.host is not None:
            yield self._here.host
            return
        host = self._here.host = self._take()
        is_usable = False
        try:
            yield host
            is_usable = not host.is_spoilt
        except HostError:
            raise
        except BaseException:
            is_usable = host.is_waiting and not host.is_spoilt
            raise
        finally:
            self._here.host = None
            self._give_back(host, is_usable=is_usable)

    def close(self) -> None:
        """End the hosts."""
        with self._lock:
            self._is_closed = True
            free, self._free = self._free, []
            self._lock.notify_all()
        for host in free:
            host.close()

    def _take(self) -> HostProcess:
        guard = guard_here()
        is_hurried = guard is None or guard.stop is Preempted
        started = time.perf_counter()
        if guard is None:
            return self._take_free(guard, is_hurried=is_hurried)
        # The function has not begun, and none of this time is its own. Its run is shielded.
        is_due = guard.is_due
        try:
            return self._take_free(guard, is_hurried=is_hurried)
        finally:
            guard.excuse(time.perf_counter() - started)
            guard.is_due = is_due

    def _take_free(self, guard: Guard | None, *, is_hurried: bool) -> HostProcess:
        with self._lock:
            while len(self._free) <= (0 if is_hurried else self._reserve_count):
                if self._is_closed:
                    raise HostError("the deployment is closed")
                if self._failure is not None:
                    failure, self._failure = self._failure, None
                    raise HostError(str(failure)) from failure
                if self._count < _HOSTS_MAX:
                    self._start_one()
                if guard is not None and is_hurried:
                    raise Unready
                if not self._lock.wait(_WAIT_S_MAX):
                    raise HostError(f"no JavaScript process was free within {_WAIT_S_MAX:g} s")
            return self._free.pop()

    def _load(self, hosts: list[HostProcess]) -> None:
        for host in hosts:
            is_usable = False
            try:
                if host.is_open == self._is_open:
                    self._tell_code(host)
                is_usable = True
            except HostError as error:
                _log.warning("a JavaScript process has ended: %s", error)
            self._give_back(host, is_usable=is_usable)

    def _tell_code(self, host: HostProcess) -> None:
        for definition in self._code:
            host.load(definition.code_id, definition.sources("isolate"))

    def _give_back(self, host: HostProcess, *, is_usable: bool) -> None:
        # What was pushed before stays in a host's memory.
        is_fresh = len(host.loaded) <= _CODES_MAX and host.is_open == self._is_open
        with self._lock:
            if is_usable and is_fresh and not self._is_closed:
                self._free.append(host)
                self._lock.notify()
                return
            self._count -= 1
            # Node takes a while to start. Where one was lost another one may be, so from now on
            # there is one more, which the slow lane leaves to the engine's thread.
            if not is_usable:
                self._reserve_count = 1
            while not self._is_closed and self._count < 1 + self._reserve_count:
                self._start_one()
            self._lock.notify_all()  # Whoever waits for one may have another one started.
        _begin(host.close)  # Ending takes a while, too.

    def _start_one(self) -> None:
        self._count += 1
        _begin(self._start)

    def _start(self) -> None:
        host = None
        try:
            host = HostProcess(is_open=self._is_open)
            host.wait_until_ready()
            self._tell_code(host)
        except (LivefileError, OSError) as error:
            _log.warning("a JavaScript process could not be started: %s", error)
            if host is not None:
                host.close()
            with self._lock:
                self._count -= 1
                self._failure = HostError(str(error))
                self._lock.notify_all()
            return
        self._give_back(host, is_usable=True)  # By now other code may be expected.


def _begin(work: Callable[[], None]) -> None:
    # It is the engine that starts a thread here, not the function that waits for a host.
    token = current_call.set(None)
    try:
        threading.Thread(target=work, name="livefile-host", daemon=True).start()
    finally:
        current_call.reset(token)


class _Here(threading.local):
    """The host that this thread has now."""

    host: HostProcess | None = None
