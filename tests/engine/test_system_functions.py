"""Native system functions: what tools read and change, as admins and over live queries."""

import base64
import json
from typing import Any

import pytest

from livefile import (
    ADMIN,
    ANONYMOUS,
    ArgumentValidationError,
    Call,
    DocumentValidationError,
    FunctionError,
    FunctionKind,
    FunctionNotFoundError,
    Identity,
    Livefile,
    Value,
)
from livefile.model.document_id import encode_document_id
from livefile.model.interval import EVERYTHING
from tests.acceptance.server_process import ROOT

PAGE: dict[str, Value] = {"numItems": 10.0, "cursor": None}


@pytest.fixture(scope="module")
def chat() -> Any:
    with Livefile.open(":memory:", ROOT / "fixtures" / "chat") as livefile:
        yield livefile


def add_user(chat: Livefile, token: str) -> str:
    user: str = chat.mutation("users:create", name="Ada", token_identifier=token)
    return user


def outcome_of(chat: Livefile, path: str, identity: Identity) -> Any:
    call = Call(path=path, args={"paginationOpts": dict(PAGE)}, identity=identity)
    return chat._driver.wait_for(lambda done: chat.submit(call, FunctionKind.QUERY, done))


def filters(**tree: object) -> str:
    return base64.b64encode(json.dumps(tree).encode()).decode()


def page(chat: Livefile, **tree: object) -> list[dict[str, Any]]:
    found = chat.query(
        "_system/frontend/paginatedTableDocuments",
        table="users",
        filters=filters(**tree),
        paginationOpts=PAGE,
    )
    documents: list[dict[str, Any]] = found["page"]
    return documents


# --- Who may call them ------------------------------------------------------------------------


def test_only_admins_find_them(chat: Livefile) -> None:
    refused = outcome_of(chat, "_system/cli/tables:default", ANONYMOUS)
    answered = outcome_of(chat, "_system/cli/tables:default", ADMIN)

    assert "Could not find public function for '_system/cli/tables'" in refused.message
    assert b'"messages"' in answered.json


def test_one_that_is_not_there_is_no_function(chat: Livefile) -> None:
    with pytest.raises(FunctionNotFoundError):
        chat.query("_system/cli/nothing")


def test_arguments_are_checked(chat: Livefile) -> None:
    with pytest.raises((ArgumentValidationError, FunctionError), match="missing the required"):
        chat.query("_system/cli/tables")


# --- Tables and documents ---------------------------------------------------------------------


def test_the_tables_of_a_component_are_its_own(chat: Livefile) -> None:
    within = outcome_of(chat, "counter|_system/cli/tables:default", ADMIN)

    assert json.loads(within.json)["page"] == []


def test_a_page_of_documents_is_followed_by_the_next(chat: Livefile) -> None:
    first_id, second_id = add_user(chat, "page-1"), add_user(chat, "page-2")

    def read(cursor: object) -> Any:
        options = {"numItems": 1.0, "cursor": cursor}
        return chat.query(
            "_system/cli/tableData", table="users", order="desc", paginationOpts=options
        )

    newest = read(None)
    before = read(newest["continueCursor"])

    assert [each["_id"] for each in newest["page"] + before["page"]] == [second_id, first_id]
    assert not newest["isDone"]


def test_a_watched_table_gives_another_value_at_every_change(chat: Livefile) -> None:
    user = add_user(chat, "watched")
    with chat.watch("_system/cli/queryTable", tableName="users") as versions:
        seen = [next(versions)]
        chat.mutation(
            "_system/frontend/patchDocumentsFields",
            table="users",
            ids=[user],
            fields={"name": "Eve"},
        )
        seen.append(next(versions))

    assert len(set(seen)) == 2


def test_a_watched_list_of_tables_hears_of_a_new_one(chat: Livefile) -> None:
    with chat.watch("_system/cli/tables", paginationOpts=PAGE) as lists:
        before = {each["name"] for each in next(lists)["page"]}
        chat.mutation("_system/frontend/createTable", table="fresh")
        after = {each["name"] for each in next(lists)["page"]}

    assert after - before == {"fresh"}


