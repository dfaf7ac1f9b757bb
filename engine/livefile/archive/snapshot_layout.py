"""Where a snapshot has what: the names of its entries, which are Convex's.

The tables of a component are below its folder, and those of a component in it below that one:
``_components/limiter/_components/inner/``. In the file such a table is ``limiter/inner/buckets``.

Not here: reading (``snapshot_file.py``) and writing (``export.py``) what is in the entries.
"""

import re

README_ENTRY = "README.md"
_TABLES = "_tables/documents.jsonl"
_COMPONENT = "_components/"
_TABLES_ENTRY = re.compile(rf"((?:{_COMPONENT}[^/]+/)*){re.escape(_TABLES)}")


def documents_entry(table: str) -> str:
    """Return the name of the entry with a table's documents."""
    return f"{_folder_of_table(table)}/documents.jsonl"


def schema_entry(table: str) -> str:
    """Return the name of the entry that says what a table's documents look like."""
    return f"{_folder_of_table(table)}/generated_schema.jsonl"


def tables_entry(component: str) -> str:
    """Return the name of the entry that lists a component's tables; the app's own has no path."""
    return _folder_of(component) + _TABLES


def component_listed_in(entry: str) -> str | None:
    """Return the path of the component whose tables an entry lists, None for other entries."""
    found = _TABLES_ENTRY.fullmatch(entry)
    if found is None:
        return None
    return "/".join(name for name in found[1].split("/")[1::2])


def component_of(table: str) -> str:
    """Return the path of the component that a table of the file belongs to."""
    return table.rpartition("/")[0]


def _folder_of(component: str) -> str:
    names = component.split("/") if component else []
    return "".join(f"{_COMPONENT}{name}/" for name in names)


def _folder_of_table(table: str) -> str:
    component, _, name = table.rpartition("/")
    return _folder_of(component) + name
