"""``@query``, ``@mutation`` and ``@action``, and their ``internal`` forms.

Not here: what they make (``functions/definition.py``).
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from livefile.functions.context import ActionCtx, MutationCtx, QueryCtx
from livefile.functions.definition import (
    ActionFunction,
    Function,
    MutationFunction,
    QueryFunction,
)
from livefile.vocabulary.errors import DefinitionError

P = ParamSpec("P")
R = TypeVar("R")

QueryBody = Callable[Concatenate[QueryCtx, P], R]
MutationBody = Callable[Concatenate[MutationCtx, P], R]
ActionBody = Callable[Concatenate[ActionCtx, P], Awaitable[R]]


class Decorators:
    """The three decorators. ``internal`` has the ones whose functions clients cannot see."""

    def __init__(self, *, is_internal: bool) -> None:
        self._is_internal = is_internal

    @overload
    def query(self, body: QueryBody[P, R], /) -> QueryFunction[P, R]: ...
    @overload
    def query(self, /, *, name: str) -> Callable[[QueryBody[P, R]], QueryFunction[P, R]]: ...
    def query(self, body: QueryBody[P, R] | None = None, /, *, name: str | None = None) -> Any:
        """Define a query: a plain ``def`` whose first parameter is a ``QueryCtx``."""
        return self._define(QueryFunction, body, name)

    @overload
    def mutation(self, body: MutationBody[P, R], /) -> MutationFunction[P, R]: ...
    @overload
    def mutation(
        self, /, *, name: str
    ) -> Callable[[MutationBody[P, R]], MutationFunction[P, R]]: ...
    def mutation(
        self, body: MutationBody[P, R] | None = None, /, *, name: str | None = None
    ) -> Any:
        """Define a mutation: a plain ``def`` whose first parameter is a ``MutationCtx``."""
        return self._define(MutationFunction, body, name)

    @overload
    def action(self, body: ActionBody[P, R], /) -> ActionFunction[P, R]: ...
    @overload
    def action(self, /, *, name: str) -> Callable[[ActionBody[P, R]], ActionFunction[P, R]]: ...
    def action(self, body: ActionBody[P, R] | None = None, /, *, name: str | None = None) -> Any:
        """Define an action: an ``async def`` whose first parameter is an ``ActionCtx``."""
        return self._define(ActionFunction, body, name)

    def _define(
        self, make: type[Function[..., Any]], body: Callable[..., Any] | None, name: str | None
    ) -> Any:
        def define(body: Callable[..., Any]) -> Function[..., Any]:
            if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
                raise DefinitionError(
                    f"{make.kind.value.lower()} {body.__name__}: return the result, do not yield it"
                )
            wants_async = make is ActionFunction
            if inspect.iscoroutinefunction(body) != wants_async:
                raise DefinitionError(
                    f"{make.kind.value.lower()} {body.__name__}: write "
                    f"{'async def' if wants_async else 'def, without async'}"
                )
            return make(body, name, is_internal=self._is_internal)

        return define if body is None else define(body)


_public = Decorators(is_internal=False)
query = _public.query
mutation = _public.mutation
action = _public.action
internal = Decorators(is_internal=True)
