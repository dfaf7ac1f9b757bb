import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import Id, IndexRangeError, Int64, Table, ValidationError, Value, index
from livefile.model.document_id import decode_document_id
from livefile.model.index_key import document_key
from livefile.model.index_range import IndexRange
from tests.strategies import values
from tests.workbench import Workbench


class Event(Table, name="events"):
    kind: str
    level: int | None = None
    owner: "Id[Event] | None" = None
    size: Int64 = Int64(0)
    place: dict[str, Any] = {}  # noqa: RUF012  # Pydantic copies it.
    by_kind = index("kind")
    by_kind_level = index("kind", "level")
    by_size = index("size")
    by_city = index("place.city")


# --- The order is checked while the range is built -------------------------------------------

WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Event.by_kind_level.eq(level=1), "got the field 'level', want 'kind' next"),
    (lambda: Event.by_kind_level.gt(level=1), "got the field 'level', want 'kind' next"),
    (lambda: Event.by_kind_level.eq(kind="a").gt(kind="b"), "want 'level' next"),
    (lambda: Event.by_kind_level.eq(kind="a", owner=None), "got the field 'owner'"),
    (lambda: Event.by_kind.eq(color="red"), "its fields are kind, creation_time, in this order"),
    (lambda: Event.by_kind.gt(kind="a").eq(creation_time=1), r"eq\(creation_time\) after a bound"),
    (lambda: Event.by_kind.lt(kind="a").eq(kind="a"), r"eq\(kind\) after a bound"),
    (lambda: Event.by_kind.gt(kind="a").gte(kind="a"), "a second lower bound on kind"),
    (lambda: Event.by_kind.lt(kind="a").lte(kind="b"), "a second upper bound on kind"),
    (lambda: Event.by_kind_level.gt(kind="a", level=1), "a bound takes one field, not 2"),
    (lambda: Event.by_kind.gt(), "a bound takes one field, not 0"),
    (lambda: Event.by_kind_level.gt(kind="a").lt(level=1), "got the field 'level', want 'kind'"),
    (lambda: Event.by_kind.eq(kind="a", creation_time=1, id=""), "want nothing next"),
]


@pytest.mark.parametrize(("build", "text"), WRONG)
def test_a_range_that_is_out_of_order_is_refused(build: Callable[[], object], text: str) -> None:
    with pytest.raises(IndexRangeError, match=text) as raised:
        build()

    assert str(raised.value).startswith("index events.by_")


@pytest.mark.parametrize(
    "build",
    [
        lambda: Event.by_kind.eq(kind=1),
        lambda: Event.by_kind_level.eq(kind="a").gt(level="high"),
        lambda: Event.by_kind_level.eq(kind="a").lt(level=0.5),
        lambda: Event.by_size.eq(size=0.5),
    ],
)
def test_a_value_that_the_field_cannot_have_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValidationError, match="Value does not match validator"):
        build()


def test_eq_takes_fields_one_by_one_or_together() -> None:
    together = Event.by_kind_level.eq(kind="a", level=1)

    assert together.interval() == Event.by_kind_level.eq(kind="a").eq(level=1).interval()


def test_a_range_is_not_changed_by_what_is_made_of_it() -> None:
    whole = Event.by_kind.interval()
    Event.by_kind.eq(kind="a").gt(creation_time=1.0)

    assert Event.by_kind.interval() == whole


def test_values_are_taken_as_the_field_means_them() -> None:
    assert Event.by_size.eq(size=3).interval() == Event.by_size.eq(size=Int64(3)).interval()
    level = Event.by_kind_level.eq(kind="a")
    assert level.eq(level=3).interval() == level.eq(level=3.0).interval()


def test_bounds_that_cross_make_an_empty_range() -> None:
    assert Event.by_kind.gt(kind="b").lt(kind="b").interval().is_empty
    assert Event.by_kind.gt(kind="b").lt(kind="a").interval().is_empty
    assert not Event.by_kind.gte(kind="b").lte(kind="b").interval().is_empty


# --- A range holds exactly the rows that satisfy its comparisons -----------------------------


class Bound(NamedTuple):
    operator: Literal["gt", "gte", "lt", "lte"]
    value: Value


def compare(left: Value, right: Value) -> int:
    """Compare by the protocol's order, worked out once more without index keys."""
    ranks = [type(None), int, float, bool, str, bytes, list, dict]
    if type(left) is not type(right):
        return -1 if ranks.index(type(left)) < ranks.index(type(right)) else 1
    match left, right:
        case str(), str():
            left, right = left.encode(), right.encode()
        case float(), float():
            return _compare_floats(left, right)
        case list(), list():
            return _compare_items(left, right)
        case dict(), dict():
            # Pair by pair, by name and then by value; the shorter one first.
            pairs: list[list[Value]] = [
                [part for name in sorted(fields) for part in (name, fields[name])]
                for fields in (left, right)
            ]
            return _compare_items(pairs[0], pairs[1])
    if left == right:
        return 0
    return -1 if left < right else 1  # type: ignore[operator]  # They are of one type.


def _compare_items(left: Sequence[Value], right: Sequence[Value]) -> int:
    for one, other in zip(left, right, strict=False):
        if order := compare(one, other):
            return order
    return (len(left) > len(right)) - (len(left) < len(right))


