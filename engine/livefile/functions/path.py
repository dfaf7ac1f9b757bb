"""Function paths: ``folder/module:name``, as clients spell them and as the registry has them."""

import re

from livefile.vocabulary.errors import BadRequestError
from livefile.vocabulary.limits import IDENTIFIER_LENGTH_MAX

_COMPONENT = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def parse_function_path(text: str) -> str:
    """Return the canonical path of a function: no ``.js``, and ``:default`` where no name is.

    Raises:
        BadRequestError: the text cannot be the path of a function.
    """
    module, separator, name = text.rpartition(":")
    if not separator:
        module, name = text, "default"
    module = module.removesuffix(".js")
    if not _NAME.fullmatch(name) or len(name) > IDENTIFIER_LENGTH_MAX:
        raise _bad(text, f"{name!r} is no name of a function")
    for component in module.split("/"):
        if not _COMPONENT.fullmatch(component) or not component.strip("._"):
            raise _bad(text, f"{component!r} is no name of a module")
        if len(component) > IDENTIFIER_LENGTH_MAX:
            raise _bad(text, f"{component!r} is longer than {IDENTIFIER_LENGTH_MAX} characters")
    return f"{module}:{name}"


def _bad(text: str, reason: str) -> BadRequestError:
    return BadRequestError(
        "BadConvexFunctionIdentifier",
        f"{text!r} is no function path (folder/module:name): {reason}",
    )
