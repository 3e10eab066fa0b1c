"""A server in front of a registry: it passes every request on, unless it is told to fail."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TLS_HANDSHAKE = b"\x16"
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


# What to answer instead of the registry; None passes the request on.
Fault = Callable[[Seen], Answer | None]


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

    def see(self, method: str, path: str) -> Seen:
        with self.lock:
            seen = Seen(len(self.front.seen) + 1, method, path)
            self.front.seen.append(seen)
            return seen


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    rfile: io.BufferedReader

    def handle(self) -> None:
        if self.rfile.peek(1)[:1] == TLS_HANDSHAKE:
            # Engines try TLS first, and go on without when they are answered in plain text.
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        else:
            super().handle()

    def handle_any(self) -> None:
        body = self._body()
        answer = self.server.fault(self.server.see(self.command, self.path))
        self._send(answer or self._passed_on(body))

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
        connection = HTTPConnection(registry, timeout=60)
        try:
            connection.request(self.command, self.path, body, {**headers, "Host": registry})
            answer = connection.getresponse()
            return Answer(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, self._own(value))
        head = self.command == "HEAD"
        length = dict(answer.headers).get("Content-Length", "0") if head else len(answer.body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(b"" if head else answer.body)

    def _own(self, value: str) -> str:
        """A registry sends uploads on to its own address; ours is in front of it."""
        if urlsplit(value).netloc != self.server.registry:
            return value
        return value.replace(self.server.registry, self.server.front.host, 1)

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
