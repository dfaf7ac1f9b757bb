"""How vectors are kept and compared: by their signs, in full, and over changes of the schema."""

from random import Random

import apsw
import pytest

from livefile import SearchError, Table, field, vector_index
from livefile.model.vector import vector_of
from livefile.sqlite import vector_index as stored_vectors
from livefile.sqlite.vector_index import has_telling_signs
from livefile.transaction.transaction import Transaction
from livefile.transaction.vector_search import nearest_documents
from tests.integrity import check_integrity
from tests.workbench import Workbench

# --- Signs ---------------------------------------------------------------------------------

SIGNED_DIMENSIONS = 256


class Text(Table, name="texts"):
    embedding: list[float]
    by_embedding = vector_index("embedding", dimensions=SIGNED_DIMENSIONS)


def fast(transaction: Transaction, vector: list[float], limit: int) -> list[str]:
    request = Text.by_embedding.search(vector, limit, None)
    found = nearest_documents(transaction, "texts", "by_embedding", request, is_exact=False)
    return [id for id, _ in found]


def test_a_search_by_signs_finds_what_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_vectors, "VECTOR_CANDIDATES_MIN", 20)
    monkeypatch.setattr(stored_vectors, "VECTOR_CANDIDATES_PER_RESULT", 1)
    random = Random(5)

    def around(center: list[float]) -> list[float]:
        return [number + random.gauss(0, 0.5) for number in center]

    centers = [[random.gauss(0, 1) for _ in range(SIGNED_DIMENSIONS)] for _ in range(40)]
    with Workbench(Text) as bench:
        with bench.change() as db:
            ids = [[db.insert(Text(embedding=around(each))) for _ in range(5)] for each in centers]
        transaction = bench.on_snapshot()

        for center, near in zip(centers, ids, strict=True):
            assert set(fast(transaction, around(center), 5)) == set(near)
        exact = bench.reader(transaction).vector_search(Text.by_embedding, centers[0], limit=5)
        assert fast(transaction, centers[0], 5) == [match.id for match in exact]


def test_vectors_whose_signs_tell_nothing_are_compared_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored_vectors, "VECTOR_CANDIDATES_MIN", 1)
    monkeypatch.setattr(stored_vectors, "VECTOR_CANDIDATES_PER_RESULT", 1)
    random = Random(6)
    counts = [[float(random.randint(1, 9)) for _ in range(SIGNED_DIMENSIONS)] for _ in range(50)]
    with Workbench(Text) as bench:
        with bench.change() as db:
            ids = [db.insert(Text(embedding=each)) for each in counts]
        transaction = bench.on_snapshot()

        assert [fast(transaction, each, 1) for each in counts] == [[id] for id in ids]


@pytest.mark.parametrize(
    ("numbers", "is_telling"),
    [
        ([1.0, -1.0] * 128, True),
        ([1.0, -1.0] * 127, False),
        ([1.0] * 256, False),
        ([-1.0] * 256, False),
        ([0.0] * 256, False),
        ([1.0, 0.0, 0.0, 0.0] * 64, True),
        ([1.0] + [0.0] * 255, False),
    ],
)
def test_signs_tell_if_there_are_many_of_both(numbers: list[float], is_telling: bool) -> None:
    vector = vector_of(list(numbers))

    assert vector is not None
    assert has_telling_signs(vector) is is_telling


def test_a_number_of_dimensions_need_not_fill_bytes() -> None:
    class Odd(Table, name="odd"):
        embedding: list[float]
        by_embedding = vector_index("embedding", dimensions=259)

    random = Random(7)
    with Workbench(Odd) as bench:
        vectors = [[random.gauss(0, 1) for _ in range(259)] for _ in range(20)]
        with bench.change() as db:
            ids = [db.insert(Odd(embedding=vector)) for vector in vectors]
        transaction = bench.on_snapshot()
        request = Odd.by_embedding.search(vectors[3], 2, None)

        for is_exact in (True, False):
            found = nearest_documents(
                transaction, "odd", "by_embedding", request, is_exact=is_exact
            )
            assert found[0][0] == ids[3]
            assert found[0][1] == pytest.approx(1, abs=1e-6)
        bench.give_back(transaction)
        check_integrity(bench.database)


# --- Deploys -------------------------------------------------------------------------------


def test_an_index_of_other_dimensions_is_built_anew_and_the_old_one_goes() -> None:
    class Wide(Table, name="notes"):
        title: str
        embedding: list[float] | None = None
        by_embedding = vector_index("embedding", dimensions=3)

    class Without(Table, name="notes"):
        title: str
        embedding: list[float] | None = None

    class Narrow(Table, name="notes"):
        title: str
        embedding: list[float] | None = None
        by_embedding = vector_index("embedding", dimensions=2)

    with Workbench(Narrow) as bench:
        with bench.change() as db:
            db.insert(Narrow(title="two", embedding=[1, 0]))
            three = db.insert(Narrow(title="three", embedding=[1, 0, 0]))
        bench.declare(Wide)
        transaction = bench.on_snapshot()
        found = bench.reader(transaction).vector_search(Wide.by_embedding, [1, 0, 0])
        with pytest.raises(SearchError, match="dimensions 3, received 2"):
            bench.reader(transaction).vector_search(Narrow.by_embedding, [1, 0])
        bench.give_back(transaction)
        assert [str(match.id) for match in found] == [str(three)]
        check_integrity(bench.database)

        bench.declare(Without)

        with bench.database._connections.read() as connection:
            assert connection.execute("SELECT count(*) FROM vectors").get == 0
            assert connection.execute("SELECT count(*) FROM vector_entries").get == 0


def test_a_new_filter_field_has_its_default_in_older_documents() -> None:
    class Bare(Table, name="notes"):
        title: str
        embedding: list[float]

    class Filtered(Table, name="notes"):
        title: str
        embedding: list[float]
        channel: str = "general"
        by_embedding = vector_index("embedding", dimensions=2, filters=["channel"])

    with Workbench(Bare) as bench:
        with bench.change() as db:
            old = db.insert(Bare(title="old", embedding=[1, 0]))
        bench.declare(Filtered)
        transaction = bench.on_snapshot()

        found = bench.reader(transaction).vector_search(
            Filtered.by_embedding, [1, 0], filter=field("channel") == "general"
        )

        assert [str(match.id) for match in found] == [str(old)]
        bench.give_back(transaction)
        check_integrity(bench.database)


def test_the_file_lets_nobody_load_another_extension() -> None:
    with (
        Workbench() as bench,
        bench.database._connections.read() as connection,
        pytest.raises(apsw.SQLError, match="not authorized"),
    ):
        connection.execute("SELECT load_extension('other')")
