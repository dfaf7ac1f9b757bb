import json
from collections.abc import Iterator

import pytest

from livefile.functions.call import FunctionKind
from livefile.javascript.analysis_host import AnalysisHosts
from livefile.javascript.host_process import HostProcess
from livefile.javascript.push_request import PushRequest
from tests.pushed_bundles import Analyst, module, push


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with AnalysisHosts(lambda environment: HostProcess()) as hosts:
        yield Analyst(hosts)


# --- Functions ------------------------------------------------------------------------------------


def test_functions_are_found_with_their_kinds_and_validators(analyst: Analyst) -> None:
    source = """
var one = registered("isQuery", "isPublic", {"type":"object","value":{}},
  {"type":"string"}, () => 1);
var two = registered("isMutation", "isInternal", {"type":"any"}, null, () => 2);
var three = registered("isAction", "isPublic", {"type":"any"}, null, () => 3);
export {
  one,
  three as default,
  two
};
"""
    found = analyst.analyze(push({"folder/chat.js": source}), {}).definitions[""].functions

    assert {
        it.name: (it.kind, it.is_internal, it.args, it.returns) for it in found["folder/chat.js"]
    } == {
        "one": (FunctionKind.QUERY, False, '{"type":"object","value":{}}', '{"type":"string"}'),
        "two": (FunctionKind.MUTATION, True, '{"type":"any"}', None),
        "default": (FunctionKind.ACTION, False, '{"type":"any"}', None),
    }


def test_fields_are_told_in_alphabetical_order(analyst: Analyst) -> None:
    fields = {name: {"fieldType": {"type": "string"}, "optional": False} for name in "bca"}
    validator = {"type": "object", "value": fields}
    tables = [{"tableName": "notes", "documentType": validator}]
    exported = json.dumps({"tables": tables, "schemaValidation": True})
    function = f"""
var one = registered("isQuery", "isPublic", {validator}, {validator}, () => 1);
export {{ one }};
""".replace("False", "false")
    schema = f"var it = {{ export: () => {json.dumps(exported)} }};"
    pushed = push(
        {"chat.js": function},
        schema=module("schema.js", f"{schema}\nexport {{ it as default }};\n"),
    )
    told = analyst.analyze(pushed, {}).tree[""]

    (found,) = told["functions"]["chat.js"]["functions"]
    assert list(json.loads(found["args"])["value"]) == ["a", "b", "c"]
    assert list(json.loads(found["returns"])["value"]) == ["a", "b", "c"]
    assert list(told["schema"]["tables"][0]["documentType"]["value"]) == ["a", "b", "c"]


def test_exports_that_are_no_functions_are_left_out(analyst: Analyst) -> None:
    source = """
var helper = () => 1;
var nothing = null;
var both = { isQuery: true, isMutation: true };
var http = { isHttp: true };
var torn = { isQuery: true, isPublic: true, isInternal: true };
export { helper, nothing, both, http, torn };
"""
    found = analyst.analyze(push({"lib.js": source}), {}).definitions[""].functions

    assert found == {"lib.js": ()}


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("../convex/folder/lib.ts", {"path": "folder/lib.js", "start_lineno": 13, "start_col": 1}),
        ("../node_modules/package/other.ts", None),
    ],
)
def test_a_function_is_where_its_handler_is_written(
    analyst: Analyst, file: str, place: dict[str, object] | None
) -> None:
    source = """var handler = () => "the same line as here";
var one = {
  isQuery: true, _handler() { return 1; } };
export { one };
"""
    # Each line of the bundle is ten lines further down in the file.
    mappings = "AAUA;AACA;AACA;AACA"
    source_map = json.dumps({"version": 3, "sources": [file], "names": [], "mappings": mappings})
    pushed = {**module("folder/lib.js", source), "sourceMap": source_map}
    found = analyst.analyze(push(changedModules=[pushed]), {}).definitions[""].functions

    assert found["folder/lib.js"][0].position == place


