"""Queries over compound indexes against a sorted list: every type of value, missing fields, both
orders, all ranges, filters, and pages cut anywhere.

The list is sorted by the order of values as ``value_order.py`` writes it down from its rules.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from livefile import MISSING, PaginationOptions, Table, field, index
from livefile.functions.table_query import TableQuery
from livefile.model.annotation import mark_integers
from livefile.model.index_key import Missing
from livefile.model.value import Value
from tests.strategies import exact, values
from tests.value_order import compare
from tests.workbench import Workbench

PATHS = ("at.a", "at.b")
BOUNDS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    **BOUNDS,
}


class Spot(Table, name="spots"):
    at: dict[str, Any]
    by_place = index("at.a", "at.b")


Stored = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Some documents, and a query over them."""

    documents: list[dict[str, Value]]
    fixed: list[Value | Missing]
    bounds: list[tuple[str, Value | Missing]]
    order: Literal["asc", "desc"]
    filter: tuple[str, str, Value | Missing] | None
    cuts: list[int]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    pool = draw(st.lists(values(4), min_size=1, max_size=5))
    some = st.sampled_from([*pool, MISSING])
    places = st.tuples(some, some).map(
        lambda pair: {
            name: value
            for name, value in zip("ab", pair, strict=True)
            if not isinstance(value, Missing)
        }
    )
    fixed = draw(st.lists(some, max_size=2))
    bounds: list[tuple[str, Value | Missing]] = []
    if len(fixed) < 2:
        for names in (("gt", "gte"), ("lt", "lte")):
            if draw(st.booleans()):
                bounds.append((draw(st.sampled_from(names)), draw(some)))
    condition = st.tuples(st.sampled_from(PATHS), st.sampled_from(sorted(COMPARISONS)), some)
    return Case(
        documents=draw(st.lists(places, max_size=12)),
        fixed=fixed,
        bounds=bounds,
        order=draw(st.sampled_from(("asc", "desc"))),
        filter=draw(st.none() | condition),
        cuts=draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)),
    )


def given_value(value: Value | Missing) -> Any:
    """Return a value as a user writes it: 64-bit integers marked."""
    return value if isinstance(value, Missing) else mark_integers(value)


def query_of(case: Case, db: Workbench) -> TableQuery[Spot]:
    found = Spot.by_place
    if case.fixed:
        names = zip(PATHS, case.fixed, strict=False)
        found = found.eq(**{path: given_value(value) for path, value in names})
    for name, value in case.bounds:
        found = getattr(found, name)(**{PATHS[len(case.fixed)]: given_value(value)})
    query = db.reader(db.on_snapshot()).query(found).order(case.order)
    if case.filter is not None:
        path, name, value = case.filter
        query = query.filter(COMPARISONS[name](field(path), given_value(value)))
    return query


def value_at(row: Stored, path: str) -> Value | Missing:
    found: Value | Missing = row["at"].get(path[-1], MISSING)
    return found


def is_wanted(case: Case, row: Stored) -> bool:
    for path, value in zip(PATHS, case.fixed, strict=False):
        if compare(value_at(row, path), value) != 0:
            return False
    for name, value in case.bounds:
        if not BOUNDS[name](compare(value_at(row, PATHS[len(case.fixed)]), value), 0):
            return False
    if case.filter is None:
        return True
    path, name, value = case.filter
    return bool(COMPARISONS[name](compare(value_at(row, path), value), 0))


def in_order(one: Stored, other: Stored) -> int:
    for path in PATHS:
        if order := compare(value_at(one, path), value_at(other, path)):
            return order
    return compare([one["_creationTime"], one["_id"]], [other["_creationTime"], other["_id"]])


@settings(max_examples=150)
@given(cases())
def test_every_way_to_read_agrees_with_a_sorted_list(case: Case) -> None:
    with Workbench(Spot) as db:
        with db.change() as writer:
            for place in case.documents:
                writer.insert(Spot(at={n: mark_integers(item) for n, item in place.items()}))
        rows = sorted(db.rows(Spot), key=cmp_to_key(in_order), reverse=case.order == "desc")
        wanted = [row["_id"] for row in rows if is_wanted(case, row)]
        query = query_of(case, db)

        assert [row.id for row in query] == wanted
        assert [row.id for row in query.take(3)] == wanted[:3]
        first = query.first()
        assert (None if first is None else first.id) == (wanted[0] if wanted else None)
        assert exact([row.stored_document for row in query]) == exact(
            [row for row in rows if row["_id"] in wanted]
        )
        assert pages_of(case, db) == wanted


def pages_of(case: Case, db: Workbench) -> list[str]:
    """Return the ids on all pages; every second page is read again as two halves."""
    ids: list[str] = []
    cursor = None
    for number in range(100):
        options = PaginationOptions(num_items=case.cuts[number % len(case.cuts)], cursor=cursor)
        page = query_of(case, db).paginate(options)
        found = [row.id for row in page.page]
        if page.split_cursor is not None and number % 2:
            one = PaginationOptions(num_items=1, cursor=cursor, end_cursor=page.split_cursor)
            other = PaginationOptions(
                num_items=1, cursor=page.split_cursor, end_cursor=page.continue_cursor
            )
            halves = [query_of(case, db).paginate(half) for half in (one, other)]
            assert [row.id for half in halves for row in half.page] == found
        ids += found
        cursor = page.continue_cursor
        for transaction in list(db._lent):
            db.give_back(transaction)
        if page.is_done:
            return ids
    raise AssertionError("the pages do not end")
