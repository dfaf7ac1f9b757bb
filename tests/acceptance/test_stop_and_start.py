"""A server that is asked to stop: it answers, ends properly and leaves one file."""

import asyncio

from tests.acceptance.server_process import ADMIN_KEY, ServerProcess
from tests.acceptance.wire_socket import WireSocket, run_on_socket


def files_of(server: ServerProcess) -> list[str]:
    """Return the names of the database file and of everything that SQLite puts beside it."""
    return sorted(file.name for file in server.database.parent.glob("deployment.db*"))


def test_a_stopped_server_leaves_one_file_with_everything_in_it(own_server: ServerProcess) -> None:
    own_server.mutation("counters:add", {"name": "kept"})
    own_server.stop()
    assert files_of(own_server) == ["deployment.db"]
    own_server.start()

    assert own_server.query("counters:get", {"name": "kept"}) == 1


def test_clients_and_running_actions_do_not_hold_a_stop_up(own_server: ServerProcess) -> None:
    async def scenario(socket: WireSocket) -> None:
        await socket.connect()
        await socket.add_queries({0: ("counters:get", {"name": "stopping"})})
        await socket.receive_transition()
        args = {"name": "stopping", "times": 1_000_000, "pause_ms": 5}
        await socket.act(0, "counters:add_slowly", args)
        await socket.receive_until("Transition")
        await asyncio.to_thread(own_server.stop)
        await socket.receive_until_closed()

    run_on_socket(own_server.url, scenario)
    assert files_of(own_server) == ["deployment.db"]
    own_server.start()
    assert own_server.query("counters:get", {"name": "stopping"}) >= 1


def test_the_admin_key_is_shown_once_and_stays_the_same(own_server: ServerProcess) -> None:
    headers = {"Authorization": f"Convex {own_server.admin_key}"}
    own_server.stop()
    own_server.start()

    assert len(ADMIN_KEY.findall(own_server.read_output())) == 1
    body = {"path": "values:echo", "args": {"value": 1}}
    assert own_server.post("/api/function", body, headers)[0] == 200
