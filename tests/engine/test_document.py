import pytest

from livefile.model.document import check_document, check_document_fields
from livefile.model.value import Value, size_bytes
from livefile.vocabulary.errors import InvalidValueError


def nested(levels: int) -> Value:
    value: Value = None
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_a_document_may_have_the_system_s_fields_and_underscores_inside() -> None:
    document: dict[str, Value] = {"_id": "a", "_creationTime": 1.0, "a": {"_b": None}, "": None}

    assert check_document(document) == size_bytes(document)


def test_a_field_with_an_underscore_belongs_to_the_system() -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_document({"_id": "a", "_table": "b"})

    assert str(caught.value) == (
        "Field '_table' starts with an underscore, which is only allowed for system fields "
        "like '_id'"
    )


def test_a_document_may_have_one_mebibyte() -> None:
    overhead = size_bytes({"a": ""})
    check_document({"a": "b" * (2**20 - overhead)})
    with pytest.raises(InvalidValueError) as caught:
        check_document({"a": "b" * (2**20 + 2**19 - overhead)})

    assert str(caught.value) == "Value is too large (1.50 MiB > maximum size 1 MiB)"
    with pytest.raises(InvalidValueError, match="too large"):
        check_document({"a": "b" * (2**20 - overhead + 1)})


def test_a_document_may_be_nested_sixteen_levels_deep() -> None:
    check_document({"b": None, "a": nested(15), "c": []})
    with pytest.raises(InvalidValueError) as caught:
        check_document({"b": None, "a": nested(17), "c": []})

    assert str(caught.value) == (
        "Document is too nested (nested 18 levels deep > maximum nesting 16)"
    )
    with pytest.raises(InvalidValueError, match="nested 17 levels"):
        check_document({"a": nested(16)})


@pytest.mark.parametrize("field", [{"_table": "b"}, {"a": nested(16)}])
def test_fields_by_themselves_are_held_to_the_same_rules(field: dict[str, Value]) -> None:
    with pytest.raises(InvalidValueError):
        check_document_fields(field)
