"""Queries that an administrator sends as text: what they can read, and what they cannot do.

The expectations on ``ctx`` are those of Convex's documentation of queries.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from livefile import ADMIN, BadRequestError, Failure, Int64, Livefile, Success, from_json
from livefile.javascript.pushed_code import Component
from livefile.model.annotation import mark_integers
from livefile.model.identity import Identity
from tests.app_folder import write_app
from tests.pushed import code, definition, module, push, spec, table

SHOP = """
    from livefile import *

    class Order(Table, name="orders"):
        item: str
        count: Int64
        price: float
        by_item = index("item", "count")
        text = search_index("item")

    @mutation
    def order(ctx: MutationCtx, item: str, count: Int64, price: float) -> Id[Order]:
        return ctx.db.insert(Order(item=item, count=count, price=price))

    @internal.query
    def count_of(ctx: QueryCtx, item: str) -> int:
        return sum(order.item == item for order in ctx.db.query(Order))
"""
WRAPPERS = 'import { query, internalQuery } from "convex:/_system/repl/wrappers.js";\n'
ORDERS = [("tea", 2, 1.5), ("tea", 1, -9.0), ("coffee", 3, 2.5), ("cake", 4, 0.0)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Livefile]:
    """An app in Python, with orders in it."""
    folder = write_app(tmp_path_factory.mktemp("shop"), {"shop": SHOP})
    with Livefile.open(":memory:", folder, has_scheduler=False) as livefile:
        for item, count, price in ORDERS:
            livefile.mutation("shop:order", item=item, count=Int64(count), price=price)
        yield livefile


def outcome(
    livefile: Livefile, source: str, component: str = "", identity: Identity = ADMIN, **args: Any
) -> Success | Failure:
    request_id = f"{Random(source).getrandbits(64):016x}"
    return livefile.inline_queries.run(source, args, component, identity, request_id)


def result(livefile: Livefile, body: str, **args: Any) -> Any:
    """Return what a query's body returns; it has ``ctx`` and ``args``."""
    source = f"{WRAPPERS}export default query({{ handler: async (ctx, args) => {{ {body} }} }});"
    found = outcome(livefile, source, **args)
    assert isinstance(found, Success), found
    return mark_integers(from_json(found.json))


def failure(livefile: Livefile, body: str) -> str:
    source = f"{WRAPPERS}export default query(async (ctx, args) => {{ {body} }});"
    found = outcome(livefile, source)
    assert isinstance(found, Failure), found
    return found.message


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".collect()", [2, 1, 3, 4]),
        ('.order("desc").take(2)', [4, 3]),
        ('.withIndex("by_item").collect()', [4, 3, 1, 2]),
        ('.withIndex("by_item", (q) => q.eq("item", "tea")).collect()', [1, 2]),
        ('.withIndex("by_item", (q) => q.eq("item", "tea").gt("count", 1n)).collect()', [2]),
        ('.withIndex("by_item", (q) => q.lt("item", "tea")).order("desc").collect()', [3, 4]),
        ('.withSearchIndex("text", (q) => q.search("item", "coffee")).collect()', [3]),
        ('.filter((q) => q.eq(q.field("price"), 1.5)).collect()', [2]),
        ('.filter((q) => q.gt(q.add(q.field("price"), 1), 2.5)).collect()', [3]),
        (
            '.filter((q) => q.and(q.not(q.eq(q.field("item"), "tea")), '
            'q.or(q.lte(q.field("count"), 3n), q.eq(q.neg(q.field("price")), 9)))).collect()',
            [3],
        ),
    ],
)
def test_a_query_reads_a_table(shop: Livefile, query: str, expected: list[int]) -> None:
    counts = result(
        shop, f'return (await ctx.db.query("orders"){query}).map((each) => each.count);'
    )

    assert [int(each) for each in counts] == expected


def test_single_documents_are_found_by_their_ids(shop: Livefile) -> None:
    found = result(
        shop,
        """
        const first = await ctx.db.query("orders").first();
        return {
          byId: (await ctx.db.get(first._id)).count,
          byTable: (await ctx.db.get("orders", first._id)).item,
          none: await ctx.db.query("orders").filter((q) => q.eq(q.field("item"), "")).first(),
          isNormal: ctx.db.normalizeId("orders", first._id) === first._id,
          isNone: ctx.db.normalizeId("orders", "nothing"),
          system: await ctx.db.system.query("_storage").collect(),
        };
        """,
    )

    assert found == {
        "byId": Int64(2),
        "byTable": "tea",
        "none": None,
        "isNormal": True,
        "isNone": None,
        "system": [],
    }


def test_pages_follow_each_other(shop: Livefile) -> None:
    found = result(
        shop,
        """
        const page = await ctx.db.query("orders").paginate({ numItems: 3, cursor: null });
        return [page.page.length, page.isDone, typeof page.continueCursor];
        """,
    )

    assert found == [3.0, False, "string"]


def test_values_of_every_kind_come_and_go(shop: Livefile) -> None:
    given = {"number": -0.0, "integer": 2**62, "bytes": b"\x00\xff", "none": None}
    given |= {"text": "é", "list": [1.0, float("inf")], "object": {"": True}}

    back = result(shop, "return { ...args, extra: undefined };", **given)

    assert back == given
    assert str(back["number"]) == "-0.0"


def test_a_query_calls_other_queries_and_knows_who_asks(shop: Livefile) -> None:
    source = f"""{WRAPPERS}
export default internalQuery({{
  handler: async (ctx) => [
    await ctx.runQuery("shop:count_of", {{ item: "tea" }}),
    (await ctx.auth.getUserIdentity())?.name,
  ],
}});
"""

    found = outcome(shop, source, identity=Identity(attributes={"name": "Ada"}, is_admin=True))

    assert isinstance(found, Success), found
    assert from_json(found.json) == [2.0, "Ada"]


