"""The tables that Livefile itself keeps: what they are called, and by what they are found.

They hold documents like every other table, so they are read, watched and changed in transactions
like every other one; apps see them through ``ctx.db.system``. A file gets those that it lacks when
it is opened.

Not here: what is in their documents (``system/``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import apsw

from livefile.model.index_spec import IndexSpec
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.sqlite import catalog


@dataclass(frozen=True, slots=True)
class SystemTable:
    """One table. ``number`` is that inside its documents' ids, for ever."""

    name: str
    number: int
    indexes: Mapping[str, tuple[str, ...]]


SYSTEM_TABLES = (
    SystemTable(
        name="_scheduled_functions",
        number=1,
        indexes={
            "by_due": ("state.kind", "scheduledTime"),
            "by_completed": ("completedTime",),
        },
    ),
    SystemTable(
        name="_storage",
        number=2,
        indexes={},
    ),
    SystemTable(
        name="_environment_variables",
        number=3,
        indexes={"by_name": ("name",)},
    ),
    SystemTable(
        name="_cron_jobs",
        number=4,
        indexes={"by_due": ("state.kind", "scheduledTime")},
    ),
    SystemTable(
        name="_blobs",
        number=5,
        indexes={
            "by_uuid": ("uuid",),
            "by_storage_id": ("storageId",),
            "by_state": ("state",),
        },
    ),
    SystemTable(
        name="_users",
        number=6,
        indexes={"by_email": ("email",)},
    ),
    SystemTable(
        name="_auth_accounts",
        number=7,
        indexes={"by_subject": ("provider", "subject"), "by_user": ("userId",)},
    ),
    SystemTable(
        name="_auth_sessions",
        number=8,
        indexes={"by_user": ("userId",), "by_expiry": ("expiresMs",)},
    ),
    SystemTable(
        name="_auth_codes",
        number=9,
        indexes={"by_ticket": ("ticketHash",), "by_expiry": ("expiresMs",)},
    ),
    SystemTable(
        name="_snapshot_imports",
        number=10,
        indexes={},
    ),
    SystemTable(
        name="_snapshot_exports",
        number=11,
        indexes={},
    ),
)

READABLE_TABLES = ("_scheduled_functions", "_storage", "_users")
"""Those that apps may read."""


def create_system_tables(connection: apsw.Connection) -> None:
    """Add the system tables that the file lacks, all or none of them."""
    # By name: an import may have given ``_storage`` the number that its files' ids carry.
    known = {name for (name,) in connection.execute("SELECT name FROM tables WHERE name GLOB '_*'")}
    missing = [table for table in SYSTEM_TABLES if table.name not in known]
    if not missing:
        return
    with connection:
        for table in missing:
            connection.execute(
                "INSERT INTO tables (number, name, validator) VALUES (?, ?, ?)",
                (table.number, table.name, ANY_VALIDATOR),
            )
            catalog.create_own_indexes(connection, table.number)
            for name, fields in table.indexes.items():
                catalog.create_index(connection, table.number, name, IndexSpec(fields))
