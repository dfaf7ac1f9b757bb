import stat
import subprocess
from pathlib import Path

import pytest

from livefile import AppDescription, FunctionDescription, FunctionKind, TableDescription
from livefile import validators as v
from livefile.model.index_spec import IndexKind, IndexSpec
from livefile_server.codegen.files import changed_files, write_files
from livefile_server.codegen.typescript import typescript_files
from livefile_server.codegen.typescript_type import (
    Generic,
    Joined,
    Name,
    ObjectType,
    Property,
    property_name,
    union,
)
from livefile_server.codegen.typescript_validator import ValidatorTypes, stored_document
from tests.acceptance.node_runtime import WEB_FOLDER, require_node, require_package
from tests.conftest import Golden

QUERY, MUTATION, ACTION = FunctionKind


def record(**fields: v.Validator | v.Field) -> v.Object:
    return v.Object(
        fields={
            name: item if isinstance(item, v.Field) else v.Field(validator=item)
            for name, item in fields.items()
        }
    )


def optional(validator: v.Validator) -> v.Field:
    return v.Field(validator=validator, is_optional=True)


def either(*members: v.Validator) -> v.Union:
    return v.Union(members=members)


def function(
    path: str,
    args: v.Object,
    returns: v.Validator,
    kind: FunctionKind = QUERY,
    is_internal: bool = False,
) -> FunctionDescription:
    return FunctionDescription(
        path=path, kind=kind, is_internal=is_internal, args=args, returns=returns
    )


USERS = TableDescription(
    name="users",
    document=record(name=v.STRING, address=record(city=v.STRING, zip=optional(v.STRING))),
    indexes={"by_city": ("address.city",), "by_name": ("name",)},
)
POSTS = TableDescription(
    name="posts",
    document=record(
        author=v.IdOf(table="users"),
        body=v.STRING,
        stars=optional(v.INT64),
        cover=optional(either(v.BYTES, v.NULL)),
        embedding=v.Array(item=v.FLOAT64),
    ),
    indexes={},
    text_indexes={
        "search_body": IndexSpec(("body",), kind=IndexKind.TEXT),
        "search_stars": IndexSpec(("body",), kind=IndexKind.TEXT, filters=("stars", "author")),
    },
    vector_indexes={
        "by_embedding": IndexSpec(
            ("embedding",), kind=IndexKind.VECTOR, filters=("author",), dimensions=384
        ),
    },
)

TYPES: dict[str, v.Validator | v.Field] = {
    "text": v.STRING,
    "number": v.FLOAT64,
    "whole": v.WHOLE_FLOAT64,
    "big": v.INT64,
    "flag": v.BOOLEAN,
    "nothing": v.NULL,
    "raw": v.BYTES,
    "thing": v.ANY,
    "own": v.IdOf(table="posts"),
    "foreign": v.IdOf(table="not_declared"),
    "side": either(v.Literal(value="left"), v.Literal(value="right"), v.Literal(value='"q"')),
    "level": either(v.Literal(value=1.0), v.Literal(value=-2.5), v.Literal(value=3)),
    "yes": v.Literal(value=True),
    "endless": v.Literal(value=float("inf")),
    "items": v.Array(item=either(v.STRING, v.FLOAT64)),
    "matrix": v.Array(item=v.Array(item=v.FLOAT64)),
    "scores": v.Record(key=v.STRING, value=v.FLOAT64),
    "votes": v.Record(key=v.IdOf(table="users"), value=v.BOOLEAN),
    "sides": v.Record(key=either(v.Literal(value="left"), v.Literal(value="right")), value=v.INT64),
    "nested": record(inner=record(deep=optional(v.Array(item=record(x=v.FLOAT64))))),
    "empty": record(),
    "dashed-name": v.STRING,
    "class": v.STRING,
    "doubled": either(v.FLOAT64, v.WHOLE_FLOAT64),
    "maybe": optional(either(v.STRING, v.NULL)),
}
EVERYTHING = record(**TYPES)

APP = AppDescription(
    functions=(
        function("admin/users:create", record(name=v.STRING), v.IdOf(table="users"), MUTATION),
        function("admin/users:forget", record(), v.NULL, MUTATION, is_internal=True),
        function("posts:all", record(), v.Array(item=stored_document(POSTS))),
        function("posts:default", record(limit=optional(v.FLOAT64)), v.FLOAT64),
        function("posts:first", record(), either(stored_document(POSTS), v.NULL)),
        function(
            "posts:with_author",
            record(),
            record(post=stored_document(POSTS), author=stored_document(USERS)),
        ),
        function(
            "posts:pages",
            record(author=v.IdOf(table="users"), paginationOpts=v.PAGINATION_OPTIONS),
            v.page_of(stored_document(POSTS)),
        ),
        function(
            "posts:page_of_titles",
            record(paginationOpts=v.PAGINATION_OPTIONS),
            v.page_of(v.STRING),
        ),
        function("posts/drafts:purge", record(), v.NULL, ACTION),
        function("posts:drafts", record(), v.ANY),
        function("values:echo", EVERYTHING, EVERYTHING, ACTION),
    ),
    tables=(POSTS, USERS),
)

