from livefile.javascript.environment_binding import variable_of
from tests.components_app import CODE

DEPLOYMENT = {
    "APP_GREETING": "hello",
    "GREETING": "not this one",
    "CONVEX_CLOUD_URL": "http://cloud",
    "CONVEX_SITE_URL": "http://site",
}


def variable(component: str, name: str) -> str | None:
    return variable_of(CODE, component, name, DEPLOYMENT.get)


def test_the_app_sees_the_variables_of_the_deployment() -> None:
    assert variable("", "GREETING") == "not this one"
    assert variable("", "MISSING") is None


def test_a_component_sees_what_its_variables_are_bound_to() -> None:
    assert variable("counter", "GREETING") == "hello"
    assert variable("counter/batch", "LEVEL") == "WARN"


def test_a_component_sees_no_other_variables() -> None:
    assert variable("counter", "APP_GREETING") is None
    assert variable("counter", "LEVEL") is None
    assert variable("other", "GREETING") is None
    assert variable("counter/batch", "GREETING") is None


def test_every_component_sees_the_addresses_and_its_own_as_the_sites() -> None:
    assert variable("counter/batch", "CONVEX_CLOUD_URL") == "http://cloud"
    assert variable("", "CONVEX_SITE_URL") == "http://site"
    assert variable("counter/batch", "CONVEX_SITE_URL") == "http://site/count/batch"
    assert variable("other", "CONVEX_SITE_URL") == "http://site"
