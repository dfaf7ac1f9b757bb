"""Tables and indexes as an app in Python declares them.

A table is a pydantic model; its fields are the schema. Documents that come from the database
were checked when they were written, so they are built without a second validation and keep the
stored document beside the fields: returning one from a query converts nothing.

Not here: what tables of every language have (``model/table_definition.py``); which tables an app
has (``model/schema.py``); reading and writing (``transaction/``).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self, cast, get_type_hints

from pydantic import BaseModel, ConfigDict

from livefile.model import validator as v
from livefile.model.annotation import Annotation, ForeignObjectError
from livefile.model.annotation_reader import annotation_of, constrained
from livefile.model.id import Id
from livefile.model.index_declaration import IdIndex, Index, IndexDeclaration
from livefile.model.index_range import BY_CREATION_TIME, BY_ID, IndexRange
from livefile.model.index_spec import IndexSpec
from livefile.model.names import check_index_name, check_table_name
from livefile.model.table_definition import Document, TableDefinition
from livefile.model.value import Value
from livefile.model.value_packed import pack, unpack
from livefile.vocabulary.errors import DefinitionError, DocumentValidationError
from livefile.vocabulary.limits import INDEXES_PER_TABLE_MAX


class Table(BaseModel):
    """A table: subclass it with ``name=`` and declare fields and indexes.

    ``class Message(Table, name="messages"): body: str``. Instances are documents and frozen:
    writing happens through ``ctx.db``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(IndexDeclaration,))
    __slots__ = ("_stored",)
    __livefile_table__: ClassVar["ModelTable"]
    __livefile_annotation__: ClassVar[Annotation]
    by_id = IdIndex(IndexSpec(()))
    by_creation_time = Index(IndexSpec(()))

    def __init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        """Take the table's name; pydantic hands it on once the fields are known."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str | None = None, **kwargs: Any) -> None:
        """Register the table's definition."""
        super().__pydantic_init_subclass__(**kwargs)
        if name is None:
            raise DefinitionError(
                f'table {cls.__name__}: it has no name; write class {cls.__name__}(Table, name="…")'
            )
        cls.__livefile_table__ = ModelTable(name, cls)
        cls.__livefile_annotation__ = TableAnnotation(cls.__livefile_table__)

    @property
    def id(self) -> Id[Self]:
        """The document's id. A document that was not stored yet has none: AttributeError."""
        id: Id[Self] = self.stored_document["_id"]  # type: ignore[assignment]  # A text.
        return id

    @property
    def creation_time(self) -> float:
        """When the document was inserted: milliseconds since 1970, with a fraction."""
        time: float = self.stored_document["_creationTime"]  # type: ignore[assignment]  # Its.
        return time

    @property
    def stored_document(self) -> Document:
        """The document as the protocol has it, with ``_id`` and ``_creationTime``."""
        try:
            stored: Document = self._stored  # type: ignore[attr-defined]  # A slot.
        except AttributeError:
            raise AttributeError(
                f"this {type(self).__name__} was not read from the database: it has no id"
            ) from None
        return stored

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and self.__dict__ == other.__dict__
            and getattr(self, "_stored", {}).get("_id") == getattr(other, "_stored", {}).get("_id")
        )

    def __hash__(self) -> int:
        return hash(self.stored_document["_id"])

    def __repr__(self) -> str:
        fields = [f"{name}={thing!r}" for name, thing in self.__dict__.items()]
        if hasattr(self, "_stored"):
            fields.insert(0, f"id={self.id!r}")
        return f"{type(self).__name__}({', '.join(fields)})"


_EVERY_TABLES_INDEXES = (vars(Table)[BY_ID], vars(Table)[BY_CREATION_TIME])


