"""What the app of the whole core's simulation must answer: dictionaries and lists, nothing else.

It knows nothing of the engine: no keys, no intervals, no snapshots. One transaction at a time.

Not here: the app itself (``core_app.py``).
"""

from collections.abc import Mapping
from typing import Any

ACCOUNTS = ("ada", "bob", "cleo", "dan", "eve")
BALANCE = 10.0
TOTAL = BALANCE * len(ACCOUNTS)

Args = Mapping[str, Any]  # Any: as JSON.


class RefusedError(Exception):
    """A function of the app raises a ``ConvexError`` with this data."""


class CoreModel:
    """The state after some commits."""

    def __init__(self) -> None:
        self._balances: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._notes: list[tuple[str, float, str]] = []
        """Board, rank and text of each note."""

    def mutate(self, name: str, args: Args) -> tuple[Any, bool]:
        """Run a mutation; return its result, and whether it wrote something.

        Raises:
            RefusedError: the function raises; nothing was changed.
        """
        match name:
            case "fill":
                self._balances.update(dict.fromkeys(args["names"], args["balance"]))
                return None, True
            case "transfer":
                return self._transfer(args["source"], args["target"], args["amount"]), True
            case "bump":
                self._counts[args["owner"]] = self._counts.get(args["owner"], 0.0) + 1
                return self._counts[args["owner"]], True
            case "put":
                self._notes.append((args["board"], args["rank"], args["text"]))
                return float(len(self._on(args["board"]))), True
            case "drop":
                found = [n for n in self._on(args["board"]) if args["low"] <= n[1] < args["high"]]
                return self._replace(found[-1:], None)
            case "move":
                target = (args["to_board"], args["to_rank"])
                return self._replace(self._on(args["board"])[:1], target)
            case "claim":
                if self._on(args["board"]):
                    return False, False
                self._notes.append((args["board"], 0.0, args["text"]))
                return True, True
        raise AssertionError(f"the model has no mutation {name}")

    def query(self, name: str, args: Args, caller: str) -> Any:
        """Return the result of a query for ``caller``.

        Raises:
            RefusedError: the function raises.
        """
        match name:
            case "poorer":
                return [it for name, it in sorted(self._balances.items()) if name < "c"]
            case "richer":
                return [it for name, it in sorted(self._balances.items())[::-1] if name >= "c"]
            case "count":
                return self._counts.get(args["owner"], 0.0)
            case "notes":
                inside = [n for n in self._on(args["board"]) if args["low"] <= n[1] <= args["high"]]
                ordered = inside[::-1] if args["newest"] else inside
                return [[rank, text] for _, rank, text in ordered[: int(args["wanted"])]]
            case "single":
                found = self._on(args["board"])
                if len(found) > 1:
                    raise RefusedError("several")
                return found[0][2] if found else None
            case "me":
                return [caller, self._counts.get(caller, 0.0)]
            case "door":
                return caller if self._on(args["board"]) else "open"
            case "guest":
                if not self._on(args["board"]):
                    return "open"
                return [caller, self._counts.get(caller, 0.0)]
        raise AssertionError(f"the model has no query {name}")

    def _transfer(self, source: str, target: str, amount: float) -> list[float]:
        if self._balances[source] < amount:
            raise RefusedError("poor")
        self._balances[target] += amount
        self._balances[source] -= amount
        return [self._balances[source], self._balances[target]]

    def _on(self, board: str) -> list[tuple[str, float, str]]:
        return sorted(note for note in self._notes if note[0] == board)

    def _replace(
        self, found: list[tuple[str, float, str]], place: tuple[str, float] | None
    ) -> tuple[str | None, bool]:
        """Delete the only note, or move it to another board and rank; None if there is none."""
        if not found:
            return None, False
        (note,) = found
        self._notes.remove(note)
        if place is not None:
            self._notes.append((*place, note[2]))
        return note[2], True
