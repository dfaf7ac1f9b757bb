"""Random queries and writes, as the app runs them and as the plain tables do.

A query is a list of steps, sent as its arguments: ranges of indexes in either direction, read whole
or in part, documents by id, and ranges that depend on what the step before has found.

Not here: regions (``precise_reads.py``); who watches what (``tests/torture/precision.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from livefile import Value
from tests.simulation.precise_reads import (
    DocumentRegion,
    PlainTables,
    RangeRegion,
    Region,
    WrittenRow,
)
from tests.simulation.serial_model import Bound, Row

APP = """
    from typing import Any
    from livefile import *

    class Player(Table, name="players"):
        team: str | None
        score: float
        mark: str
        by_team = index("team")
        by_team_score = index("team", "score")
        by_score_team = index("score", "team")

    class Game(Table, name="games"):
        team: str | None
        score: float
        mark: str
        by_team = index("team")
        by_mark_score = index("mark", "score")

    MODELS = {"players": Player, "games": Game}

    def shown(row: Any) -> list[Any]:
        row = row.stored_document if isinstance(row, Table) else row
        return [row["_id"], row["team"], row["score"], row["mark"]]

    def rows_of(db: Any, step: dict[str, Any], found: list[Any]) -> list[Any]:
        if step["kind"] == "get":
            row = db.get(step["id"])
            return [] if row is None else [shown(row)]
        if step["index"] == "":
            table = step["table"]
            query = db.query(MODELS[table]) if table in MODELS else db.table(table).query()
        else:
            range = getattr(MODELS[step["table"]], step["index"]).eq(**step["equal"])
            if step["kind"] == "follow" and found:
                range = getattr(MODELS[step["table"]], step["index"]).eq(team=found[0][1])
            for field, operator, value in step["bounds"]:
                range = getattr(range, operator)(**{field: value})
            query = db.query(range)
        query = query.order("desc" if step["is_descending"] else "asc")
        match step["reading"]:
            case "collect":
                return [shown(row) for row in query.collect()]
            case "take":
                return [shown(row) for row in query.take(int(step["count"]))]
            case "first":
                row = query.first()
                return [] if row is None else [shown(row)]
            case "page":
                page = query.paginate(PaginationOptions(num_items=int(step["count"]) + 1))
                return [[page.is_done, None, 0.0, ""], *[shown(row) for row in page.page]]
        try:
            row = query.unique()
        except NotUniqueError:
            return [["several", None, 0.0, ""]]
        return [] if row is None else [shown(row)]

    @query
    def run(ctx: QueryCtx, label: str, steps: list[Any]) -> list[Any]:
        print(label)
        results: list[Any] = []
        for step in steps:
            results.append(rows_of(ctx.db, step, results[-1] if results else []))
        return results

    @mutation
    def write(ctx: MutationCtx, steps: list[Any]) -> list[Any]:
        made = []
        for step in steps:
            table, fields = step["table"], step["fields"]
            target = ctx.db if table in MODELS else ctx.db.table(table)
            if step["verb"] == "insert":
                row = MODELS[table](**fields) if table in MODELS else fields
                id = target.insert(row)
                found = target.get(id)
                document = found.stored_document if table in MODELS else found
                made.append([id, document["_creationTime"]])
            elif step["verb"] == "delete":
                target.delete(step["id"])
            elif table in MODELS:
                target.patch(step["id"], **fields)
            else:
                target.patch(step["id"], fields)
        return made
"""

_INDEXES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "players": [
        ("", ()),
        ("by_team", ("team",)),
        ("by_team_score", ("team", "score")),
        ("by_score_team", ("score", "team")),
    ],
    "games": [("", ()), ("by_team", ("team",)), ("by_mark_score", ("mark", "score"))],
    "drafts": [("", ())],
}
_VALUES: dict[str, tuple[Value, ...]] = {
    "team": (None, "", "a", "ab", "b"),
    "score": (-1.0, 0.0, 1.0, 2.0, 3.0),
    "mark": ("", "x", "y"),
}
_ROWS_MAX = 30
_SEVERAL = ["several", None, 0.0, ""]

Step = dict[str, Any]  # Any: JSON, for the app.


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query gives and what it had to read for that.

    ``page`` is the part of a range that its page is, from the first run on; None if it has none.
    """

    result: list[Any]
    regions: list[Region]
    page: Region | None = None


