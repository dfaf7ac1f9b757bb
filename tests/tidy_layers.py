"""The tidy rules about who may import whom: layers, borders and circles.

Folders are layers and imports only point down. A border keeps a library in the few folders that
know it. Both are read off the source, so an import inside a function counts as well.

Not here: the rules that look at one file only (``tidy_rules.py``).
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.tidy_source import Finding, Import, Rule, Source, imports

ENGINE = "livefile"
SERVER = "livefile_server"
FACADE = "facade"
ENGINE_LAYERS = (
    "vocabulary",
    "model",
    "sqlite",
    "transaction",
    "system",
    "functions",
    "javascript",
    "system_functions",
    "reactive",
    "workers",
    "accounts",
    FACADE,
)
# The files at the root of engine/livefile.
FACADE_MODULES = frozenset({"livefile"}) | {
    f"livefile.{name}"
    for name in (
        "deployment",
        "driver",
        "engine",
        "figures",
        "testing",
        "testing_fixture",
        "transfers",
        "upkeep",
        "watch",
    )
}
FACADE_PACKAGES = ("livefile.archive",)
SERVER_LAYERS = ("settings", "auth", "sync", "web", "codegen", "dev", "cli")


@dataclass(frozen=True, slots=True)
class Border:
    """A library and the packages that may import it; ``reason`` completes the message."""

    library: str
    allowed: tuple[str, ...]
    reason: str


BORDERS = (
    Border("sqlite3", (), "a second SQLite in the process drops the locks of the first"),
    Border("apsw", ("livefile.sqlite",), "only sqlite/ speaks SQL"),
    Border("sqlite_vec", ("livefile.sqlite",), "only sqlite/ speaks SQL"),
    Border(
        "aiohttp",
        ("livefile_server.web", "livefile_server.dev"),
        "only web/ serves, and dev/ calls",
    ),
    Border("click", ("livefile_server.cli",), "only cli/ is the command line"),
)
# The session takes messages and gives messages; these would let it do more.
NO_INPUT_OUTPUT = {"aiohttp", "asyncio", "http", "random", "secrets", "select", "selectors"}
NO_INPUT_OUTPUT |= {"socket", "ssl", "subprocess", "threading", "time", "urllib"}


def layer_of(module: str) -> tuple[str, int] | None:
    """Return a module's tree and the rank of its layer in it.

    None is returned for a module of another tree, -1 as the rank of one that is in no layer.
    """
    tree, *folders = module.split(".")
    if tree == ENGINE:
        if module in FACADE_MODULES or _is_within(module, FACADE_PACKAGES):
            return ENGINE, ENGINE_LAYERS.index(FACADE)
        known: Sequence[str] = ENGINE_LAYERS[:-1]
    elif tree == SERVER:
        if module == f"{SERVER}.__main__":
            return SERVER, len(SERVER_LAYERS)
        if not folders:  # Runs before every other module of the server, so it is below them.
            return SERVER, 0
        known = SERVER_LAYERS
    else:
        return None
    return tree, known.index(folders[0]) if folders[0] in known else -1


def in_a_layer(source: Source) -> Iterator[Finding]:
    """Every module of the engine and the server is in a layer."""
    layer = layer_of(source.module)
    if layer is not None and layer[1] < 0:
        yield Finding(source.path, 1, f"{source.module} is in no layer of the architecture page")


def imports_point_down(source: Source) -> Iterator[Finding]:
    """A module imports from its own layer and from those below."""
    own = layer_of(source.module)
    if own is None:
        return
    for wanted in imports(source):
        other = _layer_of_import(wanted)
        if other is not None and other[0] == own[0] and other[1] > own[1]:
            message = f"{source.module} imports {_spelt(wanted)}, which is in a higher layer"
            yield Finding(source.path, wanted.line, message)


def _layer_of_import(wanted: Import) -> tuple[str, int] | None:
    if wanted.module in (ENGINE, SERVER) and wanted.name is not None:
        # `from livefile import model` takes the folder, not a name of the facade.
        folder = layer_of(f"{wanted.module}.{wanted.name}")
        if folder is not None and folder[1] >= 0:
            return folder
    return layer_of(wanted.module)


def borders(source: Source) -> Iterator[Finding]:
    """A library is imported only where its border allows."""
    for wanted in imports(source):
        for border in BORDERS:
            is_allowed = _is_within(source.module, border.allowed) or (
                # Tests and benchmarks may look at anything, but for a second SQLite.
                layer_of(source.module) is None and border.allowed
            )
            if _is_within(wanted.module, (border.library,)) and not is_allowed:
                message = f"{border.library} is not for {source.module}: {border.reason}"
                yield Finding(source.path, wanted.line, message)


def session_without_io(source: Source) -> Iterator[Finding]:
    """The sync session imports nothing with which it could wait, send or guess."""
    if not _is_within(source.module, ("livefile_server.sync",)):
        return
    for wanted in imports(source):
        if wanted.module.partition(".")[0] in NO_INPUT_OUTPUT:
            message = f"{wanted.module} in sync/: messages in, messages out, nothing else"
            yield Finding(source.path, wanted.line, message)


def facade_only(exported: frozenset[str]) -> Rule:
    """Return the rule that the server takes from the engine what its facade names."""

    def server_uses_the_facade(source: Source) -> Iterator[Finding]:
        if not _is_within(source.module, (SERVER,)):
            return
        for wanted in imports(source):
            if not _is_within(wanted.module, (ENGINE,)):
                continue
            if wanted.module != ENGINE or wanted.name is None:
                message = f"write `from livefile import ...`, not the import of {_spelt(wanted)}"
                yield Finding(source.path, wanted.line, message)
            elif wanted.name not in exported:
                message = f"{wanted.name} is not in livefile.__all__"
                yield Finding(source.path, wanted.line, message)

    return server_uses_the_facade


def exported_names(facade: Source) -> frozenset[str]:
    """Return what ``__all__`` of the given file lists; nothing if there is no such list."""
    for node in facade.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)  # Narrows the type for mypy.
            return frozenset(ast.literal_eval(node.value)) if node.value else frozenset()
    return frozenset()


def import_circles(every: Sequence[Source]) -> Iterator[Finding]:
    """No modules import each other in a circle, not even from inside functions.

    An import for types only does not run and does not count. One finding is given for each
    circle, at the import that closes it.
    """
    by_module = {source.module: source for source in every}
    graph = {source.module: _edges(source, by_module) for source in every}
    done: set[str] = set()
    for start in graph:
        yield from _circles_from(start, graph, by_module, done)


def _edges(source: Source, by_module: Mapping[str, Source]) -> dict[str, int]:
    edges: dict[str, int] = {}
    for wanted in imports(source):
        if wanted.is_for_types:
            continue
        submodule = f"{wanted.module}.{wanted.name}"
        target = submodule if submodule in by_module else wanted.module
        if target in by_module and target != source.module:
            edges.setdefault(target, wanted.line)
    return edges


def _circles_from(
    start: str,
    graph: Mapping[str, Mapping[str, int]],
    by_module: Mapping[str, Source],
    done: set[str],
) -> Iterator[Finding]:
    # Depth first with an explicit stack; `path` is the chain of modules being imported.
    path: list[str] = []
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        module, is_left = stack.pop()
        if is_left:
            path.pop()
            done.add(module)
            continue
        if module in done or module in path:
            continue
        path.append(module)
        stack.append((module, True))
        for target, line in graph[module].items():
            if target in path:
                circle = " -> ".join([*path[path.index(target) :], target])
                yield Finding(by_module[module].path, line, f"import circle: {circle}")
            elif target not in done:
                stack.append((target, False))


def _is_within(module: str, packages: Sequence[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _spelt(wanted: Import) -> str:
    return wanted.module if wanted.name is None else f"{wanted.module}.{wanted.name}"
