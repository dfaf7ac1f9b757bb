"""Which functions can be run by themselves, without a caller: mutations and actions."""

from typing import Any

from livefile.functions.definition import ActionFunction, Function, MutationFunction
from livefile.vocabulary.errors import WrongFunctionKindError


def checked_schedulable(function: object) -> Function[..., Any]:
    """Return what is to be scheduled, if it can be.

    Raises:
        WrongFunctionKindError: it is no mutation and no action.
    """
    if isinstance(function, MutationFunction | ActionFunction):
        return function
    if isinstance(function, Function):
        what = f"{function.name}, which is defined as {function.kind.value}"
    else:
        what = f"{type(function).__name__} {function!r}"
    raise WrongFunctionKindError(
        f"only a mutation or an action of the app can be scheduled, got {what}."
    )