def test_chunks_are_not_asked(analyst: Analyst) -> None:
    assert analyst.analyze(push(), {}).definitions[""].functions == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("throw new Error('at the top');\n", "Uncaught Error: at the top"),
        ("var x = ;\n", "SyntaxError"),
        ("Convex.syscall('1.0/get', '{}');\n", "import time"),
        ("fetch('http://localhost');\n", "fetch"),
        ("setTimeout(() => {}, 1);\n", "setTimeout"),
        (
            "var x = registered('isQuery', 'isPublic', {type: 'string'}, null, () => 1);\n"
            "export { x };\n",
            "must be an object or any",
        ),
        ("var x = { isQuery: true, exportArgs: () => 7 };\nexport { x };\n", "is no text"),
        ("var x = { isQuery: true, exportArgs: () => '{' };\nexport { x };\n", "no JSON"),
    ],
)
def test_a_module_that_cannot_be_used_is_named(analyst: Analyst, source: str, words: str) -> None:
    error = analyst.failure(push({"bad.js": source}))

    assert error.code == "InvalidModules"
    assert "bad.js" in str(error)
    assert words in str(error)


def test_dice_and_clock_of_the_import_phase_are_those_of_the_push(analyst: Analyst) -> None:
    source = """
var seen = [Math.random(), Date.now()].join(" ");
var one = registered("isQuery", "isPublic", {"type":"any"},
  {"type":"literal","value":seen}, () => 1);
export { one };
"""

    def seen(seed: str, time_ms: float) -> str:
        found = analyst.analyze(push({"lib.js": source}), {}, seed, time_ms)
        text = found.definitions[""].functions["lib.js"][0].returns
        assert text is not None
        return text

    assert seen("ab" * 32, 5000.0) == seen("ab" * 32, 5000.0)
    assert seen("ab" * 32, 5000.0) != seen("cd" * 32, 5000.0)
    assert seen("ab" * 32, 5000.0).endswith(' 5000"}')


def test_the_app_sees_its_environment_variables(analyst: Analyst) -> None:
    source = """
var seen = process.env.WANTED ?? "none";
var one = registered("isQuery", "isPublic", {"type":"any"},
  {"type":"literal","value":seen}, () => 1);
export { one };
"""
    found = analyst.analyze(push({"lib.js": source}), {"WANTED": "this"})

    assert found.definitions[""].functions["lib.js"][0].returns == (
        '{"type":"literal","value":"this"}'
    )


def test_a_module_that_never_ends_is_stopped() -> None:
    with AnalysisHosts(lambda environment: HostProcess(), duration_ms_max=200) as hosts:
        analyst = Analyst(hosts)
        error = analyst.failure(push({"lib.js": "while (true) {}\n"}))

    assert error.code == "InvalidModules"
    assert "takes longer than 0.2 seconds" in str(error)


def test_a_module_that_takes_all_memory_ends_its_process_only(analyst: Analyst) -> None:
    source = "var all = [];\nfor (;;) all.push(new Array(100000).fill(all.length));\n"
    error = analyst.failure(push({"lib.js": source}))

    assert error.code == "InvalidModules"
    assert "memory" in str(error)
    assert analyst.analyze(push(), {}).definitions[""].functions == {}


# --- Routes and cron jobs -------------------------------------------------------------------------


def test_routes_are_found(analyst: Analyst) -> None:
    source = 'var http = router(["/a", "GET"], ["/b/*", "POST"]);\nexport { http as default };\n'
    found = analyst.analyze(push({"http.js": source}), {})

    assert found.definitions[""].routes == (("/a", "GET"), ("/b/*", "POST"))
    assert found.tree[""]["functions"]["http.js"]["httpRoutes"] == [
        {"route": {"path": "/a", "method": "GET"}, "pos": None},
        {"route": {"path": "/b/*", "method": "POST"}, "pos": None},
    ]


@pytest.mark.parametrize("path", ["http.js", "crons.js"])
def test_a_module_of_routes_or_jobs_must_export_them(analyst: Analyst, path: str) -> None:
    error = analyst.failure(push({path: "var x = {};\nexport { x as default };\n"}))

    assert error.code == "InvalidModules"
    assert "default export" in str(error)


