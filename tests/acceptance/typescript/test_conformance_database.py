"""TypeScript functions and the database: documents, indexes, filters, pages, search, vectors.

The pages of Convex's documentation are "Reading Data", "Writing Data", "Indexes", "Filtering",
"Paginated Queries", "Text Search", "Vector Search", "Schemas".
"""

from typing import Any

import pytest

from tests.acceptance.node_client import NodeClient, NodeFunctionError

pytestmark = pytest.mark.node


def failure(client: NodeClient, operation: str, path: str, **args: object) -> NodeFunctionError:
    with pytest.raises(NodeFunctionError) as caught:
        client.call(operation, path=path, args=args)
    return caught.value


# --- Documents ------------------------------------------------------------------------------------


def insert(client: NodeClient, **document: object) -> str:
    """Insert a person and return its id."""
    path = "documents:insert"
    inserted: str = client.call("mutation", path=path, args={"document": document})
    return inserted


def without_system_fields(document: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(document.pop("_id"), str)
    assert document.pop("_creationTime") > 1_600_000_000_000
    return document


def test_an_inserted_document_has_its_system_fields(shared_client: NodeClient) -> None:
    person = insert(shared_client, name="insert", age=36)

    for path in ("documents:get", "documents:getOfTable"):
        document = shared_client.call("query", path=path, args={"id": person})
        assert document["_id"] == person
        assert without_system_fields(document) == {"name": "insert", "age": 36}


@pytest.mark.parametrize(
    ("fields", "remove", "expected"),
    [
        ({"age": 2}, [], {"name": "patch", "age": 2, "contact": "none"}),
        # "Writing Data": a field that is set to undefined is removed.
        ({}, ["age"], {"name": "patch", "contact": "none"}),
        (
            {"contact": {"email": "a@b.c"}},
            ["age"],
            {"name": "patch", "contact": {"email": "a@b.c"}},
        ),
        ({}, ["friend"], {"name": "patch", "age": 1, "contact": "none"}),
    ],
)
def test_patch_merges_shallowly(
    shared_client: NodeClient, fields: object, remove: list[str], expected: object
) -> None:
    person = insert(shared_client, name="patch", age=1, contact="none")

    args = {"id": person, "fields": fields, "remove": remove}
    patched = shared_client.call("mutation", path="documents:patch", args=args)

    assert patched["_id"] == person
    assert without_system_fields(patched) == expected


def test_replace_takes_all_old_fields_away(shared_client: NodeClient) -> None:
    person = insert(shared_client, name="replace", age=1)
    before = shared_client.call("query", path="documents:get", args={"id": person})

    args = {"id": person, "document": {"name": "other"}}
    after = shared_client.call("mutation", path="documents:replace", args=args)

    assert after == {
        "_id": person,
        "_creationTime": before["_creationTime"],
        "name": "other",
    }


def test_a_deleted_document_is_gone(shared_client: NodeClient) -> None:
    person = insert(shared_client, name="delete")

    removed = shared_client.call("mutation", path="documents:remove", args={"id": person})

    assert removed == ["delete", None]
    assert shared_client.call("query", path="documents:get", args={"id": person}) is None
    for name, extra in (
        ("patch", {"fields": {}, "remove": []}),
        ("replace", {"document": {"name": "x"}}),
        ("remove", {}),
    ):
        error = failure(shared_client, "mutation", f"documents:{name}", id=person, **extra)
        assert person in str(error)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": 1},
        {"name": "x", "unknown": 1},
        {"name": "x", "friend": "no id"},
        {"name": "x", "contact": {"mail": "a@b.c"}},
        {"name": "x", "contact": "some"},
        {"name": "x", "age": None},
    ],
)
def test_a_document_that_does_not_fit_the_schema_is_refused(
    shared_client: NodeClient, document: dict[str, object]
) -> None:
    # "Schemas": documents are validated when they are written.
    error = failure(shared_client, "mutation", "documents:insert", document=document)

    assert "people" in str(error)


def test_an_id_of_another_table_is_refused(shared_client: NodeClient) -> None:
    thing = shared_client.call(
        "mutation", path="notes:add", args={"topic": "an id of another table", "text": "t"}
    )

    error = failure(shared_client, "query", "documents:get", id=thing)
    assert f'Found ID "{thing}" from table `notes`' in str(error)
    error = failure(shared_client, "query", "documents:getOfTable", id=thing)
    assert "people" in str(error)


