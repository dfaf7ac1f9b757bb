"""Function paths: ``folder/module:name``, as clients spell them and as the registry has them.

Those of an app's components begin with the component's path: ``rateLimiter/batchWorker|lib:check``.
"""

import re

from livefile.vocabulary.errors import BadRequestError
from livefile.vocabulary.limits import IDENTIFIER_LENGTH_MAX

_PART = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
_SYSTEM = "_system/"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def parse_function_path(text: str, in_component: str | None = None) -> str:
    """Return the canonical path of a function: no ``.js``, and ``:default`` where no name is.

    ``in_component`` is the path of the component whose function it is, unless ``text`` says so.

    Raises:
        BadRequestError: the text cannot be the path of a function, or of a component.
    """
    if in_component:
        text = f"{in_component}|{text}"
    component, bar, rest = text.rpartition("|")
    module, separator, name = rest.rpartition(":")
    if not separator:
        module, name = rest, "default"
    module = module.removesuffix(".js")
    if not _NAME.fullmatch(name) or len(name) > IDENTIFIER_LENGTH_MAX:
        raise _bad(text, f"{name!r} is no name of a function")
    for part in module.split("/"):
        if not _PART.fullmatch(part) or not part.strip("._"):
            raise _bad(text, f"{part!r} is no name of a module")
        if len(part) > IDENTIFIER_LENGTH_MAX:
            raise _bad(text, f"{part!r} is longer than {IDENTIFIER_LENGTH_MAX} characters")
    for part in component.split("/") if bar else ():
        if not _NAME.fullmatch(part) or len(part) > IDENTIFIER_LENGTH_MAX:
            raise _bad(text, f"{part!r} is no name of a component")
    return f"{component}{bar}{module}:{name}"


def is_system_path(path: str) -> bool:
    """Return whether a canonical path is that of one of the engine's own functions."""
    return path.startswith(_SYSTEM) or f"|{_SYSTEM}" in path


def module_path(module: str, package: str) -> str:
    """Return a Python module's path on the wire: ``chat.admin.users`` is ``admin/users``."""
    return module.removeprefix(package).lstrip(".").replace(".", "/") or "index"


def _bad(text: str, reason: str) -> BadRequestError:
    return BadRequestError(
        "BadConvexFunctionIdentifier",
        f"{text!r} is no function path (folder/module:name): {reason}",
    )