def _compare_floats(left: float, right: float) -> int:
    """Compare by the total order of IEEE 754: by sign, then by the bits as a number."""
    numbers: list[int] = []
    for number in (left, right):
        (bits,) = struct.unpack(">q", struct.pack(">d", number))
        numbers.append(bits if bits >= 0 else -(bits & (2**63 - 1)) - 1)
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def selects(row: Sequence[Value], fixed: Sequence[Value], bounds: Sequence[Bound]) -> bool:
    if any(compare(mine, wanted) for mine, wanted in zip(row, fixed, strict=False)):
        return False
    for bound in bounds:
        order = compare(row[len(fixed)], bound.value)
        holds = {"gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0}
        if not holds[bound.operator]:
            return False
    return True


def few_values() -> st.SearchStrategy[Value]:
    few: list[Value] = [None, 0, 1, -1, 0.0, -0.0, 1.0, True, "", "a", "a\x00", "b", b"", b"\x01"]
    few += [[], [None], [0.0, "a"], {}, {"a": 1.0}, {"a": 1.0, "b": None}]
    return st.sampled_from(few) | values(leaves_max=4)


LOWER = st.builds(Bound, st.sampled_from(["gt", "gte"]), few_values())
UPPER = st.builds(Bound, st.sampled_from(["lt", "lte"]), few_values())


@given(
    fields_count=st.integers(1, 2),
    rows=st.lists(st.tuples(few_values(), few_values()), max_size=8),
    fixed=st.lists(few_values(), max_size=2),
    lower=st.none() | LOWER,
    upper=st.none() | UPPER,
)
def test_a_range_holds_exactly_the_rows_that_satisfy_it(
    fields_count: int,
    rows: list[tuple[Value, Value]],
    fixed: list[Value],
    lower: Bound | None,
    upper: Bound | None,
) -> None:
    fields = ["first", "second"][:fields_count]
    fixed = fixed[:fields_count]
    bounds = [bound for bound in (lower, upper) if bound is not None]
    if len(fixed) == fields_count:
        bounds = []  # Only the creation time is left, which is the next test's.
    wanted: IndexRange[Any] = IndexRange(
        table="any", index="by_any", fields=(*fields, "creation_time"), annotations={}
    )
    # Raw values, as a table without a schema has them: ``eq`` would take an int for a number.
    ranged = wanted.eq(**{name: marked(value) for name, value in zip(fields, fixed, strict=False)})
    for bound in bounds:
        ranged = getattr(ranged, bound.operator)(**{fields[len(fixed)]: marked(bound.value)})
    interval = ranged.interval()

    for position, row in enumerate(rows):
        document = {"_creationTime": 1.0, **dict(zip(fields, row, strict=False))}
        key = document_key(document, [(name,) for name in fields], bytes([position]) * 16)
        assert (key in interval) == selects(row, fixed, bounds), (row, fixed, bounds)


def marked(value: Value) -> Any:
    """Return the value with its integers as ``Int64``, as a user would write them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Int64(value)
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {name: marked(item) for name, item in value.items()}
    return value


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 3)), max_size=12),
    kind=st.sampled_from("ab"),
    low=st.none() | st.integers(0, 3),
    high=st.none() | st.integers(0, 3),
    is_descending=st.booleans(),
)
def test_a_query_returns_the_rows_of_its_range_in_order(
    rows: list[tuple[str, int | None]],
    kind: str,
    low: int | None,
    high: int | None,
    is_descending: bool,
) -> None:
    with Workbench(Event) as bench, bench.change() as db:
        for row_kind, level in rows:
            db.insert(Event(kind=row_kind, level=level))
        query = db.query(Event.by_kind_level.eq(kind=kind).gte(level=low).lte(level=high))
        found = query.order("desc" if is_descending else "asc").collect()

    inside = [level for row_kind, level in rows if row_kind == kind]
    order = [-1 if level is None else level for level in inside]
    low_order, high_order = -1 if low is None else low, -1 if high is None else high
    wanted = sorted((n for n in order if low_order <= n <= high_order), reverse=is_descending)
    assert [-1 if event.level is None else event.level for event in found] == wanted


def test_the_creation_time_is_every_indexs_last_field() -> None:
    with Workbench(Event) as bench, bench.change() as db:
        ids = [db.insert(Event(kind="a")) for _ in range(5)]
        times = [event.creation_time for event in db.query(Event)]
        kind = Event.by_kind.eq(kind="a")

        assert [e.id for e in db.query(kind.gt(creation_time=times[1]))] == ids[2:]
        assert [e.id for e in db.query(kind.gte(creation_time=times[1]))] == ids[1:]
        assert [e.id for e in db.query(kind.lt(creation_time=times[3]))] == ids[:3]
        assert [e.id for e in db.query(kind.eq(creation_time=times[3]))] == [ids[3]]


def test_documents_created_at_one_time_are_in_order_of_their_ids() -> None:
    with Workbench(Event) as bench:
        for _ in range(8):  # The clock stands still, so the times are the same or one bit apart.
            with bench.change() as db:
                db.insert(Event(kind="a"))
        rows = bench.rows(Event)

    keys = [(row["_creationTime"], decode_document_id(str(row["_id"]))) for row in rows]
    assert keys == sorted(keys)


def test_a_path_leads_into_an_object() -> None:
    with Workbench(Event) as bench, bench.change() as db:
        db.insert(Event(kind="no place"))
        db.insert(Event(kind="no city", place={"zip": "1"}))
        rome = db.insert(Event(kind="city", place={"city": "Rome"}))
        oslo = db.insert(Event(kind="city", place={"city": "Oslo"}))
        city = Event.by_city

        assert [event.id for event in db.query(city.gte(**{"place.city": ""}))] == [oslo, rome]
        assert [event.id for event in db.query(city.eq(**{"place.city": "Rome"}))] == [rome]
        assert len(db.query(city).collect()) == 4