def test_documents_are_added_replaced_and_deleted(chat: Livefile) -> None:
    (note,) = chat.mutation(
        "_system/frontend/addDocument", table="notes", documents=[{"text": "a", "n": 1.0}]
    )["ids"]
    chat.mutation("_system/frontend/replaceDocument", id=note, document={"text": "b", "n": 1.0})
    chat.mutation(
        "_system/frontend/patchDocumentsFields",
        table="notes",
        ids=[note],
        fields={"n": "__CONVEX_PLACEHOLDER_undefined_and_more"},
    )
    ids = [{"id": note, "tableName": "notes"}]
    (found,) = chat.query("_system/frontend/listById", ids=ids)
    chat.mutation("_system/frontend/deleteDocuments", toDelete=ids)

    assert found["text"] == "b"
    assert "n" not in found
    assert chat.query("_system/frontend/listById", ids=ids) == [None]


def test_a_document_that_does_not_match_its_schema_is_refused(chat: Livefile) -> None:
    with pytest.raises((DocumentValidationError, FunctionError), match="does not match the schema"):
        chat.mutation("_system/frontend/addDocument", table="users", documents=[{"name": 5.0}])


def test_a_table_of_the_system_is_not_written(chat: Livefile) -> None:
    with pytest.raises(Exception, match="only Livefile itself writes"):
        chat.mutation("_system/frontend/addDocument", table="_storage", documents=[{}])


# --- Filters of the dashboard -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("clause", "tokens"),
    [
        ({"op": "eq", "field": "token_identifier", "value": "f-2"}, ["f-2"]),
        ({"op": "gte", "field": "token_identifier", "value": "f-2"}, ["f-3", "f-2"]),
        ({"op": "anyOf", "field": "token_identifier", "value": ["f-1", "f-3"]}, ["f-3", "f-1"]),
        ({"op": "type", "field": "nothing", "value": "unset"}, ["f-3", "f-2", "f-1"]),
        ({"op": "notype", "field": "name", "value": "string"}, []),
        ({"op": "eq", "field": "name", "value": "?", "enabled": False}, ["f-3", "f-2", "f-1"]),
    ],
    ids=lambda each: each["op"] if isinstance(each, dict) else None,
)
def test_a_filter_keeps_what_its_clauses_say(clause: dict[str, Any], tokens: list[str]) -> None:
    with Livefile.open(":memory:", ROOT / "fixtures" / "chat") as own:
        for token in ("f-1", "f-2", "f-3"):
            add_user(own, token)

        assert [each["token_identifier"] for each in page(own, clauses=[clause])] == tokens


def test_a_filter_may_name_an_index_and_its_order(chat: Livefile) -> None:
    for token in ("order-b", "order-a"):
        add_user(chat, token)
    bounds = {
        "type": "indexRange",
        "enabled": True,
        "lowerOp": "gte",
        "lowerValue": "order-",
        "upperOp": "lt",
        "upperValue": "order-z",
    }

    found = page(chat, clauses=[], order="asc", index={"name": "by_token", "clauses": [bounds]})

    assert [each["token_identifier"] for each in found] == ["order-a", "order-b"]


@pytest.mark.parametrize("text", ["no base64!", base64.b64encode(b"[]").decode()])
def test_a_filter_that_is_none_is_refused(chat: Livefile, text: str) -> None:
    with pytest.raises(Exception, match="filters must be"):
        chat.query(
            "_system/frontend/paginatedTableDocuments",
            table="users",
            filters=text,
            paginationOpts=PAGE,
        )


# --- Code, schema and variables ---------------------------------------------------------------


