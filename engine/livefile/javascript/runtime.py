"""The JavaScript of one deployment: the hosts that run it, and the functions that it offers.

Not here: what is pushed (``push.py``); how functions of every language run (``functions/``).
"""

from collections.abc import Mapping
from dataclasses import replace

from livefile.functions.app import App
from livefile.functions.call import FunctionKind
from livefile.functions.context import ActionCtx, QueryCtx
from livefile.javascript.action_hosts import ActionHosts
from livefile.javascript.action_run import run_action
from livefile.javascript.analysis import Analysis
from livefile.javascript.analysis_host import analyze_in_hosts
from livefile.javascript.host_pool import HostPool
from livefile.javascript.host_process import HostProcess
from livefile.javascript.http_action import joined_router
from livefile.javascript.node_packages import NodePackages
from livefile.javascript.push_request import PushRequest
from livefile.javascript.pushed_app import joined, pushed_part, python_part
from livefile.javascript.pushed_code import (
    Definition,
    Environment,
    FunctionSpec,
    PushedCode,
    function_path,
    table_prefix,
)
from livefile.javascript.pushed_function import PushedFunction
from livefile.javascript.transaction_run import run_in_transaction
from livefile.model.value import Value


class JavaScript:
    """Runs pushed code. Nothing is started before there is any. Thread-safe."""

    def __init__(self) -> None:
        """Start nothing."""
        self.pool = HostPool()
        """The hosts of queries and mutations."""
        self.packages = NodePackages()
        """The packages of actions with "use node"."""
        self.actions = ActionHosts(self.packages)
        """The hosts of actions."""

    def expect(self, code: PushedCode) -> None:
        """Have a host ready for code that will run soon."""
        self.pool.expect(tuple(code.definitions.values()), is_open=code.changes_language)

    def make_function(
        self, component: str, definition: Definition, module_path: str, spec: FunctionSpec
    ) -> PushedFunction:
        """Return a function of pushed code."""

        def run(ctx: QueryCtx, arguments: Mapping[str, Value]) -> Value:
            code = pushed_part(ctx._services.app)  # Apps see what is around it.
            function = (module_path, spec.name, spec.kind)
            return run_in_transaction(
                self.pool, ctx, code, component, definition, function, arguments
            )

        async def run_later(ctx: ActionCtx, arguments: Mapping[str, Value]) -> Value:
            code = pushed_part(ctx._services.app)
            function = (module_path, spec.name)
            return await run_action(self.actions, ctx, code, path, definition, function, arguments)

        path = function_path(component, module_path, spec.name)
        body = run_later if spec.kind is FunctionKind.ACTION else run
        return PushedFunction(path, spec, table_prefix(component), body)

    def joined(self, app: App, code: PushedCode) -> App:
        """Return the Python part of ``app`` together with ``code``: functions, tables and routes.

        Raises:
            AppError: both have something of one name, or the code declares what cannot be.
        """
        both = joined(app, code, self.make_function)
        router = joined_router(self.actions, python_part(app).http_router, code)
        return replace(both, http_router=router)

    def analyze(
        self,
        request: PushRequest,
        variables: Mapping[str, str],
        import_seed: str,
        import_time_ms: float,
    ) -> Analysis:
        """Say what pushed code is; see ``analysis.analyze``."""

        def start(environment: Environment) -> HostProcess:
            if environment == "node":
                return HostProcess("node", self.packages.folder_of(request.node_dependencies))
            return HostProcess(is_open=True)

        return analyze_in_hosts(start, request, variables, import_seed, import_time_ms)

    def close(self) -> None:
        """End all hosts."""
        self.pool.close()
        self.actions.close()
