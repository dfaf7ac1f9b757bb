from collections.abc import Iterator

import pytest

from livefile.system.environment import (
    Environment,
    change_variables,
    read_variable,
    read_variables,
)
from livefile.vocabulary.errors import EnvironmentVariableError, VariableNotSetError
from livefile.vocabulary.limits import (
    ENVIRONMENT_NAME_LENGTH_MAX,
    ENVIRONMENT_VALUE_SIZE_BYTES_MAX,
    ENVIRONMENT_VARIABLES_MAX,
)
from tests.workbench import Workbench


@pytest.fixture
def bench() -> Iterator[Workbench]:
    with Workbench() as opened:
        yield opened


def change(bench: Workbench, changes: dict[str, str | None]) -> None:
    transaction = bench.head()
    change_variables(transaction, changes)
    bench.commit(transaction)
    bench.settle()


def variables(bench: Workbench) -> dict[str, str]:
    transaction = bench.on_snapshot()
    found = read_variables(transaction)
    bench.give_back(transaction)
    return found


def refusal(bench: Workbench, changes: dict[str, str | None]) -> EnvironmentVariableError:
    with pytest.raises(EnvironmentVariableError) as refused:
        change(bench, changes)
    bench.settle()
    return refused.value


def test_variables_are_set_replaced_and_removed_together(bench: Workbench) -> None:
    change(bench, {"B": "two", "A": "one", "EMPTY": ""})
    change(bench, {"A": "other", "B": None, "NEVER": None, "C": "three"})

    assert variables(bench) == {"A": "other", "C": "three", "EMPTY": ""}
    assert list(variables(bench)) == ["A", "C", "EMPTY"]


def test_a_value_that_stays_writes_nothing(bench: Workbench) -> None:
    change(bench, {"A": "one"})
    ts = bench.published_ts
    change(bench, {"A": "one"})

    assert bench.published_ts == ts


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "EnvironmentVariableNameInvalid"),
        ("9LIVES", "EnvironmentVariableNameInvalid"),
        ("A-B", "EnvironmentVariableNameInvalid"),
        ("A B", "EnvironmentVariableNameInvalid"),
        ("A\n", "EnvironmentVariableNameInvalid"),
        ("Ä", "EnvironmentVariableNameInvalid"),
        ("\ud800", "EnvironmentVariableNameInvalid"),
        ("A" * (ENVIRONMENT_NAME_LENGTH_MAX + 1), "EnvironmentVariableNameTooLong"),
        ("CONVEX_CLOUD_URL", "EnvVarNameForbidden"),
        ("CONVEX_SITE_URL", "EnvVarNameForbidden"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_all_of_the_change(
    bench: Workbench, name: str, code: str
) -> None:
    assert refusal(bench, {"GOOD": "1", name: "2"}).code == code
    assert refusal(bench, {"GOOD": "1", name: None}).code == code
    assert variables(bench) == {}


def test_a_name_may_be_as_long_as_the_limit(bench: Workbench) -> None:
    name = "_" + "a" * (ENVIRONMENT_NAME_LENGTH_MAX - 1)
    change(bench, {name: "x"})

    assert variables(bench) == {name: "x"}


def test_a_value_has_a_limit_in_bytes(bench: Workbench) -> None:
    change(bench, {"A": "é" * (ENVIRONMENT_VALUE_SIZE_BYTES_MAX // 2)})
    refused = refusal(bench, {"A": "é" * (ENVIRONMENT_VALUE_SIZE_BYTES_MAX // 2) + "x"})

    assert refused.code == "EnvironmentVariableValueTooLarge"
    assert "8193" in str(refused)
    assert refusal(bench, {"A": "\ud800"}).code == "EnvironmentVariableValueInvalid"


def test_an_error_never_quotes_a_value(bench: Workbench) -> None:
    for value in ("SECRET" * 10_000, "SECRET\ud800"):
        assert "SECRET" not in str(refusal(bench, {"A": value}))


def test_there_is_a_limit_on_their_number(bench: Workbench) -> None:
    change(bench, {f"V{number}": "x" for number in range(ENVIRONMENT_VARIABLES_MAX)})

    assert refusal(bench, {"ONE_MORE": "x"}).code == "EnvVarLimitMet"
    change(bench, {"ONE_MORE": "x", "V0": None})
    assert len(variables(bench)) == ENVIRONMENT_VARIABLES_MAX


def test_a_look_up_conflicts_with_a_change_of_that_variable_only(bench: Workbench) -> None:
    change(bench, {"A": "1", "B": "1"})
    reading = {name: bench.on_snapshot() for name in ("A", "B", "ABSENT", "A_LONGER")}
    for name, transaction in reading.items():
        read_variable(transaction, name)
    listing = bench.on_snapshot()
    read_variables(listing)

    def touched_by(changes: dict[str, str | None]) -> set[str]:
        before = bench.published_ts
        change(bench, changes)
        (writes,) = bench.database.write_log.between(before, bench.published_ts)
        assert listing.reads.is_touched_by(writes)
        return {
            name
            for name, transaction in reading.items()
            if bench.database.write_log.has_conflict(transaction.reads, before)
        }

    assert touched_by({"A": "2"}) == {"A"}
    assert touched_by({"ABSENT": "1"}) == {"ABSENT"}
    assert touched_by({"B": None}) == {"B"}


def test_env_is_a_mapping_with_the_addresses_of_the_server(bench: Workbench) -> None:
    change(bench, {"A": "1", "Z": "2"})
    transaction = bench.on_snapshot()
    built_in = {"CONVEX_CLOUD_URL": "http://127.0.0.1:3210"}
    env = Environment(lambda body: body(transaction), built_in)

    assert dict(env) == {"A": "1", "Z": "2", **built_in}
    assert list(env) == ["A", "CONVEX_CLOUD_URL", "Z"]
    assert len(env) == 3
    assert "A" in env
    assert "B" not in env
    assert env.get("B") is None
    assert env.get("B", "other") == "other"
    assert "1" not in repr(env)
    bench.give_back(transaction)


def test_a_missing_variable_says_how_to_set_it(bench: Workbench) -> None:
    transaction = bench.on_snapshot()
    env = Environment(lambda body: body(transaction), {})
    with pytest.raises(KeyError) as missing:
        env["API_KEY"]

    assert isinstance(missing.value, VariableNotSetError)
    assert str(missing.value) == (
        "environment variable API_KEY is not set; set it with `livefile env set API_KEY`"
    )
    bench.give_back(transaction)
