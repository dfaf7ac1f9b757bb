"""Every planted bug: what it is, how it is planted, and what finds it.

A torture that finds nothing must be known to be able to. So each bug is planted and looked for
with seeds of its own: by the tests with a few, by ``make torture`` with twenty, of which at least
nineteen must find it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.torture import (
    backup_loop,
    core_bugs,
    core_slow_bugs,
    disk_bugs,
    history_bugs,
    reactive_bugs,
    scheduler_bugs,
    scheduler_simulation,
)


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """One bug. ``find`` runs a torture with a seed and tells whether that noticed anything."""

    id: str
    description: str
    found_by: str
    plant: Callable[[pytest.MonkeyPatch], None]
    find: Callable[[int], bool]

    def count_found(self, seeds: Sequence[int]) -> int:
        """Return with how many of the seeds the bug is found."""
        with pytest.MonkeyPatch.context() as patch:
            self.plant(patch)
            return sum(self.find(seed) for seed in seeds)


PLANTED: Sequence[PlantedBug] = (
    PlantedBug(
        id="B3",
        description="commits are synced at checkpoints only (`synchronous=NORMAL`)",
        found_by="R5",
        plant=disk_bugs.sync_at_checkpoints_only,
        find=disk_bugs.find,
    ),
    PlantedBug(
        id="B3",
        description="nothing is ever synced (`synchronous=OFF`)",
        found_by="R5",
        plant=disk_bugs.never_sync,
        find=disk_bugs.find,
    ),
    PlantedBug(
        id="B4",
        description="a group is acknowledged before its commit",
        found_by="R5",
        plant=disk_bugs.commit_later,
        find=disk_bugs.find,
    ),
    PlantedBug(
        id="X1",
        description="each write of a mutation is durable by itself",
        found_by="R5",
        plant=disk_bugs.commit_each_statement,
        find=disk_bugs.find,
    ),
    PlantedBug(
        id="B5",
        description="no query hears of a deletion",
        found_by="R13",
        plant=core_bugs.keep_results_of_deleted,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="B6",
        description="a slow client gets the older of two outcomes",
        found_by="R13",
        plant=core_bugs.hold_the_older_outcome,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="B10",
        description="live queries go on under the identity before",
        found_by="R13",
        plant=core_bugs.keep_the_identity,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="B11",
        description="a patch leaves the index entries as they were",
        found_by="R13",
        plant=core_bugs.keep_the_index_entry,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="B13",
        description="a range is tracked one key too short",
        found_by="R13",
        plant=core_bugs.read_one_key_less,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="B14",
        description="a transition is split over two messages",
        found_by="R13",
        plant=core_bugs.split_transitions,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="X2",
        description="a result that depends on the caller is shared",
        found_by="R13",
        plant=core_bugs.share_across_identities,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="X3",
        description="a slow client never gets what gathered meanwhile",
        found_by="R13",
        plant=core_bugs.forget_the_backlog,
        find=core_bugs.find,
    ),
    PlantedBug(
        id="X6",
        description="an update does not wait for slow queries",
        found_by="R13",
        plant=core_slow_bugs.send_before_it_landed,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X7",
        description="an update waits only for slow queries of its own snapshot",
        found_by="R13",
        plant=core_slow_bugs.send_while_an_older_runs,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X8",
        description="a slow result is kept although a commit touched it since",
        found_by="R13",
        plant=core_slow_bugs.keep_what_is_old_by_now,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X9",
        description="mutations do not wait for a slow one of their session",
        found_by="R13",
        plant=core_slow_bugs.ignore_the_session,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X10",
        description="a prepared update stays though it cannot be complete any more",
        found_by="R13",
        plant=core_slow_bugs.never_take_back,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X11",
        description="a slow mutation is committed whatever came in between",
        found_by="R13",
        plant=core_slow_bugs.commit_without_validation,
        find=core_slow_bugs.find,
    ),
    PlantedBug(
        id="X12",
        description="a slow result of the code before a deploy is kept",
        found_by="R13",
        plant=core_slow_bugs.keep_what_old_code_made,
        find=core_slow_bugs.find_in_queries,
    ),
    PlantedBug(
        id="X13",
        description="a backup is a plain copy of the file",
        found_by="R8",
        plant=backup_loop.copy_plainly,
        find=backup_loop.find,
    ),
    PlantedBug(
        id="X14",
        description="a backup has its final name from the start",
        found_by="R8",
        plant=backup_loop.name_at_once,
        find=backup_loop.find,
    ),
    PlantedBug(
        id="X4",
        description="a range read counts as a read of the whole index",
        found_by="P1",
        plant=reactive_bugs.read_whole_indexes,
        find=reactive_bugs.find_imprecise,
    ),
    PlantedBug(
        id="B13",
        description="a range is tracked one key too short",
        found_by="P1",
        plant=core_bugs.read_one_key_less,
        find=reactive_bugs.find_imprecise,
    ),
    PlantedBug(
        id="X5",
        description="callers go on sharing a result that began to depend on them",
        found_by="S5",
        plant=reactive_bugs.forget_whose_result_it_is,
        find=reactive_bugs.find_leaking,
    ),
    PlantedBug(
        id="B1",
        description="only single keys that were read are asked for conflicts",
        found_by="R2",
        plant=history_bugs.ignore_ranges,
        find=history_bugs.find_in_ranges,
    ),
    PlantedBug(
        id="B2",
        description="only what both wrote is a conflict",
        found_by="R1",
        plant=history_bugs.check_writes_only,
        find=history_bugs.find_in_lists,
    ),
    PlantedBug(
        id="B5",
        description="no query hears of a deletion",
        found_by="R9",
        plant=core_bugs.keep_results_of_deleted,
        find=history_bugs.find_at_rest,
    ),
    PlantedBug(
        id="B6",
        description="an older update is pushed after a newer one",
        found_by="R9",
        plant=history_bugs.push_the_older_after_the_newer,
        find=history_bugs.find_at_rest,
    ),
    PlantedBug(
        id="B7",
        description="answers to requests are kept in memory only",
        found_by="R10",
        plant=history_bugs.keep_answers_in_memory,
        find=history_bugs.find_in_chaos,
    ),
    PlantedBug(
        id="B10",
        description="live queries go on under the identity before",
        found_by="R9",
        plant=core_bugs.keep_the_identity,
        find=history_bugs.find_at_rest,
    ),
    PlantedBug(
        id="B11",
        description="a patch leaves the index entries as they were",
        found_by="R2",
        plant=core_bugs.keep_the_index_entry,
        find=history_bugs.find_in_ranges,
    ),
    PlantedBug(
        id="B12",
        description="a request that is sent again is run again",
        found_by="R10",
        plant=history_bugs.keep_no_answers,
        find=history_bugs.find_in_chaos,
    ),
    PlantedBug(
        id="B13",
        description="a range is read without its upper bound",
        found_by="R2",
        plant=history_bugs.leave_out_the_end,
        find=history_bugs.find_in_ranges,
    ),
    PlantedBug(
        id="B14",
        description="a transition is split over two messages",
        found_by="R3",
        plant=core_bugs.split_transitions,
        find=history_bugs.find_in_bank,
    ),
    PlantedBug(
        id="B8",
        description="what a scheduled mutation did is committed first, and that it is done later",
        found_by="R12",
        plant=scheduler_bugs.mark_done_in_a_second_commit,
        find=scheduler_simulation.find,
    ),
    PlantedBug(
        id="B15",
        description="the next beat of a cron job is that of a clock that may have gone back",
        found_by="R12",
        plant=scheduler_bugs.wait_by_the_clock_on_the_wall,
        find=scheduler_simulation.find,
    ),
    PlantedBug(
        id="X15",
        description="a scheduled function that was cancelled while it waited its turn runs",
        found_by="R12",
        plant=scheduler_bugs.run_what_was_cancelled,
        find=scheduler_simulation.find,
    ),
)
