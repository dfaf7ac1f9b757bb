"""Inline queries: source text that an administrator sends, run once as a query and forgotten.

It is what ``npx convex run --inline-query`` and the dashboard's editor send. The query reads like
every other one, on a snapshot and within the limits of functions; it is written nowhere, and no
call finds it.

Not here: what its ``ctx`` is made of (``host/reader.js``); who may send one (the server).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from livefile.functions.app import App
from livefile.functions.call import Call, FunctionKind, Outcome
from livefile.functions.code_history import CodeHistory
from livefile.functions.failure import failure_of
from livefile.functions.lane import RunLimited
from livefile.functions.runner import Runner
from livefile.functions.watchdog import TimedOut
from livefile.javascript.pushed_app import pushed_part
from livefile.javascript.pushed_code import ROOT, Definition, FunctionSpec, Module
from livefile.javascript.pushed_function import PushedFunction
from livefile.model.identity import Identity
from livefile.model.value import Value
from livefile.transaction.database import Database
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import BadRequestError

MakePushedFunction = Callable[[str, Definition, str, FunctionSpec], PushedFunction]
"""Makes a function of a component's path, its definition, the module's path, and what it is."""

# No pushed module can be called so.
_MODULE = "_system/repl/inline.js"
_SPEC = FunctionSpec(
    name="default",
    kind=FunctionKind.QUERY,
    is_internal=True,
    args='{"type":"any"}',
    returns=None,
    position=None,
)


class InlineQueries:
    """Runs inline queries, one at a time. Any thread but the engine's."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        random: Random,
        make_function: MakePushedFunction,
        code: CodeHistory,
        runner_of: Callable[[App], Runner],
        run_limited: RunLimited,
    ) -> None:
        """Take the file, and what makes and runs functions."""
        self._database = database
        self._clock = clock
        self._random = random
        self._make_function = make_function
        self._code = code
        self._runner_of = runner_of
        self._run_limited = run_limited
        self._one = threading.Lock()

    def run(
        self, source: str, args: Mapping[str, Value], component: str, identity: Identity, id: str
    ) -> Outcome:
        """Run the query that a module has as its default export; ``id`` is the request's. Blocks.

        ``component`` is the path of the one whose tables it reads, ``""`` for the app itself.

        Raises:
            BadRequestError: there is no such component.
        """
        with self._one, self._database.snapshot() as snapshot:
            app = self._code.runner_at(snapshot.ts).app
            function = self._function(app, source, component)
            functions = {**app.functions, function.path: function}
            runner = self._runner_of(replace(app, functions=functions))
            call = Call(
                path=function.path, args=args, identity=identity, request_id=id, is_internal=True
            )
            seed = self._random.getrandbits(64)
            transaction = Transaction(snapshot, self._clock.now_ns(), seed)
            try:
                run = self._run_limited(runner.run, call, _SPEC.kind, transaction, seed)
            except TimedOut as stop:
                return failure_of(stop, id, (), Path(), snapshot.ts)
            return run.outcome

    def _function(self, app: App, source: str, component: str) -> PushedFunction:
        known = pushed_part(app).components
        if component not in known:
            raise BadRequestError(
                "ComponentNotFound",
                f"There is no component {component!r:.100}; there are "
                f"{', '.join(path for path in known if path) or 'none'}",
            )
        module = Module(path=_MODULE, source=source, source_map=None, environment="isolate")
        definition = Definition(
            path=ROOT,
            modules={_MODULE: module},
            functions={},
            routes=None,
            crons={},
            schema=None,
            definition={},
        )
        return self._make_function(component, definition, _MODULE, _SPEC)
