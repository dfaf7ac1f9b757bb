"""The tables of the app under test."""

from livefile import Table, index


class Account(Table, name="accounts"):
    """A balance under a name."""

    name: str
    balance: float
    by_name = index("name")


class Reading(Table, name="readings"):
    """One number at a place on a line. Live queries watch stretches of the line."""

    place: float
    amount: float
    by_place = index("place")
