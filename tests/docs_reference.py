"""What the reference must have an entry for, read from the source, and the entries it has.

An entry is a heading, a table row or a list item that begins with the name in backquotes; the
name may be followed by its arguments (``livefile dev [APP]``).
"""

import ast
import re
from collections.abc import Iterable

from tests.tidy_source import sources

ERRORS_FILE = "engine/livefile/vocabulary/errors.py"
LIMITS_FILE = "engine/livefile/vocabulary/limits.py"
ENTRY = re.compile(r"^ *(?:#+|\||[-*]) *`([^`]+)`", re.MULTILINE)


def entries(pages: Iterable[str]) -> set[str]:
    """Return the names that the pages have entries for, without arguments."""
    found = set()
    for page in pages:
        for text in ENTRY.findall(page):
            found.add(text)
            found.add(re.split(r"[(\[{=:]| [A-Z<\"'-]", text, maxsplit=1)[0].strip())
    return found


def error_codes() -> set[str]:
    """Return every stable error code: those of the classes, and those given when raising."""
    codes = set()
    raised_with_code = set()
    for node in _tree(ERRORS_FILE).body:
        if isinstance(node, ast.ClassDef):
            own = {ast.literal_eval(code) for code in _assigned(node, "code")}
            codes |= own
            if any(_takes_code(part) for part in node.body):
                raised_with_code.add(node.name)
    for source in sources("engine", "server"):
        for part in source.nodes:
            if isinstance(part, ast.Call) and part.args:
                name = ast.unparse(part.func).rpartition(".")[2]
                code = part.args[0]
                if name in raised_with_code and isinstance(code, ast.Constant):
                    codes.add(str(code.value))
    return codes


def limits() -> set[str]:
    """Return the name of every bound."""
    names = set()
    for node in _tree(LIMITS_FILE).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if name.endswith(("_MAX", "_MIN")) or name.startswith("WAL_")}


def _tree(path: str) -> ast.Module:
    (source,) = (each for each in sources("engine") if str(each.path) == path)
    return source.tree


def _assigned(node: ast.ClassDef, name: str) -> Iterable[ast.expr]:
    for part in node.body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == name:
            yield part.value


def _takes_code(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        argument.arg == "code" for argument in node.args.args
    )
