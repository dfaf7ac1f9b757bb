"""Livefile: a reactive backend in one Python process and one SQLite file.

Apps import the decorators, the contexts and the types from here; embedders open a deployment with
``Livefile.open``. The server uses only these names, too.
"""

from livefile.accounts.account import Proof
from livefile.accounts.account_service import AccountService, Visitor
from livefile.accounts.session import Grant
from livefile.accounts.user import User
from livefile.archive.export import ExportReport
from livefile.archive.import_record import ImportPhase
from livefile.archive.import_run import ImportProgress, ImportReport
from livefile.archive.import_source import ImportFormat, ImportMode
from livefile.engine import Livefile
from livefile.figures import Figures
from livefile.functions.aggregation import Aggregation
from livefile.functions.app import App
from livefile.functions.auth_config import AuthConfig, CustomJwtProvider, OidcProvider
from livefile.functions.call import (
    Call,
    Caller,
    Failure,
    FunctionKind,
    Outcome,
    RequestKey,
    Success,
)
from livefile.functions.call_record import CallProgress, CallRecord
from livefile.functions.context import ActionCtx, MutationCtx, QueryCtx
from livefile.functions.cron_definitions import Crons
from livefile.functions.decorators import action, internal, mutation, query
from livefile.functions.definition import ActionFunction, MutationFunction, QueryFunction
from livefile.functions.deploy_progress import DeployProgress, DeployStage
from livefile.functions.description import AppDescription, FunctionDescription, TableDescription
from livefile.functions.http_actions import HttpAnswer, HttpCall, HttpChannel, HttpOutcome
from livefile.functions.http_context import HttpActionCtx
from livefile.functions.http_message import Headers, Request, Response
from livefile.functions.http_router import HttpRouter
from livefile.functions.migration import Migration, MigrationCtx, migration
from livefile.functions.migration_run import MigrationProgress
from livefile.functions.path import parse_function_path
from livefile.model import validator as validators
from livefile.model.aggregate import aggregate
from livefile.model.filter_expression import Expression, field
from livefile.model.id import Id
from livefile.model.identity import ADMIN, ANONYMOUS, Identity, IdentityKind
from livefile.model.index_declaration import index
from livefile.model.index_key import MISSING
from livefile.model.pagination import PaginationOptions, PaginationResult
from livefile.model.table import Table
from livefile.model.text_search import TextSearch, search_index
from livefile.model.value import Int64, Value
from livefile.model.value_json import from_json, from_wire, to_clean, to_json, to_wire
from livefile.model.vector_search import VectorMatch, vector_index
from livefile.reactive.live_query_set import LiveQuerySet
from livefile.reactive.query_set import QuerySetChange, Update, WatchQuery
from livefile.sqlite.backup import BackupReport
from livefile.system.environment import Environment
from livefile.system.stored_files import FileContent, StoredFile
from livefile.upkeep import Upkeep, back_up_file, restore_file
from livefile.vocabulary import errors, limits
from livefile.vocabulary.clock import Clock, ManualClock, SystemClock
from livefile.vocabulary.errors import (
    AppError,
    ArgumentValidationError,
    BackupError,
    BadRequestError,
    ClosedError,
    ConflictError,
    ConvexError,
    DefinitionError,
    DiskFullError,
    DocumentNotFoundError,
    DocumentValidationError,
    EnvironmentVariableError,
    FileError,
    FileLockedError,
    FilterError,
    FunctionError,
    FunctionNotFoundError,
    HeadRequiredError,
    ImportFileError,
    IndexRangeError,
    InvalidCursorError,
    InvalidDocumentIdError,
    InvalidStorageIdError,
    InvalidValueError,
    LivefileError,
    LogTrimmedError,
    NotUniqueError,
    OverloadedError,
    PaginationError,
    ReturnsValidationError,
    SchedulingError,
    SealedError,
    SearchError,
    SnapshotExpiredError,
    StorageFailedError,
    StoredFileNotFoundError,
    TransactionLimitError,
    UnauthenticatedError,
    ValidationError,
    VariableNotSetError,
    WrongFunctionKindError,
)
from livefile.watch import Watch

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "MISSING",
    "AccountService",
    "ActionCtx",
    "ActionFunction",
    "Aggregation",
    "App",
    "AppDescription",
    "AppError",
    "ArgumentValidationError",
    "AuthConfig",
    "BackupError",
    "BackupReport",
    "BadRequestError",
    "Call",
    "CallProgress",
    "CallRecord",
    "Caller",
    "Clock",
    "ClosedError",
    "ConflictError",
    "ConvexError",
    "Crons",
    "CustomJwtProvider",
    "DefinitionError",
    "DeployProgress",
    "DeployStage",
    "DiskFullError",
    "DocumentNotFoundError",
    "DocumentValidationError",
    "Environment",
    "EnvironmentVariableError",
    "ExportReport",
    "Expression",
    "Failure",
    "Figures",
    "FileContent",
    "FileError",
    "FileLockedError",
    "FilterError",
    "FunctionDescription",
    "FunctionError",
    "FunctionKind",
    "FunctionNotFoundError",
    "Grant",
    "HeadRequiredError",
    "Headers",
    "HttpActionCtx",
    "HttpAnswer",
    "HttpCall",
    "HttpChannel",
    "HttpOutcome",
    "HttpRouter",
    "Id",
    "Identity",
    "IdentityKind",
    "ImportFileError",
    "ImportFormat",
    "ImportMode",
    "ImportPhase",
    "ImportProgress",
    "ImportReport",
    "IndexRangeError",
    "Int64",
    "InvalidCursorError",
    "InvalidDocumentIdError",
    "InvalidStorageIdError",
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
    "OidcProvider",
    "Outcome",
    "OverloadedError",
    "PaginationError",
    "PaginationOptions",
    "PaginationResult",
    "Proof",
    "QueryCtx",
    "QueryFunction",
    "QuerySetChange",
    "Request",
    "RequestKey",
    "Response",
    "ReturnsValidationError",
    "SchedulingError",
    "SealedError",
    "SearchError",
    "SnapshotExpiredError",
    "StorageFailedError",
    "StoredFile",
    "StoredFileNotFoundError",
    "Success",
    "SystemClock",
    "Table",
    "TableDescription",
    "TextSearch",
    "TransactionLimitError",
    "UnauthenticatedError",
    "Update",
    "Upkeep",
    "User",
    "ValidationError",
    "Value",
    "VariableNotSetError",
    "VectorMatch",
    "Visitor",
    "Watch",
    "WatchQuery",
    "WrongFunctionKindError",
    "action",
    "aggregate",
    "back_up_file",
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
    "restore_file",
    "search_index",
    "to_clean",
    "to_json",
    "to_wire",
    "validators",
    "vector_index",
]
