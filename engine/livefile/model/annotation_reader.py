"""Reading Python annotations: which ``Annotation`` does ``list[Id[User]] | None`` mean?

Not here: signatures (``functions/definition.py``); tables, which are registered as the
annotation of their own class (``table.py``).
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

from pydantic import BaseModel

from livefile.model import validator as v
from livefile.model.annotation import (
    Annotation,
    AnyAnnotation,
    FloatAnnotation,
    ForeignObjectError,
    IdAnnotation,
    Int64Annotation,
    IntegerAnnotation,
    LiteralAnnotation,
    PlainAnnotation,
)
from livefile.model.composite_annotation import (
    ConstrainedAnnotation,
    DictAnnotation,
    ListAnnotation,
    ObjectAnnotation,
    UnionAnnotation,
)
from livefile.model.id import Id
from livefile.model.pagination import PaginationResult, PaginationResultAnnotation
from livefile.model.value import Int64
from livefile.vocabulary.errors import DefinitionError

# Any: an annotation can be any object.


_PLAIN: Mapping[Any, Callable[[], Annotation]] = {
    str: lambda: PlainAnnotation(v.STRING),
    bool: lambda: PlainAnnotation(v.BOOLEAN),
    bytes: lambda: PlainAnnotation(v.BYTES),
    None: lambda: PlainAnnotation(v.NULL),
    type(None): lambda: PlainAnnotation(v.NULL),
    float: lambda: FloatAnnotation(v.FLOAT64),
    int: lambda: IntegerAnnotation(v.WHOLE_FLOAT64),
    Int64: lambda: Int64Annotation(v.INT64),
    Any: lambda: AnyAnnotation(v.ANY),
    object: lambda: AnyAnnotation(v.ANY),
    list: lambda: ListAnnotation(AnyAnnotation(v.ANY)),
    dict: lambda: DictAnnotation(PlainAnnotation(v.STRING), AnyAnnotation(v.ANY)),
}


def annotation_of(annotation: Any) -> Annotation:
    """Return what an annotation means.

    Raises:
        DefinitionError: no value of the protocol has this type.
    """
    if (make := _PLAIN.get(annotation) if _is_hashable(annotation) else None) is not None:
        return make()
    if isinstance(own := getattr(annotation, "__livefile_annotation__", None), Annotation):
        return own
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return ConstrainedAnnotation(annotation_of(arguments[0]), annotation)
    if origin is PaginationResult:
        return PaginationResultAnnotation(annotation_of(arguments[0]))
    if origin is Id:
        return _annotation_of_id(arguments[0])
    if origin is Literal:
        return LiteralAnnotation(arguments)
    if origin in (list, Sequence):
        return ListAnnotation(annotation_of(arguments[0]))
    if origin in (dict, Mapping):
        key = annotation_of(arguments[0])
        if not _is_text(key.validator):
            raise DefinitionError(f"{annotation!r}: the keys of an object are texts, annotate str")
        return DictAnnotation(key, annotation_of(arguments[1]))
    if origin in (Union, types.UnionType):
        return UnionAnnotation([annotation_of(argument) for argument in arguments])
    return _annotation_of_class(annotation)


def _annotation_of_id(target: Any) -> Annotation:
    table = getattr(target, "__livefile_table__", None)
    if table is None:
        raise DefinitionError(f"Id[{target!r}]: want the class of a table")
    return IdAnnotation(v.IdOf(table=table.name))


def _is_text(validator: v.Validator) -> bool:
    match validator:
        case v.Literal(value=value):
            return isinstance(value, str)
        case v.Union(members=members):
            return all(map(_is_text, members))
    return validator == v.STRING or isinstance(validator, v.IdOf)


def _annotation_of_class(annotation: Any) -> Annotation:
    if is_typeddict(annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        return ObjectAnnotation(
            {name: annotation_of(_unqualified(hint)) for name, hint in hints.items()},
            optional=tuple(annotation.__optional_keys__),
            make=dict,
            read=_fields_of_mapping,
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ObjectAnnotation(
            {
                name: annotation_of(constrained(field.annotation, field.metadata))
                for name, field in annotation.model_fields.items()
            },
            optional=[n for n, f in annotation.model_fields.items() if not f.is_required()],
            make=annotation,
            read=lambda thing: _fields_of_model(thing, annotation),
        )
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return LiteralAnnotation(list(annotation))
    raise DefinitionError(
        f"the annotation {annotation!r} has no counterpart in the protocol; use str, float, int, "
        "Int64, bool, bytes, None, Id[...], list, dict, Literal, a union, an Enum, a TypedDict "
        "or a pydantic model"
    )


def constrained(hint: Any, metadata: Sequence[Any]) -> Any:
    """Return a model field's hint with the constraints that pydantic keeps beside it."""
    if not metadata or get_origin(hint) is Annotated:
        return hint
    return Annotated[(hint, *metadata)]


def _unqualified(hint: Any) -> Any:
    """Return what is inside of ``NotRequired[...]`` and ``Required[...]``."""
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint


def _fields_of_mapping(thing: Any) -> Mapping[str, Any]:
    if not isinstance(thing, Mapping):
        raise ForeignObjectError
    return thing


def _fields_of_model(thing: Any, model: type[BaseModel]) -> Mapping[str, Any]:
    if not isinstance(thing, model):
        raise ForeignObjectError
    return {name: getattr(thing, name) for name in model.model_fields}


def _is_hashable(thing: Any) -> bool:
    try:
        hash(thing)
    except TypeError:
        return False
    return True
