"""Who takes the engine's steps: a thread of its own, somebody's event loop, or the caller.

All functions and everything that is shared run in steps, one after the other, on one thread; only
the wait for the disk and the slow lane are elsewhere. A step answers the commit group that has
become durable, runs the mutations that wait as the next group, and then the queries.

Not here: what a step does (``functions/mutations.py``, ``reactive/subscriptions.py``).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from livefile.functions.engine_thread import EngineThread
from livefile.functions.lane import Lane
from livefile.functions.mutations import Mutations
from livefile.reactive.subscriptions import Subscriptions
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import ClosedError
from livefile.workers.alarm import Alarm
from livefile.workers.worker import Worker

_log = logging.getLogger("livefile")


class Driver:
    """Takes steps whenever there is work. ``wake`` is safe for threads and returns at once."""

    def __init__(
        self, failed: Callable[[Exception], None], clock: Clock, *, has_threads: bool
    ) -> None:
        """Take who hears that the engine cannot go on; without threads ``step`` is by hand."""
        self._failed = failed
        self._clock = clock
        self._alarm = Alarm(clock, self.wake)
        self._workers: Sequence[Worker] = ()
        self.next_due_ns: int | None = None
        """When a step is due though nothing happens, as of the last one: see ``Worker.step``."""
        self._has_threads = has_threads
        self._lane: Lane
        self._mutations: Mutations
        self._subscriptions: Subscriptions
        self._thread: EngineThread | None = None
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = self._wake_thread if has_threads else _by_hand
        self._stepping_thread_id = 0
        self._driving_thread_id = 0
        self._is_failed = False
        self._failure: Exception | None = None

    def begin(
        self,
        mutations: Mutations,
        subscriptions: Subscriptions,
        lane: Lane,
        workers: Sequence[Worker],
    ) -> None:
        """Take what has work to do."""
        self._lane = lane
        self._workers = workers
        self._mutations = mutations
        self._subscriptions = subscriptions

    def wake(self) -> None:
        """Have a step taken soon."""
        self._wake()

    def step(self) -> None:
        """Do work that waits, on this thread."""
        if self._is_failed:
            return
        self._stepping_thread_id = threading.get_ident()
        try:
            if self._failure is not None:
                raise self._failure
            self._lane.step()
            self._mutations.run_group()
            if self._workers:  # They see what was published just now.
                self._step_workers()
            self._subscriptions.run_cycle()
        except Exception as error:  # The edge of a worker: nothing above would hear of it.
            if not self._has_threads:
                self._is_failed = True  # Else ``close`` would take the steps again.
                raise
            self._fail(error)
        finally:
            self._stepping_thread_id = 0

    def fail_soon(self, error: Exception) -> None:
        """Let the next step end everything. Safe for threads."""
        self._failure = error
        self.wake()

    @property
    def is_between_steps_here(self) -> bool:
        """Whether this thread takes the steps, and is outside of one."""
        return self._driving_thread_id == threading.get_ident() and not self._stepping_thread_id

    @property
    def is_stepping_here(self) -> bool:
        """Whether this thread is inside of a step."""
        return self._stepping_thread_id == threading.get_ident()

    def wait_for(self, submit: Callable[[Callable[[Any], None]], None]) -> Any:
        """Submit something and return what its ``done`` hears."""
        answer: Future[Any] = Future()
        submit(answer.set_result)
        if not self._has_threads or self._driving_thread_id == threading.get_ident():
            self._run_here(answer.done, answer)
        return answer.result()

    def settle(self, is_idle: Callable[[], bool], duration_s_max: float) -> None:
        """Take steps on this thread until nothing is left to do now; for engines without threads.

        Raises:
            TimeoutError: ``is_idle`` was not true for so long; it says whether others are done.
        """
        end = time.monotonic() + duration_s_max
        self.step()  # Workers look what is due.
        self._run_here(lambda: self._is_idle and is_idle(), end=end)

    def catch_up(self) -> None:
        """Do what waits, on this thread, if nobody else takes steps."""
        if not self._has_threads:
            self._run_here(lambda: self._is_idle)

    @property
    def _is_idle(self) -> bool:
        is_due = self.next_due_ns is not None and self.next_due_ns <= self._clock.now_ns()
        return self._mutations.is_idle and self._subscriptions.is_idle and not is_due

    @contextmanager
    def driven_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Let this thread take the steps: ``wake`` asks for one, from any thread."""
        self._stop_thread()
        self._driving_thread_id = threading.get_ident()
        self._wake = wake
        with ThreadPoolExecutor(1, "livefile-commit") as executor:
            self._mutations.commit_executor = executor
            wake()
            try:
                yield
            finally:
                self._mutations.commit_executor = None
                if not self._is_failed:
                    self._mutations.settle()
        self._driving_thread_id = 0
        self._wake = self._wake_thread
        self.wake()

    def finish(self) -> None:
        """Do everything that was accepted, on this thread; nobody else takes steps any more."""
        self._alarm.close()
        self._workers = ()
        self._stop_thread()
        if not self._is_failed:
            self._run_here(lambda: self._mutations.is_idle and self._subscriptions.is_idle)

    def _step_workers(self) -> None:
        now_ns = self._clock.now_ns()
        dues = [due_ns for worker in self._workers if (due_ns := worker.step(now_ns)) is not None]
        self.next_due_ns = min(dues, default=None)
        if self._has_threads:
            self._alarm.set(self.next_due_ns)

    def _run_here(
        self,
        is_done: Callable[[], bool],
        answer: "Future[Any] | None" = None,
        end: float | None = None,
    ) -> None:
        """Take steps on this thread until something is done; ``end`` is of the monotonic clock."""
        woken = threading.Event()
        usual, self._wake = self._wake, woken.set
        if answer is not None:
            answer.add_done_callback(lambda _: woken.set())
        woken.set()
        try:
            while not is_done() and not self._is_failed:
                if not woken.wait(None if end is None else end - time.monotonic()):
                    raise TimeoutError
                woken.clear()
                self.step()
        finally:
            self._wake = usual
            usual()  # It may have missed something.

    def _wake_thread(self) -> None:
        thread = self._thread
        if thread is None:
            with self._lock:
                thread = self._thread
                if thread is None:
                    thread = self._thread = EngineThread(self.step)
                    thread.start()
        thread.wake()

    def _stop_thread(self) -> None:
        self._wake = _by_hand
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def _fail(self, error: Exception) -> None:
        """End everything, because the engine cannot go on; who waits is told."""
        _log.critical("the engine stopped: %s", error, exc_info=error)
        self._is_failed = True
        closed = ClosedError(f"the deployment stopped: {error}")
        self._mutations.abandon(closed)
        self._subscriptions.abandon(closed)
        self._failed(error)


def _by_hand() -> None:
    """Do nothing: whoever takes steps by hand knows when."""
