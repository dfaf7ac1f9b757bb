"""The tables of the app."""

from livefile import Table, index


class Series(Table, name="series"):
    """A list that only grows."""

    key: str
    values: list[float]
    by_key = index("key")


class Stone(Table, name="stones"):
    """A thing on a line. Its version counts what was done to it, from 1."""

    line: str
    place: float
    name: str
    version: float
    by_place = index("line", "place")


class Claim(Table, name="claims"):
    """A name that only one may have."""

    name: str
    owner: str
    by_name = index("name")


class Booking(Table, name="bookings"):
    """A room from a start up to an end; two bookings must not overlap."""

    room: str
    start: float
    end: float
    by_start = index("room", "start")


class Account(Table, name="accounts"):
    """A balance under a number."""

    number: float
    balance: float
    by_number = index("number")


class Note(Table, name="notes"):
    """A text that is looked at in many ways."""

    topic: str
    title: str
    stars: float
    text: str
    by_topic = index("topic")
    by_title = index("title")
    by_stars = index("stars")


class Tally(Table, name="tallies"):
    """How often a client's requests were applied."""

    client: str
    count: float
    by_client = index("client")


class Receipt(Table, name="receipts"):
    """One request that was applied."""

    client: str
    request: str
    by_request = index("client", "request")
