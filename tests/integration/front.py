"""A server in front of a registry: it passes every request on, unless it is told to fail."""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TLS_HANDSHAKE = b"\x16"
# Of an answer that breaks off before that.
FULL_LENGTH = "X-Full-Length"
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Seen:
    """A request: ``number`` counts from 1."""

    number: int
    method: str
    path: str
    body: bytes = b""
    authorization: str = ""


@dataclass(frozen=True)
class Silent:
    """The registry does as it is asked, and the client never learns of it."""


@dataclass(frozen=True)
class Twisted:
    """The registry's answer, but for a change."""

    change: Callable[[Answer], Answer]


@dataclass(frozen=True)
class Cut:
    """The connection breaks. ``up`` bytes of the request's body reach the registry (None: all of
    them), ``down`` bytes of its answer's body the client (None: nothing of the answer at all)."""

    reaches: bool = True
    up: int | None = None
    down: int | None = None


# What to answer instead of the registry; None passes the request on.
Fault = Callable[[Seen], Answer | Twisted | Cut | Silent | None]


@dataclass
class Front:
    host: str
    seen: list[Seen] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, registry: str, fault: Fault) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry, self.fault = registry, fault
        self.front = Front(f"127.0.0.1:{self.server_port}")
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away, as we do."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def see(self, method: str, path: str, body: bytes, authorization: str) -> Seen:
        with self.lock:
            seen = Seen(len(self.front.seen) + 1, method, path, body, authorization)
            self.front.seen.append(seen)
            return seen


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go separately, and must not wait for one another.
    disable_nagle_algorithm = True
    server: _Server
    rfile: io.BufferedReader

    def setup(self) -> None:
        super().setup()
        self.behind = HTTPConnection(self.server.registry, timeout=60)

    def finish(self) -> None:
        self.behind.close()
        super().finish()

    def handle(self) -> None:
        if self.rfile.peek(1)[:1] == TLS_HANDSHAKE:
            # Engines try TLS first, and go on without when they are answered in plain text.
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        else:
            super().handle()

    def handle_any(self) -> None:
        body = self._body()
        shown = self.headers.get("Authorization", "")
        told = self.server.fault(self.server.see(self.command, self.path, body, shown))
        if isinstance(told, Cut):
            self._cut(told, body)
        elif isinstance(told, Silent):
            self._passed_on(body)
            # Until the client has had enough.
            self.connection.recv(1)
            self.close_connection = True
        elif isinstance(told, Twisted):
            self._send(told.change(self._passed_on(body)))
        else:
            self._send(told or self._passed_on(body))

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _passed_on(self, body: bytes) -> Answer:
        registry = self.server.registry
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        self.behind.request(self.command, self.path, body, {**headers, "Host": registry})
        answer = self.behind.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP and name != FULL_LENGTH:
                self.send_header(name, self._own(value))
        head = self.command == "HEAD"
        length = dict(answer.headers).get("Content-Length", "0") if head else len(answer.body)
        length = dict(answer.headers).get(FULL_LENGTH, length)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(b"" if head else answer.body)

    def _cut(self, cut: Cut, body: bytes) -> None:
        if cut.reaches and cut.up is not None:
            self._begin(body, cut.up)
        elif cut.reaches:
            answer = self._passed_on(body)
            if cut.down is not None:
                headers = (*answer.headers, (FULL_LENGTH, str(len(answer.body))))
                self._send(replace(answer, headers=headers, body=answer.body[: cut.down]))
        # Not closed in good order, but reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _begin(self, body: bytes, size: int) -> None:
        """The registry gets a part of the body, and no more."""
        host, _, port = self.server.registry.rpartition(":")
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        headers = {**kept, "Host": self.server.registry, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection((host, int(port))) as connection:
            line = f"{self.command} {self.path} HTTP/1.1\r\n"
            connection.sendall(f"{line}{head}\r\n".encode() + body[:size])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    def _own(self, value: str) -> str:
        """A registry sends uploads on to its own address; ours is in front of it."""
        theirs, ours = f"http://{self.server.registry}/", f"http://{self.server.front.host}/"
        return f"{ours}{value.removeprefix(theirs)}" if value.startswith(theirs) else value

    def log_message(self, *_: object) -> None:
        """The tests look at what was seen, not at a log."""


@contextmanager
def in_front_of(registry: str, fault: Fault) -> Iterator[Front]:
    server = _Server(registry, fault)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.front
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
