"""``Id[Table]``: the type of document ids in user code.

At run time an id is a plain string; the parameter exists for type checkers and validators.

Not here: the format of ids (``model/document_id.py``).
"""

from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Target = TypeVar("Target")


class Id(str, Generic[Target]):
    """The id of a document of the table ``Target``."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:  # Any: pydantic hands in the annotation itself.
        """Let pydantic take an id for the string that it is."""
        return core_schema.str_schema()
