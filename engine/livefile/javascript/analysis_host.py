"""Asks pushed modules what they are, in processes of their own that end with the analysis.

A module that never ends, or takes all memory, takes nothing with it but such a process.

Not here: the questions (``analysis.py``); hosts that run functions (``host_pool.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, Self

import orjson

from livefile.javascript.analysis import Analysis, analyze
from livefile.javascript.analysis_question import Question
from livefile.javascript.host_process import Frame, HostProcess
from livefile.javascript.push_request import PushRequest
from livefile.javascript.pushed_code import Environment, Module
from livefile.vocabulary.errors import HostError, PushError, RuntimeMissingError
from livefile.vocabulary.limits import ANALYSIS_MS_MAX

StartHost = Callable[[Environment], HostProcess]
"""Starts a host for modules of an environment. It raises PushError if that cannot be."""


def analyze_in_hosts(
    start: StartHost,
    request: PushRequest,
    variables: Mapping[str, str],
    import_seed: str,
    import_time_ms: float,
) -> Analysis:
    """Analyse a push; see ``analyze``. Blocks; for any thread.

    Raises:
        PushError: some of the code cannot be used.
    """
    with AnalysisHosts(start, node_variables=variables) as hosts:
        ask = partial(hosts.ask, import_seed, import_time_ms)
        analysis = analyze(request, variables, import_seed, import_time_ms, ask)
        return replace(analysis, changes_language=hosts.have_changed_language)


class AnalysisHosts:
    """Hosts that answer questions, each started for the first one. For one thread at a time."""

    def __init__(
        self,
        start: StartHost,
        duration_ms_max: int = ANALYSIS_MS_MAX,
        node_variables: Mapping[str, str] | None = None,
    ) -> None:
        """Take how to start one, and how long one answer may take.

        ``node_variables`` are those of modules for Node, which cannot wait for each; they are the
        app's own, because no component has such.
        """
        self._start = start
        self._node_variables = node_variables
        self._duration_s_max = duration_ms_max / 1000
        self._hosts: dict[Environment, HostProcess] = {}
        self._runs = count(1)
        self._modules: Mapping[str, Module] = {}
        self._code_id = ""  # Theirs. A push has many modules, and one question for each.
        self.have_changed_language = False
        """Whether a module has changed the language's own objects."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for environment in tuple(self._hosts):
            self._end(environment)

    def ask(self, import_seed: str, import_time_ms: float, question: Question) -> str:
        """Return the answer of a module as JSON text.

        Raises:
            PushError: the module fails, takes too long or takes too much memory.
        """
        environment = question.module.environment
        if self._modules is not question.modules:
            self._modules, self._code_id = question.modules, question.code_id
        spec = {
            "code": self._code_id,
            "module": question.module.path,
            "function": question.part,
            "kind": "analyze",
            "args": "[]",
            "now": import_time_ms,
            "seed": import_seed,
            "requestId": "",
            "importSeed": import_seed,
            "importTime": import_time_ms,
            "env": self._node_variables if environment == "node" else None,
        }
        try:
            return self._run(self._host(environment), spec, question)
        except RuntimeMissingError as error:
            raise PushError("TypeScriptNotInstalled", str(error)) from error
        except HostError as error:
            self._end(environment)
            raise question.failed(str(error)) from error
        except TimeoutError as error:
            self._end(environment)
            raise question.failed(
                f"loading it takes longer than {self._duration_s_max:g} seconds"
            ) from error

    def _host(self, environment: Environment) -> HostProcess:
        host = self._hosts.get(environment)
        if host is None:
            host = self._hosts[environment] = self._start(environment)
            host.wait_until_ready()
        return host

    def _end(self, environment: Environment) -> None:
        host = self._hosts.pop(environment, None)
        if host is not None:
            host.close()

    def _run(self, host: HostProcess, spec: Mapping[str, object], question: Question) -> str:
        if self._code_id not in host.loaded:
            sources = {path: (it.source, it.source_map) for path, it in question.modules.items()}
            host.load(self._code_id, sources)
        left_s = self._duration_s_max
        frame: Frame = ["run", next(self._runs), spec]
        while True:
            answer, work_s, _ = host.ask(frame, left_s)
            left_s -= work_s
            match answer:
                case ["done", _, True, str(text), _, observed]:
                    self._observe(question, observed)
                    return text
                case ["done", _, _, str(text), *_]:
                    raise question.failed(orjson.loads(text)["message"])
                case ["calls", run, calls, *_]:
                    frame = ["reply", run, [_answered(question, call) for call in calls]]
                case _:
                    raise HostError(f"the host says {answer!r:.200}")

    def _observe(self, question: Question, observed: Mapping[str, Any]) -> None:
        self.have_changed_language |= observed.get("language", False)
        if observed.get("spoilt", False):
            self._end(question.module.environment)  # It cannot be put back for the next module.


def _answered(question: Question, call: list[Any]) -> list[Any]:
    """Return the answer to what a module asks while it is loaded: it may read variables."""
    number, op, args = call
    if op != "livefile/variable":
        return [number, False, _refusal(f"Can't use {op} at import time")]
    try:
        return [number, True, orjson.dumps(question.variable(args["name"])).decode()]
    except PushError as error:
        return [number, False, _refusal(str(error))]


def _refusal(message: str) -> str:
    return orjson.dumps({"name": "Error", "message": message}).decode()
