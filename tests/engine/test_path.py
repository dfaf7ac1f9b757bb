import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefile import BadRequestError, parse_function_path
from livefile.vocabulary.limits import IDENTIFIER_LENGTH_MAX

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
modules = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("messages:send", "messages:send"),
        ("messages.js:send", "messages:send"),
        ("messages", "messages:default"),
        ("messages.js", "messages:default"),
        ("admin/users:list", "admin/users:list"),
        ("admin/users.js:list", "admin/users:list"),
        ("admin/users", "admin/users:default"),
        ("_system/cli:tables", "_system/cli:tables"),
        ("a.b:c", "a.b:c"),
        ("2024/notes:list", "2024/notes:list"),
        ("m:" + "x" * IDENTIFIER_LENGTH_MAX, "m:" + "x" * IDENTIFIER_LENGTH_MAX),
    ],
)
def test_every_spelling_of_a_client_has_one_canonical_path(text: str, path: str) -> None:
    assert parse_function_path(text) == path


@given(modules, names, st.sampled_from(["", ".js"]))
def test_a_canonical_path_stays_what_it_is(folders: list[str], name: str, extension: str) -> None:
    path = parse_function_path(f"{'/'.join(folders)}{extension}:{name}")

    assert path == f"{'/'.join(folders)}:{name}"
    assert parse_function_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":send",
        "messages:",
        "messages:2send",
        "messages:se nd",
        "messages:sénd",
        "messages:send\n",
        "messages\n:send",
        "mess ages:send",
        "messages//x:send",
        "/messages:send",
        "messages/:send",
        "../secrets:read",
        "a/../b:read",
        "./a:read",
        "a:b:c d",
        "a:b:c",
        "messages.ts:a-b",
        "mess\0ages:send",
        "m" * (IDENTIFIER_LENGTH_MAX + 1) + ":send",
        "m:" + "x" * (IDENTIFIER_LENGTH_MAX + 1),
        "__/a:b",
    ],
)
def test_what_cannot_be_a_path_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        parse_function_path(text)

    assert raised.value.code == "BadConvexFunctionIdentifier"
    assert repr(text) in str(raised.value)


@given(st.text(max_size=30))
def test_no_text_gives_anything_but_a_path_or_a_refusal(text: str) -> None:
    try:
        path = parse_function_path(text)
    except BadRequestError:
        return

    module, _, name = path.rpartition(":")
    assert name.isidentifier()
    assert ".." not in module.split("/")
