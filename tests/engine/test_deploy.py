from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from livefile import (
    ADMIN,
    App,
    AppError,
    ClosedError,
    FunctionNotFoundError,
    Livefile,
    ManualClock,
    OverloadedError,
    QuerySetChange,
    Update,
    WatchQuery,
)
from livefile.functions.deploy_progress import DeployProgress
from tests.app_folder import write_app
from tests.integrity import check_integrity

FIRST = """
    from typing import Literal
    from livefile import *

    class Page(Table, name="pages"):
        title: str
        size: int = 0
        by_title = index("title")

    class Visit(Table, name="visits"):
        page: Id[Page]

    @mutation
    def add(ctx: MutationCtx, title: str, size: int = 0) -> Id[Page]:
        return ctx.db.insert(Page(title=title, size=size))

    @mutation
    def visit(ctx: MutationCtx, page: Id[Page]) -> None:
        ctx.db.insert(Visit(page=page))

    @query
    def find(ctx: QueryCtx) -> list[str]:
        return [page.title for page in ctx.db.query(Page.by_title)]

    @query
    def version(ctx: QueryCtx) -> int:
        return 1

    @query
    def old(ctx: QueryCtx) -> int:
        return 1
"""
# Another index, another order, one function less and one more.
SECOND = (
    FIRST.replace('by_title = index("title")', 'by_size = index("size")')
    .replace("ctx.db.query(Page.by_title)", "ctx.db.query(Page.by_size)")
    .replace("return 1", "return 2")
    .replace("def old", "def new")
)
STRICTER = FIRST.replace(
    'class Visit(Table, name="visits"):',
    'class Visit(Table, name="visits"):\n        comment: str',
).replace("title: str\n", 'title: Literal["a", "b"]\n')


class Site:
    """A deployment whose app can be changed on the disk."""

    def __init__(self, folder: Path, path: Path | str = ":memory:") -> None:
        self.folder = write_app(folder, {"site": FIRST})
        self.livefile = Livefile.open(path, self.folder, clock=ManualClock(), seed=1)

    def edit(self, source: str) -> App:
        """Write other code and load it."""
        write_app(self.folder.parent, {"site": source}, self.folder.name)
        return self.livefile.app.reload()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    with opened.livefile:
        yield opened
        check_integrity_of(opened.livefile)


def check_integrity_of(livefile: Livefile) -> None:
    check_integrity(livefile._database)


def test_a_deploy_switches_to_the_new_code(site: Site) -> None:
    before = site.livefile.app
    after = site.edit(SECOND)
    site.livefile.deploy(after)

    assert site.livefile.app.functions is after.functions is not before.functions
    assert site.livefile.query("site:version") == 2
    assert site.livefile.query("site:new") == 2
    with pytest.raises(FunctionNotFoundError, match="'site:old'"):
        site.livefile.query("site:old")


def test_live_queries_run_again_with_the_new_code(site: Site) -> None:
    watches = [site.livefile.watch(f"site:{name}") for name in ("version", "old")]
    assert [next(watch) for watch in watches] == [1, 1]
    site.livefile.deploy(site.edit(SECOND))

    assert next(watches[0]) == 2
    with pytest.raises(FunctionNotFoundError, match="'site:old'"):
        next(watches[1])
    site.livefile.deploy(site.edit(FIRST))
    assert [next(watch) for watch in watches] == [1, 1]


def test_results_of_the_old_code_are_not_served_from_the_cache(site: Site) -> None:
    assert site.livefile.query("site:version") == 1
    site.livefile.deploy(site.edit(SECOND))

    assert site.livefile.query("site:version") == 2


def test_a_new_index_knows_the_documents_that_were_there(site: Site) -> None:
    for title, size in (("a", 3), ("b", 1), ("c", 2)):
        site.livefile.mutation("site:add", title=title, size=size)
    assert site.livefile.query("site:find") == ["a", "b", "c"]
    site.livefile.deploy(site.edit(SECOND))

    assert site.livefile.query("site:find") == ["b", "c", "a"]
    site.livefile.mutation("site:add", title="d", size=0)
    assert site.livefile.query("site:find") == ["d", "b", "c", "a"]


