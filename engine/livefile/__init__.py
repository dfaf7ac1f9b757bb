"""Livefile: a reactive backend in one Python process and one SQLite file.

Apps import the decorators, the contexts and the types from here; embedders open a deployment with
``Livefile.open``. The server uses only these names, too.
"""

from livefile.engine import Livefile
from livefile.functions.app import App
from livefile.functions.call import Call, Failure, FunctionKind, Outcome, RequestKey, Success
from livefile.functions.context import ActionCtx, MutationCtx, QueryCtx
from livefile.functions.decorators import action, internal, mutation, query
from livefile.functions.definition import ActionFunction, MutationFunction, QueryFunction
from livefile.functions.deploy_progress import DeployProgress, DeployStage
from livefile.functions.description import AppDescription, FunctionDescription, TableDescription
from livefile.functions.migration import Migration, MigrationCtx, migration
from livefile.functions.migration_run import MigrationProgress
from livefile.functions.path import parse_function_path
from livefile.functions.runner import CallRecord
from livefile.model import validator as validators
from livefile.model.filter_expression import Expression, field
from livefile.model.id import Id
from livefile.model.identity import ADMIN, ANONYMOUS, Identity
from livefile.model.index_key import MISSING
from livefile.model.pagination import PaginationOptions, PaginationResult
from livefile.model.table import Table, index
from livefile.model.value import Int64, Value
from livefile.model.value_json import from_json, from_wire, to_clean, to_json, to_wire
from livefile.reactive.live_query_set import LiveQuerySet
from livefile.reactive.query_set import QuerySetChange, Update, WatchQuery
from livefile.vocabulary import errors, limits
from livefile.vocabulary.clock import Clock, ManualClock, SystemClock
from livefile.vocabulary.errors import (
    AppError,
    ArgumentValidationError,
    BadRequestError,
    ClosedError,
    ConflictError,
    ConvexError,
    DefinitionError,
    DiskFullError,
    DocumentNotFoundError,
    DocumentValidationError,
    FileError,
    FileLockedError,
    FilterError,
    FunctionError,
    FunctionNotFoundError,
    HeadRequiredError,
    IndexRangeError,
    InvalidCursorError,
    InvalidDocumentIdError,
    InvalidValueError,
    LivefileError,
    LogTrimmedError,
    NotUniqueError,
    OverloadedError,
    PaginationError,
    ReturnsValidationError,
    SealedError,
    SnapshotExpiredError,
    StorageFailedError,
    TransactionLimitError,
    UnauthenticatedError,
    ValidationError,
    WrongFunctionKindError,
)
from livefile.watch import Watch

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "MISSING",
    "ActionCtx",
    "ActionFunction",
    "App",
    "AppDescription",
    "AppError",
    "ArgumentValidationError",
    "BadRequestError",
    "Call",
    "CallRecord",
    "Clock",
    "ClosedError",
    "ConflictError",
    "ConvexError",
    "DefinitionError",
    "DeployProgress",
    "DeployStage",
    "DiskFullError",
    "DocumentNotFoundError",
    "DocumentValidationError",
    "Expression",
    "Failure",
    "FileError",
    "FileLockedError",
    "FilterError",
    "FunctionDescription",
    "FunctionError",
    "FunctionKind",
    "FunctionNotFoundError",
    "HeadRequiredError",
    "Id",
    "Identity",
    "IndexRangeError",
    "Int64",
    "InvalidCursorError",
    "InvalidDocumentIdError",
    "InvalidValueError",
    "LiveQuerySet",
    "Livefile",
    "LivefileError",
    "LogTrimmedError",
    "ManualClock",
    "Migration",
    "MigrationCtx",
    "MigrationProgress",
    "MutationCtx",
    "MutationFunction",
    "NotUniqueError",
    "Outcome",
    "OverloadedError",
    "PaginationError",
    "PaginationOptions",
    "PaginationResult",
    "QueryCtx",
    "QueryFunction",
    "QuerySetChange",
    "RequestKey",
    "ReturnsValidationError",
    "SealedError",
    "SnapshotExpiredError",
    "StorageFailedError",
    "Success",
    "SystemClock",
    "Table",
    "TableDescription",
    "TransactionLimitError",
    "UnauthenticatedError",
    "Update",
    "ValidationError",
    "Value",
    "Watch",
    "WatchQuery",
    "WrongFunctionKindError",
    "action",
    "errors",
    "field",
    "from_json",
    "from_wire",
    "index",
    "internal",
    "limits",
    "migration",
    "mutation",
    "parse_function_path",
    "query",
    "to_clean",
    "to_json",
    "to_wire",
    "validators",
]
