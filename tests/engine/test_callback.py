"""Errors of the program around the engine stay its own."""

from pathlib import Path

import pytest

from livefile import CallRecord, Livefile, Update
from tests.app_folder import write_app

SOURCE = """
    from livefile import MutationCtx, QueryCtx, mutation, query

    @mutation
    def add(ctx: MutationCtx) -> None:
        ctx.db.table("things").insert({"n": 1})

    @query
    def count(ctx: QueryCtx) -> int:
        return len(ctx.db.table("things").query().collect())
"""


def test_an_observer_that_fails_is_logged_and_harms_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def observe(record: CallRecord) -> None:
        raise OSError(f"cannot write about {record.path}")

    with Livefile.open(":memory:", write_app(tmp_path, {"things": SOURCE})) as livefile:
        livefile.observe_calls(observe)
        livefile.mutation("things:add")
        livefile.mutation("things:add")

        assert livefile.query("things:count") == 2
    assert "cannot write about things:add" in caplog.text


def test_a_watcher_that_fails_leaves_the_others_their_updates(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def deliver(update: Update) -> None:
        raise OSError("gone")

    with Livefile.open(
        ":memory:", write_app(tmp_path, {"things": SOURCE}), has_threads=False
    ) as livefile:
        livefile.open_query_set(deliver).require(0)
        livefile.step()

        assert livefile.query("things:count") == 0
    assert "gone" in caplog.text


def test_a_deployment_without_threads_answers_in_the_callers_thread(tmp_path: Path) -> None:
    with Livefile.open(
        ":memory:", write_app(tmp_path, {"things": SOURCE}), has_threads=False
    ) as livefile:
        livefile.mutation("things:add")

        assert livefile.query("things:count") == 1
