import pytest

from livefile.javascript.component_tree import component_tree, exports_of
from livefile.vocabulary.errors import PushError
from livefile.vocabulary.limits import COMPONENTS_MAX
from tests.components_app import APP, BATCH, CODE, COUNTER, child, definition, function


def test_each_use_of_a_definition_is_an_instance_with_those_below_it() -> None:
    assert {path: it.definition for path, it in CODE.components.items()} == {
        "": "",
        "counter": "counter",
        "counter/batch": "batch",
        "other": "counter",
        "other/batch": "batch",
    }


def test_public_functions_are_exported_below_the_folders_of_their_modules() -> None:
    def leaf(name: str, reference: str) -> list[object]:
        return [name, {"type": "leaf", "leaf": f"_reference/function/{reference}"}]

    def branch(*members: list[object]) -> dict[str, object]:
        return {"type": "branch", "branch": list(members)}

    assert exports_of(COUNTER) == branch(
        ["deep", branch(["er", branch(leaf("default", "deep/er:default"))])],
        ["lib", branch(leaf("add", "lib:add"))],
    )
    assert exports_of(APP) == branch()


def test_a_function_and_a_folder_of_one_name_cannot_both_be_exported() -> None:
    both = {"lib.js": (function("add"),), "lib/add.js": (function("one"),)}

    with pytest.raises(PushError, match="a function and a folder of one name"):
        exports_of(definition("counter", both))


def test_components_that_double_themselves_at_each_level_are_refused() -> None:
    levels = COMPONENTS_MAX.bit_length() + 1
    definitions = {"": APP, f"level{levels}": BATCH}
    for level in range(levels):
        below = f"level{level + 1}"
        path = f"level{level}" if level else ""
        definitions[path] = definition(path, {}, (child("one", below), child("two", below)))

    with pytest.raises(PushError, match=f"may have {COMPONENTS_MAX} components"):
        component_tree(definitions)
