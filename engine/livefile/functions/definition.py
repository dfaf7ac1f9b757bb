"""Functions as an app defines them, with the validators that their signatures are.

The signature is the validator: every parameter after ``ctx`` is a field of the one argument
object, a default makes it optional, and the return annotation checks the result.

Not here: the decorators (``functions/decorators.py``); which functions an app has
(``functions/app.py``); running one (``functions/runner.py``).
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from types import SimpleNamespace
from typing import (
    Any,
    Generic,
    ParamSpec,
    TypeVar,
    get_type_hints,
)

from livefile.functions.call import FunctionKind
from livefile.functions.description import FunctionDescription
from livefile.functions.path import module_path
from livefile.model import validator as v
from livefile.model.annotation import Annotation
from livefile.model.annotation_reader import annotation_of
from livefile.model.names import check_identifier
from livefile.model.pagination import PAGINATION_ARGUMENT, PaginationOptions
from livefile.model.value import Value, check_value
from livefile.vocabulary.errors import (
    ArgumentValidationError,
    DefinitionError,
    InvalidValueError,
    ReturnsValidationError,
    ValidationError,
)

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Function(Generic[P, R_co]):
    """A function of the app. Calling it directly runs its body, as a helper would be run."""

    kind: FunctionKind

    def __init__(self, body: Callable[..., Any], name: str | None, *, is_internal: bool) -> None:
        # Any: the body's result is known to the subclasses' signatures only.
        self.body = body
        self.name = name or body.__name__
        self.is_internal = is_internal
        check_identifier(self.name, "function")
        update_wrapper(self, body)

    def __call__(self, ctx: Any, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the body in the caller's context, without validation."""
        result: R_co = self.body(ctx, *args, **kwargs)
        return result

    @property
    def full_name(self) -> str:
        """What it is called in its own language, for messages."""
        return f"{self.body.__module__}.{self.name}"

    def path_in(self, package: str) -> str:
        """Return the canonical path that it has in an app of this name, if it is of that app."""
        return f"{module_path(self.body.__module__, package)}:{self.name}"

    @cached_property
    def _signature(self) -> tuple[dict[str, Annotation], dict[str, Any], Annotation]:
        """The annotation of each argument, the defaults, and the annotation of the result."""
        hints = self._hints()
        parameters = list(inspect.signature(self.body).parameters.values())
        if not parameters:
            raise DefinitionError(f"function {self.name}: its first parameter must be the context")
        annotations, defaults = {}, {}
        for parameter in parameters[1:]:
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise DefinitionError(
                    f"function {self.name}: parameter {parameter} cannot be named by a client"
                )
            if parameter.name not in hints:
                raise DefinitionError(
                    f"function {self.name}: parameter {parameter.name!r} has no annotation"
                )
            name = _wire_name(parameter.name, hints[parameter.name])
            if name in annotations:
                raise DefinitionError(f"function {self.name}: two parameters are called {name!r}")
            annotations[name] = self._annotation(hints[parameter.name], parameter.name)
            if parameter.default is not parameter.empty:
                defaults[name] = parameter.default
        returns = self._annotation(hints.get("return", Any), "return")
        return annotations, defaults, returns

    @cached_property
    def _parameter_names(self) -> Mapping[str, str]:
        """What Python calls each argument that has another name on the wire."""
        parameters = list(inspect.signature(self.body).parameters)[1:]
        names = zip(self._signature[0], parameters, strict=True)
        return {name: parameter for name, parameter in names if name != parameter}

    @property
    def args_validator(self) -> v.Validator:
        """What the argument object must look like."""
        return self._args_validator

    @cached_property
    def _args_validator(self) -> v.Object:
        annotations, defaults, _ = self._signature
        return v.Object(
            fields={
                name: v.Field(validator=annotation.validator, is_optional=name in defaults)
                for name, annotation in annotations.items()
            }
        )

    @property
    def returns_validator(self) -> v.Validator:
        """What the result must look like."""
        return self._signature[2].validator

    @cached_property
    def _converted(self) -> tuple[tuple[str, Annotation], ...]:
        annotations = self._signature[0]
        return tuple((name, a) for name, a in annotations.items() if not a.is_plain)

    def load_args(self, args: Mapping[str, Value], table_name: v.TableName) -> dict[str, Any]:
        """Return the keyword arguments of the body.

        Raises:
            ArgumentValidationError: the signature does not accept them.
        """
        found = self.args_validator.mismatch(args, table_name)  # type: ignore[arg-type]  # A dict.
        if found is not None:
            check_value(args)  # The names of surplus arguments, which go into the text.
            raise ArgumentValidationError(f"ArgumentValidationError: {found}")
        keywords: dict[str, Any] = dict(args)
        for name, annotation in self._converted:
            if name in keywords:
                try:
                    keywords[name] = annotation.to_python(keywords[name])
                except ValidationError as error:
                    raise ArgumentValidationError(f"ArgumentValidationError: {error}") from error
        for name, parameter in self._parameter_names.items():
            if name in keywords:
                keywords[parameter] = keywords.pop(name)
        return keywords

    def dump_args(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], table_name: v.TableName
    ) -> dict[str, Value]:
        """Return the argument object of a call from Python.

        Raises:
            ArgumentValidationError: an argument that the signature does not accept.
        """
        annotations = self._signature[0]
        for name, parameter in self._parameter_names.items():
            if parameter in kwargs:
                kwargs = {**kwargs, name: kwargs[parameter]}
                del kwargs[parameter]
        if len(args) > len(annotations):
            raise ArgumentValidationError(
                f"{self.name} takes {len(annotations)} arguments, got {len(args)}"
            )
        named = dict(zip(annotations, args, strict=False))
        for name in named.keys() & kwargs.keys():
            raise ArgumentValidationError(f"{self.name} got the argument {name!r} twice")
        named |= kwargs
        values: dict[str, Value] = {}
        for name, thing in named.items():
            if name not in annotations:
                raise ArgumentValidationError(
                    f"{self.name} has no argument {name!r}; it has {', '.join(annotations)}"
                )
            try:
                value = annotations[name].to_value(thing, table_name, ArgumentValidationError)
            except (ArgumentValidationError, InvalidValueError) as error:
                raise ArgumentValidationError(f"{self.name}, argument {name}: {error}") from error
            values[name] = value
        return values

    def dump_result(self, result: Any, table_name: v.TableName) -> Value:
        """Return the value of what the body returned.

        Raises:
            ReturnsValidationError: the return annotation does not accept it.
        """
        try:
            return self._signature[2].to_value(result, table_name, ReturnsValidationError)
        except ReturnsValidationError as error:
            raise ReturnsValidationError(f"ReturnsValidationError: {error}") from error

    def load_result(self, value: Value) -> Any:
        """Return the Python object of a result that was dumped before."""
        return self._signature[2].to_python(value)

    def describe(self, path: str) -> FunctionDescription:
        """Return the language-neutral description of this function under ``path``."""
        return FunctionDescription(
            path=path,
            kind=self.kind,
            is_internal=self.is_internal,
            args=self.args_validator,
            returns=self.returns_validator,
        )

    def _hints(self) -> dict[str, Any]:
        """Return the annotations, each resolved by itself: a mistake names its parameter."""
        scope = getattr(inspect.unwrap(self.body), "__globals__", {})
        hints: dict[str, Any] = {}
        for name, annotation in inspect.get_annotations(self.body).items():
            alone = SimpleNamespace(__annotations__={name: annotation})
            try:
                hints |= get_type_hints(alone, scope, include_extras=True)
            except (AttributeError, NameError, SyntaxError, TypeError) as error:
                raise DefinitionError(f"function {self.name}, {name}: {error}") from error
        return hints

    def _annotation(self, hint: Any, what: str) -> Annotation:
        try:
            return annotation_of(hint)
        except DefinitionError as error:
            raise DefinitionError(f"function {self.name}, {what}: {error}") from error


def _wire_name(parameter: str, hint: Any) -> str:
    """Return what a parameter is called on the wire: as in Python, but for a page's options.

    The protocol's clients fill them in by themselves, under a name that is fixed.
    """
    return PAGINATION_ARGUMENT if hint is PaginationOptions else parameter


class QueryFunction(Function[P, R_co]):
    """Reads the database. Deterministic, cached, live."""

    kind = FunctionKind.QUERY


class MutationFunction(Function[P, R_co]):
    """Reads and writes the database, in one serialisable transaction."""

    kind = FunctionKind.MUTATION


class ActionFunction(Function[P, R_co]):
    """May reach outside. Not a transaction; it calls queries and mutations."""

    kind = FunctionKind.ACTION
