"""The tidy rules that look at one file: sizes, names, docstrings, and calls that are forbidden.

Each rule is a function from a source to its findings, so that ``test_tidy.py`` can run it on the
repository and, to prove that it can fail, on a few lines of bad code.

Not here: which module may import which (``tidy_layers.py``); what ruff already checks.
"""

import ast
import re
from collections.abc import Iterator

from tests.tidy_source import Finding, Source

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LINE_COLUMNS_MAX = 100

BANNED_MODULE_NAMES = frozenset(
    ["util", "utils", "helper", "helpers", "common", "base", "types", "manager", "misc"]
)

# Files where the machine's clock and randomness enter the engine; all others are given them.
CLOCK_FILES = frozenset(
    {
        "engine/livefile/vocabulary/clock.py",
        "engine/livefile/functions/determinism.py",
    }
)
CLOCK_NAMES = frozenset(
    {
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.date.today",
    }
)
# Making a generator is fine: whoever makes one chooses the seed.
RANDOM_CLASSES = frozenset({"Random", "SystemRandom"})

# The edges where whatever foreign code or a client raises is logged and answered: loading an app,
# running a function, a callback, a worker's loop, a request, a socket.
EDGE_FILES = frozenset(
    {
        "engine/livefile/functions/app.py",
        "engine/livefile/functions/runner.py",
        "engine/livefile/functions/actions.py",
        "engine/livefile/functions/http_actions.py",
        "engine/livefile/functions/migration_run.py",
        "engine/livefile/functions/callback.py",
        "engine/livefile/driver.py",
        "server/livefile_server/web/websocket.py",
        "server/livefile_server/web/middleware.py",
    }
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def file_length(source: Source) -> Iterator[Finding]:
    """A file holds one noun and at most 400 lines."""
    line_count = len(source.text.splitlines())
    if line_count > FILE_LINES_MAX:
        message = f"{line_count} lines, {FILE_LINES_MAX} allowed: which second noun is in here?"
        yield Finding(source.path, line_count, message)


def function_length(source: Source) -> Iterator[Finding]:
    """A function has at most 60 lines."""
    for node in source.nodes:
        if isinstance(node, FunctionNode):
            line_count = (node.end_lineno or node.lineno) - node.lineno + 1
            if line_count > FUNCTION_LINES_MAX:
                message = f"{node.name} has {line_count} lines, {FUNCTION_LINES_MAX} allowed"
                yield Finding(source.path, node.lineno, message)


def line_length(source: Source) -> Iterator[Finding]:
    """A line has at most 100 columns, also where ruff is lenient."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if len(line) > LINE_COLUMNS_MAX:
            message = f"{len(line)} columns, {LINE_COLUMNS_MAX} allowed"
            yield Finding(source.path, number, message)


def module_name(source: Source) -> Iterator[Finding]:
    """A module is named after its noun."""
    for part in source.path.with_suffix("").parts:
        if part in BANNED_MODULE_NAMES:
            yield Finding(source.path, 1, f"a module called {part!r} names no noun")


def module_docstring(source: Source) -> Iterator[Finding]:
    """Every file says first what is in it."""
    if not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "the module has no docstring")


def public_docstrings(source: Source) -> Iterator[Finding]:
    """Every public class, function and method has a docstring."""
    scopes: list[tuple[str, ast.Module | ast.ClassDef]] = [("", source.tree)]
    while scopes:
        prefix, scope = scopes.pop()
        for node in scope.body:
            if not isinstance(node, FunctionNode | ast.ClassDef) or node.name.startswith("_"):
                continue
            name = prefix + node.name
            if not ast.get_docstring(node) and not _is_documented_elsewhere(node):
                yield Finding(source.path, node.lineno, f"{name} is public and has no docstring")
            if isinstance(node, ast.ClassDef):
                scopes.append((f"{name}.", node))


def _is_documented_elsewhere(node: FunctionNode | ast.ClassDef) -> bool:
    # An overload is documented at the implementation, a setter at its getter.
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return not names.isdisjoint({"overload", "override", "setter", "deleter"})


def unfinished_work(source: Source) -> Iterator[Finding]:
    """A TODO names its issue; nothing is left as FIXME."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if re.search(r'(#|""")(.*\b(FIXME|XXX)\b|.*\bTODO\b(?!\(#\d+\)))', line):
            yield Finding(source.path, number, "unfinished work without its issue: TODO(#7)")


def clock_and_randomness(source: Source) -> Iterator[Finding]:
    """Time and randomness are passed in; only a few files ask the machine."""
    if str(source.path) in CLOCK_FILES:
        return
    own_names = _nodes_under_a_parameter_called_random(source)
    for node in source.nodes:
        names: list[str] = []
        if isinstance(node, ast.Attribute) and id(node) not in own_names:
            names = [ast.unparse(node)]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            module, _, attribute = name.rpartition(".")
            if name in CLOCK_NAMES or (module == "random" and attribute not in RANDOM_CLASSES):
                message = f"{name}: take a Clock or a Random as a parameter"
                yield Finding(source.path, getattr(node, "lineno", 1), message)


def _nodes_under_a_parameter_called_random(source: Source) -> set[int]:
    # There `random.random()` is a call of the generator that was passed in.
    return {
        id(inner)
        for node in source.nodes
        if isinstance(node, FunctionNode)
        and any(isinstance(part, ast.arg) and part.arg == "random" for part in ast.walk(node.args))
        for statement in node.body
        for inner in ast.walk(statement)
    }


def broad_except(source: Source) -> Iterator[Finding]:
    """Errors are caught by their class; what is caught whole is raised again, or at an edge."""
    if str(source.path) in EDGE_FILES:
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                message = "`except Exception` away from the edges: name the class, or re-raise"
                yield Finding(source.path, node.lineno, message)


def _catches_all(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    classes = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(name) in {"Exception", "BaseException"} for name in classes)


def built_sql(source: Source) -> Iterator[Finding]:
    """SQL is built from parts only in ``sqlite/``, where the parts are known."""
    if source.module.startswith("livefile.sqlite"):
        return
    for node in source.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in {"execute", "executemany", "executescript"} or not node.args:
            continue
        if _is_built(node.args[0]):
            message = "SQL made from parts: write it whole and bind the values"
            yield Finding(source.path, node.lineno, message)


def _is_built(text: ast.expr) -> bool:
    if isinstance(text, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in text.values)
    if isinstance(text, ast.BinOp):
        return isinstance(text.op, ast.Mod | ast.Add)
    return (
        isinstance(text, ast.Call)
        and isinstance(text.func, ast.Attribute)
        and text.func.attr in {"format", "join", "replace", "format_map"}
    )


def no_print(source: Source) -> Iterator[Finding]:
    """Only the command line prints; everything else logs or returns."""
    if source.module.startswith("livefile_server.cli"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield Finding(source.path, node.lineno, "print() outside the command line")
