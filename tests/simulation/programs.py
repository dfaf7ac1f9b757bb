"""Random steps: which operation comes next, on which documents and ranges.

The domains are tiny, so that transactions meet each other, rows are equal in their indexed fields
and ranges begin and end on rows.
"""

from collections.abc import Mapping, Sequence
from random import Random

from livefile import Value
from tests.simulation.operations import Change, Get, Insert, Operation, ReadRange
from tests.simulation.serial_model import Bound, Fields

UNDECLARED = ("notes", "drafts", "marks")
"""Tables without a schema: each comes into being with its first document."""

INDEXES: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = {
    "players": [("by_team", ["team"]), ("by_team_score", ["team", "score"]), ("", [])],
    "games": [("by_winner_points", ["winner", "points"]), ("", [])],
    **{table: [("", [])] for table in UNDECLARED},
}

TEAMS: Sequence[Value] = (None, "", "a", "ab", "b")
SCORES: Sequence[Value] = (0.0, 1.0, 2.0)
POINTS: Sequence[Value] = (-1.0, 0.0, 0.5, 1.0)


class Programmer:
    """Makes operations on documents that exist, existed, or never were committed.

    ``ids`` are the ids seen so far by table, ``times`` the creation times.
    """

    def __init__(self, random: Random, first_player: str) -> None:
        self._random = random
        self.ids: dict[str, list[str]] = {table: [] for table in INDEXES}
        self.ids["players"].append(first_player)
        self.times: list[float] = [0.0]

    def operation(self, undeclared: Mapping[str, Sequence[str]]) -> Operation:
        """Return the next step; ``undeclared`` are the ids in tables without a schema that the
        transaction may know."""
        random = self._random
        table = random.choice(["players", "players", "games", random.choice(UNDECLARED)])
        known = undeclared.get(table, self.ids[table])
        kind = random.choices(["insert", "get", "change", "range"], [2, 2, 3, 5])[0]
        if kind == "insert" or (kind in ("get", "change") and not known):
            return Insert(table, self._fields(table))
        # The newest are the likely ones, so that a history does not work on the dead only.
        id = random.choice(known[-6:]) if kind in ("get", "change") else ""
        match kind:
            case "get":
                return Get(table, id)
            case "change":
                return self._change(table, id)
        return self._range(table)

    def _change(self, table: str, id: str) -> Operation:
        fields = self._fields(table)
        match self._random.choice(["patch", "patch", "replace", "delete"]):
            case "patch":
                name = self._random.choice(list(fields))
                return Change("patch", table, id, {name: fields[name]})
            case "replace":
                return Change("replace", table, id, fields)
        return Change("delete", table, id, {})

    def _range(self, table: str) -> Operation:
        random = self._random
        index, order_by = random.choice(INDEXES[table])
        fields = [*order_by, "creation_time"] if index else []
        fixed = random.randint(0, len(fields))
        equal = {name: self._value(name) for name in fields[:fixed]}
        bounds = []
        if fixed < len(fields):
            if random.random() < 0.4:
                name = fields[fixed]
                bounds.append(Bound(name, random.choice(["gt", "gte"]), self._value(name)))
            if random.random() < 0.4:
                name = fields[fixed]
                bounds.append(Bound(name, random.choice(["lt", "lte"]), self._value(name)))
        return ReadRange(
            table=table,
            index=index,
            order_by=order_by,
            equal=equal,
            bounds=bounds,
            is_descending=random.random() < 0.5,
            reading=random.choice(["collect", "take", "take", "first", "unique"]),
            count=random.randint(0, 4),
        )

    def _fields(self, table: str) -> Fields:
        match table:
            case "players":
                names = ["name", "team", "score", "tags"]
            case "games":
                names = ["winner", "points"]
            case _:
                names = ["score"]
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Value:
        random = self._random
        match name:
            case "team":
                return random.choice(TEAMS)
            case "score":
                return random.choice(SCORES)
            case "points":
                return random.choice(POINTS)
            case "winner":
                return random.choice(self.ids["players"][-4:])
            case "creation_time":
                return random.choice(self.times[-6:])
            case "tags":
                return [random.choice("xyz")]
        return random.choice(["Ada", "Bob"])
