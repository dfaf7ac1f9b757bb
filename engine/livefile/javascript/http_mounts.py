"""Where the HTTP routes of components are reached: below the prefix that each was mounted with.

A component that was mounted without one has routes that nobody reaches, and so have those below it.

Not here: answering requests (``http_action.py``); which route answers which request
(``functions/http_router.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from livefile.javascript.pushed_code import ROOT, Component, PushedCode

_REFERENCE = "_reference/childComponent/"


@dataclass(frozen=True, slots=True)
class MountedRoute:
    """One route of a component. ``path`` is where it is reached; ``/*`` at its end: all below.

    ``mount`` is the beginning of it that the component itself does not know, without a slash at
    its end.
    """

    component: Component
    method: str
    path: str
    mount: str

    @property
    def is_prefix(self) -> bool:
        """Whether it answers everything below its path."""
        return self.path.endswith("/*")


def mounted_routes(code: PushedCode) -> Iterator[MountedRoute]:
    """Yield all routes that can be reached, those of the app itself first."""
    for component in code.components.values() if not code.is_empty else ():
        mount = mount_of(code, component.path)
        routes = code.definition_of(component).routes
        if mount is not None:
            for path, method in routes or ():
                yield MountedRoute(component, method, mount + path, mount)


def mount_of(code: PushedCode, component: str) -> str | None:
    """Return what all paths of a component begin with, ``""`` for none; None: none is reached.

    ``component`` is the path of the instance.
    """
    own_prefix = code.definitions[ROOT].definition.get("httpPrefix", "/")
    mount: str = own_prefix.removesuffix("/")
    parent = code.root
    for name in component.split("/") if component else ():
        mounts = code.definition_of(parent).definition.get("httpMounts", {})
        prefix = next((it for it, target in mounts.items() if target == _REFERENCE + name), None)
        if prefix is None:
            return None
        mount += prefix.removesuffix("/")
        parent = parent.children[name]
    return mount
