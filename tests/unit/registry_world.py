"""Hosts that no test can have on its machine: all of them answer from memory."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from r2d_action.reference import Digest, Registry, Repository
from r2d_action.registry.auth import Credential
from r2d_action.registry.client import Client
from r2d_action.registry.login import Login
from r2d_action.registry.manifest import Blob, Manifest
from r2d_action.retry import Retry

HOST = "registry.example.org"
AUTH = "auth.example.org"
ALICE = Credential("alice", "s3cret-password", "the test")
BASIC = "Basic YWxpY2U6czNjcmV0LXBhc3N3b3Jk"
BODY = b'{"schemaVersion": 2}'
MANIFEST = Manifest("application/vnd.oci.image.manifest.v1+json", BODY)
DATA = b"some bytes of a layer"
BLOB = Blob(Digest(f"sha256:{hashlib.sha256(DATA).hexdigest()}"), len(DATA))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Handle = Callable[[requests.PreparedRequest], Answer]


@dataclass
class Net(BaseAdapter):
    """``hosts`` by scheme and name; who asks another one finds nobody there."""

    hosts: Mapping[str, Handle]
    seen: list[requests.PreparedRequest] = field(default_factory=list)
    proxies: list[Mapping[str, str]] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, *_: Any, **how: Any) -> requests.Response:
        self.seen.append(request)
        self.proxies.append(how.get("proxies") or {})
        parts = urlsplit(request.url or "")
        handle = self.hosts.get(f"{parts.scheme!s}://{parts.netloc!s}")
        if handle is None:
            raise requests.ConnectionError("nobody is there")
        told = handle(request)
        answer = requests.Response()
        answer.status_code, answer.headers = told.status, CaseInsensitiveDict(told.headers)
        answer.raw, answer.url, answer.request = io.BytesIO(told.body), request.url or "", request
        return answer

    def close(self) -> None:
        """There is nothing to close."""

    def asked(self, host: str) -> list[requests.PreparedRequest]:
        return [request for request in self.seen if urlsplit(request.url).netloc == host]

    def urls(self) -> list[str]:
        return [f"{request.method} {request.url}" for request in self.seen]


@dataclass
class World:
    net: Net
    waits: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def client(self, host: str = HOST, login: Login | Credential | None = ALICE) -> Client:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self.net)
        if not isinstance(login, Login):
            login = Login.of(login)
        retry = Retry(self.waits.append, self.said.append)
        return Client(session, Registry(host), login, retry)


def world(handle: Handle, **others: Handle) -> World:
    """``handle`` is the registry; the names of the others are their addresses."""
    return World(Net({f"https://{HOST}": handle, **others}))


def at(host: str = HOST, name: str = "org/image") -> Repository:
    return Repository.parse(f"{host}/{name}")


def answering(*answers: Answer) -> Handle:
    """One after the other, and the last one from then on."""
    left = iter(answers)
    last = answers[-1]
    return lambda _request: next(left, last)


FOUND = Answer(200, {"Content-Type": MANIFEST.media_type}, BODY)


def with_tokens(realm: str = f"https://{AUTH}/token") -> Handle:
    """A registry that takes a token for everything."""

    def handle(request: requests.PreparedRequest) -> Answer:
        shown = request.headers.get("Authorization", "")
        if shown.startswith("Bearer "):
            return FOUND
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="{HOST}"'})

    return handle


def token_server(request: requests.PreparedRequest) -> Answer:
    del request
    return Answer(200, {}, json.dumps({"token": "t0ken", "expires_in": 300}).encode())


def query(request: requests.PreparedRequest) -> Mapping[str, list[str]]:
    return parse_qs(urlsplit(str(request.url)).query, keep_blank_values=True)


def shown(requests_: list[requests.PreparedRequest]) -> list[str | None]:
    return [request.headers.get("Authorization") for request in requests_]