def test_ids_are_normalized_for_their_table_only(shared_client: NodeClient) -> None:
    person = insert(shared_client, name="normalize")

    def normalized(table: str, text: str) -> object:
        args = {"table": table, "text": text}
        return shared_client.call("query", path="documents:normalize", args=args)

    assert normalized("people", person) == person
    assert normalized("books", person) is None
    assert normalized("people", "anything") is None


def test_unique_refuses_two(shared_client: NodeClient) -> None:
    path = "documents:uniqueByName"
    assert shared_client.call("query", path=path, args={"name": "unique"}) is None
    insert(shared_client, name="unique")
    assert shared_client.call("query", path=path, args={"name": "unique"}) == "unique"
    insert(shared_client, name="unique")

    assert "unique()" in str(failure(shared_client, "query", path, name="unique"))


def test_a_mutation_sees_its_own_writes(shared_client: NodeClient) -> None:
    args = {"prefix": "own writes "}

    found = shared_client.call("mutation", path="documents:ownWrites", args=args)

    assert found == ["own writes 1", "own writes 3", "own writes 4"]


def test_a_mutation_that_throws_writes_nothing(shared_client: NodeClient) -> None:
    error = failure(shared_client, "mutation", "documents:insertAndThrow", name="rolled back")

    assert "Uncaught Error: after the insert" in str(error)
    args = {"name": "rolled back"}
    assert shared_client.call("query", path="documents:uniqueByName", args=args) is None


# --- Indexes and filters --------------------------------------------------------------------------

EMMA, PERSUASION, SENSE = "Emma", "Persuasion", "Sense and Sensibility"
MIDDLEMARCH, SILAS, DRACULA = "Middlemarch", "Silas Marner", "Dracula"


@pytest.fixture(scope="module")
def filled(shared_client: NodeClient) -> NodeClient:
    """The client, once there are books and items."""
    shared_client.call("mutation", path="indexes:fill")
    shared_client.call("mutation", path="filters:fill")
    return shared_client


RANGES = {
    # "Reading Data": without an index the order is that of creation.
    "whole table": [EMMA, PERSUASION, SENSE, MIDDLEMARCH, SILAS, DRACULA],
    "whole table, down": [DRACULA, SILAS, MIDDLEMARCH, SENSE, PERSUASION, EMMA],
    # "Indexes": documents are ordered by the fields of the index, in their order.
    "whole index": [SENSE, EMMA, PERSUASION, SILAS, MIDDLEMARCH, DRACULA],
    "first field": [SENSE, EMMA, PERSUASION],
    "first field, down": [PERSUASION, EMMA, SENSE],
    "both fields": [PERSUASION],
    "gt and lt": [EMMA],
    "gte and lte": [SENSE, EMMA],
    "range of the first field": [SILAS, MIDDLEMARCH, DRACULA],
    "empty range": [],
    # "Data types": an absent field is undefined, which is less than null.
    "absent field": [PERSUASION, SENSE],
    "null field": [SILAS],
    "present field": [SILAS, DRACULA, EMMA, MIDDLEMARCH],
    "nested field": [PERSUASION, SENSE],
    "creation time": [DRACULA, SILAS],
    "by id": [EMMA],
    "after one document": [PERSUASION],
    "take": [SENSE, EMMA],
    "take none": [],
    "first": [PERSUASION],
    "async iteration": [SENSE, EMMA, PERSUASION],
    # "Schemas": a table that has no documents need not be there.
    "no such table": [],
    "no such table, by creation": [],
    "search": [SENSE],
    # "Text Search": the last word of a search may be the beginning of a word.
    "search of an author": [SILAS, MIDDLEMARCH],
}


@pytest.mark.parametrize("name", RANGES)
def test_an_index_is_read_as_asked(filled: NodeClient, name: str) -> None:
    titles = filled.call("query", path="indexes:titles", args={"range": name})

    # A search has an order of its own.
    expected = RANGES[name]
    assert (sorted(titles) if name.startswith("search") else titles) == (
        sorted(expected) if name.startswith("search") else expected
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # "Indexes": the range names the fields in the order of the index.
        ("fields out of order", "by_author"),
        ("no such index", "by_weight"),
        ("index of no such table", "Index absent.by_author not found"),
        ("search of no such table", "Index absent.search_title not found"),
    ],
)
def test_a_wrong_range_is_refused(filled: NodeClient, name: str, text: str) -> None:
    assert text in str(failure(filled, "query", "indexes:titles", range=name))


