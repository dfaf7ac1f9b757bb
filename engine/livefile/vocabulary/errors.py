"""Every exception that Livefile raises.

The class says who must act; ``code`` is stable and goes on the wire; the message names the
thing, the value seen and the value wanted. Codes that Convex's clients know are spelt as they
know them.

Not here: the texts of function failures on the wire (``functions/failure.py``).
"""

from typing import Any


class LivefileError(Exception):
    """The root of all errors raised by Livefile."""

    code = "InternalServerError"


# --- The author of a function raises or meets these ---------------------------------------


class ConvexError(LivefileError):
    """An application error: ``data`` reaches the client as it is, never redacted."""

    code = "ConvexError"

    def __init__(self, data: Any) -> None:  # Any: every value of the domain is welcome.
        super().__init__(str(data))
        self.data = data


class JavaScriptError(LivefileError):
    """An error that pushed code raised. The message is whole: its text, and its stack."""

    code = "JavaScriptError"


class JavaScriptConvexError(ConvexError):
    """A ``ConvexError`` that pushed code raised. ``text`` is the message with its stack."""

    def __init__(self, data: Any, text: str) -> None:  # Any: as in ConvexError.
        super().__init__(data)
        self.text = text

    def __str__(self) -> str:
        return self.text


class HostError(JavaScriptError):
    """The process that runs pushed code has ended, out of memory for one."""

    code = "JavaScriptHostEnded"


class InvalidValueError(LivefileError):
    """A Python object that is no Livefile value, or a value over one of the size limits."""

    code = "InvalidValue"


class InvalidDocumentIdError(LivefileError):
    """A text that is no document id, or the id of a document of another table."""

    code = "InvalidId"


class ValidationError(LivefileError):
    """A value that does not match its validator. The text is the protocol's."""

    code = "ValidationError"


class ArgumentValidationError(ValidationError):
    """Arguments that the function's signature does not accept."""

    code = "ArgumentValidationError"


class ReturnsValidationError(ValidationError):
    """A result that the function's return annotation does not accept."""

    code = "ReturnsValidationError"


class DocumentValidationError(ValidationError):
    """A document that its table's schema does not accept. Nothing was written."""

    code = "SchemaValidationError"


class DefinitionError(LivefileError):
    """A table, an index or a function that cannot be defined as written."""

    code = "InvalidDefinition"


class DocumentNotFoundError(LivefileError):
    """A write to a document that does not exist."""

    code = "NonexistentDocument"


class NotUniqueError(LivefileError):
    """``unique()`` found a second document."""

    code = "NotUnique"


class IndexRangeError(LivefileError):
    """A range that skips a field of its index or bounds one twice."""

    code = "InvalidIndexRange"


class FilterError(LivefileError):
    """A filter that names no field of its table, or an operator that cannot take its operands."""

    code = "InvalidFilter"


class SearchError(LivefileError):
    """A search that cannot be asked, or that has more results than one search may read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PaginationError(LivefileError):
    """``paginate`` with options that no page has, or a second one in one function."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidCursorError(ConvexError):
    """A cursor that is none, or one of another query. Clients begin again at the first page."""

    code = "InvalidCursor"

    def __init__(self, message: str) -> None:
        # By this data the protocol's clients know the error.
        super().__init__({"isConvexSystemError": True, "paginationError": "InvalidCursor"})
        self.args = (f"InvalidCursor: {message}",)


class TransactionLimitError(LivefileError):
    """A function read or wrote more than one transaction may."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SchedulingError(LivefileError):
    """A function is scheduled for a moment that cannot be. Nothing was written."""

    code = "InvalidScheduledFunctionDelay"


class InvalidStorageIdError(LivefileError):
    """What is asked for as a stored file is neither the id of one nor its UUID."""

    code = "InvalidStorageId"


class StoredFileNotFoundError(LivefileError):
    """A stored file that does not exist, or does not exist any more."""

    code = "StorageIdNotFound"


class FunctionTimeoutError(LivefileError):
    """A query or mutation ran longer than it may. It was stopped; nothing was written."""

    code = "FunctionTimeout"


class SealedError(LivefileError):
    """A query or mutation reached outside: a socket, a file, a process. Use an action."""

    code = "NotDeterministic"


class FunctionError(LivefileError):
    """A function that was called raised; the message is its text, the cause what it raised."""

    code = "FunctionFailed"


class VariableNotSetError(LivefileError, KeyError):
    """A look-up of an environment variable that the deployment does not have."""

    code = "EnvironmentVariableNotSet"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"environment variable {name} is not set; set it with `livefile env set {name}`"
        )

    __str__ = Exception.__str__  # A KeyError would show its message in quotes.


class FunctionNotFoundError(LivefileError):
    """No such function, or one that this caller may not see; both have one answer."""

    code = "FunctionNotFound"


class WrongFunctionKindError(LivefileError):
    """A query called as a mutation, or the like."""

    code = "WrongFunctionKind"


# --- The caller may try again --------------------------------------------------------------


class ConflictError(LivefileError):
    """Another commit wrote into the read set. Safe to retry: nothing was written."""

    code = "OptimisticConcurrencyControlFailure"


class HeadRequiredError(ConflictError):
    """A transaction on a snapshot needs what only one at the head can do. Run it there."""


class SnapshotExpiredError(ConflictError):
    """A snapshot was taken away from its reader, because it kept the write-ahead log too long."""

    code = "SnapshotExpired"


class LogTrimmedError(LivefileError):
    """A question about commits that the log no longer holds. Begin again at the head."""

    code = "OutOfRetention"


class OverloadedError(LivefileError):
    """A bounded queue is full. Try again later; ``code`` says which queue."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DiskFullError(LivefileError):
    """The disk is full. Nothing was written; reads go on."""

    code = "DiskFull"


class ClosedError(LivefileError):
    """The deployment was closed before the call was answered."""

    code = "ClientDisconnect"


# --- The operator must act -----------------------------------------------------------------


class FileError(LivefileError):
    """The file cannot be opened as a Livefile deployment; the message says why."""

    code = "InvalidFile"


class BackupError(LivefileError):
    """A backup, a copy or an export that did not come about; nothing has its name."""

    code = "BackupFailed"


class ImportFileError(LivefileError):
    """A file that cannot be imported as asked; the message names the place in it."""

    code = "InvalidImport"


class FileLockedError(FileError):
    """Another process has the file open."""

    code = "FileLocked"


class StorageFailedError(LivefileError):
    """An I/O error. At a commit the outcome is unknown; the process must stop."""

    code = "InternalServerError"


class UnstoppableError(LivefileError):
    """A function goes on after its time limit whatever is done. The process must end."""

    code = "InternalServerError"


class RuntimeMissingError(LivefileError):
    """Pushed code was to run, and nothing is installed that runs JavaScript."""

    code = "JavaScriptRuntimeMissing"


class AppError(LivefileError):
    """The app's code or schema cannot be loaded; the version before it keeps serving."""

    code = "InvalidModules"


# --- The client sent something that the protocol does not allow ----------------------------


class BadRequestError(LivefileError):
    """A request that cannot be understood; ``code`` says in which way."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EnvironmentVariableError(BadRequestError):
    """An environment variable that cannot be set as asked. Nothing was changed."""


class PushError(BadRequestError):
    """Pushed code that cannot be used as it is; ``code`` says which part. Nothing was changed."""


class PushConflictError(PushError):
    """The deployment is no longer what a push was made for. Push again; nothing was changed."""


class UnauthenticatedError(LivefileError):
    """Credentials that were refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ForbiddenError(LivefileError):
    """A request that is understood and refused: it comes from where it may not come from."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
