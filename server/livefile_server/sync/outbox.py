"""What waits for a client that reads slowly.

Answers to requests wait in order and each is sent. Updates do not queue: a later one makes an
earlier one pointless, so they are merged and at most one waits, with the newest outcome of each
query. A client that never reads costs a bounded amount of memory.

Not here: when the client reads again (``web/websocket.py`` tells the session).
"""

from dataclasses import dataclass

from livefile import Outcome, Update, errors, limits


@dataclass(frozen=True, slots=True)
class Backlog:
    """Everything that waited: first the answers, in order, then the update, if any."""

    answers: tuple[bytes, ...]
    update: Update | None


class Outbox:
    """The answers and the one merged update that wait for one client."""

    def __init__(self) -> None:
        self._answers: list[bytes] = []
        self._answers_size_bytes = 0
        self._update: Update | None = None
        self._outcomes: dict[int, Outcome | None] = {}

    @property
    def has_update(self) -> bool:
        """Whether an update waits."""
        return self._update is not None

    def hold_answer(self, payload: bytes) -> None:
        """Keep one answer behind those already kept.

        Raises:
            OverloadedError: the client left too many unread; its socket must be closed.
        """
        size_bytes = self._answers_size_bytes + len(payload)
        # A single answer is kept whatever its size: its client asked for it.
        if self._answers and (
            len(self._answers) >= limits.ANSWERS_HELD_PER_CLIENT_MAX
            or size_bytes > limits.ANSWERS_HELD_PER_CLIENT_SIZE_BYTES_MAX
        ):
            raise errors.OverloadedError(
                "TooManyConcurrentRequests",
                f"A client left {len(self._answers)} answers of {self._answers_size_bytes} bytes "
                "unread",
            )
        self._answers.append(payload)
        self._answers_size_bytes = size_bytes

    def hold_update(self, update: Update) -> None:
        """Keep ``update``, merged over the one that waits.

        A removal stays until a newer outcome of that query or until it is sent: the client
        needs it also for a query whose outcome it never saw.
        """
        self._outcomes.update(update.outcomes)
        self._update = update

    def release(self) -> Backlog:
        """Return all that waits, and forget it."""
        update = self._update
        if update is not None:
            update = Update(
                ts=update.ts,
                query_set_version=update.query_set_version,
                identity_version=update.identity_version,
                outcomes=self._outcomes,
            )
        backlog = Backlog(answers=tuple(self._answers), update=update)
        self._answers = []
        self._answers_size_bytes = 0
        self._update = None
        self._outcomes = {}
        return backlog
