"""``ctx``: what a function is given to work with.

Not here: ``ctx.db`` (``functions/database.py``); how calls run (``functions/runner.py``).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from livefile.functions.app import App
from livefile.functions.awaited_system import AwaitedSystem
from livefile.functions.call import FunctionKind
from livefile.functions.database import DatabaseReader, DatabaseWriter
from livefile.functions.definition import (
    ActionFunction,
    Function,
    MutationFunction,
    QueryFunction,
)
from livefile.functions.path import parse_function_path
from livefile.functions.running import current_call
from livefile.functions.scheduling import AwaitedScheduler, Scheduler
from livefile.functions.services import Services
from livefile.functions.storage import ActionStorage, StorageReader, StorageWriter
from livefile.functions.vector_query import search_fast
from livefile.model.filter_expression import Expression
from livefile.model.identity import Identity
from livefile.model.table import Table
from livefile.model.value import Value
from livefile.model.vector_search import VectorMatch, VectorSource
from livefile.system.environment import Environment
from livefile.vocabulary.errors import WrongFunctionKindError
from livefile.vocabulary.limits import VECTOR_RESULTS

T = TypeVar("T", bound=Table)
P = ParamSpec("P")
R = TypeVar("R")

# Any: a nested call returns what the called function's annotation says; the overloads of the
# methods below carry it.
CallFunction = Callable[[Function[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]


class Auth:
    """``ctx.auth``: who calls."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def get_user_identity(self) -> Mapping[str, Value] | None:
        """Return the user's claims under the protocol's names, None if nobody is signed in.

        A query that asks is cached for this user only.
        """
        running = current_call.get()
        if running is not None:
            running.has_read_identity = True
        return self._identity.attributes


class QueryCtx:
    """The context of a query: it reads."""

    db: DatabaseReader

    def __init__(
        self, db: DatabaseReader, identity: Identity, call: CallFunction, services: Services
    ) -> None:
        """Take the database, who calls, and how to call another function from here."""
        self.db = db
        self.auth = Auth(identity)
        self._call = call
        self._services = services

    @property
    def env(self) -> Environment:
        """The deployment's environment variables; what is looked up counts as read."""
        transaction = self.db._transaction  # Apps see the database only.
        return Environment(lambda body: body(transaction), self._services.origins.variables)

    @property
    def storage(self) -> StorageReader:
        """The stored files."""
        return StorageReader(self.db._transaction, self._services.origins)

    @overload
    def run_query(
        self, function: QueryFunction[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    def run_query(self, function: str, /, **kwargs: Any) -> Any: ...
    def run_query(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a query in this transaction and return its result.

        One in TypeScript is called by its path and by keywords: ``run_query("chat:list", n=3)``.
        """
        found = checked(function, FunctionKind.QUERY, self._services.app)
        return self._call(found, args, kwargs)


class MutationCtx(QueryCtx):
    """The context of a mutation: it reads and writes, all or nothing."""

    db: DatabaseWriter

    def __init__(
        self, db: DatabaseWriter, identity: Identity, call: CallFunction, services: Services
    ) -> None:
        """Take the database, who calls, and how to call another function from here."""
        super().__init__(db, identity, call, services)
        self.db = db

    @property
    def scheduler(self) -> Scheduler:
        """Calls functions later, if this transaction commits."""
        return Scheduler(self.db._transaction, self._services.app)

    @property
    def storage(self) -> StorageWriter:
        """The stored files."""
        return StorageWriter(self.db._transaction, self._services.origins)

    @overload
    def run_mutation(
        self, function: MutationFunction[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    def run_mutation(self, function: str, /, **kwargs: Any) -> Any: ...
    def run_mutation(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a mutation as a sub-transaction: if it raises, only its own writes are undone.

        One in TypeScript is called by its path and by keywords.
        """
        found = checked(function, FunctionKind.MUTATION, self._services.app)
        return self._call(found, args, kwargs)


class ActionCtx:
    """The context of an action: it calls queries and mutations, each a transaction of its own."""

    def __init__(
        self,
        identity: Identity,
        call: Callable[[Function[..., Any], tuple[Any, ...], Mapping[str, Any]], Awaitable[Any]],
        services: Services,
        system: AwaitedSystem,
    ) -> None:
        """Take who calls, how to call another function from here, and the system's tables."""
        self.auth = Auth(identity)
        self._call = call
        self._services = services
        self._system = system

    @property
    def env(self) -> Environment:
        """The deployment's environment variables, each as it is when it is looked up."""
        return Environment(self._system.read_at_once, self._services.origins.variables)

    @property
    def scheduler(self) -> AwaitedScheduler:
        """Calls functions later, whatever comes of this action."""
        return AwaitedScheduler(self._system, self._services.app)

    @property
    def storage(self) -> ActionStorage:
        """The stored files."""
        return ActionStorage(self._system, self._services.origins)

    async def vector_search(
        self,
        source: VectorSource[T],
        vector: Sequence[float],
        *,
        limit: int = VECTOR_RESULTS,
        filter: Expression | None = None,
    ) -> list[VectorMatch[T]]:
        """Return the documents whose vectors are nearest to ``vector``, best first.

        ``filter`` is one equality of a field and a value, or several joined with ``|``. Where
        there are many documents, one of them may be missed now and then.

        Raises:
            SearchError: a vector, a limit or a filter that the index does not take.
        """
        return await search_fast(self._system, source, vector, limit, filter)

    @overload
    async def run_query(
        self, function: QueryFunction[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    async def run_query(self, function: str, /, **kwargs: Any) -> Any: ...
    async def run_query(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a query at the newest snapshot and return its result.

        One in TypeScript is called by its path and by keywords.
        """
        found = checked(function, FunctionKind.QUERY, self._services.app)
        return await self._call(found, args, kwargs)

    @overload
    async def run_mutation(
        self, function: MutationFunction[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    async def run_mutation(self, function: str, /, **kwargs: Any) -> Any: ...
    async def run_mutation(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run a mutation and return its result once it is durable.

        One in TypeScript is called by its path and by keywords.
        """
        found = checked(function, FunctionKind.MUTATION, self._services.app)
        return await self._call(found, args, kwargs)

    @overload
    async def run_action(
        self, function: ActionFunction[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    async def run_action(self, function: str, /, **kwargs: Any) -> Any: ...
    async def run_action(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Run another action and return its result.

        One in TypeScript is called by its path and by keywords.
        """
        found = checked(function, FunctionKind.ACTION, self._services.app)
        return await self._call(found, args, kwargs)


def checked(function: object, kind: FunctionKind, app: App) -> Function[..., Any]:
    """Return what is to be run, if it is a function of this kind or the path of one.

    Raises:
        FunctionNotFoundError: there is none under this path.
        WrongFunctionKindError: it is of another kind, or no function at all.
    """
    if isinstance(function, str):
        function = app.find(parse_function_path(function), is_internal_allowed=True)
    if isinstance(function, Function) and function.kind is kind:
        return function
    word = kind.value.lower()
    if isinstance(function, Function):
        what = f"{function.name}, which is defined as {function.kind.value}"
    else:
        what = f"{type(function).__name__} {function!r}"
    article = "an" if word == "action" else "a"
    raise WrongFunctionKindError(f"run_{word} takes {article} {word} of the app, got {what}.")