@dataclass(slots=True)
class PreciseWorld:
    """The plain tables, and random queries and writes on them."""

    random: Random
    plain: PlainTables = field(default_factory=PlainTables)
    ids: list[tuple[str, str]] = field(default_factory=list)
    """Table and id of every row that ever was."""

    def __post_init__(self) -> None:
        self.plain.tables.update(players={}, games={})

    def query(self) -> list[Step]:
        """Return the steps of a random query. It has one page at most."""
        steps = [self._read_step() for _ in range(self.random.choice((1, 1, 2)))]
        if self.random.random() < 0.25 and steps[-1]["kind"] == "range":
            steps[-1]["reading"] = "page"
        if self.random.random() < 0.2:
            steps.append({**_range("players", "by_team"), "kind": "follow", "reading": "collect"})
        return steps

    def write(self) -> list[Step]:
        """Return the steps of a random write; each row occurs in it at most once."""
        steps: list[Step] = []
        written: set[str] = set()
        for _ in range(self.random.choice((1, 1, 2, 3))):
            table = self.random.choices(("players", "games", "drafts"), (4, 3, 1))[0]
            living = [id for id in self.plain.tables.get(table, {}) if id not in written]
            verb = self.random.choices(("insert", "patch", "delete"), (3, 4, 2))[0]
            if not living or len(living) > _ROWS_MAX:
                verb = "delete" if living else "insert"
            fields = {name: self.random.choice(values) for name, values in _VALUES.items()}
            step: Step = {"verb": verb, "table": table, "fields": fields}
            if verb != "insert":
                step["id"] = self.random.choice(living)
                written.add(step["id"])
                if verb == "patch":
                    names = self.random.sample(list(fields), self.random.randint(1, 2))
                    step["fields"] = {name: fields[name] for name in names}
            steps.append(step)
        return steps

    def take_write(self, steps: Sequence[Step], made: Sequence[Any]) -> list[WrittenRow]:
        """Make a write in the plain tables; ``made`` are the new rows' ids and creation times."""
        writes = []
        rest = list(made)[::-1]
        for step in steps:
            table, fields = step["table"], step["fields"]
            if step["verb"] == "insert":
                id, creation_time = rest.pop()
                self.ids.append((table, id))
                writes.append(self.plain.put(table, id, Row(id, creation_time, fields)))
                continue
            before = self.plain.get(table, step["id"])
            assert before is not None
            after = None
            if step["verb"] == "patch":
                after = Row(before.id, before.creation_time, {**before.fields, **fields})
            writes.append(self.plain.put(table, before.id, after))
        return writes

    def read(self, steps: Sequence[Step], page: Region | None = None) -> Reading:
        """Run a query on the plain tables; ``page`` is that of the run before."""
        results: list[Any] = []
        regions: list[Region] = []
        for step in steps:
            if step["kind"] == "get":
                row = self.plain.get(step["table"], step["id"])
                results.append([] if row is None else [_shown(row)])
                regions.append(DocumentRegion(step["id"]))
                continue
            follows = step["kind"] == "follow" and results[-1]
            equal = {"team": results[-1][0][1]} if follows else step["equal"]
            if step["reading"] == "page":
                rows, page = self._read_page(step, page)
                is_done = not isinstance(page, RangeRegion) or page.last is None
                results.append([[is_done, None, 0.0, ""], *(_shown(row) for row in rows)])
                regions.append(page)
                continue
            limit = {"take": step["count"], "first": 1, "unique": 2}.get(step["reading"])
            if limit == 0 and step["table"] in self.plain.tables:
                results.append([])
                continue
            rows, region = self._read_range(step, equal, limit)
            is_several = step["reading"] == "unique" and len(rows) > 1
            results.append([_SEVERAL] if is_several else [_shown(row) for row in rows])
            regions.append(region)
        return Reading(results, regions, page)

    def _read_range(
        self, step: Step, equal: dict[str, Value], limit: float | None
    ) -> tuple[list[Row], Region]:
        return self.plain.read(
            step["table"],
            dict(_INDEXES[step["table"]])[step["index"]],
            equal,
            [Bound(name, operator, value) for name, operator, value in step["bounds"]],
            None if limit is None else int(limit),
            is_descending=step["is_descending"],
        )

    def _read_page(self, step: Step, page: Region | None) -> tuple[list[Row], Region]:
        """Read a page: the first time some rows, from then on what lies in the same region."""
        if page is None:
            return self._read_range(step, step["equal"], step["count"] + 1)
        rows, everything = self._read_range(step, step["equal"], None)
        if not isinstance(page, RangeRegion):
            return rows, everything  # There was no table then, so the page has no end.
        return [row for row in rows if page.has(row)], page

    def _read_step(self) -> Step:
        random = self.random
        if self.ids and random.random() < 0.25:
            table, id = random.choice(self.ids[-40:])
            if table != "drafts":
                return {"kind": "get", "table": table, "id": id}
        table = random.choices(("players", "games", "drafts"), (4, 3, 1))[0]
        index, order_by = random.choice(_INDEXES[table])
        fixed = random.randint(0, len(order_by))
        step = _range(table, index)
        step["equal"] = {name: random.choice(_VALUES[name]) for name in order_by[:fixed]}
        if fixed < len(order_by):
            name = order_by[fixed]
            for operators in (("gt", "gte"), ("lt", "lte")):
                if random.random() < 0.4:
                    value = random.choice(_VALUES[name])
                    step["bounds"].append([name, random.choice(operators), value])
        step["is_descending"] = random.random() < 0.5
        step["reading"] = random.choice(("collect", "take", "take", "first", "unique"))
        step["count"] = float(random.randint(0, 4))
        return step


def _range(table: str, index: str) -> Step:
    return {
        "kind": "range",
        "table": table,
        "index": index,
        "equal": {},
        "bounds": [],
        "is_descending": False,
        "reading": "collect",
        "count": 0.0,
    }


def _shown(row: Row) -> list[Value]:
    return [row.id, row.fields["team"], row.fields["score"], row.fields["mark"]]
