"""A server that answers as it is told, in the ways in which BinderHub may answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEEP_ALIVE = b":keepalive\n\n"


def event(**data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@dataclass
class Request:
    path: str
    headers: dict[str, str]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the ways in which BinderHub may answer it."""

    protocol_version = "HTTP/1.1"
    server: Binder

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.path, dict(self.headers)))
        self.server.answers.pop(0)(self)

    def stream(self, *pieces: bytes, whole: bool = True) -> None:
        """An event stream, one chunk for each piece; cut off unless ``whole``."""
        self.send_response(200)
        # Else who asks again at once might do so on a connection that is being closed.
        self.send_header("Connection", "close")
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.send_piece(piece)
        if whole:
            self.send_piece(b"")

    def send_piece(self, piece: bytes) -> None:
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.flush()

    def refuse(self, status: int, **headers: str) -> None:
        self.send_response(status, responses[status])
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silence."""


Answer = Callable[[Exchange], None]


class Binder(ThreadingHTTPServer):
    """Gives its ``answers`` one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.requests: list[Request] = []
        self.answers: list[Answer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def serving() -> Iterator[Binder]:
    with Binder() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield server
        finally:
            server.shutdown()


def streams(*pieces: bytes, whole: bool = True) -> Answer:
    return lambda exchange: exchange.stream(*pieces, whole=whole)


def refuses(status: int, **headers: str) -> Answer:
    return lambda exchange: exchange.refuse(status, **headers)


@dataclass
class Listener:
    """Stands in for the person, the sleep and the clock."""

    said: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0

    @property
    def phases(self) -> list[str]:
        return [line.removeprefix("phase: ") for line in self.said if line.startswith("phase: ")]

    @property
    def log(self) -> list[str]:
        return [line for line in self.said if not line.startswith("phase: ")]
