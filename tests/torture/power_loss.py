"""Does a power loss at any moment leave every acknowledged commit, and nothing half-written?

Lives of a file are recorded (``recording_disk.py``): made, filled, checkpointed, closed and opened
again. Then the power is lost at random moments of them, and each image is judged on its own
(``ledger.py``).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw
import pytest

from livefile import App
from tests.integrity import check_integrity
from tests.torture.figure import Figure, Size
from tests.torture.ledger import Transfers, check_bank, load_app, open_bank
from tests.torture.recording_disk import Acknowledged, DiskState, Event, RecordingDisk
from tests.torture.scratch import scratch_folder

# Lives recorded, and moments in each at which the power is lost.
_LIVES = {Size.T1: 40, Size.T2: 1_000}
_LOSSES_PER_LIFE = {Size.T1: 55, Size.T2: 110}
_IMAGES_MIN = {Size.T1: 2_000, Size.T2: 100_000}
_REOPENED_SHARE = 0.03  # Of the images: opened as a deployment, too, and written to.
_GROUPS_PER_LIFE = 24


@dataclass(frozen=True, slots=True)
class Loss:
    """One power loss: where in the events of a life, and what is found then."""

    moment: int
    files: Mapping[str, bytes]
    acknowledged: Sequence[int]


def measure(size: Size, seed: int) -> Figure:
    """Record lives and lose the power in each of them many times."""
    started = time.perf_counter()
    images, failures = 0, []
    with scratch_folder() as folder:
        app = load_app(folder)
        for life in range(_LIVES[size]):
            life_seed = seed * 10_000 + life
            random = Random(life_seed)
            events = record_life(folder / f"life{life}", app, random, life_seed)
            for loss in losses(events, random, _LOSSES_PER_LIFE[size]):
                images += 1
                is_reopened = random.random() < _REOPENED_SHARE
                error = judge(folder / "image", loss, app if is_reopened else None)
                if error is not None:
                    failures.append(f"life {life_seed}, after event {loss.moment}: {error}")
    return Figure(
        id="R5",
        question="power loss: every acknowledged commit is there, nothing is half-written",
        cases=images,
        cases_min=_IMAGES_MIN[size],
        failures=len(failures),
        duration_s=time.perf_counter() - started,
        note="; ".join(failures[:3]),
    )


def count_failures(seed: int) -> int:
    """Return in how many of 100 images of two lives something is wrong. For planted bugs."""
    count = 0
    with scratch_folder() as folder:
        app = load_app(folder)
        for life_seed in (seed, seed + 1_000):
            random = Random(life_seed)
            events = record_life(folder / f"life{life_seed}", app, random, life_seed)
            for loss in losses(events, random, 50):
                count += judge(folder / "image", loss, None) is not None
    return count


def record_life(folder: Path, app: App, random: Random, seed: int) -> list[Event]:
    """Return everything that reached the disk while a bank was open, twice."""
    folder.mkdir()
    path = folder / "live.db"
    with RecordingDisk() as disk, pytest.MonkeyPatch.context() as patch:
        transfers = Transfers(random, acknowledged=_AcknowledgedInto(disk.events))
        patch.setattr(
            "livefile.sqlite.connections.WAL_PAGES_BEFORE_CHECKPOINT",
            random.choice((5, 30, 100, 100_000)),
        )
        for opening in range(2):
            with open_bank(path, app, seed + opening) as livefile:
                if not opening:
                    transfers.open_accounts(livefile)
                for _ in range(_GROUPS_PER_LIFE // 2):
                    transfers.run_group(livefile, random.choice((1, 1, 2, 5)))
    assert not transfers.failures, transfers.failures
    return disk.events


class _AcknowledgedInto(list[int]):
    """A list of acknowledged transfers that also notes when each was."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self._events = events

    def append(self, number: int) -> None:
        super().append(number)
        self._events.append(Acknowledged(number))


def losses(events: Sequence[Event], random: Random, count: int) -> list[Loss]:
    """Lose the power at random moments, and after the last event."""
    moments = sorted(random.choices(range(len(events) + 1), k=count - 1))
    state = DiskState()
    found = []
    done = 0
    for moment in [*moments, len(events)]:
        for event in events[done:moment]:
            state.advance(event)
        done = moment
        found.append(
            Loss(
                moment=moment,
                files=state.lose_power(random),
                acknowledged=tuple(state.acknowledged),
            )
        )
    return found


def judge(folder: Path, loss: Loss, app: App | None) -> str | None:
    """Return what is wrong with an image, None if nothing is.

    With an app it is opened as a deployment afterwards, which must be able to go on.
    """
    folder.mkdir(exist_ok=True)
    for left_over in folder.iterdir():
        left_over.unlink()
    for name, content in loss.files.items():
        (folder / Path(name).name).write_bytes(content)
    path = folder / "live.db"
    try:
        connection = apsw.Connection(str(path))
        try:
            count = len(check_bank(connection, loss.acknowledged))
        finally:
            connection.close()
        if app is not None:
            _go_on(path, app, count)
    except Exception as error:  # What a damaged file makes of its reader: anything.
        return f"{type(error).__name__}: {error}"
    return None


def _go_on(path: Path, app: App, count: int) -> None:
    transfers = Transfers(Random(count), next_number=count)
    with open_bank(path, app, count) as livefile:
        check_integrity(livefile._database)
        if not livefile.query("bank:total"):
            transfers.open_accounts(livefile)
        transfers.run_group(livefile, 3)
        check_integrity(livefile._database)
    connection = apsw.Connection(str(path))
    check_bank(connection, range(count + 3))
    connection.close()
