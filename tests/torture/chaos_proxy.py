"""A proxy that treats connections as a bad network does; its moods come from a seed.

Each connection gets one fate when it begins: it is cut after so many bytes one way or the other,
delayed, passed on byte by byte, swallowed from some byte on, or given a second connection to the
server that says all the same. Once calm, the proxy only passes on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from random import Random
from typing import Self

_CHUNK_BYTES = 65536
_BYTES_MEAN = 2500
_DELAY_S_MAX = 0.02
_DRIBBLED_BYTES_MAX = 400


class Fate(Enum):
    """What becomes of a connection."""

    FINE = "fine"
    CUT_UP = "cut up"
    CUT_DOWN = "cut down"
    DELAYED = "delayed"
    DRIBBLED = "dribbled"
    SWALLOWED_UP = "swallowed up"
    SWALLOWED_DOWN = "swallowed down"
    DOUBLED = "doubled"


_FATES = (*Fate, Fate.CUT_UP, Fate.CUT_UP, Fate.CUT_DOWN, Fate.CUT_DOWN, Fate.DOUBLED)


class ChaosProxy:
    """Listens on ``port`` of this machine; ``target`` says where the server listens now."""

    def __init__(self, target: Callable[[], int], random: Random) -> None:
        self.port = 0
        self.fates: Counter[Fate] = Counter()
        self._target = target
        self._random = random
        self._is_calm = False
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        while self._tasks:  # Some of them begin only now.
            self.cut_all()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def calm_down(self) -> None:
        """Treat every connection well from now on. Those that are there are cut."""
        self._is_calm = True
        self.cut_all()

    def cut_all(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Known before its task begins: a task that is cancelled before that would close nothing.
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._forget(task, writer))

    def _forget(self, task: "asyncio.Task[None]", writer: asyncio.StreamWriter) -> None:
        self._tasks.discard(task)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = Fate.FINE if self._is_calm else self._random.choice(_FATES)
        self.fates[fate] += 1
        mine: list[asyncio.StreamWriter] = []
        try:
            server_reader, server_writer = await self._connect(mine)
            ups = [server_writer]
            pumps = []
            if fate is Fate.DOUBLED:
                echo_reader, echo_writer = await self._connect(mine)
                ups.append(echo_writer)
                pumps.append(self._pump(echo_reader, [], Fate.FINE, is_up=False))
            pumps.append(self._pump(reader, ups, fate, is_up=True))
            pumps.append(self._pump(server_reader, [writer], fate, is_up=False))
            running = [asyncio.ensure_future(pump) for pump in pumps]
            try:
                # As soon as one side is gone, so is the other.
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in running:
                    pump.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        except OSError:
            pass  # The server is down, and the client shall see that.
        finally:
            for each in mine:
                each.transport.abort()
                self._writers.discard(each)

    async def _connect(
        self, mine: list[asyncio.StreamWriter]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target())
        mine.append(writer)
        self._writers.add(writer)
        return reader, writer

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writers: list[asyncio.StreamWriter],
        fate: Fate,
        *,
        is_up: bool,
    ) -> None:
        """Pass on what comes, until the connection's fate is fulfilled or one side is gone."""
        is_cut = fate is (Fate.CUT_UP if is_up else Fate.CUT_DOWN)
        is_swallowed = fate is (Fate.SWALLOWED_UP if is_up else Fate.SWALLOWED_DOWN)
        bytes_left = int(self._random.expovariate(1 / _BYTES_MEAN))
        dribbled_left = _DRIBBLED_BYTES_MAX if fate is Fate.DRIBBLED else 0
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                if fate is Fate.DELAYED:
                    await asyncio.sleep(self._random.random() * _DELAY_S_MAX)
                if is_cut or is_swallowed:
                    data, bytes_left = data[:bytes_left], max(0, bytes_left - len(data))
                for byte in data[:dribbled_left]:
                    await _write(writers, bytes([byte]))
                if len(data) > dribbled_left:
                    await _write(writers, data[dribbled_left:])
                dribbled_left = max(0, dribbled_left - len(data))
                if is_cut and not bytes_left:
                    return


async def _write(writers: list[asyncio.StreamWriter], data: bytes) -> None:
    for writer in writers:
        writer.write(data)
        await writer.drain()
    await asyncio.sleep(0)  # So that the bytes leave by themselves.
