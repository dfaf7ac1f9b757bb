"""The tree of components: which instances there are of which definitions, and what they export.

Not here: definitions (``component_definition.py``); what a component's functions may call
(``references.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from livefile.javascript.pushed_code import ROOT, Component, Definition, Tree
from livefile.vocabulary.errors import PushError
from livefile.vocabulary.limits import COMPONENTS_MAX


def component_tree(definitions: Mapping[str, Definition]) -> Component:
    """Return the instances that there are, from the app down.

    Raises:
        PushError: there are too many.
    """
    count = 0

    def mount(path: str, definition: str, env: Tree) -> Component:
        nonlocal count
        count += 1
        if count > COMPONENTS_MAX:
            raise PushError(
                "InvalidConvexConfig",
                f"an app may have {COMPONENTS_MAX} components with those that they mount, and this "
                "one has more",
            )
        children = {
            child["name"]: mount(
                f"{path}/{child['name']}" if path else child["name"],
                child["path"],
                dict(child.get("env") or ()),
            )
            for child in definitions[definition].definition["childComponents"]
        }
        return Component(path=path, definition=definition, children=children, env=env)

    return mount(ROOT, ROOT, {})


def exports_of(definition: Definition) -> Tree:
    """Return a component's public functions nested by the path of their modules, as references.

    The app itself exports nothing, because nothing mounts it.
    """
    root: dict[str, Any] = {}
    if definition.path != ROOT:
        for path, functions in definition.functions.items():
            for function in functions:
                if not function.is_internal:
                    _put(root, path.removesuffix(".js"), function.name)
    return _branch(root)


def _put(root: dict[str, Any], module: str, name: str) -> None:
    branch = root
    for part in module.split("/"):
        branch = branch.setdefault(part, {})
        if isinstance(branch, str):
            break
    if isinstance(branch, str) or name in branch:
        raise PushError(
            "InvalidModules",
            f"{module}.js:{name}: a component cannot have a function and a folder of one name",
        )
    branch[name] = f"_reference/function/{module}:{name}"


def _branch(tree: Mapping[str, Any]) -> dict[str, Any]:
    members: Sequence[Any] = [
        [name, {"type": "leaf", "leaf": it} if isinstance(it, str) else _branch(it)]
        for name, it in sorted(tree.items())
    ]
    return {"type": "branch", "branch": members}
