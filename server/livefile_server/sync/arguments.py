"""The arguments of one request, from the JSON of the wire.

The websocket and the HTTP API take the same two forms: a list that holds one object, or the
object itself. Not here: whether the function accepts them (the engine).
"""

import orjson

from livefile import Value, errors, from_wire


def decode_arguments(path: str, tree: object) -> dict[str, Value]:
    """Return the arguments for the function at ``path``, from parsed JSON.

    Raises:
        ArgumentValidationError: not one object.
        InvalidValueError: something in the object is no value.
    """
    if isinstance(tree, list):
        if len(tree) != 1:
            raise errors.ArgumentValidationError(
                "ArgumentValidationError: Expected to receive a single object as the function's "
                f"argument. Instead received {len(tree)} arguments: {_shorten(tree)}"
            )
        tree = tree[0]
    if not isinstance(tree, dict):
        raise errors.ArgumentValidationError(
            "ArgumentValidationError: Expected to receive an object as the function's argument. "
            f"Instead received: {_shorten(tree)}"
        )
    try:
        args = from_wire(tree)
    except errors.InvalidValueError as error:
        raise errors.InvalidValueError(
            f"Invalid arguments for {_with_file(path)}: {error}"
        ) from error
    if not isinstance(args, dict):  # Such as {"$integer": ...}, which stands for a number.
        raise errors.ArgumentValidationError(
            "ArgumentValidationError: Expected to receive an object as the function's argument. "
            f"Instead received: {_shorten(tree)}"
        )
    return args


# Error texts name a function by its file, as in `messages.js:send`, in whatever language it is.
def _with_file(path: str) -> str:
    module, _, name = path.partition(":")
    return f"{module}.js:{name}"


def _shorten(tree: object) -> str:
    text = orjson.dumps(tree).decode()
    return text if len(text) <= 200 else text[:197] + "..."
