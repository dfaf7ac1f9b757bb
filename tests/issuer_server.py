"""An issuer's web server on a thread of its own: its configuration, its keys, and its bad days."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from aiohttp import web

from tests.token_issuer import TokenIssuer, key_set, rsa_key

WAIT_S = 30.0


class IssuerServer:
    """What is served may be changed at any time; ``requests`` counts them by path."""

    def __init__(self) -> None:
        self.address = ""
        self.status = 200
        self.content_type = "application/json"
        self.jwks_uri: str | None = None
        self.redirect: str | None = None
        self.requests: Counter[str] = Counter()
        self.signer = TokenIssuer(rsa_key())
        self.keys = key_set(self.signer.jwk)
        # Of the tokens that pages get at /token?user=...
        self.token_age_s = 0
        self.token_duration_s = 3600
        self.refused_users: set[str] = set()
        self._asked = threading.Condition()
        self.loop = asyncio.new_event_loop()
        self._may_answer = asyncio.Event()
        self._may_answer.set()

    def hold(self) -> None:
        """Answer nobody until ``let_go``."""
        self.loop.call_soon_threadsafe(self._may_answer.clear)

    def let_go(self) -> None:
        """Answer again, also those who wait."""
        self.loop.call_soon_threadsafe(self._may_answer.set)

    async def wait_for_requests(self, path: str, count: int) -> None:
        """Wait, on any event loop, until a path was asked for so often in all."""

        def wait() -> bool:
            with self._asked:
                return self._asked.wait_for(lambda: self.requests[path] >= count, 2 * WAIT_S)

        assert await asyncio.to_thread(wait), f"{path}: {self.requests[path]} times, not {count}"

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer any request."""
        with self._asked:
            self.requests[request.path] += 1
            self._asked.notify_all()
        await self._may_answer.wait()
        if self.redirect is not None:
            return web.Response(status=302, headers={"Location": self.redirect})
        if request.path == "/token":
            return self._give_token(request.query["user"])
        if request.path == "/.well-known/openid-configuration":
            jwks_uri = self.jwks_uri or f"{self.address}/keys"
            body = orjson.dumps({"issuer": self.address, "jwks_uri": jwks_uri})
        else:
            body = self.keys
        headers = {"Content-Type": self.content_type}
        return web.Response(status=self.status, body=body, headers=headers)

    def _give_token(self, user: str) -> web.Response:
        headers = {"Access-Control-Allow-Origin": "*"}
        if user in self.refused_users:
            return web.Response(status=401, headers=headers)
        now_s = int(time.time())
        times = {"iat": now_s - self.token_age_s, "exp": now_s + self.token_duration_s}
        # Every token is another one, as those of real issuers are.
        jti = str(self.requests["/token"])
        text = self.signer.token(iss=self.address, sub=user, jti=jti, **times)
        return web.Response(text=text, headers=headers)


@contextmanager
def run_issuer() -> Iterator[IssuerServer]:
    """Serve until the block is left."""
    issuer = IssuerServer()
    is_started = threading.Event()
    loop = issuer.loop

    async def start() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(issuer.answer, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        issuer.address = f"http://127.0.0.1:{site.port}"
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        is_started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="issuer of a test")
    thread.start()
    assert is_started.wait(WAIT_S)
    try:
        yield issuer
    finally:
        issuer.let_go()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        assert not thread.is_alive()
