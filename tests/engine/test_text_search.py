"""Searches in text indexes."""

from collections.abc import Iterator
from typing import Any

import pytest

from livefile import (
    MISSING,
    DefinitionError,
    FilterError,
    Id,
    NotUniqueError,
    PaginationOptions,
    SearchError,
    Table,
    TextSearch,
    field,
    search_index,
)
from livefile.functions.database import DatabaseReader
from livefile.vocabulary.errors import InvalidCursorError, ValidationError
from tests.integrity import check_integrity
from tests.workbench import Workbench


class Message(Table, name="messages"):
    body: str | None
    channel: str = "general"
    likes: float = 0
    search_body = search_index("body", filters=["channel", "likes"])


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with Workbench(Message) as bench:
        yield bench
        check_integrity(bench.database)


def add(bench: Workbench, *bodies: str | None, **fields: Any) -> list[Id[Message]]:
    """Add documents, each a second after the one before, and return their ids."""
    ids = []
    for body in bodies:
        bench.clock.advance_ms(1000)
        with bench.change() as db:
            ids.append(db.insert(Message(body=body, **fields)))
    return ids


def search(text: str) -> TextSearch[Message]:
    return Message.search_body.search(text)


def bodies(bench: Workbench, text: str, **conditions: Any) -> list[str | None]:
    """Return the texts that a search finds, in order."""
    transaction = bench.on_snapshot()
    found = bench.reader(transaction).query(search(text).eq(**conditions)).collect()
    bench.give_back(transaction)
    return [message.body for message in found]


def test_any_word_is_enough_and_of_the_last_one_the_beginning(bench: Workbench) -> None:
    add(bench, "hello there", "the world", "wor", "hell", "nothing")

    assert set(bodies(bench, "hello wor")) == {"hello there", "the world", "wor"}
    assert set(bodies(bench, "wor hello")) == {"hello there", "wor"}
    assert bodies(bench, "  ?! ") == []


def test_rarer_words_more_often_in_shorter_texts_come_first(bench: Workbench) -> None:
    add(bench, "tea", "tea tea and tea", "tea and milk", "sugar and milk and bread", "salt, tea")

    assert bodies(bench, "salt tea")[0] == "salt, tea"
    assert bodies(bench, "tea") == ["tea tea and tea", "tea", "salt, tea", "tea and milk"]


def test_of_equal_documents_the_newest_come_first(bench: Workbench) -> None:
    first, *_ = add(bench, "a tea", "b tea", "c tea")
    with bench.change() as db:
        db.patch(first, body="d tea")

    assert bodies(bench, "tea") == ["c tea", "b tea", "d tea"]


def test_documents_of_one_moment_come_by_their_ids(bench: Workbench) -> None:
    ids = []
    for _ in range(50):
        with bench.change() as db:
            ids.append(db.insert(Message(body="tea")))
    transaction = bench.on_snapshot()
    found = bench.reader(transaction).query(search("tea")).collect()

    wanted = sorted(found, key=lambda message: (-message.creation_time, message.id))
    assert found == wanted
    assert {message.id for message in found} == set(ids)


def test_a_prefix_means_the_first_sixteen_words(bench: Workbench) -> None:
    add(bench, *(f"te{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"), "te")

    assert set(bodies(bench, "te")) == {"te", *(f"te{letter}" for letter in "abcdefghijklmno")}


def test_under_a_filter_other_words_take_no_place_of_the_sixteen(bench: Workbench) -> None:
    add(bench, *(f"te{letter}" for letter in "abcdefghijklmnopqrstuvwxy"), channel="other")
    add(bench, "tez")

    assert bodies(bench, "te", channel="general") == ["tez"]


def test_only_the_first_sixteen_words_count(bench: Workbench) -> None:
    add(bench, "late", "word15")
    words = " ".join(f"word{number}" for number in range(16))

    assert bodies(bench, f"{words} late") == ["word15"]


def test_all_filters_must_be_met(bench: Workbench) -> None:
    add(bench, "tea 1")
    add(bench, "tea 2", channel="x")
    add(bench, "tea 3", channel="x", likes=2)

    assert bodies(bench, "tea", channel="x") == ["tea 3", "tea 2"]
    assert bodies(bench, "tea", channel="x", likes=2) == ["tea 3"]
    assert bodies(bench, "tea", likes=MISSING) == []


def test_a_condition_drops_documents_that_were_found(bench: Workbench) -> None:
    add(bench, "tea 1", likes=1)
    add(bench, "tea 2", "tea 3", likes=2)
    db = bench.reader(bench.on_snapshot())

    query = db.query(search("tea")).filter(field("likes") == 2)
    assert [row.body for row in query] == ["tea 3", "tea 2"]
    assert [row.body for row in query.filter(lambda row: row.body != "tea 3")] == ["tea 2"]
    with pytest.raises(FilterError, match="no field 'nix'"):
        query.filter(field("nix") == 2)