class ModelTable(TableDefinition):
    """What a table's class says: name, fields, indexes, and how its documents are built."""

    def __init__(self, name: str, model: type[Table]) -> None:
        check_table_name(name)
        super().__init__(name)
        self.model = model
        self.ranges: dict[str, IndexRange[Any]] = {}
        """The whole range of each index, once it was asked for."""
        for attribute in [item for cls in reversed(model.__mro__) for item in vars(cls).values()]:
            if isinstance(attribute, IndexDeclaration) and attribute not in _EVERY_TABLES_INDEXES:
                self._add_index(attribute)
        if len(self.specs) > INDEXES_PER_TABLE_MAX:
            raise DefinitionError(
                f'Table "{name}" cannot have more than {INDEXES_PER_TABLE_MAX} indexes.'
            )
        for reserved in ("id", "creation_time", "stored_document", *RESERVED_INDEXES):
            if reserved in model.__annotations__:
                raise DefinitionError(f"table {name}: the field name {reserved!r} is reserved")

    def _add_index(self, declared: IndexDeclaration) -> None:
        check_index_name(self.name, declared.name)
        if hasattr(Table, declared.name):
            raise DefinitionError(f"index {self.name}.{declared.name}: the name is reserved")
        spec = declared.spec
        for name, other in self.specs.items():
            if name != declared.name and (other.kind, other.fields) == (spec.kind, spec.fields):
                raise DefinitionError(
                    f"table {self.name}: the indexes {name} and {declared.name} have the same "
                    f"fields: {', '.join(spec.fields)}"
                )
        self.specs[declared.name] = spec

    @cached_property
    def annotations(self) -> Mapping[str, Annotation]:
        """What each field holds. Late, because ids may name tables that come later."""
        hints = get_type_hints(self.model, include_extras=True)
        annotations = {}
        for field, info in self.model.model_fields.items():
            try:
                annotations[field] = annotation_of(constrained(hints[field], info.metadata))
            except DefinitionError as error:
                raise DefinitionError(f"table {self.name}, field {field}: {error}") from error
        for name, spec in self.specs.items():
            for path in spec.all_fields:
                if path.split(".")[0] not in annotations:
                    raise DefinitionError(
                        f"table {self.name}, index {name}: there is no field {path!r}"
                    )
        return annotations

    @cached_property
    def validator(self) -> v.Object:
        """What a stored document must look like, without the system fields."""
        return v.Object(
            fields={
                name: v.Field(
                    validator=annotation.validator,
                    is_optional=not self.model.model_fields[name].is_required(),
                )
                for name, annotation in self.annotations.items()
            }
        )

    @cached_property
    def read_validator(self) -> v.Object:
        """What a document looks like to its readers: system fields too, defaults filled in."""
        fields = {name: v.Field(validator=a.validator) for name, a in self.annotations.items()}
        fields["_id"] = v.Field(validator=v.IdOf(table=self.name))
        fields["_creationTime"] = v.Field(validator=v.FLOAT64)
        return v.Object(fields=fields)

    @cached_property
    def _converted(self) -> tuple[tuple[str, Annotation], ...]:
        trusted = ((name, a.for_stored()) for name, a in self.annotations.items())
        return tuple((name, annotation) for name, annotation in trusted if not annotation.is_plain)

    @cached_property
    def defaults(self) -> Document:
        """The values of the fields that have a default, for documents older than the field."""
        return {
            name: self.annotations[name].to_value(
                field.get_default(call_default_factory=True, validated_data={}),
                v.trusted_tables,
                DocumentValidationError,
            )
            for name, field in self.model.model_fields.items()
            if not field.is_required()
        }

    @cached_property
    def _defaults_packed(self) -> bytes:
        return pack(self.defaults)

    def load(self, stored: Document) -> Table:
        """Return the document that was stored. It was checked when it was written."""
        if len(stored) != len(self.annotations) + 2:
            # Unpacked anew, because whoever reads the document may change a list in it.
            stored = {**cast(Document, unpack(self._defaults_packed)), **stored}
        fields: dict[str, Any] = stored.copy()  # Any: Python objects of the fields.
        del fields["_id"], fields["_creationTime"]
        for name, annotation in self._converted:
            fields[name] = annotation.to_python(cast(Value, fields[name]))
        document: Table = _new(self.model)
        _put_fields(document, fields)
        _put_names(document, set(fields))
        _put_extra(document, None)
        _put_private(document, None)
        _put_stored(document, stored)
        return document

    def dump(self, document: Table, table_name: v.TableName) -> Document:
        """Return the fields of a document as values, defaults included.

        Raises:
            DocumentValidationError: a field holds what its annotation does not allow.
        """
        things, values, name = vars(document), {}, ""
        try:
            for name, annotation in self.annotations.items():
                values[name] = annotation.to_value(
                    things[name], table_name, DocumentValidationError
                )
        except DocumentValidationError as error:
            raise self._refusal(name, error) from error
        return values

    def field_value(self, name: str, thing: Any, table_name: v.TableName) -> Value:
        """Return the value of one field.

        Raises:
            DocumentValidationError: there is no such field, or it cannot hold ``thing``.
        """
        annotation = self.annotations.get(name)
        if annotation is None:
            raise DocumentValidationError(
                f'table "{self.name}" has no field {name!r}; it has '
                f"{', '.join(self.annotations) or 'none'}"
            )
        try:
            return annotation.to_value(thing, table_name, DocumentValidationError)
        except DocumentValidationError as error:
            raise self._refusal(name, error) from error

    def _refusal(self, field: str, error: DocumentValidationError) -> DocumentValidationError:
        return DocumentValidationError(
            "Failed to insert or update a document in table "
            f'"{self.name}" because it does not match the schema: field {field}: {error}'
        )


# The slots of a document, set without the look-up of ``object.__setattr__``: every read document
# comes here. Pydantic's own are those that its ``model_construct`` sets.
_new = object.__new__
_put_fields = vars(BaseModel)["__dict__"].__set__
_put_names = vars(BaseModel)["__pydantic_fields_set__"].__set__
_put_extra = vars(BaseModel)["__pydantic_extra__"].__set__
_put_private = vars(BaseModel)["__pydantic_private__"].__set__
_put_stored = vars(Table)["_stored"].__set__


class TableAnnotation(Annotation):
    """A table as the type of an argument or a result: a stored document."""

    def __init__(self, table: ModelTable) -> None:
        # The validator is late, like the table's annotations: see the property.
        self._table = table

    @property
    def validator(self) -> v.Validator:  # type: ignore[override]
        """What a document looks like to its readers."""
        return self._table.read_validator

    def to_python(self, value: Value) -> Table:
        """Return the document."""
        return self._table.load(cast(Document, value))

    def convert(self, thing: Any, table_name: v.TableName) -> Value:
        """Return the stored document behind ``thing``."""
        if type(thing) is not self._table.model:
            raise ForeignObjectError
        try:
            return cast(Value, thing._stored)  # type: ignore[attr-defined]  # A slot.
        except AttributeError:  # It was not read from the database.
            raise ForeignObjectError from None


RESERVED_INDEXES = (BY_ID, BY_CREATION_TIME)
