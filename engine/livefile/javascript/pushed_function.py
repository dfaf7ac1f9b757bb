"""A function of pushed code, as the rest of the engine knows functions of every language.

Its validators are those that its code declares. Arguments and results are values, with no types of
Python in between; callers in Python get plain objects.

Not here: running it, which is the ``body`` that it is given.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from livefile.functions.value_function import ValueFunction
from livefile.javascript.pushed_code import FunctionSpec
from livefile.model import validator as v
from livefile.model.annotation import mark_integers, value_of
from livefile.model.validator_json import validator_from_json
from livefile.model.value import Value, check_value, is_surely_small
from livefile.vocabulary.errors import (
    ArgumentValidationError,
    InvalidValueError,
    ReturnsValidationError,
)

# Any: values, and whatever Python code calls it with.


class PushedFunction(ValueFunction):
    """One function of one component. ``path`` is canonical: ``chat:send``."""

    def __init__(
        self, path: str, spec: FunctionSpec, table_prefix: str, body: Callable[..., Any]
    ) -> None:
        """Take what analysis found, and the body: ``body(ctx, arguments=...)`` returns a value.

        Raises:
            DefinitionError: its name or a validator cannot be.
        """
        args = validator_from_json(orjson.loads(spec.args), table_prefix)
        returns: v.Validator = v.ANY
        if spec.returns is not None:
            returns = validator_from_json(orjson.loads(spec.returns), table_prefix)
        super().__init__(spec.kind, body, spec.name, args, returns, is_internal=spec.is_internal)
        self.path = path
        self.spec = spec

    @property
    def full_name(self) -> str:
        """What it is called in its own language, for messages."""
        return self.path

    def path_in(self, package: str) -> str:
        """Return its canonical path, which no package is a part of."""
        return self.path

    def dump_args(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], table_name: v.TableName
    ) -> dict[str, Value]:
        """Return the argument object of a call from Python.

        Raises:
            ArgumentValidationError: an argument without a name, or one that is no value.
        """
        if args:
            raise ArgumentValidationError(
                f"{self.path} is written in TypeScript and takes its arguments by name, got "
                f"{len(args)} without"
            )
        values: dict[str, Value] = {}
        for name, thing in kwargs.items():
            try:
                values[name] = value_of(thing)
            except InvalidValueError as error:
                raise ArgumentValidationError(f"{self.path}, argument {name}: {error}") from error
        return values

    def dump_result(self, result: Any, table_name: v.TableName) -> Value:
        """Return the value that the body returned.

        Raises:
            InvalidValueError: it is over a limit.
            ReturnsValidationError: it is not what the function declares.
        """
        value: Value = result
        if not is_surely_small({"result": value}):
            check_value(value)
        found = self._returns.mismatch(value, table_name)
        if found is not None:
            raise ReturnsValidationError(f"ReturnsValidationError: {found}")
        return value

    def load_result(self, value: Value) -> Any:
        """Return a result for a caller in Python; a 64-bit integer is an ``Int64``."""
        return mark_integers(value)