def test_ways_to_read_results(bench: Workbench) -> None:
    add(bench, "tea", "tea tea", "coffee")
    db = bench.reader(bench.on_snapshot())

    assert [row.body for row in db.query(search("tea")).take(1)] == ["tea tea"]
    assert db.query(search("tea")).take(0) == []
    first = db.query(search("tea")).first()
    assert first is not None
    assert first.body == "tea tea"
    assert db.query(search("water")).first() is None
    assert db.query(search("water")).unique() is None
    with pytest.raises(NotUniqueError, match=r"table messages.*search_body"):
        db.query(search("tea")).unique()


def test_a_function_finds_what_it_wrote(bench: Workbench) -> None:
    tea, coffee, milk = add(bench, "tea", "coffee", "milk")
    transaction = bench.head()
    db = bench.writer(transaction)
    db.delete(tea)
    db.patch(coffee, body="tea with milk")
    db.patch(milk, channel="x")
    db.insert(Message(body="teapot"))

    assert {row.body for row in db.query(search("tea"))} == {"tea with milk", "teapot"}
    assert [row.body for row in db.query(search("coffee"))] == []
    assert [row.body for row in db.query(search("milk").eq(channel="x"))] == ["milk"]


def test_a_loop_over_results_may_write(bench: Workbench) -> None:
    add(bench, "tea 1", "tea 2", "tea 3")
    transaction = bench.head()
    db = bench.writer(transaction)
    seen = []
    for row in db.query(search("tea")):
        seen.append(row.body)
        for other in db.query(Message):
            if other.body == "tea 2":
                db.delete(other.id)

    assert seen == ["tea 3", "tea 1"]


def test_a_search_in_the_past_finds_what_was_there(bench: Workbench) -> None:
    tea, _ = add(bench, "tea", "coffee")
    then = bench.published_ts
    with bench.change() as db:
        db.delete(tea)
        db.insert(Message(body="tea again"))
    past = bench.past(then)

    assert [row.body for row in bench.reader(past).query(search("tea"))] == ["tea"]
    assert bodies(bench, "tea") == ["tea again"]


def test_equal_numbers_of_two_types_are_two_values() -> None:
    class Thing(Table, name="things"):
        body: str
        flag: float | bool
        by_body = search_index("body", filters=["flag"])

    with Workbench(Thing) as bench:
        with bench.change() as db:
            thing = db.insert(Thing(body="tea", flag=1.0))
        with bench.change() as db:
            db.patch(thing, flag=True)
        reader = bench.reader(bench.on_snapshot())

        assert reader.query(Thing.by_body.search("tea").eq(flag=1.0)).collect() == []
        assert len(reader.query(Thing.by_body.search("tea").eq(flag=True)).collect()) == 1


def test_a_text_inside_an_object_and_an_older_document_are_found() -> None:
    class Plain(Table, name="pages"):
        parts: dict[str, str]

    class Page(Table, name="pages"):
        parts: dict[str, str]
        status: str = "draft"
        by_title = search_index("parts.title", filters=["status", "parts.lang"])

    with Workbench(Plain) as bench:
        with bench.change() as db:
            db.insert(Plain(parts={"title": "Tea time", "lang": "en"}))
            db.insert(Plain(parts={"lang": "tea"}))
        bench.declare(Page)
        reader = bench.reader(bench.on_snapshot())

        draft = Page.by_title.search("tea").eq(status="draft", **{"parts.lang": "en"})
        assert [page.parts["title"] for page in reader.query(draft)] == ["Tea time"]
        check_integrity(bench.database)


def test_more_results_than_a_search_may_have_are_an_error(bench: Workbench) -> None:
    with bench.change() as db:
        for number in range(1025):
            db.insert(Message(body=f"tea {number}", likes=float(number % 2)))
    transaction = bench.on_snapshot()
    db_reader = bench.reader(transaction)

    assert len(db_reader.query(search("tea")).take(1024)) == 1024
    with pytest.raises(SearchError, match=r"too many documents \(fetched 1024\)") as raised:
        db_reader.query(search("tea")).collect()
    assert raised.value.code == "SearchQueryScannedTooManyDocumentsError"
    assert len(db_reader.query(search("tea").eq(likes=1)).collect()) == 512


