"""``livefile env`` on a file that no server has open, and its mistakes; in this process."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livefile import Livefile
from livefile_server.cli.main import main


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bot.db"
    Livefile.open(path).close()
    return path


def env(*words: str, given: str | None = None) -> Result:
    """Run ``livefile env`` with ``given`` on its standard input."""
    return CliRunner().invoke(main, ["env", *words], input=given)


def test_variables_are_set_shown_and_removed(db: Path) -> None:
    here = ("--db", str(db))
    assert env("set", "A", "one two", *here).exit_code == 0
    assert env("set", "B=x=y", *here).exit_code == 0
    assert env("set", "C", *here, given="from\ninput\n").exit_code == 0
    assert env("set", "D", "", *here).exit_code == 0

    assert env("list", *here).stdout == "A='one two'\nB=x=y\nC='from\ninput'\nD=''\n"
    assert env("get", "C", *here).stdout == "from\ninput\n"
    assert env("unset", "A", "C", *here).exit_code == 0
    assert json.loads(env("list", "--json", *here).stdout) == {"B": "x=y", "D": ""}


def test_what_is_told_of_a_change_does_not_show_the_value(db: Path) -> None:
    done = env("set", "A", "SECRET", "--db", str(db))

    assert done.stderr == "A is set.\n"
    assert done.stdout == ""


def test_a_variable_that_is_not_there_is_an_error(db: Path) -> None:
    env("set", "A", "1", "--db", str(db))
    missing = env("get", "NOTHING", "--db", str(db))
    unset = env("unset", "A", "NOTHING", "--db", str(db))

    assert (missing.exit_code, missing.stderr) == (1, "Error: NOTHING is not set\n")
    assert (unset.exit_code, unset.stderr) == (1, "Error: NOTHING: not set; nothing was changed\n")
    assert env("get", "A", "--db", str(db)).stdout == "1\n"


def test_a_bad_name_is_told_without_the_value(db: Path) -> None:
    bad = env("set", "A-B", "SECRET", "--db", str(db))

    assert bad.exit_code == 1
    assert "'A-B' does not" in bad.stderr
    assert "SECRET" not in bad.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no running `livefile dev` in this project"),
        (("--db", "none.db"), "there is no file none.db"),
        (("--db", "bot.db", "--url", "http://127.0.0.1:1", "--admin-key", "x"), "exclude each"),
        (("--url", "http://127.0.0.1:1"), "--url needs --admin-key"),
    ],
)
def test_a_deployment_must_be_named(db: Path, words: tuple[str, ...], message: str) -> None:
    refused = env("list", *words)

    assert refused.exit_code == 2
    assert message in refused.stderr
    assert not db.with_name("none.db").exists()


def test_a_server_that_does_not_answer_is_named(db: Path) -> None:
    refused = env("list", "--url", "http://127.0.0.1:1", "--admin-key", "x")

    assert refused.exit_code == 1
    assert "no answer from http://127.0.0.1:1" in refused.stderr
