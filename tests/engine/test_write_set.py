from hypothesis import given
from hypothesis import strategies as st

from livefile.model.index_key import document_key
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.value_packed import pack, unpack
from livefile.sqlite.catalog import IndexEntry, TableEntry
from livefile.transaction.write_set import Document, PendingWrite, WriteSet

BY_ID = IndexEntry(id=1, name="by_id", paths=())
BY_NAME = IndexEntry(id=2, name="by_name", paths=(("name",),))
PEOPLE = TableEntry(
    number=10_001, name="people", validator="", indexes={"by_id": BY_ID, "by_name": BY_NAME}
)
OTHERS = TableEntry(number=10_002, name="others", validator="", indexes={"by_id": BY_ID})

IDS = [bytes([number]) * 16 for number in range(4)]


def document(name: str | None, time: float = 1.0) -> Document:
    fields: Document = {"_id": "x", "_creationTime": time}
    return fields if name is None else {**fields, "name": name}


def write(
    internal_id: bytes,
    after: Document | None,
    before: Document | None = None,
    table: TableEntry = PEOPLE,
) -> PendingWrite:
    return PendingWrite(
        table=table,
        internal_id=internal_id,
        before=before,
        before_packed=None if before is None else pack(before),
        after=after,
    )


def state(writes: WriteSet) -> list[tuple[bytes, Document | None]]:
    return [(each.internal_id, each.after) for each in writes]


def test_the_last_write_of_a_document_is_the_one_that_counts() -> None:
    writes = WriteSet()
    first = write(IDS[0], document("a"))
    writes.put(first)
    writes.put(first.with_after(document("b")))

    assert state(writes) == [(IDS[0], document("b"))]
    assert writes.get(PEOPLE.number, IDS[0]) is not None
    assert writes.get(PEOPLE.number, IDS[1]) is None
    assert writes.get(OTHERS.number, IDS[0]) is None


def test_an_inserted_and_deleted_document_leaves_nothing() -> None:
    writes = WriteSet()
    inserted = write(IDS[0], document("a"))
    writes.put(inserted)
    writes.put(inserted.with_after(None))

    assert state(writes) == []
    assert not writes


def test_a_deleted_document_is_a_write() -> None:
    writes = WriteSet()
    writes.put(write(IDS[0], None, before=document("a")))

    assert state(writes) == [(IDS[0], None)]
    assert writes


def test_a_new_table_is_a_write() -> None:
    writes = WriteSet()
    writes.table_names.append("notes")

    assert writes


def test_a_write_is_packed_with_both_images() -> None:
    before, after = document("a"), document("b")
    packed = write(IDS[0], after, before=before).packed()

    assert (packed.table_number, packed.internal_id) == (PEOPLE.number, IDS[0])
    assert unpack(packed.before or b"") == before
    assert unpack(packed.after or b"") == after


def test_the_keys_of_a_write_are_those_of_its_images() -> None:
    before, after = document("a"), document("b")

    def key(image: Document) -> bytes:
        return document_key(image, BY_NAME.paths, IDS[0])

    assert write(IDS[0], after, before=before).keys(BY_NAME) == (key(before), key(after))
    assert write(IDS[0], after).keys(BY_NAME) == (None, key(after))
    assert write(IDS[0], None, before=before).keys(BY_NAME) == (key(before), None)
    assert write(IDS[0], {**before}, before=before).keys(BY_NAME) == (key(before), key(before))


def test_a_field_that_becomes_none_is_not_the_field_that_was_missing() -> None:
    before = document(None)
    key_before, key_after = write(IDS[0], {**before, "name": None}, before=before).keys(BY_NAME)

    assert key_before == document_key(before, BY_NAME.paths, IDS[0])
    assert key_before != key_after


@given(
    st.dictionaries(st.sampled_from(IDS), st.none() | st.sampled_from(["a", "b", "c"])),
    st.sampled_from("abcd"),
    st.sampled_from("abcd"),
)
def test_the_overlay_of_a_range_is_what_the_writes_put_there(
    names: dict[bytes, str | None], low: str, high: str
) -> None:
    writes = WriteSet()
    for internal_id, name in names.items():
        after = None if name is None else document(name)
        writes.put(write(internal_id, after, before=document("z")))
    writes.put(write(IDS[0], document("a"), table=OTHERS))
    interval = Interval(b"\x10" + low.encode(), b"\x10" + high.encode())

    overlay = writes.overlay(PEOPLE, BY_NAME, interval)

    inside = sorted((n, i) for i, n in names.items() if n is not None and low <= n < high)
    added = sorted(overlay.added, key=lambda pair: pair[0])
    assert [(found["name"], key[-16:]) for key, found in added] == inside
    assert overlay.hidden == set(names)


def test_without_writes_to_the_table_there_is_no_overlay() -> None:
    writes = WriteSet()
    writes.put(write(IDS[0], document("a"), table=OTHERS))

    overlay = writes.overlay(PEOPLE, BY_NAME, EVERYTHING)

    assert not overlay.added
    assert not overlay.hidden


CHANGES = st.lists(st.tuples(st.sampled_from(IDS), st.none() | st.sampled_from("abc")), max_size=6)


@given(CHANGES, CHANGES)
def test_rolling_back_restores_what_was_there_at_the_mark(
    kept: list[tuple[bytes, str | None]], undone: list[tuple[bytes, str | None]]
) -> None:
    writes = WriteSet()

    def put_all(changes: list[tuple[bytes, str | None]]) -> None:
        for internal_id, name in changes:
            writes.put(write(internal_id, None if name is None else document(name)))

    put_all(kept)
    before, mark = state(writes), writes.mark()
    put_all(undone)
    writes.roll_back(mark)

    assert state(writes) == before
    assert [writes.get(PEOPLE.number, id) is None for id in IDS] == [
        all(changed != id for changed, _ in kept) for id in IDS
    ]


def test_marks_nest() -> None:
    writes = WriteSet()
    outer = writes.mark()
    writes.put(write(IDS[0], document("a")))
    inner = writes.mark()
    writes.put(write(IDS[0], document("b")))
    writes.put(write(IDS[1], document("c")))
    writes.roll_back(inner)

    assert state(writes) == [(IDS[0], document("a"))]
    writes.roll_back(outer)
    assert state(writes) == []
