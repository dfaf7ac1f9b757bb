"""Functions that take and give values, and whose validators are written out.

Those of an app in Python have types, and their signatures are the validators. Pushed functions and
the engine's own have neither.

Not here: functions with signatures (``definition.py``).
"""

from collections.abc import Callable, Mapping
from typing import Any

from livefile.functions.call import FunctionKind
from livefile.functions.definition import Function
from livefile.model import validator as v
from livefile.model.value import Value, check_value
from livefile.vocabulary.errors import ArgumentValidationError

# Any: the body's context and result, and whatever Python code calls it with.


class ValueFunction(Function[..., Any]):
    """A function whose body is ``body(ctx, arguments=...)``, with the argument object as it is."""

    def __init__(
        self,
        kind: FunctionKind,
        body: Callable[..., Any],
        name: str | None,
        args: v.Validator,
        returns: v.Validator = v.ANY,
        *,
        is_internal: bool,
    ) -> None:
        """Take what it may do, what it does, and what its arguments and its result look like."""
        super().__init__(body, name, is_internal=is_internal)
        self.kind = kind
        self._args = args
        self._returns = returns

    @property
    def args_validator(self) -> v.Validator:
        """What the argument object must look like."""
        return self._args

    @property
    def returns_validator(self) -> v.Validator:
        """What the result must look like."""
        return self._returns

    def load_args(self, args: Mapping[str, Value], table_name: v.TableName) -> dict[str, Any]:
        """Return the one keyword of the body: ``arguments``, the checked argument object.

        Raises:
            ArgumentValidationError: the function does not accept them.
        """
        arguments = dict(args)
        found = self._args.mismatch(arguments, table_name)
        if found is not None:
            check_value(arguments)  # The names of surplus arguments, which go into the text.
            raise ArgumentValidationError(f"ArgumentValidationError: {found}")
        return {"arguments": arguments}
