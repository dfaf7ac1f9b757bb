"""Running a pushed action: its host asks, many things at one time, and the action's task answers.

Not here: what each question means (``action_calls.py``); the process (``action_host.py``).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from livefile.functions.context import ActionCtx
from livefile.functions.running import RunningCall, current_call
from livefile.javascript.action_calls import ActionCalls
from livefile.javascript.action_host import Frame, HostRun
from livefile.javascript.action_hosts import ActionHosts
from livefile.javascript.environment_binding import ADDRESSES, variable_of
from livefile.javascript.pushed_code import ROOT, Definition, PushedCode
from livefile.javascript.references import component_of
from livefile.javascript.transaction_run import error_of, refusal_json
from livefile.model.value import Value
from livefile.model.value_json import from_json, to_json
from livefile.vocabulary.errors import FunctionTimeoutError, JavaScriptError, LivefileError
from livefile.vocabulary.limits import ACTION_CALLS_RUNNING_MAX, ACTION_DURATION_MS_MAX

# Any: a frame is JSON.


class ActionRun:
    """One run of one function in a host. On the actions' event loop."""

    def __init__(self, run: HostRun, calls: ActionCalls, running: RunningCall) -> None:
        """Take the run in the host, what answers it, and the call whose lines it writes."""
        self._run = run
        self._calls = calls
        self._running = running
        self._answering: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(ACTION_CALLS_RUNNING_MAX)

    async def result(self) -> str:
        """Answer the function until it is over, and return its result as JSON.

        Raises:
            JavaScriptError: the function raised, or its process has ended.
            JavaScriptConvexError: the function raised a ``ConvexError``.
        """
        try:
            while True:
                frame = await self._run.frames.get()
                if isinstance(frame, Exception):
                    raise frame
                match frame:
                    case ["calls", _, calls, lines]:
                        self._log(lines)
                        for call in calls:
                            self._start_answer(call)
                    case ["logs", _, lines]:
                        self._log(lines)
                    case ["done", _, is_ok, text, lines, *_]:
                        self._log(lines)
                        if not is_ok:
                            raise error_of(text)
                        return str(text)
                    case _:
                        raise JavaScriptError(f"the host says {frame!r:.200}")
        finally:
            for task in self._answering:
                task.cancel()
            self._run.close()

    def _start_answer(self, call: Frame) -> None:
        # Within the task of the action, whose call the answers belong to.
        task = asyncio.create_task(self._answer(*call))
        self._answering.add(task)
        task.add_done_callback(self._note_answer)

    async def _answer(self, call_id: int, op: str, args: Any) -> None:
        async with self._room:
            try:
                text = await self._calls.answer(op, args)
            except LivefileError as error:
                await self._run.reply(call_id, False, refusal_json(error))
            except ConnectionError:  # Of an HTTP action.
                gone = JavaScriptError("the caller has gone")
                await self._run.reply(call_id, False, refusal_json(gone))
            else:
                await self._run.reply(call_id, True, text)

    def _note_answer(self, task: "asyncio.Task[None]") -> None:
        self._answering.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):  # Else nobody would ever hear of it.
            self._run.frames.put_nowait(error)

    def _log(self, lines: list[list[str]]) -> None:
        for level, text in lines:
            self._running.log.add(level, text)


async def begin_run(
    hosts: ActionHosts,
    ctx: ActionCtx,
    code: PushedCode,
    path: str,
    definition: Definition,
    spec: Mapping[str, Any],
) -> tuple[ActionRun, ActionCalls]:
    """Begin to run a function; ``path`` is its canonical one, ``spec`` says what it is.

    Raises:
        PushError: no host can be started for it.
    """
    running = current_call.get()
    assert running is not None  # Whatever has a context of an action is a call.
    component, module_path = component_of(path), spec["module"]
    module = definition.modules[module_path]
    code_id = f"{definition.code_id} {module.environment}"
    if module.environment == "node":
        host = await hosts.host_for_node(code_id, code.node_dependencies)
    else:
        host = await hosts.host_for_web(code_id, is_open=code.changes_language)
    env = await asyncio.to_thread(_variables, ctx, code, component)
    calls = ActionCalls(ctx, code, path, running.request_id)
    run = await host.run(
        code_id,
        definition.sources(module.environment),
        {**spec, "code": code_id, "requestId": running.request_id, "env": env},
    )
    return ActionRun(run, calls, running), calls


async def run_action(
    hosts: ActionHosts,
    ctx: ActionCtx,
    code: PushedCode,
    path: str,
    definition: Definition,
    function: tuple[str, str],
    arguments: Mapping[str, Value],
) -> Value:
    """Run an action, given as its module's path and its name, and return its result.

    Raises:
        JavaScriptError: the function raised, or its process has ended.
        JavaScriptConvexError: the function raised a ``ConvexError``.
        FunctionTimeoutError: it took too long.
    """
    module_path, name = function
    spec = {
        "module": module_path,
        "function": name,
        "kind": "action",
        "args": f"[{to_json(dict(arguments)).decode()}]",
        "requestId": "",
    }
    try:
        async with asyncio.timeout(ACTION_DURATION_MS_MAX / 1000) as duration:
            run, _ = await begin_run(hosts, ctx, code, path, definition, spec)
            return from_json(await run.result())
    except TimeoutError as error:
        if not duration.expired():
            raise
        seconds = ACTION_DURATION_MS_MAX // 1000
        raise FunctionTimeoutError(
            f"Action execution timed out (maximum duration: {seconds}s)"
        ) from error


def _variables(ctx: ActionCtx, code: PushedCode, component: str) -> dict[str, str]:
    """Return the environment variables as a component sees them when the action begins."""
    deployment = dict(ctx.env)
    if component == ROOT:
        return deployment
    names = {*code.components[component].env, *ADDRESSES}
    found = {name: variable_of(code, component, name, deployment.get) for name in names}
    return {name: text for name, text in found.items() if text is not None}
