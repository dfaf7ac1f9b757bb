"""Environment variables of components: what they declare, and what their parents bind them to.

A component sees the variables that its definition declares and nothing else. Who mounts it gives
each a text, or a variable of its own.

Not here: the deployment's variables (``system/environment.py``).
"""

from collections.abc import Callable, Iterator, Mapping

import orjson

from livefile.javascript.analysis_question import Question
from livefile.javascript.http_mounts import mount_of
from livefile.javascript.pushed_code import ROOT, PushedCode, Tree

_SITE_ADDRESS = "CONVEX_SITE_URL"
ADDRESSES = ("CONVEX_CLOUD_URL", _SITE_ADDRESS)
"""The variables that every component sees, whatever it declares."""


def declared_variables(question: Question, tree: Tree) -> dict[str, Tree]:
    """Return the variables that a definition declares, by name.

    Raises:
        PushError: one of them is no text.
    """
    declared = {}
    for name, variable in tree.get("envVars") or ():
        if not _is_text(orjson.loads(variable["value"])):
            raise question.failed(
                f"environment variable {name}: want a string, literals of strings or a union of "
                f"such, got {variable['value']:.100}"
            )
        declared[name] = variable
    return declared


def check_bindings(question: Question, tree: Tree, definitions: Mapping[str, Tree]) -> None:
    """Check that the components that a definition mounts get the variables that they declare.

    ``definitions`` are the trees of what may be mounted, by path.

    Raises:
        PushError: a variable is missing, is not declared, or is bound to what it cannot be.
    """
    own = declared_variables(question, tree)
    for child in tree["childComponents"]:
        bound = dict(child.get("env") or ())
        declared = {name: each for name, each in definitions[child["path"]].get("envVars") or ()}
        for name, variable in declared.items():
            if name not in bound and not variable.get("optional"):
                raise question.failed(
                    f"{child['name']} requires the environment variable {name}; bind it in `use`"
                )
        for name, binding in bound.items():
            if name not in declared:
                raise question.failed(
                    f"{child['name']} is given the environment variable {name}, which it does not "
                    "declare"
                )
            if binding["type"] == "envVar" and binding["name"] not in own:
                raise question.failed(
                    f"{child['name']} is given {binding['name']} as {name}, which is not declared"
                )
            if binding["type"] == "value":
                _check_value(question, name, declared[name], binding["value"])


def variable_of(
    code: PushedCode, component: str, name: str, deployment: Callable[[str], str | None]
) -> str | None:
    """Return an environment variable as a component sees it, None if it is not set.

    ``component`` is the path of the instance; ``deployment`` tells a variable of the deployment,
    its addresses among them. Every component sees those, its own as the site's.
    """
    if name in ADDRESSES:
        address = deployment(name)
        mount = mount_of(code, component) if component and name == _SITE_ADDRESS else None
        return address if address is None or mount is None else address + mount
    path, wanted = component, name
    while path != ROOT:
        binding = code.components[path].env.get(wanted)
        if binding is None:
            return None
        if binding["type"] == "value":
            text: str = binding["value"]
            return text
        path, wanted = path.rpartition("/")[0], binding["name"]
    return deployment(wanted)


def _check_value(question: Question, name: str, variable: Tree, value: str) -> None:
    accepted = list(_accepted(orjson.loads(variable["value"])))
    if value not in accepted and None not in accepted:
        raise question.failed(
            f"environment variable {name} is {value!r:.100}, want one of "
            f"{', '.join(str(each) for each in accepted)}"
        )


def _accepted(validator: Tree) -> Iterator[str | None]:
    """Yield the texts that a validator accepts; None stands for any text."""
    match validator["type"]:
        case "literal":
            yield validator["value"]
        case "union":
            for member in validator["value"]:
                yield from _accepted(member)
        case _:
            yield None


def _is_text(validator: object) -> bool:
    if not isinstance(validator, dict):
        return False
    match validator.get("type"):
        case "string":
            return True
        case "literal":
            return isinstance(validator.get("value"), str)
        case "union":
            return all(_is_text(member) for member in validator["value"])
        case _:
            return False