def test_what_a_query_prints_comes_with_its_result(shop: Livefile) -> None:
    found = outcome(
        shop, f'{WRAPPERS}export default query(async () => {{ console.log("seen", 1n); }});'
    )

    assert isinstance(found, Success), found
    assert (found.json, found.log_lines) == (b"null", ("[LOG] 'seen' 1n",))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('await ctx.db.insert("orders", {});', "ctx.db.insert is not a function"),
        ('await Convex.asyncSyscall("1.0/insert", "{}");', "Unknown async operation 1.0/insert"),
        ('await fetch("http://127.0.0.1");', "Can't use fetch() in queries"),
        ("while (true) {}", "Function execution timed out"),
        ('return await ctx.db.query("orders").unique();', "more than one document"),
        ('return await ctx.runQuery("shop:order", {});', "it is defined as Mutation"),
        ("return new Map();", "Map is no value that Convex knows"),
        ("return 2n ** 63n;", "does not fit into 64 bits"),
    ],
)
def test_a_query_only_reads_and_ends(shop: Livefile, body: str, message: str) -> None:
    assert message in failure(shop, body)
    assert shop.query("shop:count_of", item="tea") == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("export default query(", "SyntaxError"),
        (f"{WRAPPERS}const it = query(async () => 1);", 'Couldn\'t find "default"'),
        (f"{WRAPPERS}export default 1;", "inline:default is not registered as a query"),
        (f'{WRAPPERS}import "./shop.js";\nexport default 1;', "Could not find module"),
        (f'{WRAPPERS}import fs from "fs";\nexport default query(async () => 1);', "imports fs"),
    ],
)
def test_a_module_that_is_no_query_is_told_so(shop: Livefile, source: str, message: str) -> None:
    found = outcome(shop, source)

    assert isinstance(found, Failure)
    assert message in found.message


def test_nothing_is_left_of_a_query_and_no_call_finds_it(shop: Livefile) -> None:
    ts = shop.latest_ts
    first = result(shop, "globalThis.left = 1; ctx.db.query.left = 1; return 1;")
    second = result(shop, "return [globalThis.left ?? null, ctx.db.query.left ?? null];")
    changed = failure(shop, 'ctx.db.query("orders").collect.left = 1;')

    assert (first, second) == (1.0, [None, None])
    assert "not extensible" in changed
    assert shop.latest_ts == ts
    assert not any("inline" in path for path in shop.app.functions)


def test_a_query_reads_the_tables_of_the_component_that_is_named() -> None:
    counter = definition({}, path="counter", tables=[table("counts", item="string")])
    add = definition(
        {"lib.js": [spec("add")]},
        path="adder",
        tables=[table("counts", item="string")],
        modules=[
            module(
                "lib.js",
                "const add = { isMutation: true, isPublic: true, invokeMutation: async (text) => "
                'Convex.asyncSyscall("1.0/insert", JSON.stringify({ table: "counts", '
                "value: JSON.parse(text)[0] })).then(() => 'null') };\nexport { add };\n",
            )
        ],
    )
    root = Component(
        "", "", {"one": Component("one", "adder"), "other": Component("other", "counter")}
    )
    source = f'{WRAPPERS}export default query((ctx) => ctx.db.query("counts").collect());'

    with Livefile.open(":memory:", has_scheduler=False) as livefile:
        push(livefile, code(definition({}), add, counter, root=root))
        livefile.mutation("one|lib:add", item="tea")
        one, other = (outcome(livefile, source, component=each) for each in ("one", "other"))
        with pytest.raises(BadRequestError) as refused:
            outcome(livefile, source, component="third")

    assert isinstance(one, Success), one
    assert isinstance(other, Success), other
    assert (b'"item":"tea"' in one.json, other.json) == (True, b"[]")
    assert str(refused.value) == "There is no component 'third'; there are one, other"


LATER = """
const later = {
  isMutation: true, isPublic: true,
  invokeMutation: (text) => {
    const args = { name: "lib:later", ts: JSON.parse(text)[0].moment, args: { moment: 0 } };
    return Convex.asyncSyscall("1.0/schedule", JSON.stringify(args));
  },
};
export { later };
"""


def test_a_component_and_the_app_see_the_scheduled_functions_that_are_their_own() -> None:
    app, timer = (
        definition({"lib.js": [spec("later")]}, path=path, modules=[module("lib.js", LATER)])
        for path in ("", "timer")
    )
    root = Component("", "", {"one": Component("one", "timer"), "two": Component("two", "timer")})
    source = f"""{WRAPPERS}export default query(async (ctx, {{ ids }}) => [
      (await ctx.db.system.query("_scheduled_functions").order("desc").take(9)).map((it) => it._id),
      await Promise.all(ids.map(async (id) => (await ctx.db.system.get(id)) !== null)),
    ]);"""

    with Livefile.open(":memory:", has_scheduler=False) as livefile:
        push(livefile, code(app, timer, root=root))
        moment = livefile.latest_ts / 1e9 + 1000
        ids = [livefile.mutation(f"{at}lib:later", moment=moment) for at in ("", "one|", "one|")]
        found = [outcome(livefile, source, component=at, ids=ids) for at in ("", "one", "two")]

    seen = [from_json(each.json) for each in found if isinstance(each, Success)]
    assert seen == [
        [ids[:1], [True, False, False]],
        [[ids[2], ids[1]], [False, True, True]],
        [[], [False, False, False]],
    ]