FILTERS = {
    "eq": ["bow"],
    "neq": ["axe", "cup"],
    "lt": ["axe"],
    "lte": ["axe", "bow"],
    "gt": ["cup"],
    "gte": ["bow", "cup"],
    "and": ["cup"],
    "or": ["axe", "cup"],
    "not": ["bow"],
    "add": ["bow"],
    "sub": ["axe"],
    "mul": ["cup"],
    "div": ["axe"],
    "mod": ["bow"],
    "neg": ["cup"],
    "absent field": ["cup"],
    "present field": ["axe", "bow"],
    "absent is less than any number": ["bow", "cup"],
    "two fields": ["axe", "bow"],
    "nothing": [],
    "everything": ["axe", "bow", "cup"],
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_lets_through_what_it_says(filled: NodeClient, name: str) -> None:
    names = filled.call("query", path="filters:names", args={"filter": name})

    assert names == FILTERS[name]


def test_filters_add_up_and_a_limit_counts_afterwards(filled: NodeClient) -> None:
    assert filled.call("query", path="filters:chained") == ["cup"]


# --- Pages ----------------------------------------------------------------------------------------


def walk(client: NodeClient, name: str, book: str, size: int) -> list[list[float]]:
    """Return all pages, as a client that follows the cursors gets them."""
    found: list[list[float]] = []
    cursor = None
    while True:
        options = {"numItems": size, "cursor": cursor}
        args = {"book": book, "paginationOpts": options}
        answer = client.call("query", path=f"pages:{name}", args=args)
        found.append(answer["page"])
        if answer["isDone"]:
            return found
        cursor = answer["continueCursor"]


def test_pages_follow_one_another(shared_client: NodeClient) -> None:
    args = {"book": "walked", "numbers": [5, 1, 4, 2, 3, 7, 6]}
    shared_client.call("mutation", path="pages:put", args=args)

    pages = walk(shared_client, "list", "walked", 3)
    assert [number for page in pages for number in page] == [1, 2, 3, 4, 5, 6, 7]
    assert [len(page) for page in pages[:2]] == [3, 3]
    odd = [number for page in walk(shared_client, "odd", "walked", 2) for number in page]
    assert odd == [7, 5, 3, 1]
    assert walk(shared_client, "list", "empty", 3) == [[]]


def test_pages_stay_together_while_documents_come_and_go(own_client: NodeClient) -> None:
    def put(*numbers: float) -> None:
        args = {"book": "live", "numbers": list(numbers)}
        own_client.call("mutation", path="pages:put", args=args)

    def wait_for(status: str, *numbers: float) -> None:
        own_client.wait_for_update("book", {"results": list(numbers), "status": status})

    put(1, 2, 5, 6)
    own_client.call(
        "subscribePages", name="book", path="pages:list", args={"book": "live"}, initialNumItems=2
    )
    wait_for("CanLoadMore", 1, 2)
    own_client.call("loadMore", name="book", count=2)
    wait_for("CanLoadMore", 1, 2, 5, 6)
    put(3)
    wait_for("CanLoadMore", 1, 2, 3, 5, 6)
    own_client.call("mutation", path="pages:tear", args={"book": "live", "number": 2})
    wait_for("CanLoadMore", 1, 3, 5, 6)
    own_client.call("loadMore", name="book", count=2)
    wait_for("Exhausted", 1, 3, 5, 6)


def test_one_query_reads_one_page(shared_client: NodeClient) -> None:
    # "Paginated Queries": one call of paginate in one query.
    options = {"numItems": 1, "cursor": None}

    error = failure(shared_client, "query", "pages:twice", paginationOpts=options)
    assert "paginate" in str(error)


# --- Vectors --------------------------------------------------------------------------------------


def test_the_nearest_vectors_come_first(shared_client: NodeClient) -> None:
    for name, kind, position in (
        ("east", "point", [1, 0]),
        ("north", "point", [0, 1]),
        ("north-east", "between", [1, 1]),
        ("west", "opposite", [-2, 0]),
    ):
        args = {"name": name, "kind": kind, "position": position}
        shared_client.call("mutation", path="vectors:add", args=args)

    def nearest(kinds: list[str], limit: int) -> list[list[Any]]:
        args = {"position": [1, 0.1], "kinds": kinds, "limit": limit}
        found: list[list[Any]] = shared_client.call("action", path="vectors:nearest", args=args)
        return found

    names = [name for name, _ in nearest([], 4)]
    assert names == ["east", "north-east", "north", "west"]
    # "Vector Search": the score is the cosine, from -1 to 1.
    scores = [score for _, score in nearest([], 4)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(0.995, abs=0.001)
    assert [name for name, _ in nearest([], 1)] == ["east"]
    assert [name for name, _ in nearest(["between", "opposite"], 4)] == ["north-east", "west"]
