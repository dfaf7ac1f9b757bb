"""The integrity check of a whole file, for the end of every test that wrote one.

It reads through a reader of the open database, so that nothing else opens the file. What must hold
inside the file is the product's own check, which the tests of it show to find each kind of damage.
"""

from itertools import islice

import apsw

from livefile.sqlite import catalog
from livefile.sqlite.check import problems
from livefile.transaction.database import Database

_PROBLEMS_SHOWN = 5


def check_integrity(database: Database) -> None:
    """Raise an AssertionError that names what is wrong with the file, if anything is."""
    with database._connections.read() as connection:
        check_connection(connection)
        newest_ts = connection.execute("SELECT coalesce(max(ts), 0) FROM commits").get
        assert newest_ts == database.published_ts
        assert catalog.load(connection) == database.catalog


def check_connection(connection: apsw.Connection) -> None:
    """Do the same for a file that no database has open, through any connection to it."""
    found = list(islice(problems(connection, lambda done, count: None), _PROBLEMS_SHOWN))
    assert not found, found
