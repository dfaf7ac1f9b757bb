from livefile.javascript.http_mounts import mount_of, mounted_routes
from livefile.javascript.pushed_code import EMPTY
from tests.components_app import CODE


def test_routes_of_components_are_below_the_prefixes_of_all_who_mount_them() -> None:
    routes = [(it.component.path, it.method, it.path, it.is_prefix) for it in mounted_routes(CODE)]

    assert routes == [
        ("", "GET", "/hello", False),
        ("", "POST", "/files/*", True),
        ("counter", "GET", "/count/hello", False),
        ("counter", "POST", "/count/files/*", True),
        ("counter/batch", "GET", "/count/batch/hello", False),
        ("counter/batch", "POST", "/count/batch/files/*", True),
    ]


def test_a_component_that_is_not_mounted_for_http_is_not_reached_nor_are_those_below_it() -> None:
    assert mount_of(CODE, "other") is None
    assert mount_of(CODE, "other/batch") is None


def test_without_pushed_code_there_are_no_routes() -> None:
    assert list(mounted_routes(EMPTY)) == []
