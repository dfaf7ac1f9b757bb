"""Pushes of TypeScript by Convex's command line: the engine's side of its requests.

1. ``start`` takes the code, has it analysed and answers with what it found. Nothing is changed.
2. ``prepare`` has the file prepared, beside live traffic: documents are checked and indexes built.
3. ``finish`` switches: modules, schema, crons, providers and components in one commit.

Whatever fails changes nothing. A push that nobody asks about any more is given up after a while,
and so is one that another push or deploy overtakes.

Not here: what a push would do (``push_plan.py``); running the code (``analysis.py``); HTTP (the
server).
"""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from livefile.functions.staged_deploy import StagedDeploy
from livefile.javascript.index_changes import component_and_table, index_diffs
from livefile.javascript.pending_push import JsonTree, PendingPush
from livefile.javascript.push_diff import auth_diff, checked_component, component_diffs
from livefile.javascript.push_evaluation import schema_evaluations
from livefile.javascript.push_plan import Planner, PushSurroundings
from livefile.javascript.push_progress import PushProgress
from livefile.javascript.pushed_code import ROOT, PushedCode, Tree
from livefile.javascript.stored_code import write_code
from livefile.system.environment import read_variables
from livefile.transaction.committer import Committer
from livefile.vocabulary.errors import AppError, PushConflictError, PushError
from livefile.vocabulary.limits import PUSH_IDLE_MS_MAX, PUSHES_UNDER_WAY_MAX

_IDLE_NS_MAX = PUSH_IDLE_MS_MAX * 1_000_000
_FUNCTIONS_FOLDER = "convex/"


