"""A token server for a registry: who asks with the right password gets a signed token.

https://distribution.github.io/distribution/spec/auth/jwt/
"""

import base64
import binascii
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.serialization import Encoding

from lab.certificates import Certificate, make_authority, make_certificate

SERVICE = "registry of the lab"
ISSUER = "token server of the lab"
# Registries take a token for as long as this after its end, for the sake of clocks.
LEEWAY_SECONDS = 60


@dataclass(frozen=True)
class Asked:
    """`user` is empty for nobody; `method` tells OAuth (POST) from the older way."""

    method: str
    user: str
    scopes: tuple[str, ...]
    service: str


@dataclass
class TokenServer:
    """`users` are passwords by name, `identity_tokens` names by token.

    Users may do all that they ask for, nobody may pull. Registries take a token for `lifetime`
    seconds or one more; `announced` is what clients are told instead, when it differs.
    """

    authority: Certificate
    signer: Certificate
    users: dict[str, str]
    identity_tokens: dict[str, str] = field(default_factory=dict)
    lifetime: int = 300
    announced: int | None = None
    host: str = ""
    asked: list[Asked] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)

    @property
    def realm(self) -> str:
        return f"http://{self.host}/token"

    def settings(self, realm: str = "") -> Mapping[str, str]:
        """What a registry has to know; `realm` is where it sends its clients, if not here."""
        return {
            "realm": realm or self.realm,
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(self.authority.file),
        }

    def answer(self, asked: Asked) -> Mapping[str, Any]:
        self.asked.append(asked)
        token = self._token(asked)
        self.issued.append(token)
        told = self.lifetime if self.announced is None else self.announced
        name = "access_token" if asked.method == "POST" else "token"
        return {name: token, "expires_in": told}

    def _token(self, asked: Asked) -> str:
        # Not a part of a second less than it was told.
        ends = int(time.time()) + 1 - LEEWAY_SECONDS + self.lifetime
        claims = {
            "iss": ISSUER,
            "sub": asked.user,
            "aud": asked.service,
            "exp": ends,
            "nbf": ends - 3600,
            "access": [_granted(scope, asked.user) for scope in asked.scopes],
        }
        certificate = self.signer.certificate.public_bytes(Encoding.DER)
        chain = [base64.b64encode(certificate).decode()]
        return jwt.encode(claims, self.signer.key, "RS256", headers={"x5c": chain})

    def user_of(self, authorization: str, form: Mapping[str, list[str]]) -> str | None:
        """The name, empty for nobody; None for who says to be somebody and is not."""
        if tokens := form.get("refresh_token"):
            return self.identity_tokens.get(tokens[0])
        if form.get("grant_type") == ["password"]:
            # So asks an engine that keeps its images in containerd.
            return self._known(form["username"][0], form["password"][0])
        if not authorization:
            return ""
        try:
            shown = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        user, _, password = shown.partition(":")
        return self._known(user, password)

    def _known(self, user: str, password: str) -> str | None:
        return user if self.users.get(user) == password else None


def _granted(scope: str, user: str) -> Mapping[str, Any]:
    kind, name, actions = scope.split(":")
    wanted = actions.split(",")
    return {
        "type": kind,
        "name": name,
        "actions": wanted if user else [one for one in wanted if one == "pull"],
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go separately, and must not wait for one another.
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        self._answer({}, parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = parse_qs(body)
        scopes = [word for scope in form.get("scope", ()) for word in scope.split()]
        self._answer(form, {**form, "scope": scopes})

    def _answer(self, form: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> None:
        tokens = self.server.tokens
        user = tokens.user_of(self.headers.get("Authorization", ""), form)
        if user is None:
            refusal = {"code": "UNAUTHORIZED", "message": "user or password is wrong"}
            self._send(HTTPStatus.UNAUTHORIZED, {"errors": [refusal]})
            return
        service = wanted.get("service", [""])[0]
        asked = Asked(self.command, user, tuple(wanted.get("scope", ())), service)
        self._send(HTTPStatus.OK, tokens.answer(asked))

    def _send(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The tests look at what was asked, not at a log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tokens: TokenServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens = tokens

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def token_server(folder: Path, users: Mapping[str, str]) -> Iterator[TokenServer]:
    """`folder` gets the keys and certificates. Start a registry for it by
    `start_registry(..., token=tokens.settings())`."""
    authority = make_authority(folder)
    tokens = TokenServer(authority, make_certificate(folder, authority, "127.0.0.1"), dict(users))
    server = _Server(tokens)
    tokens.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield tokens
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
