import stat
from pathlib import Path

import pytest

from livefile_server.dev.running import RunningServer, find_note, leave_note, remove_note

SERVER = RunningServer(url="http://127.0.0.1:3210", admin_key="dev|00")


def test_a_note_is_found_from_every_folder_of_the_project(tmp_path: Path) -> None:
    leave_note(tmp_path / "project/.livefile", SERVER)
    inside = tmp_path / "project" / "web" / "src"
    inside.mkdir(parents=True)

    assert find_note(inside) == SERVER
    assert find_note(tmp_path / "project") == SERVER
    assert find_note(tmp_path) is None


def test_a_note_is_for_its_owner_only_and_ignored_by_git(tmp_path: Path) -> None:
    path = leave_note(tmp_path / ".livefile", SERVER)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_note_takes_the_place_of_a_stale_one_with_other_rights(tmp_path: Path) -> None:
    stale = leave_note(
        tmp_path / ".livefile", RunningServer(url="http://127.0.0.1:1", admin_key="dev|11")
    )
    stale.chmod(0o644)

    path = leave_note(tmp_path / ".livefile", SERVER)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find_note(tmp_path) == SERVER


def test_a_removed_note_is_gone_and_may_be_removed_again(tmp_path: Path) -> None:
    path = leave_note(tmp_path / ".livefile", SERVER)

    remove_note(path)
    remove_note(path)

    assert find_note(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"http://x"'])
def test_half_a_note_is_none(tmp_path: Path, text: str) -> None:
    leave_note(tmp_path / ".livefile", SERVER).write_text(text)

    assert find_note(tmp_path) is None
