"""One push between ``start_push`` and ``finish_push``: what it brings, and how far it is.

Nothing is done to the deployment before the first call that waits for it: some pushes only want to
know what the code would be, and never go on.

Not here: the answers of a push (``push.py``); the steps of the deploy (``functions/deploy.py``).
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from livefile.functions.staged_deploy import StagedDeploy
from livefile.javascript.index_changes import component_and_table
from livefile.javascript.push_progress import PushProgress
from livefile.javascript.pushed_code import PushedCode
from livefile.vocabulary.errors import AppError, PushConflictError

JsonTree = dict[str, Any]  # Any: JSON.


class PendingPush:
    """A push under way. Its methods are safe for threads."""

    def __init__(
        self,
        identifier: str,
        code: PushedCode,
        before: PushedCode,
        environment: Mapping[str, str],
        progress: PushProgress,
        answer: JsonTree,
        *,
        is_dry_run: bool,
    ) -> None:
        """Take the code to come and the code of now, and what the analysis was made with.

        ``answer`` is that of ``finish_push``.
        """
        self.identifier = identifier
        self.code = code
        self.before = before
        self.environment = environment
        self.progress = progress
        self.answer = answer
        self.is_dry_run = is_dry_run
        self.deploy: StagedDeploy | None = None
        """What is, or was, prepared."""
        self.asked_ns = 0
        """When somebody last asked about it."""
        self._lock = threading.Lock()
        self._prepared: Future[None] | None = None

    def prepare(self, begin: Callable[[], "Future[None]"]) -> None:
        """Have it prepared by what ``begin`` begins, unless that was begun before."""
        with self._lock:
            if self._prepared is None:
                self._prepared = begin()

    @property
    def prepared(self) -> "Future[None]":
        """Done when the file is prepared, or when that has failed. Not before ``prepare``."""
        assert self._prepared is not None, "asked before it was begun"
        return self._prepared

    @property
    def is_prepared(self) -> bool:
        """Whether nothing is left to do but the switch."""
        return self._prepared is not None and self._prepared.done() and not self._error

    @property
    def state(self) -> JsonTree:
        """How far the file is prepared, as the protocol has it. Never blocks.

        Raises:
            LivefileError: the preparation failed for another reason than the stored documents.
        """
        if not self.prepared.done():
            return {"type": "inProgress", "components": self.progress.tree}
        match self._error:
            case None:
                return {"type": "complete"}
            case PushConflictError():
                return {"type": "raceDetected"}
            case AppError() as error:
                return self._mismatch(error)
            case error:
                raise error

    @property
    def _error(self) -> BaseException | None:
        return self.prepared.exception()

    def _mismatch(self, error: AppError) -> JsonTree:
        physical_table = None if self.deploy is None else self.deploy.steps.mismatched_table
        component, table = component_and_table(physical_table or "")
        return {
            "type": "failed",
            "error": str(error),
            "componentPath": component,
            "tableName": table or None,
        }
