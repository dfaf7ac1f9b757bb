"""A disk that remembers every write, and what may be left of them after a power loss.

``RecordingDisk`` is SQLite's file system with a log: each file made, written, cut, synced and
deleted. ``DiskState`` goes along such a log and can at any point say what a machine that loses
its power there may find: what was synced is kept; of all that was written since, any sectors, in
any order; and a file that was made or deleted may be there or not.

Not here: what is done on the disk, and how an image is judged (``power_loss.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import apsw

_NAME = "recording"
_SECTOR_BYTES = 512
_RECORDED = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL


@dataclass(frozen=True, slots=True)
class Opened:
    """A file was opened, and made if it was not there."""

    path: str


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes were written into a file."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file was cut, or made longer with zeros."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything in a file is on the disk, and so is the directory if the file was new."""

    path: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A file was deleted; ``is_synced`` if the directory was synced with it."""

    path: str
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody was told that this transfer is durable."""

    number: int


Change = Written | Truncated
Event = Opened | Change | Synced | Deleted | Acknowledged


class RecordingDisk(apsw.VFS):
    """Mount it with ``with``; then every database of this process is on it."""

    def __init__(self) -> None:
        super().__init__(_NAME, "unix", makedefault=True)
        self.events: list[Event] = []

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # SQLite's name.
        # Any: a text or a URIFilename, handed through.
        if not flags[0] & _RECORDED:
            return apsw.VFSFile("unix", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.events.append(Opened(path))
        return _RecordedFile(self.events, path, name, flags)

    def xDelete(self, path: str, is_synced: bool) -> None:  # SQLite's name.
        super().xDelete(path, is_synced)
        self.events.append(Deleted(path, is_synced))

    def __enter__(self) -> "RecordingDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()
        apsw.set_default_vfs("unix")


class _RecordedFile(apsw.VFSFile):
    def __init__(self, events: list[Event], path: str, name: Any, flags: list[int]) -> None:
        self._events = events
        self._path = path
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name.
        super().xWrite(data, offset)
        self._events.append(Written(self._path, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # SQLite's name.
        super().xTruncate(size)
        self._events.append(Truncated(self._path, size))

    def xSync(self, flags: int) -> None:  # SQLite's name.
        super().xSync(flags)
        self._events.append(Synced(self._path))


@dataclass(slots=True, eq=False)
class _Content:
    """One file's bytes: those that are on the disk, and what was done since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    is_new: bool = True

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()
        self.is_new = False


class DiskState:
    """What is on the disk after some events, and what a power loss may leave of it."""

    def __init__(self) -> None:
        # What a name stood for: first for certain, then after each change not yet synced.
        self._names: dict[str, list[_Content | None]] = {}
        self.acknowledged: list[int] = []

    def advance(self, event: Event) -> None:
        """Let one more thing happen."""
        match event:
            case Opened(path):
                history = self._names.setdefault(path, [None])
                if history[-1] is None:
                    history.append(_Content())
            case Written(path) | Truncated(path):
                self._content(path).pending.append(event)
            case Synced(path):
                content = self._content(path)
                if content.is_new:
                    self._sync_directory()
                content.sync()
            case Deleted(path, is_synced):
                self._names.setdefault(path, [None]).append(None)
                if is_synced:
                    self._sync_directory()
            case Acknowledged(number):
                self.acknowledged.append(number)

    def lose_power(self, random: Random) -> Mapping[str, bytes]:
        """Return the files that may be found afterwards. The state stays as it is."""
        found = {}
        is_kind = random.random() < 0.5  # A directory that kept all, as most do.
        for path, history in self._names.items():
            content = history[-1] if is_kind else random.choice(history)
            if content is not None:
                found[path] = _what_is_left(content, random)
        return found

    def _content(self, path: str) -> _Content:
        content = self._names[path][-1]
        assert content is not None, f"{path} is used after it was deleted"
        return content

    def _sync_directory(self) -> None:
        for history in self._names.values():
            del history[:-1]


def _what_is_left(content: _Content, random: Random) -> bytes:
    left = bytearray(content.durable)
    pending = content.pending
    match random.choice(("nothing", "everything", "beginning", "anything", "anything")):
        case "nothing":
            pending = []
        case "beginning":
            pending = pending[: random.randrange(len(pending) + 1)]
            if pending:
                pending = [*pending[:-1], *_sectors(pending[-1])[: random.randrange(8)]]
        case "anything":
            share = random.random()
            sectors = [sector for change in pending for sector in _sectors(change)]
            pending = [sector for sector in sectors if random.random() < share]
            random.shuffle(pending)
    for change in pending:
        _apply(left, change)
    if len(left) > len(content.durable) and random.random() < 0.25:
        del left[random.randrange(len(content.durable), len(left)) :]
    return bytes(left)


def _sectors(change: Change) -> list[Change]:
    if isinstance(change, Truncated):
        return [change]
    sectors: list[Change] = []
    start = 0
    while start < len(change.data):
        # Up to the next border of a sector on the disk.
        end = start + _SECTOR_BYTES - (change.offset + start) % _SECTOR_BYTES
        sectors.append(Written(change.path, change.offset + start, change.data[start:end]))
        start = end
    return sectors


def _apply(content: bytearray, change: Change) -> None:
    match change:
        case Written(_, offset, data):
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        case Truncated(_, size):
            del content[size:]
            content.extend(bytes(size - len(content)))
