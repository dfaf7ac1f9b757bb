"""``SystemFunction``: a function of the engine's own that Convex's tools call by its path.

The CLI and the dashboard read a deployment through ordinary queries and mutations whose paths
begin with ``_system/``. Here these are native: they are found, run, cached and watched like a
function of the app, for admins only. Their arguments keep the protocol's names, so validators are
written out instead of being read off a signature.

Not here: which there are (``registry.py``), and what they do (the modules beside this one).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from livefile.functions.app import App
from livefile.functions.call import FunctionKind
from livefile.functions.context import QueryCtx
from livefile.functions.services import Origins
from livefile.functions.table_query import TableQuery
from livefile.functions.value_function import ValueFunction
from livefile.javascript.pushed_code import table_prefix
from livefile.model import validator as v
from livefile.model.annotation import mark_integers
from livefile.model.index_range import BY_CREATION_TIME
from livefile.model.interval import EVERYTHING, Interval
from livefile.model.value import Value, normalize
from livefile.sqlite.catalog import TableEntry
from livefile.transaction.read_set import TABLE_NAMES_INDEX
from livefile.transaction.transaction import Transaction
from livefile.vocabulary.errors import ArgumentValidationError, BadRequestError

Body = Callable[["SystemRequest"], Any]
"""What a system function does. Any: it returns what ``normalize`` makes a value of."""


@dataclass(frozen=True, slots=True)
class SystemRequest:
    """One call of a system function. ``component`` is a component's path, empty for the root."""

    args: Mapping[str, Any]  # Any: checked by the function's validator.
    component: str
    ctx: QueryCtx

    @property
    def transaction(self) -> Transaction:
        """What is read and written."""
        return self.ctx.db._transaction

    @property
    def app(self) -> App:
        """The code that runs."""
        return self.ctx._services.app

    @property
    def origins(self) -> Origins:
        """Where the deployment is reached."""
        return self.ctx._services.origins

    def tables(self) -> dict[str, TableEntry]:
        """Return the tables of the component by their names in it; the list counts as read."""
        transaction = self.transaction
        transaction.reads.add(TABLE_NAMES_INDEX, EVERYTHING)
        found: dict[str, TableEntry] = {}
        for table in transaction.catalog.tables.values():
            component, _, name = table.name.rpartition("/")
            if component == self.component and not table.is_system:
                found[name] = table
        return found

    def physical_name(self, table: str) -> str:
        """Return the name under which the file has a table of the component."""
        return table_prefix(self.component) + table

    def read_whole(self, table: TableEntry) -> None:
        """Count all documents of a table as read, without reading them."""
        self.transaction.reads.add(table.by_id, EVERYTHING)

    def query(
        self, table: str, index: str = BY_CREATION_TIME, interval: Interval = EVERYTHING
    ) -> TableQuery[dict[str, Any]]:
        """Return a query over a table by its physical name; documents are dictionaries."""
        return TableQuery(
            _transaction=self.transaction,
            _table=table,
            _index=index,
            _interval=interval,
            _load=mark_integers,
            _begin_page=_begin_page,
        )


class SystemFunction(ValueFunction):
    """A native function. Internal, so that only admins and the engine find it."""

    def __init__(
        self,
        kind: FunctionKind,
        body: Body,
        fields: Mapping[str, v.Field],
        component: str = "",
    ) -> None:
        """Take what it may do, what it does, and its arguments."""
        super().__init__(kind, body, None, v.Object(fields=fields), is_internal=True)
        self._fields = fields
        self._run = body
        self._component = component
        self.body = self._body

    def within(self, component: str) -> "SystemFunction":
        """Return the same function for the tables of a component."""
        return SystemFunction(self.kind, self._run, self._fields, component)

    def dump_args(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], table_name: v.TableName
    ) -> dict[str, Value]:
        """Return the argument object of a call from Python.

        Raises:
            ArgumentValidationError: an argument without a name.
        """
        if args:
            raise ArgumentValidationError(f"{self.name} takes arguments by name only")
        values: dict[str, Value] = normalize(dict(kwargs))  # type: ignore[assignment]  # A dict.
        return values

    def dump_result(self, result: Any, table_name: v.TableName) -> Value:
        """Return the value of what the body returned."""
        return normalize(result)

    def load_result(self, value: Value) -> Any:
        """Return the value as it is."""
        return value

    def _body(self, ctx: QueryCtx, arguments: Mapping[str, Value]) -> Any:
        return self._run(SystemRequest(args=arguments, component=self._component, ctx=ctx))


def system_query(body: Body, **fields: v.Validator | v.Field) -> SystemFunction:
    """Return a native query with the given arguments."""
    return SystemFunction(FunctionKind.QUERY, body, _fields(fields))


def system_mutation(body: Body, **fields: v.Validator | v.Field) -> SystemFunction:
    """Return a native mutation with the given arguments."""
    return SystemFunction(FunctionKind.MUTATION, body, _fields(fields))


def optional(validator: v.Validator) -> v.Field:
    """Return the field of an argument that may be left out or null."""
    return v.Field(validator=v.Union(members=(validator, v.NULL)), is_optional=True)


def component_request(request: SystemRequest) -> SystemRequest:
    """Return the request for the component that its ``componentId`` names.

    The id of a component is its path here, so there is nothing to look up.
    """
    component = request.args.get("componentId")
    if component is None:
        return request
    return SystemRequest(args=request.args, component=component, ctx=request.ctx)


def bad_argument(message: str) -> BadRequestError:
    """Return the error for an argument that is of the right type and still wrong."""
    return BadRequestError("BadSystemArgument", message)


def _fields(fields: Mapping[str, v.Validator | v.Field]) -> dict[str, v.Field]:
    return {
        name: item if isinstance(item, v.Field) else v.Field(validator=item, is_optional=False)
        for name, item in fields.items()
    }


def _begin_page() -> None:
    """Let a system function read a page; each of them reads one at most."""