# Compiles only if every generated type is exactly the one that a Convex user would expect.
USAGE = """\
import type { FunctionArgs, FunctionReturnType, GenericDataModel } from "convex/server";
import type { ConvexReactClient } from "convex/react";
import { usePaginatedQuery, useQuery } from "convex/react";
import { api, internal } from "./convex/_generated/api";
import type { DataModel, Doc, Id, TableNames } from "./convex/_generated/dataModel";

type Probe<A> = <T>() => T extends A ? 1 : 2;
type Same<A, B> = Probe<A> extends Probe<B> ? true : never;
const same = <A, B>(_: Same<A, B>): void => undefined;
const isModel = <Model extends GenericDataModel>(): void => undefined;

declare const client: ConvexReactClient;
declare const post: Id<"posts">;

isModel<DataModel>();
same<TableNames, "posts" | "users">(true);
same<Doc<"posts">["stars"], bigint>(true);
same<Doc<"posts">["cover"], ArrayBuffer | null>(true);
same<FunctionReturnType<typeof api.posts.all>, Array<Doc<"posts">>>(true);
same<FunctionReturnType<typeof api.posts.first>, Doc<"posts"> | null>(true);
same<FunctionReturnType<typeof api.admin.users.create>, Id<"users">>(true);
same<FunctionArgs<typeof api.values.echo>["big"], bigint>(true);
same<FunctionArgs<typeof api.values.echo>["level"], 1 | -2.5 | 3n>(true);
same<FunctionArgs<typeof api.values.echo>["maybe"], string | null | undefined>(true);
same<FunctionArgs<typeof internal.admin.users.forget>, Record<string, never>>(true);

export function usage(): void {
  const posts = useQuery(api.posts.all);
  same<typeof posts, Array<Doc<"posts">> | undefined>(true);
  const pages = usePaginatedQuery(
    api.posts.pages, { author: "u" as Id<"users"> }, { initialNumItems: 5 },
  );
  same<(typeof pages)["results"], Array<Doc<"posts">>>(true);
  const titles = usePaginatedQuery(api.posts.page_of_titles, {}, { initialNumItems: 5 });
  same<(typeof titles)["results"], Array<string>>(true);
  // @ts-expect-error A query that does not paginate.
  usePaginatedQuery(api.posts.all, {}, { initialNumItems: 5 });
  // @ts-expect-error A missing argument.
  usePaginatedQuery(api.posts.pages, {}, { initialNumItems: 5 });
  void client.query(api.posts.first);
  void client.query(api.posts.drafts);
  void client.action(api.posts.drafts.purge);
  void client.query(api.posts.default, { limit: 3 });
  void client.mutation(api.admin.users.create, { name: "Ada" });
  // @ts-expect-error An id of another table.
  const user: Id<"users"> = post;
  // @ts-expect-error An argument that is not there.
  void client.query(api.posts.first, { limit: 3 });
  // @ts-expect-error A missing argument.
  void client.mutation(api.admin.users.create, {});
  // @ts-expect-error An internal function.
  void client.mutation(internal.admin.users.forget);
  void user;
}
"""

CONFIGURATION = """\
{
  "compilerOptions": {
    "target": "ES2022", "lib": ["ES2023", "DOM"], "module": "ESNext",
    "moduleResolution": "Bundler", "strict": true, "noUnusedLocals": true, "types": [],
    "exactOptionalPropertyTypes": false, "skipLibCheck": false, "noEmit": true
  },
  "files": ["usage.ts"]
}
"""


def compile_usage(folder: Path, usage: str) -> str:
    """Return what TypeScript says about ``usage`` beside generated files in ``folder``."""
    require_package(WEB_FOLDER, "convex")
    compiler = require_package(WEB_FOLDER, "typescript") / "bin" / "tsc"
    (folder / "node_modules").symlink_to(WEB_FOLDER / "node_modules")
    (folder / "usage.ts").write_text(usage)
    (folder / "tsconfig.json").write_text(CONFIGURATION)
    command = [require_node(), str(compiler), "--pretty", "false", "-p", "tsconfig.json"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["api.js", "api.d.ts", "dataModel.d.ts"])