def crons(name: str, schedule: str = '{"type":"interval","seconds":5}') -> dict[str, str]:
    """Return a module with a mutation and a query, and one with a cron job."""
    return {
        "lib.js": """
var run = registered("isMutation", "isInternal", {"type":"any"}, null, () => 1);
var read = registered("isQuery", "isInternal", {"type":"any"}, null, () => 1);
export { run, read };
""",
        "crons.js": f"""
var all = jobs({{"each hour": {{"name": "{name}", "args": [{{}}], "schedule": {schedule}}}}});
export {{ all as default }};
""",
    }


def test_cron_jobs_are_found(analyst: Analyst) -> None:
    found = analyst.analyze(push(crons("lib:run")), {})

    spec = {"name": "lib:run", "args": [{}], "schedule": {"type": "interval", "seconds": 5}}
    assert found.definitions[""].crons == {"each hour": spec}
    assert found.tree[""]["functions"]["crons.js"]["cronSpecs"] == [
        {"identifier": "each hour", "spec": spec}
    ]


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        (crons("lib:missing"), "is no function"),
        (crons("lib:read"), "is a query"),
        (crons("lib run"), "no function path"),
        (crons("lib:run", '{"type":"cron","cron":"every day"}'), "every day"),
    ],
)
def test_a_cron_job_that_cannot_be_is_named(
    analyst: Analyst, modules: dict[str, str], words: str
) -> None:
    error = analyst.failure(push(modules))

    assert error.code == "InvalidCron"
    assert "each hour" in str(error)
    assert words in str(error)


# --- Schema and sign-in ---------------------------------------------------------------------------


def schema(source: str) -> PushRequest:
    return push(schema=module("schema.js", f"{source}\nexport {{ it as default }};\n"))


def test_a_schema_is_what_it_exports(analyst: Analyst) -> None:
    text = '{"tables":[],"schemaValidation":true}'
    found = analyst.analyze(schema(f"var it = {{ export: () => '{text}' }};"), {})

    assert found.definitions[""].schema == {"tables": [], "schemaValidation": True}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("var it = {};", "defineSchema"),
        ("var it = { export: () => 'no' };", "no JSON"),
        ("var it = { export: () => '{}' };", "want tables"),
        ("var it = process.env.ANY;", "cannot read environment variables"),
        ("throw new Error('of the schema');var it;", "of the schema"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(analyst: Analyst, source: str, words: str) -> None:
    error = analyst.failure(schema(source), ANY="set")

    assert error.code == "InvalidSchema"
    assert words in str(error)


AUTH = """
var it = { providers: [
  { domain: process.env.ISSUER, applicationID: "convex" },
  { type: "customJwt", issuer: "https://i", jwks: "https://i/keys", algorithm: "ES256" },
] };
export { it as default };
"""


def test_providers_are_found(analyst: Analyst) -> None:
    found = analyst.analyze(push({"auth.config.js": AUTH}), {"ISSUER": "https://issuer"})

    assert found.auth == (
        {"domain": "https://issuer", "applicationID": "convex"},
        {
            "type": "customJwt",
            "issuer": "https://i",
            "jwks": "https://i/keys",
            "algorithm": "ES256",
            "applicationID": None,
        },
    )
    assert found.definitions[""].functions == {}


def test_a_variable_that_providers_need_must_be_set(analyst: Analyst) -> None:
    error = analyst.failure(push({"auth.config.js": AUTH}))

    assert error.code == "AuthConfigMissingEnvironmentVariable"
    assert "Environment variable ISSUER" in str(error)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("var it = {};", "list of providers"),
        ("var it = { providers: [7] };", r"providers[0] must be an object, not 7"),
        ("var it = { providers: [{}] };", "providers[0].domain must be a string, not None"),
    ],
)
def test_providers_that_cannot_be_are_refused(analyst: Analyst, source: str, words: str) -> None:
    error = analyst.failure(push({"auth.config.js": f"{source}\nexport {{ it as default }};\n"}))

    assert error.code == "InvalidAuthConfig"
    assert words in str(error)
