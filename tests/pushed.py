"""Pushed code of a few lines, without analysis: what it would find is written down here.

Not here: real pushes; their tests are in ``acceptance/typescript``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from livefile import FunctionKind, Livefile
from livefile.functions.deploy_progress import unheard
from livefile.javascript.pushed_code import (
    Component,
    Definition,
    FunctionSpec,
    Module,
    PushedCode,
    Tree,
)
from livefile.javascript.stored_code import write_code
from livefile.transaction.committer import Committer

ANY = '{"type":"any"}'


def module(path: str, source: str = "", source_map: str | None = None) -> Module:
    return Module(path=path, source=source, source_map=source_map, environment="isolate")


def spec(
    name: str,
    kind: FunctionKind = FunctionKind.MUTATION,
    *,
    is_internal: bool = False,
    args: str = ANY,
    returns: str | None = None,
) -> FunctionSpec:
    return FunctionSpec(
        name=name, kind=kind, is_internal=is_internal, args=args, returns=returns, position=None
    )


def definition(
    functions: Mapping[str, Sequence[FunctionSpec]] | None = None,
    *,
    path: str = "",
    modules: Sequence[Module] = (),
    crons: Mapping[str, Tree] | None = None,
    tables: Sequence[Tree] | None = None,
) -> Definition:
    named = modules or [module(name, f"// {name}") for name in functions or ()]
    return Definition(
        path=path,
        modules={it.path: it for it in named},
        functions={name: tuple(specs) for name, specs in (functions or {}).items()},
        routes=None,
        crons=crons or {},
        schema=None if tables is None else {"tables": list(tables), "schemaValidation": True},
        definition={"definitionType": {"type": "app"}},
    )


def table(name: str, **fields: str) -> Tree:
    """Return a table whose fields have these types."""
    value = {it: {"fieldType": {"type": kind}, "optional": False} for it, kind in fields.items()}
    return {"tableName": name, "documentType": {"type": "object", "value": value}, "indexes": []}


def code(*definitions: Definition, root: Component | None = None, **more: Any) -> PushedCode:
    every = {it.path: it for it in definitions}
    return PushedCode(definitions=every, root=root or Component("", ""), **more)


def push(livefile: Livefile, pushed: PushedCode) -> None:
    """Deploy pushed code, as the end of a push does."""
    deploy = livefile._stage_code(pushed, unheard)
    livefile._deployer.prepare(lambda: deploy)
    livefile._deployer.switch(deploy, _unchecked, partial(write_code, code=pushed))


def _unchecked(committer: Committer) -> None:
    pass


def wait_for_host(livefile: Livefile) -> None:
    """Wait until JavaScript can run, however slow the machine is; a function has a second."""
    with livefile._javascript.pool.lease():
        pass
