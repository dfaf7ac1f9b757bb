"""System functions about environment variables. They change over HTTP, in the server.

A variable that is looked up counts as read, so whoever watches them hears of every change.
"""

from typing import Any

from livefile.model import validator as v
from livefile.system.environment import read_variable, read_variables
from livefile.system_functions.system_function import (
    SystemFunction,
    SystemRequest,
    system_query,
)


def _variables(request: SystemRequest) -> Any:
    variables = read_variables(request.transaction)
    return [{"name": name, "value": value} for name, value in variables.items()]


def _variable(request: SystemRequest) -> Any:
    name = request.args["name"]
    value = read_variable(request.transaction, name)
    return None if value is None else {"name": name, "value": value}


ENVIRONMENT_FUNCTIONS: dict[str, SystemFunction] = {
    "cli/queryEnvironmentVariables:default": system_query(_variables),
    "cli/queryEnvironmentVariables:get": system_query(_variable, name=v.STRING),
    "frontend/listEnvironmentVariables:default": system_query(_variables),
}
"""By their paths without ``_system/``."""