def test_the_files_of_an_app_with_every_kind_of_type(name: str, golden: Golden) -> None:
    golden.check(f"codegen/{name}", typescript_files(APP)[name])


@pytest.mark.node
def test_the_official_package_understands_every_type(tmp_path: Path) -> None:
    write_files(tmp_path / "convex/_generated", typescript_files(APP))

    assert compile_usage(tmp_path, USAGE) == ""


@pytest.mark.node
def test_an_app_without_tables_or_functions_has_files_that_compile(tmp_path: Path) -> None:
    files = typescript_files(AppDescription(functions=(), tables=()))
    write_files(tmp_path / "convex/_generated", files)

    usage = (
        'import { api } from "./convex/_generated/api";\n'
        'import type { Doc, Id } from "./convex/_generated/dataModel";\n'
        'declare const document: Doc<"anything">;\n'
        'declare const id: Id<"anything">;\n'
        "export const all: unknown[] = [api, document, id];\n"
    )

    assert compile_usage(tmp_path, usage) == ""


def test_equal_apps_give_equal_files() -> None:
    shuffled = AppDescription(functions=APP.functions[::-1], tables=APP.tables)

    assert typescript_files(shuffled) == typescript_files(APP)


def test_no_line_is_longer_than_it_must_be() -> None:
    lines = "".join(typescript_files(APP).values()).splitlines()

    assert max(len(line) for line in lines) <= 100


def test_a_document_is_named_only_if_it_is_whole() -> None:
    types = ValidatorTypes([POSTS])
    whole = stored_document(POSTS)
    assert isinstance(whole, v.Object)  # Narrows the type for mypy.
    part = v.Object(fields={name: f for name, f in whole.fields.items() if name != "body"})

    assert str(types.type_of(whole)) == 'Doc<"posts">'
    assert str(types.type_of(part)).startswith('{ _id: Id<"posts">; _creationTime: number;')


def test_a_page_is_named_only_if_it_is_one() -> None:
    types = ValidatorTypes([POSTS])
    page = v.page_of(v.STRING)
    part = v.Object(fields={name: f for name, f in page.fields.items() if name != "pageStatus"})

    assert str(types.type_of(page)) == "PaginationResult<string>"
    assert str(types.type_of(part)).startswith("{ page: Array<string>; isDone: boolean;")
    assert str(types.type_of(v.PAGINATION_OPTIONS)) == "PaginationOptions"


def test_a_document_as_it_is_written_is_not_a_stored_one() -> None:
    types = ValidatorTypes([POSTS])

    assert "stars?: bigint" in str(types.type_of(POSTS.document))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("plain", "plain"),
        ("_id", "_id"),
        ("$a1", "$a1"),
        ("class", "class"),
        ("", '""'),
        ("1st", '"1st"'),
        ("a-b", '"a-b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("end\n", '"end\\n"'),
    ],
)
def test_a_key_that_is_no_identifier_is_quoted(name: str, key: str) -> None:
    assert property_name(name) == key


def test_a_type_that_does_not_fit_breaks_at_its_outermost_brackets() -> None:
    long = ObjectType(tuple(Property(f"field_{number}", Name("string")) for number in range(6)))
    type_ = Generic("Array", (Joined("|", (long, Name("null"))),))

    assert type_.layout(0, 0) == (
        "Array<\n"
        "    | {\n" + "".join(f"      field_{number}: string;\n" for number in range(6)) + "    }\n"
        "    | null\n"
        ">"
    )


def test_a_union_has_no_doubles_and_may_have_one_member_or_none() -> None:
    assert str(union((Name("string"), Name("null"), Name("string")))) == "string | null"
    assert str(union((Name("string"),))) == "string"
    assert str(union(())) == "never"


# --- Writing ---------------------------------------------------------------------------------


def test_only_changed_files_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "convex" / "_generated"
    assert write_files(folder, {"a": "1\n", "b": "2\n"}) == [folder / "a", folder / "b"]
    before = (folder / "a").stat().st_mtime_ns

    changed = write_files(folder, {"a": "1\n", "b": "3\n"})

    assert changed == [folder / "b"]
    assert (folder / "a").stat().st_mtime_ns == before
    assert (folder / "b").read_text() == "3\n"


def test_what_would_be_written_can_be_asked_without_writing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")

    assert changed_files(tmp_path, {"a": "1\n", "b": "2\n"}) == [tmp_path / "b"]
    assert not (tmp_path / "b").exists()


def test_written_files_are_ordinary_ones_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "1\n"})

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_a_file_that_cannot_be_replaced_leaves_no_rest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(IsADirectoryError):
        write_files(tmp_path, {"a": "1\n"})

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
