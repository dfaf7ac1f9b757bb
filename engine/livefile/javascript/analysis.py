"""What a push's code says of itself: functions, routes, cron jobs, schema, sign-in, components.

Every module is loaded once in a host, in the phase of imports, and asked. Nothing of it is kept
there, and nothing that it says is believed before it is checked here.

Not here: asking (``analysis_question.py``); mounting components (``component_tree.py``); what the
command line is told (``analysis_answer.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livefile.javascript.analysis_answer import JsonTree, analysis_tree
from livefile.javascript.analysis_question import AskHost, Question, ask_json
from livefile.javascript.component_definition import definition_tree, in_order
from livefile.javascript.component_tree import component_tree
from livefile.javascript.cron_check import check_crons
from livefile.javascript.module_facts import ModuleFacts, module_facts
from livefile.javascript.push_request import PushedDefinition, PushRequest
from livefile.javascript.pushed_code import ROOT, Component, Definition, Tree
from livefile.vocabulary.errors import PushError

AUTH_CONFIG = "auth.config.js"
_CHUNKS = "_deps/"
_EMPTY_APP: Tree = {
    "definitionType": {"type": "app"},
    "childComponents": [],
    "httpMounts": {},
    "exports": {"type": "branch", "branch": []},
}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found. ``definitions`` by path, ``auth`` as the library has the providers.

    ``tree`` is the same as the command line is told. ``changes_language`` is whether a module
    changes the language's own objects while it is loaded.
    """

    definitions: Mapping[str, Definition]
    root: Component
    auth: tuple[Tree, ...]
    tree: JsonTree
    changes_language: bool = False


def analyze(
    request: PushRequest,
    environment: Mapping[str, str],
    import_seed: str,
    import_time_ms: float,
    ask: AskHost,
) -> Analysis:
    """Return what the pushed code says; ``environment`` are the deployment's variables.

    ``import_seed`` (hexadecimal digits) and ``import_time_ms`` are the dice and the clock of the
    modules. Blocks while a host runs them, for as long as ``ask`` allows each.

    Raises:
        PushError: some of the code cannot be used; ``code`` says of which kind it is.
    """
    auth = _auth(request.root, environment, ask)
    trees: dict[str, Tree] = {}
    for pushed in in_order(request.definitions):
        trees[pushed.path] = _definition_tree(pushed, trees, _seen(pushed, environment), ask)
    definitions = {
        path: _definition(pushed, trees[path], _seen(pushed, environment), ask)
        for path, pushed in request.definitions.items()
    }
    versions = {path: pushed.server_version for path, pushed in request.definitions.items()}
    return Analysis(
        definitions=definitions,
        root=component_tree(definitions),
        auth=auth,
        tree=analysis_tree(definitions, versions, import_seed, import_time_ms),
    )


def _seen(pushed: PushedDefinition, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that code sees while it is loaded: a component's are not bound yet."""
    return environment if pushed.path == ROOT else {}


def _definition_tree(
    pushed: PushedDefinition, trees: Mapping[str, Tree], variables: Mapping[str, str], ask: AskHost
) -> Tree:
    if pushed.definition is None:
        return {**_EMPTY_APP, "path": pushed.path}
    return definition_tree(pushed, pushed.definition, trees, variables, ask)


def _definition(
    pushed: PushedDefinition, tree: Tree, variables: Mapping[str, str], ask: AskHost
) -> Definition:
    found: dict[str, ModuleFacts] = {
        path: module_facts(pushed, module, variables, ask)
        for path, module in pushed.modules.items()
        if not path.startswith(_CHUNKS) and path != AUTH_CONFIG
    }
    functions = {path: facts.functions for path, facts in found.items()}
    crons = found["crons.js"].crons if "crons.js" in found else {}
    check_crons(crons, functions)
    return Definition(
        path=pushed.path,
        modules=pushed.modules,
        functions=functions,
        routes=found["http.js"].routes if "http.js" in found else None,
        crons=crons,
        schema=_schema(pushed, ask),
        definition=tree,
    )


def _schema(pushed: PushedDefinition, ask: AskHost) -> Tree | None:
    """Return a schema; which depends on nothing but its own text."""
    module = pushed.schema
    if module is None:
        return None
    question = Question(
        modules={module.path: module},
        module=module,
        part="schema",
        failure=("InvalidSchema", "The schema cannot be loaded"),
        variable=_refuse_variable,
    )
    return ask_json(ask, question, {"tables": list, "schemaValidation": bool})


def _refuse_variable(name: str) -> str | None:
    raise PushError("InvalidSchema", f"a schema cannot read environment variables, such as {name}")


def _auth(root: PushedDefinition, environment: Mapping[str, str], ask: AskHost) -> tuple[Tree, ...]:
    module = root.modules.get(AUTH_CONFIG)
    if module is None:
        return ()
    missing: list[str] = []

    def variable(name: str) -> str | None:
        if name not in environment:
            missing.append(name)
        return environment.get(name)

    question = Question(
        modules=root.modules,
        module=module,
        part="auth",
        failure=("InvalidAuthConfig", "The list of sign-in providers cannot be loaded"),
        variable=variable,
    )
    try:
        config = ask_json(ask, question, {"providers": list})
    except PushError:
        _check_set(missing)  # This is why, then.
        raise
    _check_set(missing)
    return tuple(_provider(each, place) for place, each in enumerate(config["providers"]))


def _check_set(missing: list[str]) -> None:
    if missing:
        # By these words the command line knows what to tell the developer.
        raise PushError(
            "AuthConfigMissingEnvironmentVariable",
            f"Environment variable {missing[0]} is used in {AUTH_CONFIG} but is not set",
        )


def _provider(provider: object, place: int) -> Tree:
    is_object = isinstance(provider, dict)
    is_custom = isinstance(provider, dict) and provider.get("type") == "customJwt"
    wanted = ("issuer", "jwks", "algorithm") if is_custom else ("domain", "applicationID")
    for name in wanted:
        if not isinstance(provider, dict) or not isinstance(provider.get(name), str):
            shown = provider.get(name) if isinstance(provider, dict) else provider
            raise PushError(
                "InvalidAuthConfig",
                f"{AUTH_CONFIG}: providers[{place}]{f'.{name}' if is_object else ''} must be "
                f"{'a string' if is_object else 'an object'}, not {shown!r:.100}",
            )
    assert isinstance(provider, dict)
    return {**provider, "applicationID": provider.get("applicationID")}
