"""Which function a scheduled job calls, with which arguments, in the form that is stored.

The arguments are checked against the function's signature now, where the mistake is, and once more
when the job runs: the code may have changed by then.

Not here: when (``functions/scheduling.py``, ``functions/cron_definitions.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livefile.functions.app import App
from livefile.functions.definition import Function
from livefile.functions.path import parse_function_path
from livefile.functions.schedulable import checked_schedulable
from livefile.model.document import check_document_fields
from livefile.model.validator import TableName
from livefile.model.value import Value, check_value, size_text
from livefile.vocabulary.errors import ArgumentValidationError, InvalidValueError
from livefile.vocabulary.limits import JOB_ARGUMENTS_SIZE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class JobCall:
    """A call that is to be stored. ``name`` is ``folder/module.js:name``, as clients know it."""

    name: str
    args: Mapping[str, Value]
    size_bytes: int


def job_call(
    app: App,
    function: object,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    table_name: TableName,
) -> JobCall:
    """Return a call of a function of the app, which may be given by its path.

    Raises:
        WrongFunctionKindError: it is no mutation and no action.
        FunctionNotFoundError: the app has no such function.
        ArgumentValidationError: its signature does not accept the arguments.
        InvalidValueError: they are too large or too nested to be stored.
    """
    if isinstance(function, str):
        function = app.find(parse_function_path(function), is_internal_allowed=True)
    schedulable = checked_schedulable(function)
    app.path_of(schedulable)  # Before its arguments: of a stranger they mean nothing.
    values = schedulable.dump_args(args, kwargs, table_name)
    return job_call_of_values(app, schedulable, values, table_name)


def job_call_of_values(
    app: App,
    function: Function[..., Any],
    values: dict[str, Value],
    table_name: TableName,
) -> JobCall:
    """Return a call whose arguments are values already; it raises what ``job_call`` does."""
    schedulable = checked_schedulable(function)
    module, _, name = app.path_of(schedulable).partition(":")
    found = schedulable.args_validator.mismatch(values, table_name)
    if found is not None:
        raise ArgumentValidationError(f"ArgumentValidationError: {found}")
    size_bytes = check_value(values)
    try:
        check_document_fields({"args": [values]})
    except InvalidValueError as error:
        raise InvalidValueError(f"the arguments of {schedulable.name}: {error}") from error
    if size_bytes > JOB_ARGUMENTS_SIZE_BYTES_MAX:
        raise InvalidValueError(
            f"the arguments of {schedulable.name} are too large to be scheduled: "
            f"{size_text(size_bytes)}, want {size_text(JOB_ARGUMENTS_SIZE_BYTES_MAX)} at most; "
            "store a document and hand over its id"
        )
    return JobCall(name=f"{module}.js:{name}", args=values, size_bytes=size_bytes)