def test_the_schema_is_told_as_convex_writes_it(chat: Livefile) -> None:
    schema = json.loads(chat.query("_system/frontend/getSchemas")["active"])

    (users,) = [table for table in schema["tables"] if table["tableName"] == "users"]
    assert schema["schemaValidation"] is True
    assert users["indexes"] == [
        {"indexDescriptor": "by_token", "fields": ["token_identifier", "_creationTime"]}
    ]
    assert users["documentType"]["value"]["name"] == {
        "fieldType": {"type": "string"},
        "optional": False,
    }


def test_the_shape_of_a_table_without_a_schema_is_that_of_its_documents(chat: Livefile) -> None:
    documents = [{"size": 1.0, "tags": ["a"]}, {"size": None}]
    chat.mutation("_system/frontend/addDocument", table="shaped", documents=documents)

    shapes = chat.query("_system/server/shapes")

    fields = {each["fieldName"]: each for each in shapes["shaped"]["fields"]}
    assert fields["size"]["shape"] == {
        "type": "Union",
        "shapes": [{"type": "Null"}, {"type": "Float64"}],
    }
    assert fields["tags"] == {
        "fieldName": "tags",
        "shape": {"type": "Array", "shape": {"type": "String"}},
        "optional": True,
    }


def test_a_watched_variable_is_told_again_when_it_changes(chat: Livefile) -> None:
    with chat.watch("_system/cli/queryEnvironmentVariables:get", name="COLOUR") as values:
        before = next(values)
        chat.change_environment({"COLOUR": "red"})
        after = next(values)

    assert before is None
    assert after == {"name": "COLOUR", "value": "red"}


def test_indexes_are_told_with_the_fields_they_sort_by(chat: Livefile) -> None:
    (found,) = chat.query("_system/frontend/indexes", tableName="messages", tableNamespace=None)

    assert found["name"] == "by_channel"
    assert found["fields"] == ["channel", "_creationTime"]
    assert found["backfill"] == {"state": "done"}


# --- What runs later --------------------------------------------------------------------------


def test_scheduled_functions_are_listed_until_they_are_cancelled() -> None:
    with Livefile.open(
        ":memory:", ROOT / "fixtures" / "reminders", has_scheduler=False
    ) as reminders:
        ids = [reminders.mutation("reminders:add", text=text, seconds=60.0) for text in ("a", "b")]
        listed = reminders.query("_system/frontend/paginatedScheduledJobs", paginationOpts=PAGE)
        first = listed["page"][0]
        args = json.loads(reminders.query("_system/frontend/scheduler:getArgs", id=first["_id"]))
        reminders.mutation("_system/server/jobs:cancel", id=first["_id"])
        left = reminders.query("_system/frontend/paginatedScheduledJobs", paginationOpts=PAGE)
        cancelled = reminders.mutation("_system/server/jobs:cancelSome", udfPath=first["udfPath"])

    assert [each["udfPath"] for each in listed["page"]] == ["reminders.js:send"] * 2
    assert args == [{"id": ids[0]}]
    assert (len(left["page"]), cancelled) == (1, 1)


def test_cron_jobs_are_listed_with_their_next_run() -> None:
    with Livefile.open(
        ":memory:", ROOT / "fixtures" / "reminders", has_scheduler=False
    ) as reminders:
        (cron,) = reminders.query("_system/frontend/listCronJobs")

    assert cron["name"] == "forget old reminders"
    assert cron["cronSpec"]["udfPath"] == "crons.js:forget_old"
    assert cron["cronSpec"]["cronSchedule"] == {"type": "interval", "minutes": 1.0}
    assert cron["nextRun"]["nextTs"] > 1_600_000_000_000_000_000


def test_a_document_of_the_systems_secrets_is_not_shown(chat: Livefile) -> None:
    chat.change_environment({"SECRET": "red"})
    with chat._database.snapshot() as snapshot:
        table = snapshot.catalog.tables["_environment_variables"]
        ((key, _),) = snapshot.scan(
            table, table.indexes["by_id"], EVERYTHING, 1, is_descending=False
        )
    ids = [{"id": encode_document_id(table.number, key), "tableName": table.name}]

    assert chat.query("_system/frontend/listById", ids=ids) == [None]
