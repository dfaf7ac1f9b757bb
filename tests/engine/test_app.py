import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from livefile import App, AppError, FunctionNotFoundError, Livefile
from tests.app_folder import write_app

NOTES = """
    from livefile import *

    class Note(Table, name="notes"):
        text: str
        by_text = index("text")

    @query
    def version(ctx: QueryCtx) -> int:
        return 1

    @internal.query
    def hidden(ctx: QueryCtx) -> int:
        return 1
"""
EMPTY = ""


@pytest.fixture(autouse=True)
def unchanged_path() -> Iterator[None]:
    """Loading an app makes its folder importable: take that back."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def test_an_app_is_loaded_from_its_folder(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    app = App.load(folder)

    assert app.name == folder.name
    assert app.path == folder
    assert app.functions.keys() == {"notes:version", "notes:hidden"}
    assert app.schema.tables.keys() == {"notes"}
    assert app.source_files == (folder / "notes.py",)


def test_an_app_is_loaded_from_the_folder_around_it(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    (tmp_path / "node_modules").mkdir()

    assert App.load(tmp_path).path == folder


def test_an_app_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_app(tmp_path, {"__init__": EMPTY, "notes": NOTES})
    monkeypatch.syspath_prepend(tmp_path)
    app = App.load(folder.name)

    assert app.path == folder
    assert app.functions.keys() == {"notes:version", "notes:hidden"}


def test_an_app_is_loaded_from_a_relative_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    monkeypatch.chdir(tmp_path)

    assert App.load(folder.name).path == folder
    assert App.load(Path()).path == folder


def test_a_loaded_app_is_taken_as_it_is(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"notes": NOTES}))

    assert App.load(app) is app


def test_an_empty_app_has_nothing() -> None:
    app = App.empty()

    assert app.functions == {}
    assert app.schema.tables == {}


@pytest.mark.parametrize("source", ["no_such_package", "math", "no/such/folder", "a b", "."])
def test_what_is_no_app_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AppError) as raised:
        App.load(source)

    assert (str(tmp_path) if source == "." else source) in str(raised.value)


def test_the_tests_beside_an_app_are_no_second_one(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_notes.py").write_text("")

    assert App.load(tmp_path).path == folder


def test_a_folder_around_two_apps_is_refused(tmp_path: Path) -> None:
    write_app(tmp_path, {"notes": NOTES})
    write_app(tmp_path, {"notes": NOTES})

    with pytest.raises(AppError, match="found 2 folders"):
        App.load(tmp_path)


def test_a_folder_that_python_cannot_import_is_refused(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES}, name="my-app")

    with pytest.raises(AppError, match="'my-app' cannot be imported as a package"):
        App.load(folder)


def test_paths_follow_the_folders_of_the_modules(tmp_path: Path) -> None:
    one = """
        from livefile import *

        @query
        def one(ctx: QueryCtx) -> int:
            return 1

        @query(name="default")
        def main(ctx: QueryCtx) -> int:
            return 2
    """
    folder = write_app(
        tmp_path,
        {"__init__": one, "notes": one, "admin.__init__": one, "admin.users": one, "a.b.c": one},
    )
    modules = {path.partition(":")[0] for path in App.load(folder).functions}

    assert modules == {"index", "notes", "admin", "admin/users", "a/b/c"}
    assert "admin/users:default" in App.load(folder).functions


def test_a_function_that_another_module_imports_has_one_path(tmp_path: Path) -> None:
    other = "from .notes import version as current, Note\n"
    app = App.load(write_app(tmp_path, {"notes": NOTES, "other": other}))

    assert app.functions.keys() == {"notes:version", "notes:hidden"}
    assert app.path_of(app.functions["notes:version"]) == "notes:version"


def test_two_functions_with_one_path_are_refused(tmp_path: Path) -> None:
    twice = (
        NOTES
        + """
    @query(name="version")
    def another(ctx: QueryCtx) -> int:
        return 2
    """
    )
    folder = write_app(tmp_path, {"notes": twice})
    with pytest.raises(AppError) as raised:
        App.load(folder)

    assert str(raised.value) == f"app {folder.name}: two functions have the path notes:version"


def test_two_classes_for_one_table_are_refused(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES, "copies": NOTES})

    with pytest.raises(AppError, match="two classes declare the table 'notes'"):
        App.load(folder)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_broken_module_shows_the_traceback_from_its_own_file(
    tmp_path: Path, line: str, error: str
) -> None:
    folder = write_app(tmp_path, {"notes": NOTES, "broken": f"import json\n\n{line}\n"})
    with pytest.raises(AppError) as raised:
        App.load(folder)
    text = str(raised.value)

    assert text.startswith(f"app {folder.name}: ")
    assert f'File "{folder / "broken.py"}", line 3' in text
    assert error in text
    assert "importlib" not in text
    assert "livefile/functions" not in text


def test_a_mistake_in_a_table_shows_when_the_app_is_loaded(tmp_path: Path) -> None:
    source = """
        from livefile import *

        class Note(Table, name="notes"):
            text: set[str]
    """
    folder = write_app(tmp_path, {"notes": source})

    with pytest.raises(AppError, match=r"table notes, field text: .*set\[str\]"):
        App.load(folder)


def test_a_mistake_in_a_signature_shows_when_the_app_is_loaded(tmp_path: Path) -> None:
    source = (
        NOTES
        + """
    @action
    async def fetch(ctx: ActionCtx, urls: set[str]) -> None: ...
    """
    )
    folder = write_app(tmp_path, {"notes": source})

    with pytest.raises(AppError, match=r"function fetch, urls: .*set\[str\]"):
        App.load(folder)


def test_a_broken_app_can_be_loaded_once_it_is_mended(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"a": NOTES, "b": "1 / 0\n"})
    with pytest.raises(AppError):
        App.load(folder)
    write_app(tmp_path, {"a": NOTES.replace("version", "edition"), "b": EMPTY}, folder.name)

    assert App.load(folder).functions.keys() == {"a:edition", "a:hidden"}


def test_reloading_gives_the_new_code_and_the_old_app_stays_usable(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    before = App.load(folder)
    write_app(tmp_path, {"notes": NOTES.replace("return 1", "return 2")}, folder.name)
    after = before.reload()

    assert [result_of(app) for app in (before, after)] == [1, 2]
    assert after.code_hash != before.code_hash
    assert after.path_of(before.functions["notes:version"]) == "notes:version"


def test_an_edit_of_the_same_length_within_a_second_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = write_app(tmp_path, {"notes": NOTES})
    app = App.load(folder)
    for number in range(2, 6):
        write_app(tmp_path, {"notes": NOTES.replace("return 1", f"return {number}")}, folder.name)
        app = app.reload()

        assert result_of(app) == number


def test_modules_come_and_go_with_a_reload(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES, "more": NOTES.replace('"notes"', '"more"')})
    app = App.load(folder)
    (folder / "more.py").unlink()
    write_app(tmp_path, {"other": EMPTY}, folder.name)
    reloaded = app.reload()

    assert reloaded.schema.tables.keys() == {"notes"}
    assert {file.name for file in reloaded.source_files} == {"notes.py", "other.py"}


def test_a_reload_that_fails_keeps_the_old_modules(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES, "other": "from . import notes\n"})
    app = App.load(folder)
    modules = {name: module for name, module in sys.modules.items() if folder.name in name}
    write_app(
        tmp_path, {"notes": NOTES.replace("return 1", "return 2"), "other": "1/0"}, folder.name
    )
    with pytest.raises(AppError, match="ZeroDivisionError"):
        app.reload()

    assert result_of(app) == 1
    assert {n: m for n, m in sys.modules.items() if folder.name in n} == modules
    assert importlib.import_module(f"{folder.name}.notes") is modules[f"{folder.name}.notes"]


def test_a_reload_after_a_failed_one_gives_the_mended_code(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES})
    app = App.load(folder)
    write_app(tmp_path, {"notes": NOTES + "    1 / 0\n"}, folder.name)
    with pytest.raises(AppError):
        app.reload()
    write_app(tmp_path, {"notes": NOTES.replace("return 1", "return 3")}, folder.name)

    assert result_of(app.reload()) == 3


def test_apps_of_one_name_in_two_folders_are_two_apps(tmp_path: Path) -> None:
    first = write_app(tmp_path / "first", {"notes": NOTES}, name="twin")
    second = write_app(
        tmp_path / "second", {"notes": NOTES.replace("return 1", "return 2")}, name="twin"
    )

    assert [result_of(App.load(folder)) for folder in (first, second)] == [1, 2]


def test_a_script_beside_an_app_is_not_of_it(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"__init__": EMPTY, "notes": NOTES}, name="beside")
    (tmp_path / "script.py").write_text("raise RuntimeError('it ran')")

    app = App.load(tmp_path)

    assert app.path == folder


@pytest.mark.parametrize("name", ["logging", "this"])
def test_an_app_may_not_take_the_name_of_a_module_of_python(tmp_path: Path, name: str) -> None:
    folder = write_app(tmp_path, {"notes": NOTES}, name=name)
    with pytest.raises(AppError, match=f"{name!r} is a module of Python"):
        App.load(folder)

    assert sys.modules["logging"] is logging


@pytest.mark.parametrize("modules", [{"notes": NOTES}, {"__init__": EMPTY, "notes": NOTES}])
def test_an_app_may_not_take_the_place_of_a_package_that_is_in_use(
    tmp_path: Path, modules: dict[str, str]
) -> None:
    folder = write_app(tmp_path, modules, name="hypothesis")
    with pytest.raises(AppError, match="'hypothesis' is another package for Python"):
        App.load(folder)

    assert sys.modules["hypothesis"] is hypothesis


def test_the_code_hash_depends_on_every_source_file(tmp_path: Path) -> None:
    folder = write_app(tmp_path, {"notes": NOTES, "a.b": EMPTY})
    hashes = {App.load(folder).code_hash}
    for module in ("notes", "a.b"):
        file = folder.joinpath(*module.split(".")).with_suffix(".py")
        file.write_text(file.read_text() + "# A comment.\n")
        hashes.add(App.load(folder).reload().code_hash)

    assert len(hashes) == 3
    assert all(len(code_hash) == 16 for code_hash in hashes)


def test_a_function_that_is_not_there_or_internal_has_one_answer(tmp_path: Path) -> None:
    app = App.load(write_app(tmp_path, {"notes": NOTES}))
    texts = []
    for path in ("notes:hidden", "notes:nothing", "nothing:default"):
        with pytest.raises(FunctionNotFoundError) as raised:
            app.find(path, is_internal_allowed=False)
        texts.append(str(raised.value))

    assert texts == [
        "Could not find public function for 'notes:hidden'.",
        "Could not find public function for 'notes:nothing'.",
        "Could not find public function for 'nothing'.",
    ]
    assert app.find("notes:hidden", is_internal_allowed=True).is_internal


def test_a_function_of_another_app_has_no_path(tmp_path: Path) -> None:
    one = App.load(write_app(tmp_path, {"notes": NOTES}))
    other = App.load(write_app(tmp_path, {"others": NOTES}))

    with pytest.raises(FunctionNotFoundError, match=f"is no function of app {one.name}"):
        one.path_of(other.functions["others:version"])


def test_a_description_lists_functions_and_tables_in_order(tmp_path: Path) -> None:
    description = App.load(write_app(tmp_path, {"notes": NOTES})).describe()

    assert [function.path for function in description.functions] == [
        "notes:hidden",
        "notes:version",
    ]
    (table,) = description.tables
    assert (table.name, table.indexes) == ("notes", {"by_text": ("text",)})
    assert str(table.document) == "v.object({text: v.string()})"


def result_of(app: App) -> object:
    with Livefile.open(":memory:", app) as livefile:
        return livefile.query("notes:version")
