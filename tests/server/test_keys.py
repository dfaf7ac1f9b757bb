import re

import pytest

from livefile import ADMIN, Livefile, errors
from livefile_server.auth.keys import ADMIN_KEY_SETTING, AdminKeys


def test_a_key_is_made_once(livefile: Livefile) -> None:
    first = AdminKeys(livefile).make("my-app")
    second = AdminKeys(livefile).make("my-app")

    assert first is not None
    assert re.fullmatch(r"my-app\|[0-9a-f]{64}", first)
    assert second is None


def test_the_file_holds_only_a_hash_of_the_key(livefile: Livefile) -> None:
    key = AdminKeys(livefile).make("my-app")
    stored = livefile.read_setting(ADMIN_KEY_SETTING)

    assert key is not None
    assert stored is not None
    assert len(stored) == 32
    assert bytes.fromhex(key.partition("|")[2]) != stored


def test_the_key_stands_for_the_admin_also_after_a_restart(livefile: Livefile) -> None:
    key = AdminKeys(livefile).make("my-app")

    assert key is not None
    assert AdminKeys(livefile).check(key) == ADMIN
    assert AdminKeys(livefile).check(f"prod:{key}") == ADMIN
    assert AdminKeys(livefile).check(f" {key}\n") == ADMIN


def test_another_key_is_refused(livefile: Livefile) -> None:
    keys = AdminKeys(livefile)
    key = keys.make("my-app")
    assert key is not None
    name, _, secret = key.partition("|")

    for wrong in (
        "",
        "|",
        name,
        secret,
        f"{name}|",
        f"other|{secret}",
        f"{key}0",
        key[:-1],
        "\ud800",
    ):
        with pytest.raises(errors.UnauthenticatedError) as caught:
            keys.check(wrong)
        assert caught.value.code == "BadAdminKey"


def test_without_a_key_nobody_is_the_admin(livefile: Livefile) -> None:
    with pytest.raises(errors.UnauthenticatedError):
        AdminKeys(livefile).check("|")


def test_a_replaced_key_is_refused(livefile: Livefile) -> None:
    keys = AdminKeys(livefile)
    first = keys.make("my-app")
    second = keys.replace("my-app")

    assert first is not None
    assert keys.check(second) == ADMIN
    with pytest.raises(errors.UnauthenticatedError):
        keys.check(first)


def test_the_secret_has_256_bits_and_never_comes_twice(livefile: Livefile) -> None:
    keys = AdminKeys(livefile)

    secrets = {keys.replace("a").partition("|")[2] for _ in range(20)}

    assert len(secrets) == 20
    assert {len(bytes.fromhex(secret)) for secret in secrets} == {32}


@pytest.mark.parametrize("name", ["", "a|b", "a:b", "A", "-a", "ä", "a" * 64])
def test_an_instance_name_leaves_the_key_readable(livefile: Livefile, name: str) -> None:
    with pytest.raises(ValueError, match="An instance name has"):
        AdminKeys(livefile).make(name)


def test_a_key_of_one_run_is_worth_nothing_afterwards(livefile: Livefile) -> None:
    key = AdminKeys(livefile).make("my-app")
    assert key is not None

    assert AdminKeys(livefile, run_key="run|00").check("run|00") == ADMIN
    assert AdminKeys(livefile, run_key="run|00").check(key) == ADMIN
    with pytest.raises(errors.UnauthenticatedError):
        AdminKeys(livefile).check("run|00")
