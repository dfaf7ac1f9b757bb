"""Python files as the tidy rules see them: a path, a text, a syntax tree and a module name.

Not here: the rules (``tidy_rules.py``, ``tidy_layers.py``).
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = {"engine": "livefile", "server": "livefile_server"}


@dataclass(frozen=True)  # No slots: a cached property needs the instance's dict.
class Source:
    """One Python file. ``path`` is relative to the root of the repository."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, parents first."""
        return list(ast.walk(self.tree))

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported; a package has no ``__init__``."""
        parts = self.path.with_suffix("").parts
        if parts[0] in SOURCE_ROOTS:
            parts = parts[1:]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """The package against which relative imports are resolved."""
        if self.path.name == "__init__.py":
            return self.module
        return self.module.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule."""

    path: PurePosixPath
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Rule = Callable[[Source], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a file imports.

    ``module`` is absolute; ``name`` is what a ``from`` import takes out of it, else None.
    ``is_for_types`` marks an import under ``if TYPE_CHECKING``, which never runs.
    """

    line: int
    module: str
    name: str | None
    is_for_types: bool


def imports(source: Source) -> Iterator[Import]:
    """Yield every import of the file, those inside functions too."""
    for_types = {
        id(inner)
        for node in source.nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, None, id(node) in for_types)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                above = source.package.split(".")[: 1 - node.level or None]
                module = ".".join([*above, module] if module else above)
            for alias in node.names:
                yield Import(node.lineno, module, alias.name, id(node) in for_types)


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return the Python files under ``folders`` of the repository, sorted by path."""
    return tuple(sorted(_read(folders), key=lambda source: source.path))


def _read(folders: Iterable[str]) -> Iterator[Source]:
    skipped = {"node_modules", "__pycache__", "dist"}
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            path = PurePosixPath(file.relative_to(ROOT).as_posix())
            if skipped.isdisjoint(path.parts):
                yield Source(path, file.read_text(encoding="utf-8"))
