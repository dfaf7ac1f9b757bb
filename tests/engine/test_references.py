import pytest

from livefile.javascript.function_handle import HandleKey
from livefile.javascript.references import component_of, name_in_component, resolve
from livefile.vocabulary.errors import BadRequestError, FunctionNotFoundError
from tests.components_app import CODE

KEY = HandleKey(b"secret")


@pytest.mark.parametrize(
    ("component", "address", "path"),
    [
        ("", {"name": "chat:list"}, "chat:list"),
        ("", {"name": "chat.js:list"}, "chat:list"),
        ("counter", {"name": "lib:reset"}, "counter|lib:reset"),
        ("counter/batch", {"name": "lib"}, "counter/batch|lib:default"),
        ("", {"reference": "_reference/childComponent/counter/lib/add"}, "counter|lib:add"),
        (
            "",
            {"reference": "_reference/childComponent/other/deep/er/default"},
            "other|deep/er:default",
        ),
        (
            "counter",
            {"reference": "_reference/childComponent/batch/lib/run"},
            "counter/batch|lib:run",
        ),
        ("counter", {"reference": "_reference/function/lib:add"}, "counter|lib:add"),
        ("", {"reference": "_reference/function/chat.js:list"}, "chat:list"),
    ],
)
def test_an_address_means_a_function_within_a_component(
    component: str, address: dict[str, str], path: str
) -> None:
    assert resolve(CODE, component, address, KEY) == path


@pytest.mark.parametrize(
    ("component", "reference"),
    [
        ("", "_reference/childComponent/missing/lib/add"),
        ("", "_reference/childComponent/counter/lib/reset"),
        ("", "_reference/childComponent/counter/lib/missing"),
        ("", "_reference/childComponent/counter/missing/add"),
        ("", "_reference/childComponent/counter/batch/lib/run"),
        ("", "_reference/childComponent/counter"),
        ("counter/batch", "_reference/childComponent/counter/lib/add"),
    ],
)
def test_only_public_functions_of_mounted_components_are_found(
    component: str, reference: str
) -> None:
    with pytest.raises(FunctionNotFoundError, match="component"):
        resolve(CODE, component, {"reference": reference}, KEY)


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"name": "counter|lib:reset"},
        {"name": "chat:no name"},
        {"reference": "_reference/function/counter|lib:reset"},
        {"reference": "_reference/other/chat:list"},
        {"reference": "chat:list"},
        {"functionHandle": "function://AAAA#chat:list"},
    ],
)
def test_what_is_no_address_is_refused(address: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        resolve(CODE, "", address, KEY)


@pytest.mark.parametrize("component", ["", "counter"])
@pytest.mark.parametrize(
    "address",
    [
        {"name": "_system/cli/tables:default"},
        {"reference": "_reference/function/_system/cli/tables"},
    ],
)
def test_functions_of_the_system_are_not_found(component: str, address: dict[str, str]) -> None:
    with pytest.raises(FunctionNotFoundError):
        resolve(CODE, component, address, KEY)


def test_a_handle_means_its_function_in_every_component() -> None:
    handle = KEY.handle_of("counter|lib:reset")

    for component in CODE.components:
        assert resolve(CODE, component, {"functionHandle": handle}, KEY) == "counter|lib:reset"


def test_a_canonical_path_is_a_component_and_a_name_in_it() -> None:
    assert component_of("counter/batch|lib:run") == "counter/batch"
    assert name_in_component("counter/batch|lib:run") == "lib:run"
    assert component_of("chat:list") == ""
    assert name_in_component("chat:list") == "chat:list"
