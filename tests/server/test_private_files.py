import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefile_server.settings.errors import ConfigError
from livefile_server.settings.private_files import keep_files_private


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_files_are_for_their_owner_only(tmp_path: Path) -> None:
    keep_files_private(tmp_path / "chat.db")

    (tmp_path / "any").write_text("")
    assert mode_of(tmp_path / "any") == 0o600


@pytest.mark.parametrize(("mode", "kept"), [(0o644, 0o640), (0o666, 0o660), (0o600, 0o600)])
def test_a_database_that_is_there_is_closed_to_others(tmp_path: Path, mode: int, kept: int) -> None:
    database = tmp_path / "chat.db"
    database.touch()
    database.chmod(mode)

    keep_files_private(database)

    assert mode_of(database) == kept


@pytest.mark.parametrize("mode", [0o777, 0o703])
def test_a_folder_in_which_everybody_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)

    with pytest.raises(ConfigError) as caught:
        keep_files_private(folder / "chat.db")

    assert str(caught.value) == (
        f"everybody may write into the folder {folder} (mode {mode:o}), and so replace chat.db; "
        f"take that away with `chmod o-w {folder}`"
    )
    assert not list(folder.iterdir())


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775, 0o1777])
def test_other_folders_are_taken(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)

    keep_files_private(tmp_path / "chat.db")


def test_a_folder_that_is_missing_is_left_to_whoever_opens_the_file(tmp_path: Path) -> None:
    keep_files_private(tmp_path / "none" / "chat.db")
