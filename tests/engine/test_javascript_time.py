"""The time of a pushed function: what JavaScript takes counts, what the database takes does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile import App, Livefile, LivefileError
from livefile.functions import slow_lane
from livefile.javascript import transaction_run
from tests.app_folder import write_app
from tests.engine.pushed_project import push, pushed

pytestmark = pytest.mark.node

PYTHON = """
    from livefile import MutationCtx, Table, mutation

    class Note(Table, name="notes"):
        number: int

    @mutation
    def fill(ctx: MutationCtx) -> None:
        for number in range(1_000):
            ctx.db.insert(Note(number=number))
"""
# The function finds nothing, again and again, for which the database reads all that there is.
SOURCE = """
const read = () => Convex.asyncSyscall("livefile/queryRead", JSON.stringify({
  queryId: 0,
  count: 9,
  query: {
    source: { type: "FullTableScan", tableName: "notes", order: null },
    operators: [{ filter: { $eq: [{ $field: "number" }, { $literal: -1 }] } }],
  },
}));
const search = {
  isQuery: true, isPublic: true,
  exportArgs: () => '{"type":"any"}', exportReturns: () => "null",
  invokeQuery: async () => {
    for (let i = 0; i < 30; i++) await read();
    return '"done"';
  },
};
export { search };
"""


@pytest.fixture
def livefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Livefile]:
    """A deployment in which the database takes longer than a function may."""
    app = App.load(write_app(tmp_path, {"plain": PYTHON}))
    with Livefile.open(tmp_path / "notes.db", app) as opened:
        pushed(opened, push({"notes.js": SOURCE}))
        opened.mutation("plain:fill")
        monkeypatch.setattr(slow_lane, "FUNCTION_DURATION_MS_MAX", 100)
        yield opened


def test_time_in_which_the_database_answers_does_not_count(livefile: Livefile) -> None:
    assert livefile.query("notes:search") == "done"


def test_a_function_does_not_wait_for_the_database_for_ever(
    livefile: Livefile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_lane, "FUNCTION_DURATION_MS_MAX", 30)
    monkeypatch.setattr(transaction_run, "PUSHED_FUNCTION_WAIT_MS_MAX", 0)

    with pytest.raises(LivefileError, match="timed out"):
        livefile.query("notes:search")
