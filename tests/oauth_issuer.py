"""An OpenID Connect issuer at which users of tests sign in: real tokens, and its bad days."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import orjson

from tests.token_issuer import TokenIssuer, key_set, rsa_key

CLIENT_ID = "client of the app"
CLIENT_SECRET = "secret: of & the app"


class OAuthIssuer:
    """The issuer. ``changes`` replaces claims of its tokens, ``configuration`` what it says."""

    def __init__(self) -> None:
        self.address = ""
        self.signer = TokenIssuer(rsa_key())
        self.changes: dict[str, object] = {}
        self.configuration: dict[str, object] = {}
        self.refusals: list[str] = []
        self._asked: dict[str, dict[str, str]] = {}

    def approve(self, url: str, code: str = "the code") -> str:
        """Do what the issuer's page does when the user agrees; return the callback's query."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["code_challenge_method"] == "S256"
        self._asked[code] = asked
        return asked["state"]

    def configured(self) -> dict[str, object]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            **self.configuration,
        }

    def give_token(self, form: dict[str, str], authorization: str | None) -> dict[str, Any]:
        """Answer the token endpoint; all that is wrong is noted."""
        asked = self._asked.pop(form.get("code", ""), None)
        wanted = base64.b64encode(b"client+of+the+app:secret%3A+of+%26+the+app").decode()
        is_posted = form.get("client_secret") == CLIENT_SECRET
        verifier = form.get("code_verifier", "").encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=")
        checks = {
            "code": asked is not None,
            "client": is_posted or authorization == f"Basic {wanted}",
            "redirect_uri": asked is not None and form["redirect_uri"] == asked["redirect_uri"],
            "verifier": asked is not None and digest.decode() == asked["code_challenge"],
        }
        self.refusals += [name for name, is_right in checks.items() if not is_right]
        if asked is None or self.refusals:
            return {"error": "invalid_grant"}
        now_s = int(time.time())
        claims: dict[str, object] = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "sub": "ada",
            "nonce": asked["nonce"],
            "iat": now_s,
            "exp": now_s + 300,
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada",
            **self.changes,
        }
        return {"id_token": self.signer.token(**claims), "token_type": "Bearer"}


@contextmanager
def run_oauth_issuer() -> Iterator[OAuthIssuer]:
    """Serve until the block is left."""
    issuer = OAuthIssuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                state = issuer.approve(self.path)
                back = dict(parse_qsl(urlsplit(self.path).query))["redirect_uri"]
                self.send_response(302)
                self.send_header(
                    "Location", f"{back}?{urlencode({'code': 'the code', 'state': state})}"
                )
                self.end_headers()
            elif self.path == "/.well-known/openid-configuration":
                self._answer(orjson.dumps(issuer.configured()))
            else:
                self._answer(key_set(issuer.signer.jwk))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: found[0] for name, found in parse_qs(body).items()}
            answer = issuer.give_token(form, self.headers["Authorization"])
            self._answer(orjson.dumps(answer), 400 if "error" in answer else 200)

        def _answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, args=(0.01,), name="OAuth issuer of a test"
    )
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
