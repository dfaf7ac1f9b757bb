"""The environment variables of a deployment: ``_environment_variables`` and ``ctx.env``.

They are documents, so a look-up is a read like any other: it is tracked, and a live query that
looked a variable up runs again when its value changes. They are no variables of the process,
which belong to the machine and not to the deployment.

Not here: who may see and change them over the wire (the server's ``web/environment.py``).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from livefile.model.index_key import encode_value, successor
from livefile.model.interval import Interval
from livefile.transaction.transaction import Transaction
from livefile.transaction.write_set import Document
from livefile.vocabulary.errors import EnvironmentVariableError, VariableNotSetError
from livefile.vocabulary.limits import (
    ENVIRONMENT_NAME_LENGTH_MAX,
    ENVIRONMENT_VALUE_SIZE_BYTES_MAX,
    ENVIRONMENT_VARIABLES_MAX,
)

TABLE = "_environment_variables"
INDEX = "by_name"
BUILT_IN_NAMES = frozenset({"CONVEX_CLOUD_URL", "CONVEX_SITE_URL"})
"""Those that the server sets, to its own addresses."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Read = Callable[[Callable[[Transaction], Any]], Any]
"""Hands a transaction to a function and returns what that returns."""


class Environment(Mapping[str, str]):
    """``ctx.env``: the variables by name, as the calling transaction sees them.

    In an action, which has no transaction, each look-up sees the newest values.
    """

    def __init__(self, read: Read, built_in: Mapping[str, str]) -> None:
        """Take how to read, and the variables that the server sets."""
        self._read = read
        self._built_in = built_in

    def __getitem__(self, name: str) -> str:
        """Return the value of a variable.

        Raises:
            VariableNotSetError: there is none of this name. It is a ``KeyError``.
        """
        found: str | None = self._built_in.get(name)
        if found is None:
            found = self._read(lambda transaction: read_variable(transaction, name))
        if found is None:
            raise VariableNotSetError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield the names, in their order."""
        return iter(sorted({*self._read(read_variables), *self._built_in}))

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return "<the environment variables of the deployment>"  # Values are secrets.


def read_variable(transaction: Transaction, name: str) -> str | None:
    """Return the value of a variable, None if it is not set."""
    found = _find(transaction, name)
    return None if found is None else cast(str, found["value"])


def read_variables(transaction: Transaction) -> dict[str, str]:
    """Return all variables by name, in the order of their names."""
    table = transaction.catalog.tables[TABLE]
    key_all = Interval(b"", successor(encode_value("")[:1]))
    return {
        cast(str, found["name"]): cast(str, found["value"])
        for found in transaction.scan(table, table.indexes[INDEX], key_all)
    }


def change_variables(transaction: Transaction, changes: Mapping[str, str | None]) -> None:
    """Set variables to values, and remove those whose value is None; all or none of them.

    Raises:
        EnvironmentVariableError: a name or a value that cannot be, or too many variables.
    """
    for name, value in changes.items():
        _check_name(name)
        if value is not None:
            _check_value(name, value)
    for name, value in changes.items():
        found = _find(transaction, name)
        if found is None:
            if value is not None:
                transaction.insert(TABLE, {"name": name, "value": value})
        elif value is None:
            transaction.delete(cast(str, found["_id"]))
        elif value != found["value"]:
            transaction.patch(cast(str, found["_id"]), {"value": value})
    if len(read_variables(transaction)) > ENVIRONMENT_VARIABLES_MAX:
        raise EnvironmentVariableError(
            "EnvVarLimitMet",
            f"A deployment may have {ENVIRONMENT_VARIABLES_MAX} environment variables",
        )


def _find(transaction: Transaction, name: str) -> Document | None:
    table = transaction.catalog.tables[TABLE]
    prefix = encode_value(name)
    found = transaction.take(table, table.indexes[INDEX], Interval(prefix, successor(prefix)), 1)
    return found[0] if found else None


def _check_name(name: str) -> None:
    if name in BUILT_IN_NAMES:
        raise EnvironmentVariableError(
            "EnvVarNameForbidden", f"{name} is set by the server and cannot be changed"
        )
    if len(name) > ENVIRONMENT_NAME_LENGTH_MAX:
        raise EnvironmentVariableError(
            "EnvironmentVariableNameTooLong",
            f"The name of an environment variable may have {ENVIRONMENT_NAME_LENGTH_MAX} "
            f"characters; {name[:20]}... has {len(name)}",
        )
    if _NAME.fullmatch(name) is None:
        raise EnvironmentVariableError(
            "EnvironmentVariableNameInvalid",
            "The name of an environment variable begins with a letter or an underscore and goes "
            f"on with letters, digits and underscores; {name!r} does not",
        )


def _check_value(name: str, value: str) -> None:
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError as error:
        raise EnvironmentVariableError(
            "EnvironmentVariableValueInvalid", f"The value of {name} is no text of Unicode"
        ) from error
    if size_bytes > ENVIRONMENT_VALUE_SIZE_BYTES_MAX:
        raise EnvironmentVariableError(
            "EnvironmentVariableValueTooLarge",
            f"The value of an environment variable may have {ENVIRONMENT_VALUE_SIZE_BYTES_MAX} "
            f"bytes; that of {name} has {size_bytes}",
        )
