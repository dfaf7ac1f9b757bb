"""``@migration``: a function that brings the stored documents of one table into another form.

It gets each document as a plain dictionary, because a document that is to be migrated does not
match the schema that the code declares.

Not here: going through the documents (``functions/migration_run.py``).
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

from livefile.functions.database import DatabaseWriter
from livefile.model.names import check_identifier, check_table_name
from livefile.model.table import Table
from livefile.vocabulary.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class MigrationCtx:
    """The context of a migration: what it writes is committed with its batch of documents."""

    db: DatabaseWriter


# Any: a stored document holds every value.
MigrationBody = Callable[[MigrationCtx, dict[str, Any]], dict[str, Any] | None]


class Migration:
    """A migration of the app. Calling it directly runs its body, as a helper would be run."""

    def __init__(self, body: MigrationBody, table_name: str) -> None:
        self.body = body
        self.name = body.__name__
        self.table_name = table_name
        check_identifier(self.name, "migration")
        if inspect.iscoroutinefunction(body) or inspect.isgeneratorfunction(body):
            raise DefinitionError(f"migration {self.name}: write a plain def that returns")
        if len(inspect.signature(body).parameters) != 2:
            raise DefinitionError(
                f"migration {self.name}: its parameters must be the context and the document"
            )
        update_wrapper(self, body)

    def __call__(self, ctx: MigrationCtx, document: dict[str, Any]) -> dict[str, Any] | None:
        """Run the body in the caller's context."""
        return self.body(ctx, document)


def migration(table: type[Table] | str) -> Callable[[MigrationBody], Migration]:
    """Define a migration of a table, by its class, or by its name if no class declares it now.

    ``livefile migrate`` calls the function with every document, ``_id`` and ``_creationTime``
    included. It returns the document's new fields, or None to leave it as it is.
    """
    name = table if isinstance(table, str) else table.__livefile_table__.name
    check_table_name(name)
    return lambda body: Migration(body, name)