def test_of_a_very_common_word_the_newest_are_found_and_those_with_a_rare_one() -> None:
    with Workbench(Message) as bench:
        with bench.change() as db:
            db.insert(Message(body="old tea with lemon and more"))
            for number in range(4_500):
                db.insert(Message(body=f"tea and {'milk' if number % 100 else 'rum'}"))
        transaction = bench.on_snapshot()
        db_reader = bench.reader(transaction)
        newest = db_reader.query(search("tea")).take(1024)
        best = db_reader.query(search("lemon tea")).first()
        with_rum = db_reader.query(search("tea rum")).take(45)

        oldest = min(row.creation_time for row in newest)
        by_age = db_reader.query(Message).order("desc").take(1024)
        assert oldest == by_age[-1].creation_time
        assert best is not None
        assert best.body == "old tea with lemon and more"
        assert {row.body for row in with_rum} == {"tea and rum"}


def page(db: DatabaseReader, text: str, **options: Any) -> Any:
    db._has_page = False  # Each call stands for a function of its own.
    return db.query(search(text)).paginate(PaginationOptions(**options))


def test_pages_have_every_result_once(bench: Workbench) -> None:
    add(bench, *(f"tea {number % 7 * 'and '}" for number in range(40)))
    transaction = bench.on_snapshot()
    db = bench.reader(transaction)
    everything = db.query(search("tea")).collect()
    found, cursor, is_done = [], None, False
    while not is_done:
        got = page(db, "tea", num_items=7, cursor=cursor)
        transaction.has_paginated, transaction.journal = False, None
        found += got.page
        cursor, is_done = got.continue_cursor, got.is_done
        assert got.split_cursor is None

    assert found == everything
    with pytest.raises(InvalidCursorError):
        page(db, "coffee", num_items=7, cursor=cursor)


def test_a_page_keeps_its_ends_while_documents_come_and_go(bench: Workbench) -> None:
    ids = add(bench, *(f"tea {number}" for number in range(20)))
    transaction = bench.on_snapshot()
    first = page(bench.reader(transaction), "tea", num_items=5, cursor=None)
    journal = transaction.journal
    add(bench, "tea new", *(f"coffee {number}" for number in range(30)))
    with bench.change() as db:
        db.delete(ids[-2])
    again = bench.on_snapshot()
    again.journal = journal
    live = page(bench.reader(again), "tea", num_items=5, cursor=None)
    second = page(bench.reader(again), "tea", num_items=5, cursor=first.continue_cursor)

    assert [row.body for row in first.page] == [f"tea {number}" for number in (19, 18, 17, 16, 15)]
    assert [row.body for row in live.page] == ["tea new", "tea 19", "tea 17", "tea 16", "tea 15"]
    assert [row.body for row in second.page] == [f"tea {number}" for number in (14, 13, 12, 11, 10)]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda db: db.query(Message.search_body), "MissingSearchFilterError"),
        (lambda db: search("tea").eq(body="x"), "IncorrectFilterFieldError"),
        (lambda db: search("tea").eq(channel="x").eq(channel="x"), "IncorrectFilterFieldError"),
        (lambda db: Message.search_body.search(7), "IncorrectSearchText"),  # type: ignore[arg-type]
    ],
)
def test_a_search_that_cannot_be_asked_says_why(bench: Workbench, ask: Any, code: str) -> None:
    with pytest.raises(SearchError, match=r"messages\.search_body") as raised:
        ask(bench.reader(bench.on_snapshot()))

    assert raised.value.code == code


def test_a_value_that_the_field_cannot_have_is_refused() -> None:
    with pytest.raises(ValidationError):
        search("tea").eq(likes="many")


def test_nine_filters_are_too_many() -> None:
    class Wide(Table, name="wide"):
        body: str
        a: int
        b: int
        c: int
        d: int
        e: int
        f: int
        g: int
        h: int
        i: int
        by_body = search_index("body", filters=list("abcdefghi"))

    eight = Wide.by_body.search("tea").eq(a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1)
    with pytest.raises(SearchError, match="Max: 8 Actual: 9"):
        eight.eq(i=1)


@pytest.mark.parametrize(
    ("declare", "reason"),
    [
        (lambda: search_index("body", filters=[f"f{n}" for n in range(17)]), "up to 16 filter"),
        (lambda: search_index("body", filters=["a", "a"]), "names a field twice"),
        (lambda: search_index("body", filters="channel"), "want a list of fields"),
        (lambda: search_index("_id"), "cannot name '_id'"),
    ],
)
def test_an_index_that_cannot_be_says_why(declare: Any, reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason):
        declare()


def test_a_field_is_searched_by_one_index() -> None:
    with pytest.raises(DefinitionError, match="have the same fields: body"):

        class Twice(Table, name="twice"):
            body: str
            channel: str
            one = search_index("body")
            other = search_index("body", filters=["channel"])


def test_an_index_over_an_unknown_field_is_refused() -> None:
    class Odd(Table, name="odd"):
        body: str
        by_text = search_index("text")

    with pytest.raises(DefinitionError, match="there is no field 'text'"):
        Odd.by_text.search("tea")
