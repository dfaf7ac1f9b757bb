"""Which functions can be run by themselves, without a caller: mutations and actions."""

from typing import Any

from livefile.functions.call import FunctionKind
from livefile.functions.definition import Function
from livefile.vocabulary.errors import WrongFunctionKindError


def checked_schedulable(function: object) -> Function[..., Any]:
    """Return what is to be scheduled, if it can be.

    Raises:
        WrongFunctionKindError: it is no mutation and no action.
    """
    if isinstance(function, Function):
        if function.kind is not FunctionKind.QUERY:
            return function
        what = f"{function.name}, which is defined as {function.kind.value}"
    else:
        what = f"{type(function).__name__} {function!r}"
    raise WrongFunctionKindError(
        f"only a mutation or an action of the app can be scheduled, got {what}."
    )
