from collections.abc import Iterator

import pytest

from livefile.javascript.analysis import Analysis
from livefile.javascript.analysis_host import AnalysisHosts
from livefile.javascript.host_process import HostProcess
from livefile.javascript.push_request import PushRequest
from tests.pushed_bundles import Analyst, Tree, component, definition_source, module, push


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with AnalysisHosts(lambda environment: HostProcess()) as hosts:
        yield Analyst(hosts)


BATCH = component(
    "../node_modules/batch",
    'defined({type: "childComponent", name: "batch", args: []}, [], {envVars: [["LEVEL", '
    '{type: "value", value: JSON.stringify({type: "union", value: [{type: "literal", value: "A"}, '
    '{type: "literal", value: "B"}]}), optional: true}]]})',
)


def counter(level: str = "A") -> Tree:
    return component(
        "counter",
        'defined({type: "childComponent", name: "counter", args: []}, [[child0, undefined, '
        f'{{LEVEL: {{type: "value", value: "{level}"}}}}]], {{envVars: [["NAME", {{type: "value", '
        'value: JSON.stringify({type: "string"})}]]})',
        BATCH["definitionPath"],
        lib='var add = registered("isQuery", "isPublic", {"type":"any"}, null, () => 1);\n'
        "export { add };\n",
    )


def mounted(use: str, *components: Tree, **more: str) -> PushRequest:
    """Return a push of an app that mounts components as ``use`` says."""
    paths = [it["definitionPath"] for it in components if it["definitionPath"] == "counter"]
    source = definition_source(f'defined({{type: "app"}}, [{use}])', *paths)
    return push(
        definition=module("convex.config.js", source),
        dependencies=paths,
        components=list(components),
    )


NAMED = '{NAME: {type: "value", value: "n"}}'


def shown(found: Analysis) -> dict[str, tuple[str, object]]:
    code = found.root.with_descendants()
    return {it.path: (it.definition, it.env) for it in code}


def test_components_are_mounted_under_their_names_with_their_variables(
    analyst: Analyst,
) -> None:
    use = f'[child0, undefined, {NAMED}], [child0, "second", {NAMED}]'
    found = analyst.analyze(mounted(use, BATCH, counter()), {})

    name = {"NAME": {"type": "value", "value": "n"}}
    level = {"LEVEL": {"type": "value", "value": "A"}}
    assert shown(found) == {
        "": ("", {}),
        "counter": ("counter", name),
        "counter/batch": ("../node_modules/batch", level),
        "second": ("counter", name),
        "second/batch": ("../node_modules/batch", level),
    }
    assert found.tree["counter"]["definition"]["exports"]["branch"][0][0] == "lib"


@pytest.mark.parametrize(
    ("use", "level", "words"),
    [
        ("[child0]", "A", "counter requires the environment variable NAME"),
        (f'[child0, "a", {NAMED}], [child0, "a", {NAMED}]', "A", "mounted as 'a'"),
        (f'[child0, "a/b", {NAMED}]', "A", "'a/b'"),
        (f'[child0, "a|b", {NAMED}]', "A", "'a|b'"),
        (
            '[child0, undefined, {NAME: {type: "envVar", name: "OTHER"}}]',
            "A",
            "counter is given OTHER as NAME, which is not declared",
        ),
        (
            '[child0, undefined, {NAME: {type: "value", value: "n"}, MORE: {type: "value", '
            'value: "m"}}]',
            "A",
            "MORE, which it does not declare",
        ),
        (f"[child0, undefined, {NAMED}]", "C", "LEVEL is 'C', want one of A, B"),
    ],
)
def test_components_that_cannot_be_mounted_so_are_refused(
    analyst: Analyst, use: str, level: str, words: str
) -> None:
    error = analyst.failure(mounted(use, BATCH, counter(level)))

    assert error.code == "InvalidConvexConfig"
    assert words in str(error)


def test_components_that_mount_each_other_are_refused(analyst: Analyst) -> None:
    one = component("one", "{}", "two")
    two = component("two", "{}", "one")

    error = analyst.failure(push(components=[one, two]))

    assert error.code == "CyclicImport"
    assert "one -> two -> one" in str(error)


def test_a_component_that_was_not_pushed_is_named(analyst: Analyst) -> None:
    error = analyst.failure(push(components=[component("one", "{}", "two")]))

    assert error.code == "InvalidConvexConfig"
    assert "one mounts 'two', which was not pushed" in str(error)


def test_a_component_sees_no_variable_while_it_is_loaded(analyst: Analyst) -> None:
    lone = component(
        "lone",
        'defined({type: "childComponent", name: "lone", args: []}, [])',
        lib='if (process.env.SECRET !== undefined) throw new Error("seen");\n'
        "var x = 1;\nexport { x };\n",
    )

    assert "lone" in analyst.analyze(push(components=[lone]), {"SECRET": "s"}).definitions
