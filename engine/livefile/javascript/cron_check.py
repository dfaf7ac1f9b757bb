"""Whether the cron jobs of pushed code can be: each has a function, and times that come.

Not here: what the jobs become (``pushed_app.py``).
"""

from collections.abc import Mapping

from livefile.functions.call import FunctionKind
from livefile.functions.path import parse_function_path
from livefile.javascript.pushed_code import FunctionSpec, Tree
from livefile.system.cron_schedule import check_expression
from livefile.vocabulary.errors import BadRequestError, DefinitionError, PushError

Functions = Mapping[str, tuple[FunctionSpec, ...]]


def check_crons(crons: Mapping[str, Tree], functions: Functions) -> None:
    """Check the cron jobs of one definition against its functions, which are by module path.

    Raises:
        PushError: one of them cannot be.
    """
    for identifier, spec in crons.items():
        try:
            function = _function(functions, parse_function_path(spec["name"]))
            if spec["schedule"].get("type") == "cron":
                check_expression(spec["schedule"].get("cron", ""))
        except (BadRequestError, DefinitionError) as error:
            raise PushError("InvalidCron", f"cron job {identifier!r}: {error}") from error
        if function is None:
            raise PushError(
                "InvalidCron",
                f"cron job {identifier!r} calls {spec['name']}, which is no function of the code",
            )
        if function.kind is FunctionKind.QUERY:
            raise PushError(
                "InvalidCron",
                f"cron job {identifier!r} calls {spec['name']}, which is a query; want a mutation "
                "or an action",
            )


def _function(functions: Functions, path: str) -> FunctionSpec | None:
    module, _, name = path.partition(":")
    of_module = functions.get(f"{module}.js", ())
    return next((function for function in of_module if function.name == name), None)
