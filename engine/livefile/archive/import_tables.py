"""The tables of an import: that they are there, under the numbers that its ids carry.

Not here: their documents (``import_run.py``); how a number is changed
(``sqlite/table_numbers.py``).
"""

from collections.abc import Mapping, Sequence

from livefile.archive.import_source import ImportedTable
from livefile.model.schema_diff import ANY_VALIDATOR
from livefile.sqlite import catalog
from livefile.sqlite.catalog import Catalog
from livefile.sqlite.connections import Connection
from livefile.sqlite.table_numbers import forget_commits, has_documents, move_tables
from livefile.vocabulary.errors import ImportFileError
from livefile.vocabulary.limits import SYSTEM_TABLE_NUMBER_MAX


def make_tables(connection: Connection, before: Catalog, wanted: Sequence[ImportedTable]) -> None:
    """Add the tables that are missing and give all of them the wanted numbers.

    Raises:
        ImportFileError: a table that has documents would have to change its number.
    """
    for table in wanted:
        if table.name not in before.tables:
            catalog.create_table(connection, table.name, ANY_VALIDATOR)
    moves = _moves(catalog.load(connection), wanted)
    for number in moves:
        if has_documents(connection, number):
            name = before.by_number[number].name
            raise ImportFileError(
                f'table "{name}" has documents under the number {number}, which its ids carry; to '
                f"keep the imported ids it would have to be {moves[number]}. Import into a new "
                "file, replace all tables, or leave the ids out"
            )
    move_tables(connection, moves)
    if moves.keys() & before.by_number.keys():
        forget_commits(connection)


def _moves(current: Catalog, wanted: Sequence[ImportedTable]) -> Mapping[int, int]:
    """Return the new numbers of tables, by their present ones."""
    numbers = {it.name: it.number for it in wanted if it.number is not None}
    for name, wanted_number in numbers.items():
        is_there = name in current.tables and current.tables[name].number == wanted_number
        if wanted_number <= SYSTEM_TABLE_NUMBER_MAX and not is_there:
            raise ImportFileError(
                f'ids of table "{name}" carry the number {wanted_number}; those up to '
                f"{SYSTEM_TABLE_NUMBER_MAX} are the system's, so the ids cannot be kept"
            )
    taken = set(numbers.values())
    moves: dict[int, int] = {}
    free = max([*current.by_number, *taken])
    for table in current.tables.values():
        number = numbers.get(table.name)
        if number is None and table.number in taken:  # It makes way.
            free += 1
            number = free
        if number is not None and number != table.number:
            moves[table.number] = number
    return moves