class Pushes:
    """The pushes to one deployment. All but ``step`` block, for analysis or for what they name."""

    def __init__(self, surroundings: PushSurroundings) -> None:
        self._at = surroundings
        self._planner = Planner(surroundings)
        self._lock = threading.Lock()
        self._pending: dict[str, PendingPush] = {}
        self._executor = ThreadPoolExecutor(PUSHES_UNDER_WAY_MAX, "livefile-push")

    def config_hashes(self) -> JsonTree:
        """Return what is known of the app's own modules, so that only others need to be sent."""
        code = self._at.current()
        modules = {} if code.is_empty else code.definitions[ROOT].modules
        # What was never chosen is left out: the command line compares it with what is not there.
        node = {} if code.node_version is None else {"nodeVersion": code.node_version}
        return {
            "config": {"functions": _FUNCTIONS_FOLDER, **node},
            "moduleHashes": [
                {"path": path, "hash": module.hash, "environment": module.environment}
                for path, module in sorted(modules.items())
            ],
            "udfServerVersion": code.server_version or None,
            "nodeDependencies": _dependencies(code),
            **node,
        }

    def start(self, body: Tree) -> JsonTree:
        """Analyse pushed code and return what it is, with the name of this push in it.

        Raises:
            PushError: the request or the code cannot be used; the message says where and why.
        """
        plan = self._planner.plan(body)
        diffs = index_diffs(plan.changes, plan.code.components)
        tables = self._at.database.catalog.tables
        known = {component_and_table(name)[0] for name in tables}
        push = PendingPush(
            identifier=f"{self._at.random.getrandbits(64):016x}",
            code=plan.code,
            before=plan.before,
            environment=plan.environment,
            progress=PushProgress(plan.diff, plan.code.components),
            answer={
                "authDiff": auth_diff(plan.before, plan.code),
                "definitionDiffs": {},
                "componentDiffs": component_diffs(plan.before, plan.code, diffs, known),
            },
            is_dry_run=body.get("dryRun") is True or body.get("forCodegen") is True,
        )
        self._add(push)
        return {
            "environmentVariables": dict(plan.environment),
            "externalDepsId": None,
            "componentDefinitionPackages": {
                path: {"codeId": definition.code_id}
                for path, definition in plan.code.definitions.items()
            },
            "appAuth": [dict(provider) for provider in plan.code.auth],
            "analysis": plan.analysis.tree,
            "app": checked_component(plan.code, plan.code.root),
            "schemaChange": {**_schema_change(diffs), "schemaIds": {ROOT: push.identifier}},
        }

    def evaluate_push(self, body: Tree) -> JsonTree:
        """Return which indexes a push would add and remove. Raises what ``start`` raises."""
        plan = self._planner.plan(body)
        diffs = index_diffs(plan.changes, plan.code.components)
        return {"schemaChange": _schema_change(diffs)}

    def evaluate_schema(self, body: Tree) -> JsonTree:
        """Return how much work a push would be for the file. Raises what ``start`` raises."""
        plan = self._planner.plan(body)
        known = () if plan.before.is_empty else plan.before.definitions
        with self._at.database.snapshot() as snapshot:
            return {
                "componentSchemaEvaluations": schema_evaluations(
                    plan.code, plan.diff, plan.changes, snapshot
                ),
                "newComponentDefinitions": [
                    path for path in plan.code.definitions if path and path not in known
                ],
            }

    def prepare(self, schema_change: Tree) -> PendingPush | None:
        """Have the file prepared for a push; return what tells when, None if it is overtaken."""
        push = self._find(schema_change)
        if push is None or self._is_overtaken(push):
            return None
        push.asked_ns = self._at.clock.now_ns()
        push.prepare(lambda: self._executor.submit(self._prepare, push))
        return push

    def finish(self, start_answer: Tree, *, is_dry_run: bool) -> JsonTree:
        """Switch to the code of a push, and return what changed.

        Raises:
            PushConflictError: the deployment is no longer what the push was made for.
            PushError: the push is not prepared, or its app lacks environment variables.
        """
        change = start_answer.get("schemaChange")
        push = self._find(change if isinstance(change, dict) else {})
        if push is None or self._is_overtaken(push):
            raise PushConflictError(
                "RaceDetected", "another push has come in between, or this one was given up"
            )
        if is_dry_run or push.is_dry_run:
            return push.answer
        if push.deploy is None or not push.is_prepared:
            raise PushError("BadPush", "finish_push before wait_for_schema said complete")
        try:
            self._at.deployer.switch(
                push.deploy,
                check=partial(self._check, push),
                write=partial(write_code, code=push.code),
            )
        except AppError as error:  # A document that was written since does not match.
            raise PushError("InvalidSchema", str(error)) from error
        finally:
            self._remove(push)
        return push.answer

    def step(self, now_ns: int) -> int | None:
        """Give up pushes that nobody asks about; return when to look again. Engine's thread."""
        if not self._pending:
            return None
        with self._lock:
            pushes = list(self._pending.values())
        for push in pushes:
            if now_ns >= push.asked_ns + _IDLE_NS_MAX:
                self._give_up(push)
        return min(
            (it.asked_ns + _IDLE_NS_MAX for it in pushes if it.identifier in self._pending),
            default=None,
        )

    def close(self) -> None:
        """Give up what is under way; returns once nothing is done for it any more."""
        with self._lock:
            pushes = list(self._pending.values())
        for push in pushes:
            self._give_up(push)
        self._executor.shutdown()

    # --- Inside -----------------------------------------------------------------------------

    def _prepare(self, push: PendingPush) -> None:
        # Only now, because the app's part in Python may have changed since the push began.
        def make_deploy() -> StagedDeploy:
            push.deploy = self._at.stage(push.code, push.progress.hear)
            if push.identifier not in self._pending:  # Given up before there was what to withdraw.
                raise PushConflictError("RaceDetected", "this push was given up; push again")
            return push.deploy

        if push.is_dry_run:
            make_deploy().steps.check()
        else:
            self._at.deployer.prepare(make_deploy)

    def _check(self, push: PendingPush, committer: Committer) -> None:
        """Refuse the switch if what the code was analysed with is no longer so."""
        variables = read_variables(committer.begin(seed=0))
        if variables != push.environment:
            raise PushConflictError(
                "RaceDetected", "environment variables have changed during the push; push again"
            )
        declared = push.code.definitions[ROOT].definition.get("envVars") or ()
        missing = [
            name
            for name, variable in declared
            if not variable.get("optional") and name not in variables
        ]
        if missing:
            raise PushError(
                "MissingEnvironmentVariables",
                f"Environment variables that convex.config.ts requires are not set: "
                f"{', '.join(missing)}.",
            )

    def _is_overtaken(self, push: PendingPush) -> bool:
        return self._at.current() is not push.before

    def _find(self, schema_change: Tree) -> PendingPush | None:
        names = schema_change.get("schemaIds")
        identifier = names.get(ROOT) if isinstance(names, dict) else None
        if not isinstance(identifier, str):
            raise PushError(
                "BadPush", f"schemaChange.schemaIds must be those of start_push, not {names!r:.100}"
            )
        return self._pending.get(identifier)

    def _add(self, push: PendingPush) -> None:
        push.asked_ns = self._at.clock.now_ns()
        with self._lock:
            self._pending[push.identifier] = push
            oldest = list(self._pending.values())[:-PUSHES_UNDER_WAY_MAX]
        for each in oldest:
            self._give_up(each)

    def _remove(self, push: PendingPush) -> None:
        with self._lock:
            self._pending.pop(push.identifier, None)
        self._planner.forget()

    def _give_up(self, push: PendingPush) -> None:
        self._remove(push)
        if push.deploy is not None:
            self._at.deployer.give_up(push.deploy, self._at.submit_job)


def _dependencies(code: PushedCode) -> list[dict[str, Any]]:  # Any: JSON.
    return [{"name": name, "version": it} for name, it in sorted(code.node_dependencies.items())]


def _schema_change(diffs: Mapping[str, Tree]) -> JsonTree:
    return {"allocatedComponentIds": {}, "schemaIds": {}, "indexDiffs": dict(diffs)}
