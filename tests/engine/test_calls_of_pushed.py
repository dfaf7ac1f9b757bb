"""Python calls functions in TypeScript, by their paths and with keywords, and is called by them."""

from collections.abc import Iterator

import pytest

from livefile import App, ArgumentValidationError, FunctionKind, Int64, Livefile
from livefile.vocabulary.errors import ReturnsValidationError
from tests.app_folder import write_app
from tests.pushed import code, definition, module, push, spec, wait_for_host

NOTES = """
    from livefile import *

    @query
    def relay(ctx: QueryCtx, path: str, arguments: dict[str, object]) -> object:
        return ctx.run_query(path, **arguments)

    @mutation
    def relay_mutation(ctx: MutationCtx, path: str) -> object:
        return ctx.run_mutation(path, count=Int64(3), half=0.5)

    @mutation
    def later(ctx: MutationCtx, path: str) -> str:
        return ctx.scheduler.run_after(60, path, count=Int64(3))

    @action
    async def relay_action(ctx: ActionCtx, path: str) -> object:
        return await ctx.run_mutation(path, count=Int64(3), half=0.5)

    @mutation
    def fail(ctx: MutationCtx, kind: str) -> None:
        ctx.db.table("left").insert({})
        raise {"value": ValueError, "run": RuntimeError, "own": Own}[kind]("as told")

    class Own(Exception):
        pass

    @query
    def left(ctx: QueryCtx) -> int:
        return ctx.db.table("left").query().count()

    @query
    def queue(ctx: QueryCtx) -> list[object]:
        return [job["name"] for job in ctx.db.system.query("_scheduled_functions")]
"""
QUERY = FunctionKind.QUERY
NUMBERS = '{"type":"object","value":{"count":{"fieldType":{"type":"bigint"},"optional":false}}}'
CHAT_SOURCE = """
const answer = async (text) => JSON.stringify(JSON.parse(text)[0]);
var list = { isQuery: true, isPublic: true, invokeQuery: answer };
var send = { isMutation: true, isPublic: true, invokeMutation: answer };
var catching = { isMutation: true, isPublic: true, invokeMutation: async (text) => {
  const asked = { name: "notes:fail", udfType: "mutation", args: JSON.parse(text)[0] };
  return await Convex.asyncSyscall("1.0/runUdf", JSON.stringify(asked))
    .catch((error) => JSON.stringify(error.message));
} };
export { catching, list, send, send as count, list as wrong };
"""


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    """A deployment whose pushed functions give back what they are given."""
    app = App.load(write_app(tmp_path_factory.mktemp("chat"), {"notes": NOTES}))
    functions = [spec("list", QUERY), spec("send"), spec("count", args=NUMBERS)]
    functions.append(spec("catching"))
    functions.append(spec("wrong", QUERY, returns='{"type":"string"}'))
    pushed = definition({"chat.js": functions}, modules=[module("chat.js", CHAT_SOURCE)])
    with Livefile.open(":memory:", app, has_scheduler=False) as livefile:
        push(livefile, code(pushed))
        wait_for_host(livefile)
        yield livefile


def test_python_calls_a_pushed_query_by_its_path(chat: Livefile) -> None:
    given = {"a": 1.5, "b": [None, "c"], "function": True}

    assert chat.query("notes:relay", path="chat:list", arguments=given) == given
    assert chat.query("chat:list", a=1) == {"a": 1.0}


@pytest.mark.parametrize("relay", ["relay_mutation", "relay_action"])
def test_python_calls_a_pushed_mutation_with_integers_of_both_kinds(
    chat: Livefile, relay: str
) -> None:
    call = chat.action if relay == "relay_action" else chat.mutation

    assert call(f"notes:{relay}", path="chat:send") == {"count": Int64(3), "half": 0.5}


def test_python_schedules_a_pushed_function_by_its_path(chat: Livefile) -> None:
    chat.mutation("notes:later", path="chat:count")

    assert chat.query("notes:queue") == ["chat.js:count"]


def test_arguments_and_results_of_pushed_functions_are_checked(chat: Livefile) -> None:
    with pytest.raises(ArgumentValidationError, match="missing the required field `count`"):
        chat.mutation("chat:count")
    with pytest.raises(ArgumentValidationError, match=r"Value: 3\.0"):
        chat.mutation("chat:count", count=3.0)
    with pytest.raises(ReturnsValidationError, match=r"Validator: v\.string\(\)"):
        chat.query("chat:wrong")
    assert chat.mutation("chat:count", count=Int64(3)) == {"count": 3}


def test_a_pushed_function_takes_its_arguments_by_name(chat: Livefile) -> None:
    with pytest.raises(ArgumentValidationError, match="takes its arguments by name, got 1"):
        chat.query("chat:list", "a")  # type: ignore[call-overload]  # That is the point.


@pytest.mark.parametrize(
    ("kind", "name"), [("value", "ValueError"), ("run", "RuntimeError"), ("own", "Own")]
)
def test_a_pushed_function_catches_what_python_raises(chat: Livefile, kind: str, name: str) -> None:
    message = chat.mutation("chat:catching", kind=kind)

    assert message.startswith(f"Uncaught {name}: as told\n    at fail (notes.py:")
    assert chat.query("notes:left") == 0