def test_a_schema_that_documents_violate_keeps_the_old_code(site: Site) -> None:
    page = site.livefile.mutation("site:add", title="long")
    site.livefile.mutation("site:visit", page=page)
    watch = site.livefile.watch("site:find")
    assert next(watch) == ["long"]
    with pytest.raises(AppError) as raised:
        site.livefile.deploy(site.edit(STRICTER))
    text = str(raised.value)

    assert 'table "pages"' in text
    assert page in text
    assert '`"long"` ' in text or "Path: .title" in text
    assert site.livefile.query("site:version") == 1
    site.livefile.mutation("site:add", title="longer")
    assert next(watch) == ["long", "longer"]


def test_a_refused_schema_leaves_nothing_behind(site: Site) -> None:
    # The first table fits and the second one does not; nothing of either may stay.
    page = site.livefile.mutation("site:add", title="a")
    site.livefile.mutation("site:visit", page=page)
    with pytest.raises(AppError, match='table "visits"'):
        site.livefile.deploy(site.edit(STRICTER))
    site.livefile.mutation("site:add", title="neither a nor b")
    without_visits = STRICTER.replace("comment: str", "comment: str | None = None")
    with pytest.raises(AppError, match='table "pages"'):
        site.livefile.deploy(site.edit(without_visits))

    assert site.livefile.query("site:find") == ["a", "neither a nor b"]


def test_calls_meet_the_old_code_and_the_old_schema_until_the_switch(site: Site) -> None:
    livefile = site.livefile
    for title, size in (("a", 3), ("b", 1)):
        livefile.mutation("site:add", title=title, size=size)
    seen: list[tuple[int, list[str]]] = []

    def call(progress: DeployProgress) -> None:
        livefile.mutation("site:add", title="c", size=2)
        seen.append((livefile.query("site:version"), livefile.query("site:find")))

    livefile.deploy(site.edit(SECOND), on_progress=call)

    assert len(seen) == 2
    assert seen[-1] == (1, ["a", "b", "c", "c"])
    assert livefile.query("site:version") == 2
    assert livefile.query("site:find") == ["b", "c", "c", "a"]


def test_a_second_deploy_at_the_same_time_is_refused(site: Site) -> None:
    site.livefile.mutation("site:add", title="a")
    refused: list[str] = []

    def deploy_again(progress: DeployProgress) -> None:
        with pytest.raises(OverloadedError) as raised:
            site.livefile.deploy(site.livefile.app)
        refused.append(raised.value.code)

    site.livefile.deploy(site.edit(SECOND), on_progress=deploy_again)
    assert set(refused) == {"DeployInProgress"}
    site.livefile.deploy(site.edit(FIRST))

    assert site.livefile.query("site:version") == 1


def test_a_deploy_of_a_closed_deployment_ends_with_an_error(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path / "site.db")
    with site.livefile as livefile:
        livefile.mutation("site:add", title="a")
        after = site.edit(SECOND)
        with pytest.raises(ClosedError):
            livefile.deploy(after, on_progress=lambda progress: livefile.close())

    with Livefile.open(tmp_path / "site.db", after) as livefile:
        assert livefile.query("site:find") == ["a"]
        check_integrity_of(livefile)


def test_a_deploy_is_a_commit_with_the_code_hash(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path / "site.db")
    with site.livefile as livefile:
        before_ts = livefile.latest_ts
        livefile.deploy(site.edit(SECOND))
        code_hash = livefile.app.code_hash
        assert livefile.latest_ts > before_ts
        with livefile._database._connections.read() as connection:
            record = connection.execute("SELECT call FROM commits ORDER BY ts DESC LIMIT 1").get

    assert code_hash.encode() in record


def test_updates_of_a_deploy_go_forward(site: Site) -> None:
    updates: list[Update] = []
    changed = Event()

    def deliver(update: Update) -> None:
        updates.append(update)
        changed.set()

    query_set = site.livefile.open_query_set(deliver)
    query = WatchQuery(query_id=0, path="site:version", args={})
    query_set.change(
        QuerySetChange(query_set_version=1, identity_version=0, identity=ADMIN, added=(query,))
    )
    changed.wait()
    changed.clear()
    site.livefile.deploy(site.edit(SECOND))
    changed.wait()

    assert [update.outcomes.keys() for update in updates] == [{0}, {0}]
    assert updates[1].ts >= updates[0].ts
