"""A proxy as companies have them: whatever host is asked for, the way leads to one server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Tunnel:
    """``asked`` are the hosts and ports that clients wanted to be led to."""

    host: str
    asked: list[str] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, there: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.there = there
        self.tunnel = Tunnel(f"127.0.0.1:{self.server_port}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_CONNECT(self) -> None:
        self.server.tunnel.asked.append(self.path)
        host, _, port = self.server.there.rpartition(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pour, args=(far, self.connection))
            back.start()
            _pour(self.connection, far)
            back.join()

    def log_message(self, *_: object) -> None:
        """The tests look at what was asked, not at a log."""


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel_to(there: str) -> Iterator[Tunnel]:
    server = _Server(there)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.tunnel
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
