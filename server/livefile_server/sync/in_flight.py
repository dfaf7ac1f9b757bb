"""What one client has asked for and was not answered yet: its mutations and actions.

Each waits with its arguments, so their size is bounded as well as their number.

Not here: answers that the client does not read (``outbox.py``), and the queries that it watches
(``state.py``).
"""

from livefile import FunctionKind, errors, limits


class InFlight:
    """The mutations and actions of one client that wait or run, by the numbers of its requests."""

    def __init__(self) -> None:
        # A client may use a number twice; then both are here.
        self._sizes: dict[tuple[FunctionKind, int], list[int]] = {}
        self._mutations_count = 0
        self._actions_count = 0
        self._size_bytes = 0

    def begin_mutation(self, request_number: int, size_bytes: int) -> None:
        """Take a mutation that came in a message of so many bytes.

        Raises:
            OverloadedError: the client has too many under way, or too large ones.
        """
        if self._mutations_count >= limits.MUTATIONS_QUEUED_PER_CLIENT_MAX:
            raise errors.OverloadedError(
                "TooManyConcurrentMutations",
                f"One client may have {self._mutations_count} mutations waiting",
            )
        self._hold(FunctionKind.MUTATION, request_number, size_bytes)
        self._mutations_count += 1

    def begin_action(self, request_number: int, size_bytes: int) -> None:
        """Take an action that came in a message of so many bytes.

        Raises:
            OverloadedError: the client has too many under way, or too large ones.
        """
        if self._actions_count >= limits.ACTIONS_RUNNING_PER_CLIENT_MAX:
            raise errors.OverloadedError(
                "TooManyInflightActionsForSingleClient",
                f"One client may have {self._actions_count} actions running",
            )
        self._hold(FunctionKind.ACTION, request_number, size_bytes)
        self._actions_count += 1

    def end_mutation(self, request_number: int) -> None:
        """Forget a mutation that is answered."""
        self._release(FunctionKind.MUTATION, request_number)
        self._mutations_count -= 1

    def end_action(self, request_number: int) -> None:
        """Forget an action that is answered."""
        self._release(FunctionKind.ACTION, request_number)
        self._actions_count -= 1

    def _hold(self, kind: FunctionKind, request_number: int, size_bytes: int) -> None:
        held_bytes = self._size_bytes + size_bytes
        # A single one is taken whatever its size, which the message bounds.
        if self._sizes and held_bytes > limits.REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX:
            raise errors.OverloadedError(
                "TooManyBytesInFlight",
                f"One client may have requests of "
                f"{limits.REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX} bytes under way, "
                f"not {held_bytes}",
            )
        self._sizes.setdefault((kind, request_number), []).append(size_bytes)
        self._size_bytes = held_bytes

    def _release(self, kind: FunctionKind, request_number: int) -> None:
        sizes = self._sizes[kind, request_number]
        self._size_bytes -= sizes.pop()
        if not sizes:
            del self._sizes[kind, request_number]
