"""What analysis finds in one pushed module: its functions, its routes, its cron jobs.

Not here: asking the module (``host/analysis.js``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from livefile.functions.call import FunctionKind
from livefile.functions.path import is_system_path, parse_function_path
from livefile.javascript.analysis_question import AskHost, Question, ask_json
from livefile.javascript.push_request import PushedDefinition
from livefile.javascript.pushed_code import FunctionSpec, Module, Tree
from livefile.model.names import check_identifier
from livefile.vocabulary.errors import BadRequestError, DefinitionError

_ANY = '{"type":"any"}'


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What one module exports. ``routes`` is None and ``crons`` empty where it has no such."""

    functions: tuple[FunctionSpec, ...]
    routes: tuple[tuple[str, str], ...] | None
    crons: Mapping[str, Tree]


def module_facts(
    pushed: PushedDefinition, module: Module, variables: Mapping[str, str], ask: AskHost
) -> ModuleFacts:
    """Return what a module exports.

    Raises:
        PushError: it cannot be loaded, or what it exports is not what the library would make.
    """
    where = f" of {pushed.path}" if pushed.path else ""
    question = Question(
        modules=pushed.modules,
        module=module,
        part="module",
        failure=("InvalidModules", f"Loading the pushed modules{where} failed"),
        variable=variables.get,
    )
    tree = ask_json(ask, question, {"functions": list})
    if tree["functions"]:
        _check_path(question, module.path)
    return ModuleFacts(
        functions=tuple(_function(question, each) for each in tree["functions"]),
        routes=_routes(question, tree.get("httpRoutes")),
        crons=_crons(question, tree.get("cronSpecs")),
    )


def _check_path(question: Question, path: str) -> None:
    """Refuse a module whose functions nobody could call."""
    try:
        canonical = parse_function_path(path)
    except BadRequestError as error:
        raise question.failed(
            f"{error}; the names of folders and files have letters, digits, _ and . only"
        ) from error
    if "|" in path or is_system_path(canonical):
        raise question.failed("this path is that of functions which are not the project's own")


def _function(question: Question, tree: Any) -> FunctionSpec:  # Any: JSON from user code.
    name = tree["name"]
    try:
        check_identifier(name, "function")
    except DefinitionError as error:
        raise question.failed(str(error)) from error
    kind = FunctionKind(tree["udfType"])
    if question.module.environment == "node" and kind is not FunctionKind.ACTION:
        raise question.failed(
            f'{name} is a {kind.value.lower()}, but a module with "use node" has actions only'
        )
    args, returns = tree["args"] or _ANY, tree["returns"]
    validator = _validator(question, name, args)
    if validator.get("type") not in ("object", "any"):
        raise question.failed(
            f"the arguments of {name} must be an object or any, not {validator.get('type')!r:.100}"
        )
    if returns is not None:
        _validator(question, name, returns)
    return FunctionSpec(
        name=name,
        kind=kind,
        is_internal=tree["visibility"] == {"kind": "internal"},
        args=args,
        returns=returns,
        position=tree["pos"],
    )


def _validator(question: Question, name: str, text: str) -> Tree:
    try:
        validator = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise question.failed(f"a validator of {name} is no JSON: {text!r:.100}") from error
    if not isinstance(validator, dict):
        raise question.failed(f"a validator of {name} must be an object, not {text!r:.100}")
    return validator


def _routes(question: Question, trees: Any) -> tuple[tuple[str, str], ...] | None:
    if trees is None:
        return None
    return tuple(_texts(question, "a route", (it["route"] for it in trees), ("path", "method")))


def _texts(
    question: Question, what: str, trees: Iterator[Any], names: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    for tree in trees:
        values = tuple(tree.get(name) for name in names)
        for name, value in zip(names, values, strict=True):
            if not isinstance(value, str):
                raise question.failed(f"the {name} of {what} must be a string, not {value!r:.100}")
        yield values


def _crons(question: Question, trees: Any) -> Mapping[str, Tree]:
    crons = {}
    for tree in trees or []:
        identifier, spec = tree["identifier"], tree["spec"]
        fields = {"name": str, "args": list, "schedule": dict}
        for name, kind in fields.items():
            if not isinstance(spec, dict) or not isinstance(spec.get(name), kind):
                shown = spec.get(name) if isinstance(spec, dict) else spec
                raise question.failed(
                    f"cron job {identifier!r}: want {name} of type {kind.__name__}, got "
                    f"{shown!r:.100}"
                )
        crons[identifier] = spec
    return crons
