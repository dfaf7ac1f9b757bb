from tests.server.running_server import RunningServer
from tests.server.socket_client import open_socket, run_scenario
from tests.server.sync_client import add, connect, modify, mutation

COMMITS = 60
SIZE_BYTES = 500_000


def append(number: int) -> dict[str, object]:
    return {"topic": "t", "text": str(number)}


def test_a_slow_client_skips_to_the_newest_state(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            blob = add(0, "results:live_blob", [{"topic": "t", "size": SIZE_BYTES}])
            await client.send(modify(0, 1, blob))
            await client.read_until("Transition")
            # Three times what the buffers of both sides hold, and nobody reads meanwhile. Each is
            # a connection of its own, which takes long on a busy machine, so they are few.
            for number in range(COMMITS):
                body = {"path": "journal:append", "args": append(number)}
                assert server.post("/api/mutation", body).json["status"] == "success"
            transition_count = 0
            while not client.values[0].startswith(f"{COMMITS}:"):
                await client.read_until("Transition")
                transition_count += 1

            assert transition_count < COMMITS

    run_scenario(server, scenario)


def test_a_slow_client_gets_every_answer_in_order(server: RunningServer) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            blob = add(0, "results:live_blob", [{"topic": "t", "size": SIZE_BYTES}])
            await client.send(modify(0, 1, blob))
            # A slow query's first result may come after answers to what was asked later.
            await client.read_until("Transition")
            for number in range(COMMITS):
                await client.send(mutation(number, "journal:append", [append(number)]))
            answered: list[int] = []
            transition_count = 0
            while len(answered) < COMMITS or not client.values[0].startswith(f"{COMMITS}:"):
                frame = await client.read()
                if frame["type"] == "MutationResponse":
                    answered.append(frame["requestId"])
                else:
                    transition_count += 1

            assert answered == list(range(COMMITS))

    run_scenario(server, scenario)


def test_a_client_that_never_reads_does_not_keep_the_server_from_stopping(
    server: RunningServer,
) -> None:
    async def scenario(server: RunningServer) -> None:
        async with open_socket(server) as client:
            await client.send(connect())
            size_bytes = 15_000_000  # Twice this is more than the buffers of both sides hold.
            for query_id in range(2):
                args = [{"size": size_bytes, "letter": str(query_id)}]
                await client.send(
                    modify(query_id, query_id + 1, add(query_id, "results:blob", args))
                )
            await client.read_until("TransitionChunk")
            server.stop()

    run_scenario(server, scenario)

    assert not server.thread.is_alive()
