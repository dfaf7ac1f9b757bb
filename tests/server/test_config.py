import logging
import socket
import sys
from pathlib import Path

import pytest

from livefile_server.settings.config import (
    PORT_MAX,
    Config,
    load_config,
    read_config_file,
    variable_name,
)
from livefile_server.settings.errors import ConfigError, PortTakenError
from livefile_server.settings.log import set_up_logging
from livefile_server.settings.port import first_free_port, free_site_port, require_free_port
from livefile_server.settings.project import Project
from tests.acceptance.server_process import free_port


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_option_the_defaults_hold(in_folder: Path) -> None:
    assert load_config({}) == Config(app=".", db=None, host="127.0.0.1", port=3210)


def test_what_is_given_wins_over_the_file_and_the_file_over_the_default(in_folder: Path) -> None:
    (in_folder / "livefile.toml").write_text('port = 4000\nhost = "0.0.0.0"\n')

    config = load_config({"port": 5000, "host": None})

    assert config == Config(port=5000, host="0.0.0.0")


def test_the_file_is_the_one_in_the_directory_of_the_app(in_folder: Path) -> None:
    (in_folder / "livefile.toml").write_text("port = 1\n")
    (in_folder / "chat").mkdir()
    (in_folder / "chat" / "livefile.toml").write_text("port = 2\n")

    assert load_config({"app": "chat"}).port == 2
    assert load_config({"app": "a_package"}).port == 1


def test_a_named_file_is_read_instead(in_folder: Path) -> None:
    (in_folder / "livefile.toml").write_text("port = 1\n")
    (in_folder / "other.toml").write_text("port = 3\n")

    assert load_config({}, in_folder / "other.toml").port == 3


def test_paths_in_the_file_begin_at_its_folder(in_folder: Path) -> None:
    project = in_folder / "project"
    (project / "page").mkdir(parents=True)
    (project / "chat").mkdir()
    (project / "livefile.toml").write_text(
        'app = "chat"\ndb = "data/chat.db"\nweb = "page"\nout = "/types"\n'
    )

    config = load_config({}, project / "livefile.toml")

    assert config == Config(
        app=str(project / "chat"),
        db=project / "data/chat.db",
        web=project / "page",
        out=Path("/types"),
    )


def test_the_import_name_of_a_package_in_the_file_stays_one(in_folder: Path) -> None:
    (in_folder / "livefile.toml").write_text('app = "installed_app"\n')

    assert load_config({}).app == "installed_app"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 1", "unknown option 'prot'; the options are app, behind_proxy, db, host, "),
        ('port = "1"', "port must be a whole number; it is '1'"),
        ("port = true", "port must be a whole number; it is True"),
        ("host = 1", "host must be a text; it is 1"),
        ('origin = "https://a.example"', "origin must be a list of texts"),
        ("origin = [1]", "origin must be a text; it is [1]"),
        ("db = [1]", "db must be a text"),
        ("port =", "is no valid TOML"),
        ("host = '\udcff'", "is no valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(in_folder: Path, text: str, complaint: str) -> None:
    path = in_folder / "livefile.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ConfigError, match=r"livefile\.toml") as caught:
        load_config({})

    assert complaint in str(caught.value)


def test_a_named_file_that_is_missing_is_an_error(in_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml: No such file"):
        read_config_file(in_folder / "none.toml")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"port": 65_536}, "port must be from 0 to 65535; it is 65536"),
        ({"port": -1}, "it is -1"),
        ({"site_port": 65_536}, "site-port must be from 0 to 65535; it is 65536"),
        ({"site_port": 3210}, "site-port must be another one than port; both are 3210"),
        ({"origin": ("chat.example",)}, "origin must be a scheme and a host"),
        ({"origin": ("https://chat.example/",)}, "it is 'https://chat.example/'"),
        ({"origin": ("https://Chat.example",)}, "it is 'https://Chat.example'"),
        ({"origin": ("https://a@chat.example",)}, "it is 'https://a@chat.example'"),
        ({"origin": ("*",)}, "it is '*'"),
        ({"public_url": "api.example"}, "public-url must be a scheme and a host"),
        ({"public_url": "https://api.example/"}, "it is 'https://api.example/'"),
        ({"public_url": "null"}, "it is 'null'"),
        ({"behind_proxy": "proxy.example"}, "behind-proxy must be addresses or networks"),
        ({"behind_proxy": "10.0.0.1/8"}, "10.0.0.1/8 has host bits set"),
        ({"host": ""}, "host must not be empty"),
        ({"web": Path("missing")}, "web must be a folder with a built page; missing is none"),
    ],
)
def test_an_option_out_of_range_is_refused(
    in_folder: Path, given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(given)

    assert complaint in str(caught.value)


def test_every_option_has_its_variable() -> None:
    assert variable_name("--admin-key") == "LIVEFILE_ADMIN_KEY"
    assert variable_name("port") == "LIVEFILE_PORT"


def test_a_project_without_a_page_has_its_types_at_its_root(tmp_path: Path) -> None:
    project = Project(folder=tmp_path, name="chat")

    assert project.page is None
    assert project.generated == tmp_path / "convex/_generated"
    assert project.database == tmp_path / ".livefile/chat.db"


def test_a_project_with_a_page_has_its_types_there(tmp_path: Path) -> None:
    (tmp_path / "web" / "dist").mkdir(parents=True)

    project = Project(folder=tmp_path, name="chat")

    assert project.page == tmp_path / "web/dist"
    assert project.generated == tmp_path / "web/convex/_generated"


def test_a_taken_port_is_told_and_the_next_free_one_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken"):
            require_free_port("127.0.0.1", port)
        assert first_free_port("127.0.0.1", port, tries=10) > port
        with pytest.raises(PortTakenError, match=f"port {port} "):
            first_free_port("127.0.0.1", port, tries=1)


def test_a_free_port_is_taken_as_it_is() -> None:
    port = free_port()

    require_free_port("127.0.0.1", port)

    assert first_free_port("127.0.0.1", port, tries=10) == port


def test_origins_and_proxies_are_read_from_the_file(in_folder: Path) -> None:
    (in_folder / "livefile.toml").write_text(
        'origin = ["https://chat.example", "http://localhost:5173", "null"]\n'
        'behind_proxy = "127.0.0.1, 10.0.0.0/8,fd00::/8"\nsite_port = 0\n'
    )

    config = load_config({})

    assert config.origin == ("https://chat.example", "http://localhost:5173", "null")
    assert [str(each) for each in config.proxies] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]
    assert config.site_port == 0


def test_the_second_port_is_the_one_after_unless_told_otherwise() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert free_site_port("127.0.0.1", None, port - 1) is None
        assert free_site_port("127.0.0.1", 0, port) is None
        assert free_site_port("127.0.0.1", None, 0) == 0
        assert free_site_port("127.0.0.1", None, PORT_MAX) is None
        with pytest.raises(PortTakenError, match=r"is taken .* with --site-port"):
            free_site_port("127.0.0.1", port, 1)
    free = free_port()
    assert free_site_port("127.0.0.1", None, free - 1) == free
    assert free_site_port("127.0.0.1", free, 1) == free


def test_an_address_of_another_machine_is_a_wrong_option() -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        require_free_port("192.0.2.1", free_port())


def test_the_log_goes_to_stderr_in_plain_lines_where_nobody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        set_up_logging()
        logging.getLogger("livefile").info("opened %s", "chat.db")
    finally:
        root.handlers[:], root.level = before, level

    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("INFO livefile: opened chat.db\n")
    assert not sys.stderr.isatty()
