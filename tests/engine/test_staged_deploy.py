"""A deploy that is prepared first and switched to later, and what may come in between."""

from pathlib import Path

import pytest

from livefile import App, AppError, Livefile
from livefile.functions.deploy_progress import unheard
from livefile.functions.staged_deploy import StagedDeploy
from livefile.transaction.committer import Committer
from livefile.vocabulary.errors import PushConflictError, PushError
from tests.app_folder import write_app
from tests.integrity import check_integrity

BEFORE = """
    from livefile import *

    class Person(Table, name="people"):
        name: str
        age: float

    @mutation
    def add(ctx: MutationCtx, name: str, age: float = 0) -> Id[Person]:
        return ctx.db.insert(Person(name=name, age=age))

    @query
    def names(ctx: QueryCtx) -> list[str]:
        return [person.name for person in ctx.db.query(Person)]
"""
WITH_INDEX = BEFORE.replace("age: float\n", 'age: float\n        by_age = index("age")\n')
OLDEST_FIRST = WITH_INDEX.replace(
    "ctx.db.query(Person)]", 'ctx.db.query(Person.by_age).order("desc")]'
)
NAMES_ONLY = BEFORE.replace("        age: float\n", "").replace(", age: float = 0", "")
NAMES_ONLY = NAMES_ONLY.replace(", age=age", "")


def opened(folder: Path) -> Livefile:
    livefile = Livefile.open(":memory:", write_app(folder, {"people": BEFORE}), has_threads=False)
    livefile.mutation("people:add", name="Ada", age=36)
    livefile.mutation("people:add", name="Alan", age=41)
    return livefile


def staged(livefile: Livefile, source: str) -> StagedDeploy:
    return livefile._deployer.stage(livefile._runner_of(app_of(livefile, source)), unheard)


def app_of(livefile: Livefile, source: str) -> App:
    folder = livefile.app.path
    write_app(folder.parent, {"people": source}, folder.name)
    return livefile.app.reload()


def nothing(committer: Committer) -> None: ...


def test_a_prepared_deploy_runs_nothing_before_the_switch(tmp_path: Path) -> None:
    with opened(tmp_path) as livefile:
        deploy = staged(livefile, OLDEST_FIRST)

        livefile._deployer.prepare(lambda: deploy)
        assert livefile.query("people:names") == ["Ada", "Alan"]

        livefile.mutation("people:add", name="Grace", age=85)
        livefile._deployer.switch(deploy, nothing, nothing)
        assert livefile.query("people:names") == ["Grace", "Alan", "Ada"]
        check_integrity(livefile._database)


def test_what_is_written_after_the_preparation_is_checked_before_the_switch(
    tmp_path: Path,
) -> None:
    whole = BEFORE.replace("age: float\n", "age: int\n").replace("age: float = 0", "age: int = 0")
    with opened(tmp_path) as livefile:
        deploy = staged(livefile, whole)
        livefile._deployer.prepare(lambda: deploy)
        livefile.mutation("people:add", name="Grace", age=85.5)

        with pytest.raises(AppError, match=r"people.*does not match"):
            livefile._deployer.switch(deploy, nothing, nothing)

        assert deploy.steps.mismatched_table == "people"
        livefile.mutation("people:add", name="Edsger", age=0.5)


def test_a_deploy_that_overtakes_a_prepared_one_ends_it(tmp_path: Path) -> None:
    with opened(tmp_path) as livefile:
        prepared = staged(livefile, OLDEST_FIRST)
        livefile._deployer.prepare(lambda: prepared)

        livefile.deploy(app_of(livefile, BEFORE + "\n    # Another text.\n"))

        with pytest.raises(PushConflictError):
            livefile._deployer.switch(prepared, nothing, nothing)
        assert livefile.query("people:names") == ["Ada", "Alan"]
        assert not livefile._database.catalog.tables["people"].building
        check_integrity(livefile._database)


def test_an_interrupted_preparation_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as livefile:
        deploy = staged(livefile, WITH_INDEX)
        deploy.steps.interrupt()

        with pytest.raises(PushConflictError):
            livefile._deployer.prepare(lambda: deploy)

        assert not livefile._database.catalog.tables["people"].building
        livefile.deploy(app_of(livefile, OLDEST_FIRST))
        assert livefile.query("people:names") == ["Alan", "Ada"]


def test_a_switch_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    def refuse(committer: Committer) -> None:
        raise PushError("RaceDetected", "no")

    with opened(tmp_path) as livefile:
        deploy = staged(livefile, OLDEST_FIRST)
        livefile._deployer.prepare(lambda: deploy)

        with pytest.raises(PushError, match="no"):
            livefile._deployer.switch(deploy, refuse, nothing)

        assert livefile.query("people:names") == ["Ada", "Alan"]
        assert "by_age" not in livefile._database.catalog.tables["people"].indexes
        assert not livefile._database.catalog.tables["people"].building
        livefile.deploy(app_of(livefile, OLDEST_FIRST))
        check_integrity(livefile._database)


def test_a_prepared_deploy_that_is_given_up_keeps_nobody_waiting(tmp_path: Path) -> None:
    with opened(tmp_path) as livefile:
        deploy = staged(livefile, WITH_INDEX)
        livefile._deployer.prepare(lambda: deploy)

        livefile._deployer.give_up(deploy, livefile._mutations.submit_job)
        livefile.step()

        assert not livefile._database.catalog.tables["people"].building
        with pytest.raises(PushConflictError):
            livefile._deployer.switch(deploy, nothing, nothing)
        livefile.deploy(app_of(livefile, OLDEST_FIRST))
        assert livefile.query("people:names") == ["Alan", "Ada"]


def test_a_check_finds_what_does_not_match_and_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as livefile:
        before_ts = livefile.latest_ts

        with pytest.raises(AppError, match="does not match"):
            staged(livefile, NAMES_ONLY).steps.check()
        staged(livefile, WITH_INDEX).steps.check()

        assert livefile.latest_ts == before_ts
