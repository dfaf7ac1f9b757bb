"""Which function pushed code means when it calls one.

The library gives an address: the name of a function of the same component, a reference to a
function of a component that it mounts, or a handle that somebody made before.

    {"name": "folder/module:name"}
    {"reference": "_reference/childComponent/rateLimiter/lib/check"}
    {"functionHandle": "function://..."}

Of the components that it mounts, code reaches the public functions and nothing else; of the others,
which mount it or stand beside it, only what it was given a handle of.

Not here: what makes a handle worth something (``function_handle.py``); running the function.
"""

from collections.abc import Sequence

from livefile.functions.path import is_system_path, parse_function_path
from livefile.javascript.function_handle import HandleKey
from livefile.javascript.pushed_code import Component, PushedCode, Tree, function_path
from livefile.vocabulary.errors import BadRequestError, FunctionNotFoundError

_REFERENCE = "_reference/"


def resolve(code: PushedCode, component: str, address: Tree, key: HandleKey) -> str:
    """Return the canonical path of the function that ``address`` means within a component.

    ``component`` is the path of the instance whose code asks; what else ``address`` holds is
    passed over. A function that is named, in the same component, need not be there.

    Raises:
        BadRequestError: it is no address, or a handle that was not made by this deployment.
        FunctionNotFoundError: there is no such component, or no such public function in it.
    """
    match address:
        case {"name": str(name)} if "|" not in name:  # Which would be another component's.
            return _own(component, name)
        case {"reference": str(reference)}:
            return _referenced(code, component, reference)
        case {"functionHandle": str(handle)}:
            return key.path_of(handle)
        case _:
            raise BadRequestError(
                "BadFunctionReference",
                "a function is addressed by its name, a reference or a handle, not by "
                f"{dict(address)!r:.200}",
            )


def component_of(path: str) -> str:
    """Return the path of the component that a canonical path is in, ``""`` for the app itself."""
    return path.rpartition("|")[0]


def name_in_component(path: str) -> str:
    """Return what a canonical path is called within its component: ``lib:check``."""
    return path.rpartition("|")[2]


def _own(component: str, name: str) -> str:
    path = parse_function_path(name, component)
    if is_system_path(path):  # Those are for administrators, and not for their code.
        raise FunctionNotFoundError(f"Could not find function for '{name}'.")
    return path


def _referenced(code: PushedCode, component: str, reference: str) -> str:
    kind, _, rest = reference.removeprefix(_REFERENCE).partition("/")
    if reference.startswith(_REFERENCE) and rest:
        if kind == "function" and "|" not in rest:
            return _own(component, rest)
        if kind == "childComponent":
            name, *inside = rest.split("/")
            return _exported(code, component, name, inside, reference)
    raise BadRequestError("BadFunctionReference", f"{reference!r:.200} refers to no function")


def _exported(
    code: PushedCode, component: str, name: str, inside: Sequence[str], reference: str
) -> str:
    """Return the public function of a component that ``component`` mounts under ``name``."""
    children = code.components[component].children if component in code.components else {}
    if name not in children:
        raise FunctionNotFoundError(
            f"{reference}: {component or 'the app'} has no component {name!r}; it has "
            f"{', '.join(children) or 'none'}"
        )
    child = children[name]
    *folders, function = inside or [""]
    module = "/".join(folders)
    if not _is_public(code, child, f"{module}.js", function):
        raise FunctionNotFoundError(
            f"{reference}: the component {child.path} has no public function {module}:{function}"
        )
    return function_path(child.path, module, function)


def _is_public(code: PushedCode, component: Component, module_path: str, name: str) -> bool:
    functions = code.definition_of(component).functions.get(module_path, ())
    return any(each.name == name and not each.is_internal for each in functions)
