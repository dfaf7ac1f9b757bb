"""Random programs for functions that exist twice, in Python and in JavaScript: lists of steps.

A step is a list of its kind and what it takes. Documents are meant by their place among the known
ids. A value stands in a list of its own, which is empty if the value is missing.

Not here: the functions that run them (``twins_app.py``, ``twins.js``).
"""

import math
from random import Random
from typing import Any

# Any: programs are values of every kind.

NUMBERS = [0.0, -0.0, 1.0, 1.5, -1.0, 2.0**53, math.inf, -math.inf, math.nan]
OTHERS = [None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), "", "a", "b", "aa", "\x00", "ä", "😀"]
DEEP = [b"", b"\x00\xff", [], [1.0, [2]], {}, {"": {"a": [None]}, "_b": 1}]
WORDS = ["tea", "teapot", "Tea", "ten", "Ärger", "straße", "of", "then", "7", "日本", "x"]
COMPARISONS = ["eq", "neq", "lt", "lte", "gt", "gte"]
ARITHMETIC = ["add", "sub", "mul", "div", "mod"]
PATHS = ["at.a", "at.b"]
FIELDS = [*PATHS, "room", "_creationTime", "body", "_id"]


def reads_ahead(steps: list[list[Any]]) -> bool:
    """Return whether a program leaves a query before its end: JavaScript has read more by then."""
    for kind, *more in steps:
        if kind == "sweep" or (kind == "query" and more[1][0] == "some"):
            return True
        if kind == "nested" and reads_ahead(more[0]):
            return True
    return False


class Programs:
    """Makes programs."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._few: list[Any] = []

    def program(self, steps_max: int, *, writes: bool) -> list[list[Any]]:
        """Return a program; its values are few, so that they meet."""
        pool = [*NUMBERS, *OTHERS, *DEEP]
        self._few = [self._random.choice(pool) for _ in range(4)]
        return self._steps(steps_max, 2, writes=writes)

    def document(self) -> dict[str, Any]:
        """Return the fields of a document."""
        at = {name: self._value() for name in "ab" if self._random.random() < 0.8}
        fields: dict[str, Any] = {"at": at}
        if self._random.random() < 0.8:
            fields["body"] = self._text(12)
        if self._random.random() < 0.7:
            fields["room"] = self._value()
        return fields

    def _steps(self, steps_max: int, depth: int, *, writes: bool) -> list[list[Any]]:
        count = self._random.randint(1, steps_max)
        return [self._step(depth, writes=writes) for _ in range(count)]

    def _step(self, depth: int, *, writes: bool) -> list[Any]:
        chance, number = self._random.random(), float(self._random.randrange(1000))
        if depth and chance < 0.1:
            return ["nested", self._steps(3, depth - 1, writes=writes), chance < 0.05]
        if writes and chance < 0.5:
            return self._write(number)
        if chance < 0.6:
            return ["get", number]
        if chance < 0.65:
            return ["normalize", self._random.choice(["things", "others"]), number]
        return ["query", *self._query()]

    def _write(self, number: float) -> list[Any]:
        match self._random.choice(["insert", "insert", "patch", "replace", "delete", "sweep"]):
            case "insert":
                return ["insert", "things", self._maybe_wrong(self.document())]
            case "patch":
                document = self.document()
                name = self._random.choice(list(document))
                return ["patch", number, self._maybe_wrong({name: document[name]})]
            case "replace":
                return ["replace", number, self._maybe_wrong(self.document())]
            case "sweep":
                asked = {**self._query()[0], "filter": None}
                return ["sweep", asked, float(self._random.choice([1, 3, 70]))]
            case _:
                return ["delete", number]

    def _maybe_wrong(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self._random.random() < 0.1:
            fields["body"] = 5.0
        if self._random.random() < 0.05:
            fields["extra"] = "unknown"
        return fields

    def _query(self) -> list[Any]:
        asked: dict[str, Any] = {
            "table": "things",
            "index": None,
            "bounds": [],
            "search": None,
            "conditions": [],
            "order": self._random.choice(["asc", "desc"]),
            "filter": self._condition(2) if self._random.random() < 0.4 else None,
        }
        match self._random.choice(["all", "place", "place", "place", "time", "words", "words"]):
            case "place":
                asked |= {"index": "by_place", "bounds": self._bounds()}
            case "time":
                times = [self._random.choice([0.0, 1e12, 2e12, math.inf]) for _ in "ab"]
                bounds = [["Gt", "_creationTime", [times[0]]], ["Lte", "_creationTime", [times[1]]]]
                asked |= {"index": "by_creation_time", "bounds": bounds}
            case "words":
                conditions = [
                    [path, self._box()] for path in ("room", "at.a") if self._random.random() < 0.3
                ]
                asked |= {"search": self._text(3), "conditions": conditions}
        return [asked, self._way()]

    def _way(self) -> list[Any]:
        chance = self._random.random()
        if chance < 0.3:
            return ["collect", 0.0, None]
        if chance < 0.6:
            return ["take", float(self._random.choice([0, 1, 2, 3, 10, 64, 65, 300])), None]
        if chance < 0.7:
            return ["some", float(self._random.choice([0, 1, 5, 70])), None]
        return ["page", float(self._random.choice([1, 2, 5, 40])), None]

    def _bounds(self) -> list[list[Any]]:
        fixed = self._random.randint(0, 2)
        bounds = [["Eq", path, self._box()] for path in PATHS[:fixed]]
        path = [*PATHS, "_creationTime"][fixed]
        for kinds in (["Gt", "Gte"], ["Lt", "Lte"]):
            if self._random.random() < 0.4:
                box = [self._random.choice(NUMBERS)] if fixed == 2 else self._box()
                bounds.append([self._random.choice(kinds), path, box])
        return bounds

    def _condition(self, depth: int) -> list[Any]:
        chance = self._random.random()
        if depth and chance < 0.3:
            parts = [self._condition(depth - 1) for _ in range(self._random.randint(1, 3))]
            return [self._random.choice(["and", "or"]), *parts]
        if depth and chance < 0.4:
            return ["not", self._condition(depth - 1)]
        left, right = self._operand(depth), self._operand(depth)
        return [self._random.choice(COMPARISONS), left, right]

    def _operand(self, depth: int) -> list[Any]:
        chance = self._random.random()
        if depth and chance < 0.1:
            left, right = self._operand(0), self._operand(0)
            return [self._random.choice(ARITHMETIC), left, right]
        if depth and chance < 0.13:
            return ["neg", self._operand(0)]
        if chance < 0.6:
            return ["field", self._random.choice(FIELDS)]
        return ["constant", self._box()]

    def _box(self) -> list[Any]:
        return [] if self._random.random() < 0.1 else [self._value()]

    def _value(self) -> Any:
        return self._random.choice(self._few or OTHERS)

    def _text(self, words_max: int) -> str:
        return " ".join(self._random.choices(WORDS, k=self._random.randint(0, words_max)))
