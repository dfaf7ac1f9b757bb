"""What a push would do: its code analysed, and compared with what the deployment has.

Nothing is changed by it.

Not here: doing it (``push.py``); running the code (``analysis.py``).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from livefile.functions.deploy_progress import OnProgress, unheard
from livefile.functions.deployer import Deployer, SubmitJob
from livefile.functions.staged_deploy import StagedDeploy
from livefile.javascript.analysis import Analysis
from livefile.javascript.index_changes import IndexChange, index_changes
from livefile.javascript.push_request import PushRequest, parse_push
from livefile.javascript.pushed_code import ROOT, PushedCode, Tree
from livefile.model.pushed_table import pushed_tables
from livefile.model.schema_diff import SchemaDiff, schema_diff
from livefile.sqlite import schema_change
from livefile.transaction.database import Database
from livefile.vocabulary.clock import Clock
from livefile.vocabulary.errors import AppError, LivefileError, PushError, RuntimeMissingError

Analyze = Callable[[PushRequest, Mapping[str, str], str, float], Analysis]
"""Analyses a push with environment variables, and with a seed and a time for its modules."""


@dataclass(frozen=True, slots=True)
class PushSurroundings:
    """What pushes need of the deployment.

    ``current`` returns the code that was pushed last, ``environment`` the variables, ``addresses``
    those that the server sets, and ``stage`` a deploy of other code together with what the app
    has in Python.
    """

    database: Database
    deployer: Deployer
    clock: Clock
    random: Random
    submit_job: SubmitJob
    current: Callable[[], PushedCode]
    environment: Callable[[], Mapping[str, str]]
    addresses: Callable[[], Mapping[str, str]]
    analyze: Analyze
    stage: Callable[[PushedCode, OnProgress], StagedDeploy]


@dataclass(frozen=True, slots=True)
class _Analyzed:
    """Code that was analysed, and what the analysis depends on.

    The dice and the clock of modules stay as they are from the first push on.
    """

    request: PushRequest
    variables: Mapping[str, str]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What a push would do.

    ``environment`` are the variables with which the code was analysed, ``before`` is the code of
    now, ``changes`` are those of indexes.
    """

    environment: Mapping[str, str]
    before: PushedCode
    code: PushedCode
    analysis: Analysis
    diff: SchemaDiff
    changes: list[IndexChange]


class Planner:
    """Plans pushes. Safe for threads; one analysis at a time."""

    def __init__(self, surroundings: PushSurroundings) -> None:
        self._at = surroundings
        self._lock = threading.Lock()
        self._analyzed: _Analyzed | None = None
        self._seed = ""

    def plan(self, body: Tree) -> PushPlan:
        """Analyse the code of a push and compare it with what the deployment has. Blocks.

        Raises:
            PushError: the request or the code cannot be used.
        """
        at = self._at
        before, environment = at.current(), dict(at.environment())
        stored = {} if before.is_empty else before.definitions[ROOT].modules
        request = parse_push(body, stored)
        seed = before.import_seed or self._seed_of_the_first()
        time_ms = before.import_time_ms or float(at.clock.now_ns() // 1_000_000)
        variables = {**environment, **at.addresses()}
        analysis = self._analysis(request, variables, seed, time_ms)
        code = PushedCode(
            definitions=analysis.definitions,
            root=analysis.root,
            auth=analysis.auth,
            node_dependencies=request.node_dependencies,
            node_version=request.node_version,
            server_version=request.root.server_version,
            import_seed=seed,
            import_time_ms=time_ms,
            changes_language=analysis.changes_language,
        )
        _check_schemas(code)
        try:
            schema = at.stage(code, unheard).schema
        except AppError as error:
            raise PushError("InvalidModules", str(error)) from error
        stored_tables = schema_change.stored_tables(at.database.catalog)
        diff = schema_diff(stored_tables, schema)
        changes = index_changes(stored_tables, schema, diff)
        return PushPlan(environment, before, code, analysis, diff, changes)

    def _analysis(
        self, request: PushRequest, variables: Mapping[str, str], seed: str, time_ms: float
    ) -> Analysis:
        """Analyse a push. The last analysis is kept: some clients ask twice for one push."""
        with self._lock:
            known = self._analyzed
            if known is not None and known.request == request and known.variables == variables:
                return known.analysis
            self._analyzed = None
            try:
                analysis = self._at.analyze(request, variables, seed, time_ms)
            except RuntimeMissingError as error:
                raise PushError("TypeScriptNotInstalled", str(error)) from error
            self._analyzed = _Analyzed(request, variables, analysis)
            return analysis

    def forget(self) -> None:
        """Let go of the code that was analysed last. Never blocks."""
        self._analyzed = None

    def _seed_of_the_first(self) -> str:
        """Return the dice of modules for a deployment without pushed code: the same each time."""
        self._seed = self._seed or f"{self._at.random.getrandbits(256):064x}"
        return self._seed


def _check_schemas(code: PushedCode) -> None:
    for definition in code.definitions.values():
        try:
            pushed_tables(definition.schema or {"tables": []})
        except LivefileError as error:
            place = f" of component {definition.path}" if definition.path else ""
            raise PushError("InvalidSchema", f"The schema{place}: {error}") from error
